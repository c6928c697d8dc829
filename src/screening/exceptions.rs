//! Exceptions from the closed loop: two people approved that the money of one source may go elsewhere.
//!
//! A source is named by the id of one of its deposits, as the API shows it (`dep_…`): an account's number
//! has no place in a case. An exception holds for the whole source, from its approval to its end, while
//! what the source has not got back is no more than its amount. It is not used up: nothing was paid to
//! the source, so what is its own stays as large, and a new deposit of it may outgrow the exception.
//!
//! Nor does it say where the money may go: only to what is known to be the player's own.

use super::attestation::{Attestation, AttestationKind};
use super::sources::{Fate, History, Source, is_same};
use crate::domain::{Currency, Instrument, Timestamp};
use psp_contract::Portable;
use uuid::Uuid;

/// What people vouch for of one player's sources in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exceptions(Vec<Attestation>);

impl Exceptions {
    /// Those of all that a player's record holds. An amount of another currency says nothing of this one.
    pub fn of(currency: Currency, all: &[Attestation]) -> Self {
        let is_of = |one: &&Attestation| {
            let same = one.terms.amount.is_none_or(|most| most.currency == currency);
            same && one.terms.kind == AttestationKind::ClosedLoopException
        };
        Self(all.iter().filter(is_of).cloned().collect())
    }

    /// The newest that lets all that is the source's own go elsewhere.
    pub fn covering(&self, source: &Source, now: Timestamp) -> Option<Uuid> {
        let covers = |one: &&Attestation| {
            let enough = one.terms.amount.is_none_or(|most| source.net_minor() <= most.minor);
            let named = deposit_of(&one.terms.reference)
                .is_some_and(|deposit| source.deposits.contains(&deposit));
            enough && named && one.holds_at(now)
        };
        let newest = self.0.iter().filter(covers).max_by_key(|one| (one.given_at, one.id));
        newest.map(|one| one.id)
    }
}

/// `dep_…`.
fn deposit_of(reference: &str) -> Option<Uuid> {
    Uuid::try_parse(reference.trim().strip_prefix("dep_")?).ok()
}

/// Whether a destination is known to be the player's own: a deposit came from it, it was paid before,
/// or two people saw a proof of it.
pub fn is_known(
    to: &Instrument,
    history: &History,
    sources: &[&Source],
    vouched: &[Attestation],
    now: Timestamp,
) -> bool {
    let is_source = sources.iter().any(|source| {
        let of = to.source_deposit.is_some_and(|deposit| source.deposits.contains(&deposit));
        of || is_same(to, &source.instrument)
    });
    let was_paid =
        history.paid_out.iter().any(|part| part.fate == Fate::Paid && is_same(to, &part.to));
    let is_proven = vouched.iter().any(|one| {
        one.terms.kind == AttestationKind::ProofOfControl
            && one.holds_at(now)
            && address(to) == Some(one.terms.reference.trim())
    });
    is_source || was_paid || is_proven
}

/// A proof names an address; every other kind of account is personal data.
fn address(instrument: &Instrument) -> Option<&str> {
    match &instrument.portable {
        Some(Portable::CryptoAddress { address, .. }) => Some(address.trim()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "exceptions_tests.rs"]
mod tests;
