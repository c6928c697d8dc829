//! Why payments come before people: whatever asks people names a kind that can be asked for, and that
//! `docs/reviews.md` explains.

use super::source::Source;
use std::collections::BTreeSet;

/// The words of `PAYMENT_KINDS`.
pub fn known(text: &str) -> BTreeSet<String> {
    let list = text.split("PAYMENT_KINDS: [").nth(1).unwrap_or_default();
    words(list.split("];").next().unwrap_or_default()).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// The kinds that are named where people are asked.
pub fn asked(sources: &[Source]) -> BTreeSet<String> {
    let rules = sources.iter().filter(|it| it.path.starts_with("src/decide/") && !it.is_test());
    let asks = |line: &&str| line.contains("ask_people(") || line.contains("hold_back(");
    let lines = rules.flat_map(|it| it.text.lines().filter(asks));
    lines.filter_map(|line| words(line).last()).collect()
}

/// Kinds that nobody can ask for, and kinds that the guide does not explain.
pub fn check(known: &BTreeSet<String>, asked: &BTreeSet<String>, guide: &str) -> Vec<String> {
    let unknown = asked.difference(known).map(|kind| format!("{kind} is not among PAYMENT_KINDS"));
    let untold = known.iter().filter(|kind| !guide.contains(&format!("`{kind}`")));
    unknown
        .chain(untold.map(|kind| format!("docs/reviews.md does not say what {kind} is")))
        .collect()
}
