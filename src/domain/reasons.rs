//! Why something was not approved, in the words of its audience.

/// Who may read a reason. Telling a player of an AML hold can be a crime (tipping-off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    Player,
    Operator,
    Compliance,
}

impl Audience {
    pub const fn as_str(self) -> &'static str {
        match self {
            Audience::Player => "player",
            Audience::Operator => "operator",
            Audience::Compliance => "compliance",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Player, Self::Operator, Self::Compliance].into_iter().find(|a| a.as_str() == text)
    }
}

/// One reason: what was observed, against which threshold, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable, `area.fact`: `"limit.player_exceeded"`.
    pub code: String,
    pub message: String,
    pub rule: Option<String>,
    pub observed: Option<String>,
    pub threshold: Option<String>,
    pub remedy: Option<String>,
    /// The widest circle that may read it.
    pub audience: Audience,
    /// What was found was a hold. Kept with a withdrawal only, for when it is found again: a decision's own rules tell it.
    pub holds: bool,
}

impl Reason {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            rule: None,
            observed: None,
            threshold: None,
            remedy: None,
            audience: Audience::Player,
            holds: false,
        }
    }
}
