//! What is known of a player beside their record and their movements: what people vouch for, what was
//! staked, and who else used the instrument of a payment.
//!
//! Nobody reads it whose market asks nothing of it: [`Wants`] says what a policy wants, and the store
//! reads that and no more. It is read under the player's lock, like the movements.
//!
//! What other players do is not under this player's lock. Two players who first use one instrument in
//! the same moment may not see each other; whichever pays next with it sees both.

use super::Checkpoint;
use super::aggregate::{Flow, Query};
use super::attestation::{Attestation, AttestationKind, in_force};
use super::calendar::Calendar;
use super::facts::{EndFacts, Facts, Shared, Vouched};
use super::movement::Fingerprint;
use super::policy::{FxTable, MarketPolicy, Policies};
use crate::domain::{Currency, Direction, Instrument, Method, Money, OperatorId, Timestamp};
use psp_contract::Portable;
use std::collections::BTreeMap;
use uuid::Uuid;

/// As the records hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Background {
    /// Those that have ended too.
    pub attestations: Vec<Attestation>,
    /// One for each time from which a rule counts.
    pub turnover: Vec<Turnover>,
    /// How many other players of the operator used each of the payment's instruments. None of them was
    /// looked for where it is missing.
    pub others: BTreeMap<Fingerprint, u32>,
}

/// Stakes less voids since a time, in each currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turnover {
    pub since: Timestamp,
    pub sums: BTreeMap<Currency, i64>,
}

/// What the rules of one market ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    pub attestations: bool,
    pub turnover: Vec<Timestamp>,
    pub others: bool,
}

impl Wants {
    /// What the policy of a country wants at a time.
    pub fn of(policies: &Policies, country: &str, at: Timestamp) -> Self {
        policies.in_force(country, at).map(|policy| Self::by(policy, at)).unwrap_or_default()
    }

    /// What one version wants.
    pub fn by(policy: &MarketPolicy, at: Timestamp) -> Self {
        let checks = || policy.rules.iter().map(|rule| &rule.check);
        let queries = checks().flat_map(|check| check.queries());
        let mut turnover: Vec<Timestamp> = queries
            .filter(|query| query.flow == Flow::Turnover)
            .map(|query| query.window.bounds(&policy.calendar, at).from)
            .collect();
        turnover.sort_unstable();
        turnover.dedup();
        Self {
            attestations: checks().any(|check| !check.lifted_by().is_empty()),
            turnover,
            others: checks().any(|check| check.looks_for_others()),
        }
    }
}

impl Background {
    /// Nothing is known, or nobody asks.
    pub const NOTHING: &'static Self =
        &Self { attestations: Vec::new(), turnover: Vec::new(), others: BTreeMap::new() };

    /// A stake, or with a minus its void, that was booked after this was read.
    pub fn stake(&mut self, minor: i64, currency: Currency) {
        for turnover in &mut self.turnover {
            let sum = turnover.sums.entry(currency).or_default();
            *sum = sum.saturating_add(minor);
        }
    }

    /// Turnover since the window of a query began, in the query's currency, rounded down: who staked
    /// less than is asked for is not let through by a rounding.
    ///
    /// # Errors
    /// Why there is no sum, in words for people.
    pub fn turnover(
        &self,
        query: &Query,
        (calendar, at): (&Calendar, Timestamp),
        fx: &FxTable,
    ) -> Result<Money, String> {
        let from = query.window.bounds(calendar, at).from;
        // Between screening and counting a calendar's day may have begun: what was read then is older.
        let found = self.turnover.iter().find(|turnover| turnover.since == from);
        let found = found.ok_or_else(|| "was not counted".to_owned())?;
        let mut sum = Money::new(0, query.currency);
        for (currency, minor) in &found.sums {
            let owed = Money::new(-minor, *currency);
            let worth = super::aggregate::worth(owed, query.currency, fx);
            let worth = worth.map_err(|error| error.to_string())?;
            let next = sum.minor.checked_sub(worth.minor);
            sum.minor = next.ok_or_else(|| "more than can be counted".to_owned())?;
        }
        Ok(sum)
    }

    /// What of it the rules of a policy that run here look at.
    pub(super) fn gather(
        &self,
        facts: &mut Facts,
        policy: Option<&MarketPolicy>,
        payment: Option<Uuid>,
        ends: &[End],
    ) {
        let Some(policy) = policy else { return };
        facts.attestations = self.vouched(policy, facts, payment, ends);
        let here = |rule: &&super::rule::Rule| rule.at.contains(&facts.checkpoint);
        let looks = policy.rules.iter().filter(here).any(|rule| rule.check.looks_for_others());
        facts.shared = looks.then(|| self.shared(ends));
        let asks = policy.rules.iter().filter(here).any(|rule| rule.check.looks_at_each_end());
        let is_leaving = facts.checkpoint.direction() == Some(Direction::Withdrawal);
        let is_crypto = facts.payment().is_some_and(|payment| payment.method == Method::Crypto);
        if asks && is_leaving && is_crypto {
            facts.ends = self.controlled(ends, payment, facts.counted_at);
        }
    }

