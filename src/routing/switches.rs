//! Kill switches and scheduled maintenance: what people say must not be used, from when and until when.
//!
//! A switch names an account, a country, a direction, a method, or several of them; what it leaves out it
//! means all of. It stops what begins, and never what is under way: an attempt that was sent is inquired,
//! completed and booked as ever.

use crate::domain::{Direction, Method, OperatorId, PersonId, ReviewId, Timestamp};
use uuid::Uuid;

/// Why something is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchKind {
    /// Now, by a person.
    Kill,
    /// For a time that was known before.
    Maintenance,
}

impl SwitchKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            SwitchKind::Kill => "kill",
            SwitchKind::Maintenance => "maintenance",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Kill, Self::Maintenance].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What is switched off. None: all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub psp: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    pub direction: Option<Direction>,
    pub method: Option<Method>,
}

impl Scope {
    /// Whether it names nothing, and so would stop everything.
    pub const fn is_everything(&self) -> bool {
        self.psp.is_none()
            && self.country.is_none()
            && self.direction.is_none()
            && self.method.is_none()
    }
}

/// The use that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    pub operator: &'a OperatorId,
    pub psp: &'a str,
    pub country: &'a str,
    pub direction: Direction,
    pub method: Method,
}

/// Something that people switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    pub id: Uuid,
    pub operator: OperatorId,
    pub kind: SwitchKind,
    pub scope: Scope,
    /// What people wrote.
    pub reason: String,
    pub set_by: PersonId,
    pub set_at: Timestamp,
    pub from: Timestamp,
    /// None: until it is lifted.
    pub until: Option<Timestamp>,
    /// The case in which people confirm or lift it, while that is open.
    pub review: Option<ReviewId>,
    /// What somebody proposed, until another person agrees; it stays with a kill switch that was lifted so.
    pub lift_proposed: Option<LiftProposal>,
    pub lifted: Option<Lifted>,
}

/// Who proposed to lift a switch, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftProposal {
    pub by: PersonId,
    pub at: Timestamp,
    pub reason: String,
}

/// Who lifted a switch, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    pub by: PersonId,
    pub at: Timestamp,
    pub reason: String,
}

impl Switch {
    /// What began when it was set has begun wherever it is known, whatever the clock there says: two machines
    /// never agree to the second, and a kill switch must not wait for the slower one.
    pub fn is_on(&self, now: Timestamp) -> bool {
        let has_begun = self.from <= self.set_at || self.from <= now;
        self.lifted.is_none() && has_begun && self.until.is_none_or(|until| now < until)
    }

    pub fn covers(&self, asked: &Use<'_>) -> bool {
        let Scope { psp, country, direction, method } = &self.scope;
        self.operator == *asked.operator
            && psp.as_ref().is_none_or(|psp| psp == asked.psp)
            && country.as_ref().is_none_or(|country| country == asked.country)
            && direction.is_none_or(|direction| direction == asked.direction)
            && method.is_none_or(|method| method == asked.method)
    }

    /// In the end of a plain sentence.
    pub fn text(&self) -> String {
        match self.kind {
            SwitchKind::Kill => format!("switched off: {}", self.reason),
            SwitchKind::Maintenance => format!("in maintenance: {}", self.reason),
        }
    }
}

/// The switch that forbids a use now, the oldest first.
pub fn forbidding<'a>(
    switches: &'a [Switch],
    asked: &Use<'_>,
    now: Timestamp,
) -> Option<&'a Switch> {
    switches.iter().find(|switch| switch.is_on(now) && switch.covers(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use time::macros::datetime;

    const FROM: Timestamp = datetime!(2026-03-01 12:00 UTC);

    fn switch(scope: Scope) -> Switch {
        Switch {
            id: Uuid::nil(),
            operator: OperatorId::trusted("op_demo"),
            kind: SwitchKind::Maintenance,
            scope,
            reason: "their notice".to_owned(),
            set_by: PersonId::trusted("p_a"),
            set_at: FROM - Duration::from_secs(60),
            from: FROM,
            until: Some(FROM + Duration::from_secs(3_600)),
            review: None,
            lift_proposed: None,
            lifted: None,
        }
    }

    fn covers(scope: Scope, operator: &str) -> bool {
        let operator = OperatorId::trusted(operator);
        let asked = Use {
            operator: &operator,
            psp: "trustly-se",
            country: "SE",
            direction: Direction::Deposit,
            method: Method::BankTransfer,
        };
        forbidding(&[switch(scope)], &asked, FROM).is_some()
    }

    #[test]
    fn it_covers_what_it_names_and_all_of_what_it_leaves_out() {
        let named = |psp: &str| Scope { psp: Some(psp.to_owned()), ..Scope::default() };
        assert!(covers(named("trustly-se"), "op_demo"));
        assert!(!covers(named("swish-se"), "op_demo"));
        assert!(!covers(named("trustly-se"), "op_other"), "another operator's payments go on");
        let withdrawals = Scope { direction: Some(Direction::Withdrawal), ..named("trustly-se") };
        assert!(!covers(withdrawals, "op_demo"));
        let market = Scope { country: Some("SE".to_owned()), ..Scope::default() };
        assert!(covers(market, "op_demo"));
        let method = Scope { method: Some(Method::Card), ..Scope::default() };
        assert!(!covers(method, "op_demo"));
    }

    #[test]
    fn it_is_on_from_its_beginning_until_its_end_or_until_it_is_lifted() {
        let mut switch = switch(Scope::default());
        let at = |secs: i64| FROM + time::Duration::seconds(secs);
        let on: Vec<bool> = [-1, 0, 3_599, 3_600].map(|secs| switch.is_on(at(secs))).to_vec();
        assert_eq!(on, [false, true, true, false]);
        let by = PersonId::trusted("p_b");
        switch.lifted = Some(Lifted { by, at: FROM, reason: "done".to_owned() });
        assert!(!switch.is_on(at(1)));
    }

    #[test]
    fn what_began_when_it_was_set_is_on_where_the_clock_is_behind_the_setters() {
        let behind = FROM - Duration::from_secs(30);
        let now = Switch { set_at: FROM, ..switch(Scope::default()) };
        assert!(now.is_on(behind));
        assert!(
            !switch(Scope::default()).is_on(behind),
            "what was set for later waits for its time"
        );
    }
}
