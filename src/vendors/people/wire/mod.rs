//! One file a vendor's wire: what is sent, and what comes back in our words. Nothing here sends.
//!
//! Reading order: [`register`], [`limit_file`], [`watchman`], [`yente`].

pub mod limit_file;
pub mod register;
pub mod watchman;
pub mod yente;

use crate::domain::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;

/// An answer that is not what was documented. What it held is not told: it can name people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not what was documented")]
pub struct Unreadable;

fn rfc3339(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text, &Rfc3339).ok()
}

/// A score as told, from 0 to 1, never through a float: a threshold is met or it is not. A matcher
/// that writes `null` gave no score, and that is no zero.
fn score(told: &RawValue) -> Option<Decimal> {
    let text = told.get().trim();
    let read = Decimal::from_scientific(text).or_else(|_| text.parse()).ok()?;
    (Decimal::ZERO <= read && read <= Decimal::ONE).then_some(read.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_the_decimal_that_was_told_and_null_is_none() {
        let read = |text: &str| {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            score(&raw).map(|score| score.to_string())
        };
        assert_eq!(read("0.8735").as_deref(), Some("0.8735"));
        assert_eq!(read("1.0").as_deref(), Some("1"));
        assert_eq!(read("9.5e-1").as_deref(), Some("0.95"));
        assert_eq!(read("0.9999999999999999").as_deref(), Some("0.9999999999999999"));
        for text in ["null", "1.01", "-0.1", "\"0.9\"", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