    /// Each address once, numbered as the places that vendors are asked about are: in the order of the
    /// parts. What goes to another kind of account goes over no chain.
    fn controlled(&self, ends: &[End], payment: Option<Uuid>, now: Timestamp) -> Vec<EndFacts> {
        let mut chains: Vec<&Chain> = Vec::new();
        let mut found = Vec::new();
        for end in ends {
            let place = match &end.place {
                Place::Chain(chain) if chains.contains(&chain) => continue,
                Place::Chain(chain) => {
                    chains.push(chain);
                    i16::try_from(chains.len() - 1).ok()
                }
                Place::Untold => None,
                Place::Account => continue,
            };
            let names_it = |one: &&Attestation| {
                end.is_named(&one.terms.reference)
                    || payment.is_some_and(|id| names(&one.terms.reference, id))
            };
            let proofs: Vec<Attestation> =
                self.attestations.iter().filter(names_it).cloned().collect();
            let control = in_force(&proofs, AttestationKind::ProofOfControl, now);
            found.push(EndFacts { place, control: control.map(Vouched::of) });
        }
        found
    }

    /// The newest that holds of each kind that a rule here asks for.
    fn vouched(
        &self,
        policy: &MarketPolicy,
        facts: &Facts,
        payment: Option<Uuid>,
        ends: &[End],
    ) -> Vec<Vouched> {
        let asked = kinds(policy, facts.checkpoint);
        let found = asked.into_iter().filter_map(|kind| {
            let about_this = |one: &&Attestation| {
                kind != AttestationKind::ProofOfControl
                    || ends.iter().any(|end| end.is_named(&one.terms.reference))
                    || payment.is_some_and(|id| names(&one.terms.reference, id))
            };
            let of_kind: Vec<Attestation> = self
                .attestations
                .iter()
                .filter(|one| one.terms.kind == kind)
                .filter(about_this)
                .cloned()
                .collect();
            in_force(&of_kind, kind, facts.counted_at).map(Vouched::of)
        });
        found.collect()
    }

    fn shared(&self, ends: &[End]) -> Shared {
        let others = ends.iter().filter_map(|end| self.others.get(&end.fingerprint?));
        others.max().map_or(Shared::NotTold, |others| Shared::Others(*others))
    }
}

/// The kinds that rules of a policy are lifted by at a checkpoint.
fn kinds(policy: &MarketPolicy, checkpoint: Checkpoint) -> Vec<AttestationKind> {
    let here = policy.rules.iter().filter(|rule| rule.at.contains(&checkpoint));
    let mut kinds: Vec<AttestationKind> =
        here.flat_map(|rule| rule.check.lifted_by().iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// `dep_…` or `wd_…`: people name a payment so.
fn names(reference: &str, payment: Uuid) -> bool {
    let digits = reference.trim().rsplit('_').next().unwrap_or_default();
    Uuid::try_parse(digits).is_ok_and(|named| named == payment)
}

/// Where a payment comes from or goes to, as far as rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub fingerprint: Option<Fingerprint>,
    place: Place,
}

/// What kind of place that is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Chain(Chain),
    /// An account that goes over no chain.
    Account,
    /// The PSP alone knows.
    Untold,
}

/// An address on a chain: public, and told to nobody here; it is compared, and no fact.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chain {
    network: String,
    asset: String,
    address: String,
}

impl End {
    pub fn of(operator: &OperatorId, instrument: &Instrument) -> Self {
        let place = match instrument.portable.clone() {
            Some(Portable::CryptoAddress { network, asset, address, .. }) => {
                Place::Chain(Chain { network, asset, address })
            }
            Some(_) => Place::Account,
            None => Place::Untold,
        };
        Self { fingerprint: Fingerprint::of(operator, instrument), place }
    }

    fn is_named(&self, reference: &str) -> bool {
        let Place::Chain(Chain { address, .. }) = &self.place else { return false };
        address.trim() == reference.trim()
    }
}

/// The ends of a payment that are known.
pub fn ends<'a>(
    operator: &OperatorId,
    instruments: impl IntoIterator<Item = &'a Instrument>,
) -> Vec<End> {
    instruments.into_iter().map(|instrument| End::of(operator, instrument)).collect()
}
