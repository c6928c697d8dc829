//! L1: the types of events, and which of them an endpoint asked for. Pure words; the lane makes the
//! events themselves.

use crate::domain::{DepositStatus, EventId, Timestamp, WithdrawalStatus};

/// The types that are not about a payment's status.
const OTHER_TYPES: [&str; 1] = ["psp.health_changed"];
/// Types with a name and without a sender yet: an endpoint that listens to nothing else would hear nothing.
const NOT_SENT: [&str; 3] =
    ["wallet.entry_posted", "decision.recorded", "reconciliation.break_found"];
/// An endpoint lists at most this many patterns: there are fewer types than that.
const PATTERNS_MAX: usize = 64;

/// Every type of event that can leave the house.
pub fn all_types() -> Vec<String> {
    let deposits = DepositStatus::ALL.iter().map(|s| format!("deposit.{s}"));
    let withdrawals = WithdrawalStatus::ALL.iter().map(|s| format!("withdrawal.{s}"));
    let others = OTHER_TYPES.iter().map(|kind| (*kind).to_owned());
    deposits.chain(withdrawals).chain(others).collect()
}

/// An event as the outbox holds it.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    pub event_id: EventId,
    /// `deposit.succeeded`
    pub kind: String,
    /// `dep_…`
    pub subject: String,
    /// Counts per payment from 1, without gaps.
    pub sequence: i64,
    pub created_at: Timestamp,
    /// The snapshot, as JSON text.
    pub data: String,
}

/// What an endpoint listens to: `*`, an area (`deposit.*`) or a whole type (`deposit.succeeded`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter(Vec<String>);

/// Why a list of event types was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("`events` is empty: list event types, or \"*\" for all of them")]
    Empty,
    #[error("`events` has more than {PATTERNS_MAX} entries: use \"deposit.*\" or \"*\"")]
    TooMany,
    #[error(
        "no event of \"{pattern}\" is sent yet: leave it out, or take \"*\", which will hold it once it is"
    )]
    NotSent {
        /// Its place in the list.
        index: usize,
        pattern: String,
    },
    #[error("there is no event type \"{pattern}\"")]
    Unknown {
        /// Its place in the list.
        index: usize,
        pattern: String,
    },
}

impl EventFilter {
    /// Accepts types that are sent only, since any other would be silence that looks like health.
    pub fn parse(patterns: &[String]) -> Result<Self, FilterError> {
        if patterns.is_empty() {
            return Err(FilterError::Empty);
        }
        if patterns.len() > PATTERNS_MAX {
            return Err(FilterError::TooMany);
        }
        let not_sent = |pattern: &str| {
            NOT_SENT.iter().any(|kind| *kind == pattern || area_pattern(kind) == pattern)
        };
        if let Some(index) = patterns.iter().position(|pattern| not_sent(pattern)) {
            return Err(FilterError::NotSent { index, pattern: patterns[index].clone() });
        }
        let types = all_types();
        let known = |pattern: &str| {
            pattern == "*"
                || types.iter().any(|kind| kind == pattern || area_pattern(kind) == pattern)
        };
        match patterns.iter().position(|pattern| !known(pattern)) {
            Some(index) => Err(FilterError::Unknown {
                index,
                // It is told back to whoever sent it; a huge one would only fill the answer.
                pattern: patterns[index].chars().take(64).collect(),
            }),
            None => Ok(Self(patterns.to_vec())),
        }
    }

    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

/// `deposit.*` of `deposit.succeeded`.
pub fn area_pattern(kind: &str) -> String {
    format!("{}.*", area(kind))
}

/// `deposit` of `deposit.succeeded`.
pub fn area(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(area, _)| area)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(patterns: &[&str]) -> Result<EventFilter, FilterError> {
        let owned: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        EventFilter::parse(&owned)
    }

    #[test]
    fn every_status_has_its_type() {
        let types = all_types();
        assert_eq!(types.len(), 11 + 11 + 1);
        assert!(types.iter().any(|kind| kind == "deposit.action_required"));
        assert!(types.iter().any(|kind| kind == "withdrawal.paid_in_part"));
    }

    #[test]
    fn a_filter_takes_all_an_area_or_a_type() {
        assert!(parse(&["*"]).is_ok());
        assert!(parse(&["deposit.*", "withdrawal.paid", "psp.health_changed"]).is_ok());
    }

    #[test]
    fn what_is_not_sent_is_refused_with_its_place() {
        for none in ["wallet.entry_posted", "decision.recorded", "decision.*", "reconciliation.*"] {
            let refusal = parse(&["*", none]);
            assert!(matches!(refusal, Err(FilterError::NotSent { index: 1, .. })), "{none:?}");
        }
    }

    #[test]
    fn a_misspelt_type_is_refused_with_its_place() {
        assert_eq!(parse(&[]), Err(FilterError::Empty));
        for bad in ["deposit.succeded", "deposit", "*.*", "", "deposits.*", "**"] {
            let refusal = parse(&["*", bad]);
            assert!(matches!(refusal, Err(FilterError::Unknown { index: 1, .. })), "{bad:?}");
        }
        assert_eq!(parse(&["*"; 65]), Err(FilterError::TooMany));
    }
}
