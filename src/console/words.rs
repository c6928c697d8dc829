//! Times and other values as pages tell them.

use crate::domain::{Audience, Reason, Timestamp};
use time::UtcOffset;
use time::macros::format_description;

/// `2026-11-21 10:04:05 UTC`
pub fn time(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    // A format of numbers alone always succeeds.
    at.to_offset(UtcOffset::UTC).format(&format).unwrap_or_default()
}

/// `2026-11-21T10:04`, as a browser's field for a time gives it, in UTC.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // Some browsers leave seconds out when they are nought.
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let parsed = time::PrimitiveDateTime::parse(text, &seconds)
        .or_else(|_| time::PrimitiveDateTime::parse(text, &minutes));
    parsed.ok().map(time::PrimitiveDateTime::assume_utc)
}

/// The reasons that somebody may read.
pub fn readable(reasons: &[Reason], reads_compliance: bool) -> impl Iterator<Item = &Reason> {
    reasons.iter().filter(move |reason| reads_compliance || reason.audience != Audience::Compliance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_and_read_in_utc() {
        let at = parse_time("2026-11-21T10:04").unwrap();
        assert_eq!(time(at), "2026-11-21 10:04:00 UTC");
        assert_eq!(parse_time("2026-11-21T10:04:00"), Some(at));
        for wrong in ["", "tomorrow", "2026-02-30T10:00", "2026-11-21 10:04"] {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_for_compliance_is_shown_to_nobody_else() {
        let secret =
            Reason { audience: Audience::Compliance, ..Reason::new("kyt.severe", "a mixer") };
        let open = Reason { audience: Audience::Operator, ..Reason::new("velocity.count", "many") };
        let reasons = [secret, open];
        let codes =
            |compliance| readable(&reasons, compliance).map(|r| r.code.clone()).collect::<Vec<_>>();
        assert_eq!(codes(false), ["velocity.count"]);
        assert_eq!(codes(true), ["kyt.severe", "velocity.count"]);
    }
}
