//! L3, cases: opened, worked on and decided by people, and looked at when nobody does.
//!
//! A payment's and a player's case is decided in the player's lane, where what it does is done in the same
//! commit; a case of the service under the lock of its own row. Everything that decides nothing (locks,
//! notes, requests for information) happens under the lock of the row, whatever the case is about.
//!
//! Reading order: [`open_case`], [`open_name_case`], [`work_on_case`], [`decide_case`], [`sweep_cases`],
//! [`erase_players`].

pub mod decide_case;
pub mod erase_players;
pub mod name_proposal;
pub mod open_case;
pub mod open_name_case;
pub mod sweep_cases;
pub mod work_on_case;

use crate::decide::four_eyes::ReviewTerms;

/// What the configuration says of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRules {
    pub terms: ReviewTerms,
    /// Whom reminders go to: the first to the first of them, and so on; the last has all others. None: no
    /// letters are written.
    pub escalate_to: Vec<String>,
}

impl ReviewRules {
    /// Who gets the reminder of this number, counted from 1.
    pub fn recipient(&self, step: i16) -> Option<&str> {
        let index = usize::try_from(step).unwrap_or(1).saturating_sub(1);
        self.escalate_to.get(index).or(self.escalate_to.last()).map(String::as_str)
    }
}
