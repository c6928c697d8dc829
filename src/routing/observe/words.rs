//! A change in words: for the log, the metrics and the events.

use crate::domain::Direction;
use crate::routing::health::{Bucket, Change, Turn};

/// A change in plain words and in numbers.
pub(super) fn say(change: &Change, seen_by: &'static str) {
    let (psp, kind) = (psp_of(change), kind_of(change));
    let (direction, why) = (direction_of(change).as_str(), explain(change));
    // Probes come every few seconds for as long as a PSP fails.
    if kind == "probing" {
        tracing::info!(psp.id = psp, direction, change = kind, seen_by, "{why}");
    } else {
        tracing::warn!(psp.id = psp, direction, change = kind, seen_by, "{why}");
    }
    let labels =
        [("psp", psp.to_owned()), ("direction", direction.to_owned()), ("change", kind.to_owned())];
    metrics::counter!("psp_health_changes_total", &labels).increment(1);
    if let Change::Technical { turn, .. } = change {
        let well = u8::from(matches!(turn, Turn::Recovered | Turn::Unwatched));
        metrics::gauge!("psp_is_well", &labels[..2]).set(well);
    }
}

/// `failing`, `silent`, `probing`, `recovered`, `demoted`, `restored`, `bucket_blamed`.
pub const fn kind_of(change: &Change) -> &'static str {
    match change {
        Change::Technical { turn: Turn::Failing, .. } => "failing",
        Change::Technical { turn: Turn::Silent, .. } => "silent",
        Change::Technical { turn: Turn::Probing, .. } => "probing",
        Change::Technical { turn: Turn::Recovered | Turn::Unwatched, .. } => "recovered",
        Change::Demoted { .. } => "demoted",
        Change::Restored { .. } => "restored",
        Change::BucketBlamed { .. } => "bucket_blamed",
    }
}

/// The PSP account; empty where it is about all of a bucket.
pub fn psp_of(change: &Change) -> &str {
    match change {
        Change::Technical { psp, .. }
        | Change::Demoted { psp, .. }
        | Change::Restored { psp, .. } => psp,
        Change::BucketBlamed { .. } => "",
    }
}

pub const fn direction_of(change: &Change) -> Direction {
    match change {
        Change::Technical { direction, .. } => *direction,
        Change::Demoted { bucket, .. }
        | Change::Restored { bucket, .. }
        | Change::BucketBlamed { bucket } => bucket.direction,
    }
}

/// What happened and what follows from it, as one sentence.
pub fn explain(change: &Change) -> String {
    let what = |bucket: &Bucket| {
        let Bucket { direction, country, method, currency } = bucket;
        format!("{direction}s of {country} by {method} in {currency}")
    };
    match change {
        Change::Technical { psp, direction, turn } => match turn {
            Turn::Failing => format!(
                "{psp} fails: too many of its last {direction} calls were its own faults; others are asked first"
            ),
            Turn::Silent => format!(
                "{psp} is silent: {direction} calls have waited longer than it ever takes; others are asked first"
            ),
            Turn::Probing => format!("one {direction} call looks whether {psp} is well again"),
            Turn::Recovered => {
                format!("{psp} is well again for {direction}s: its probes were answered")
            }
            Turn::Unwatched => format!(
                "nobody was there to find {psp} failing for long: it has its place for {direction}s again"
            ),
        },
        Change::Demoted { psp, bucket } => {
            format!("{psp} approves far fewer {} than it used to: others first", what(bucket))
        }
        Change::Restored { psp, bucket } => {
            format!("{psp} approves {} as it is expected to again", what(bucket))
        }
        Change::BucketBlamed { bucket } => format!(
            "every PSP approves fewer {}: their banks are at fault, so all keep their places",
            what(bucket)
        ),
    }
}
