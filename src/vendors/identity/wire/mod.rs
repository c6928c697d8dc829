//! One file a vendor's wire: what its messages say, what it is asked, and what it answers, in our words.
//! Nothing here sends.
//!
//! Reading order: [`sumsub`], [`onfido`], [`veriff`].

pub mod onfido;
pub mod sumsub;
pub mod veriff;

use crate::domain::Timestamp;
use crate::screening::hooks::KycStanding;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Something that is not what was documented. What it held is not told: it can name people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not what the vendor documents")]
pub struct Unreadable;

/// What a verified message says. It is a hint, and only makes us ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The vendor's own word, `"applicantReviewed"`.
    pub kind: String,
    /// What the vendor is to be asked for. None: it is about nobody.
    pub reference: Option<String>,
    /// Whom it names, as we once told the vendor.
    pub player: Option<String>,
    pub happened_at: Option<Timestamp>,
    pub is_sandbox: bool,
    /// It sends us to another host than the one that we ask.
    pub leads_elsewhere: bool,
}

/// What a vendor says when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub reference: String,
    /// Whom it is about, as we once told the vendor.
    pub player: Option<String>,
    pub standing: KycStanding,
    /// The vendor's own name of what was verified.
    pub level_name: String,
    /// When the verification began, and when it was decided, where the vendor tells.
    pub begun_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    pub is_sandbox: bool,
    /// The vendor's own codes of why it rejected, for compliance alone.
    pub labels: Vec<String>,
}

/// Ids go into paths: only what needs no escape does.
fn plain(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(fits)
}

/// Codes of reasons as vendors write them. Free text is left out: it can name people.
fn labels(told: Vec<String>) -> Vec<String> {
    told.into_iter().filter(|label| plain(label)).take(32).collect()
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text, &Rfc3339).ok()
}

/// `2026-11-21 08:00:05`, with or without a fraction and `+0000`: always UTC.
fn spaced(text: &str) -> Option<Timestamp> {
    const FORMAT: &[BorrowedFormatItem<'_>] = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]"
    );
    let text = text.strip_suffix("+0000").unwrap_or(text);
    PrimitiveDateTime::parse(text.trim_end(), FORMAT).ok().map(PrimitiveDateTime::assume_utc)
}

/// Unix milliseconds.
fn from_millis(ms: i64) -> Option<Timestamp> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_read_as_vendors_write_them() {
        let whole = datetime!(2026-11-21 8:00:05 UTC);
        for text in ["2026-11-21 08:00:05", "2026-11-21 08:00:05+0000", "2026-11-21 08:00:05 +0000"]
        {
            assert_eq!(spaced(text), Some(whole), "{text}");
        }
        assert_eq!(
            spaced("2026-11-21 08:00:05.250"),
            Some(whole + time::Duration::milliseconds(250))
        );
        assert_eq!(from_millis(1_795_248_005_000), Some(whole));
        for text in
            ["", "2026-11-21", "2026-11-21T08:00:05Z", "tomorrow", "2026-11-21 08:00:05+0100"]
        {
            assert_eq!(spaced(text), None, "{text}");
        }
    }

    #[test]
    fn only_plain_ids_are_asked_for_and_only_codes_are_kept() {
        assert!(plain("5cb56e8e0a975a35f333cb83") && plain("0192f0c2-8a7d"));
        for id in ["", "../admin", "a/b", "a?b", "a%2f", "a b", &"a".repeat(65)] {
            assert!(!plain(id), "{id}");
        }
        let told = vec!["FORGERY".to_owned(), "Erika is not Erika".to_owned()];
        assert_eq!(labels(told), ["FORGERY"]);
    }
}
