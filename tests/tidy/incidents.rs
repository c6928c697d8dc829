//! What people are called for, and the table that tells them what to do: `docs/operations.md` has a row for
//! every kind of incident that the service raises, and for no other.

use super::source::Source;
use std::collections::BTreeSet;

/// Where incidents are raised.
const ROOMS: &[&str] = &[
    "src/decide/",
    "src/webhooks/",
    "src/workers/",
    "src/evidence/",
    "src/payments/tell_",
    "src/vendors/",
    "src/unreadable",
];

/// What the name of a kind begins with. A text of this form that is no incident stands in
/// [`OTHER_WORDS`].
const AREAS: &[&str] = &[
    "attempt.",
    "deposit.",
    "evidence.",
    "kyc_",
    "ledger.",
    "name_",
    "payin.",
    "payout.",
    "rates.",
    "reservation_",
    "row_",
    "webhook.",
    "withdrawal.",
];

/// Events, reasons and outcomes that are named as incidents are, with what they are.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("deposit.not_taken", "a reason"),
    ("deposit.overpaid", "a reason"),
    ("deposit.succeeded", "an event"),
    ("deposit.underpaid", "a reason"),
    ("name_unresolved", "why a receiver was not reached"),
    ("withdrawal.moved_late", "a reason"),
];

/// The kinds that these files raise, as far as they can be told from other words by their form.
pub fn raised(sources: &[Source]) -> BTreeSet<String> {
    let rooms = sources.iter().filter(|it| ROOMS.iter().any(|room| it.path.starts_with(room)));
    let shipped = rooms.filter(|it| !it.is_test() && !it.path.ends_with("_tests.rs"));
    shipped.flat_map(|it| kinds(&it.text)).collect()
}

fn kinds(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words: Vec<&str> = code.flat_map(|line| line.split('"').skip(1).step_by(2)).collect();
    let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
    let is_kind = |word: &&&str| {
        word.chars().all(plain)
            && AREAS.iter().any(|area| word.strip_prefix(area).is_some_and(|rest| !rest.is_empty()))
    };
    words.iter().filter(is_kind).map(|word| (*word).to_owned()).collect()
}

/// The kinds of the table under `## Incidents`.
pub fn told(guide: &str) -> BTreeSet<String> {
    let from = guide.split_once("\n## Incidents\n").map_or("", |(_, after)| after);
    let section = from.split_once("\n## ").map_or(from, |(section, _)| section);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| cell.split(", ")).map(|it| it.trim_matches('`').to_owned()).collect()
}

/// The kinds of which the console's pages say what they mean.
pub fn explained(words: &str) -> BTreeSet<String> {
    let shipped = words.split_once("#[cfg(test)]").map_or(words, |(shipped, _)| shipped);
    kinds(shipped)
}

/// What has a row in the guide and no words on the pages, and the other way round.
pub fn check_pages(explained: &BTreeSet<String>, told: &BTreeSet<String>) -> Vec<String> {
    let missing = told.difference(explained).map(|kind| {
        format!("src/console/incident_words.rs does not say what the incident {kind} means")
    });
    let gone = explained.difference(told).map(|kind| {
        format!("src/console/incident_words.rs tells of {kind}, which docs/operations.md does not")
    });
    missing.chain(gone).collect()
}

/// What is raised and stands in no row, and what stands in a row and is never raised.
pub fn check(raised: &BTreeSet<String>, told: &BTreeSet<String>) -> Vec<String> {
    let is_other = |kind: &&String| OTHER_WORDS.iter().any(|(word, _)| word == *kind);
    let mut faults = Vec::new();
    for kind in raised.difference(told).filter(|kind| !is_other(kind)) {
        faults.push(format!(
            "{kind} is raised, and docs/operations.md does not say under Incidents what to do (a word \
             that is no incident goes into OTHER_WORDS of tests/tidy/incidents.rs)"
        ));
    }
    for kind in told.difference(raised) {
        faults.push(format!(
            "docs/operations.md tells of the incident {kind}, which is never raised"
        ));
    }
    let gone = OTHER_WORDS.iter().filter(|(word, _)| !raised.contains(*word));
    faults.extend(gone.map(|(word, what)| format!("OTHER_WORDS has {word}, {what} that is gone")));
    faults
}
