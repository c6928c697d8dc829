//! What the service counts and measures, and the tables that tell people what to watch:
//! `docs/operations.md` names every metric, and no other.

use super::source::Source;
use std::collections::BTreeSet;

/// What a name stands behind: the macros, and a function of a room that measures several alike.
const MEASURES: &[&str] =
    &["metrics::counter!(", "metrics::gauge!(", "metrics::histogram!(", " gauge("];

/// The metrics that these files name by a literal, outside of tests.
pub fn counted(sources: &[Source]) -> BTreeSet<String> {
    let shipped = sources.iter().filter(|it| !it.is_test());
    let shipped =
        shipped.filter(|it| it.path.contains("src/") && !it.path.starts_with("mock-psps/"));
    shipped.flat_map(names).collect()
}

fn names(source: &Source) -> BTreeSet<String> {
    // Texts are blanked in `shipped`, letter by letter: what stands there in `text` is counted in letters.
    let text: Vec<char> = source.text.chars().collect();
    let mut found = BTreeSet::new();
    for (at, it) in MEASURES.iter().flat_map(|it| source.shipped.match_indices(it)) {
        let after = source.shipped[..at].chars().count() + it.chars().count();
        let mut rest = text[after..].iter().skip_while(|c| c.is_whitespace());
        if rest.next() == Some(&'"') {
            found.insert(rest.take_while(|c| **c != '"').collect());
        }
    }
    found
}

/// The metrics in the first cells of the table under *Is it well?*.
pub fn told(guide: &str) -> BTreeSet<String> {
    let from = guide.split_once("\n| Metric |").map_or("", |(_, after)| after);
    let table = from.split_once("\n\n").map_or(from, |(table, _)| table);
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| cell.split(", ")).map(|it| it.trim_matches('`').to_owned()).collect()
}

/// What is counted and stands in no row, and what stands in a row and is never counted.
pub fn check(counted: &BTreeSet<String>, told: &BTreeSet<String>) -> Vec<String> {
    let untold = counted.difference(told).map(|name| {
        format!(
            "{name} is counted, and docs/operations.md does not say under Metric what to watch for"
        )
    });
    let gone = told
        .difference(counted)
        .map(|name| format!("docs/operations.md tells of the metric {name}, which nobody counts"));
    untold.chain(gone).collect()
}
