//! What lifts a finding: two people vouched for what the rule wants to know.

use crate::domain::{Currency, Money};
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::{Facts, Vouched};
use crate::screening::file::Table;
use crate::screening::rule::{Finding, State};

/// Reads `lifted_by`: the kinds of attestations that do, instead of the usual ones. An empty list:
/// nothing lifts it.
pub fn read(table: &Table<'_>, usual: &[AttestationKind]) -> Vec<AttestationKind> {
    if !table.has("lifted_by") {
        return usual.to_vec();
    }
    let mut kinds = Vec::new();
    for text in table.texts("lifted_by") {
        match AttestationKind::parse(&text) {
            Some(kind) => kinds.push(kind),
            None => table.fault("lifted_by", format!("has `{text}`, which is no attestation")),
        }
    }
    kinds
}

/// A hit that is vouched for up to this worth is none, and says who vouched. What is an error stays
/// one: nobody vouched for what cannot be told.
pub fn lift(
    mut finding: Finding,
    kinds: &[AttestationKind],
    worth: Option<Money>,
    facts: &Facts,
) -> Finding {
    if finding.state != State::Hit {
        return finding;
    }
    let of_kinds = facts.attestations.iter().filter(|one| kinds.contains(&one.kind));
    let (covers, short): (Vec<&Vouched>, Vec<&Vouched>) =
        of_kinds.partition(|one| covers(one, worth, facts));
    if let Some(one) = covers.first() {
        finding.state = State::NoHit;
        finding.observed = format!("{}; {} {}", finding.observed, one.kind.as_str(), one.id);
    } else if let Some(one) = short.first() {
        let most = one.amount.map_or_else(String::new, |amount| format!(" up to {amount} only"));
        finding.observed = format!("{}; {} {}{most}", finding.observed, one.kind.as_str(), one.id);
    }
    finding
}

/// As [`lift`], where each of several ends needs an attestation of its own, and what is vouched for one of them
/// says nothing of the others.
pub fn lift_each(
    mut finding: Finding,
    ends: &[Option<Vouched>],
    worth: Option<Money>,
    facts: &Facts,
) -> Finding {
    if finding.state != State::Hit {
        return finding;
    }
    let covering = ends.iter().flatten().filter(|one| covers(one, worth, facts));
    let covering: Vec<&Vouched> = covering.collect();
    if covering.len() == ends.len() {
        finding.state = State::NoHit;
    }
    let mut named: Vec<&Vouched> = ends.iter().flatten().collect();
    named.sort_by_key(|one| one.id);
    named.dedup_by_key(|one| one.id);
    for one in named {
        let short = one.amount.filter(|_| !covers(one, worth, facts));
        let most = short.map_or_else(String::new, |amount| format!(" up to {amount} only"));
        finding.observed = format!("{}; {} {}{most}", finding.observed, one.kind.as_str(), one.id);
    }
    if finding.state == State::Hit && !covering.is_empty() {
        let (proven, all) = (covering.len(), ends.len());
        finding.observed = format!("{} for {proven} of {all} only", finding.observed);
    }
    finding
}

/// One without an amount covers all. What cannot be compared is not covered.
fn covers(one: &Vouched, worth: Option<Money>, facts: &Facts) -> bool {
    let Some(amount) = one.amount else { return true };
    let Some(worth) = worth else { return false };
    if amount.currency == worth.currency {
        return worth.minor <= amount.minor;
    }
    // Rounded down, so that nobody is covered by a rounding.
    let owed = Money::new(-amount.minor, amount.currency);
    let covered = facts.fx.convert_up(owed, worth.currency);
    covered.is_some_and(|covered| worth.minor <= -covered.minor)
}

/// What a payment is worth in euro.
pub fn worth_of_payment(facts: &Facts) -> Option<Money> {
    facts.money().and_then(|money| facts.fx.convert_up(money, Currency::EUR))
}
