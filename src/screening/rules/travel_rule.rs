//! What must be known of both ends of a transfer of crypto (EU 2023/1113, art. 14 and 16; FATF R.16).
//!
//! The casino's record names the player, and the payment the address. What is looked at here is whether
//! an address of the player's own keeping was proven to be theirs, from a certain worth on. Two people who
//! saw the proof vouch for it, naming the address or the payment; without that, people look.
//!
//! A withdrawal may go to several addresses. Who keeps or controls one of them says nothing of the others, so
//! each must be kept by an exchange or proven; the worth is that of the whole withdrawal, since money that is
//! sent in parts is sent all the same.

use super::lifting;
use crate::domain::{Audience, Currency, Method, Money};
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::{EndFacts, Facts, Vouched};
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use crate::screening::signals::{VendorResult, VendorState};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct TravelRule {
    from: Money,
    lifted_by: Vec<AttestationKind>,
}

impl TravelRule {
    pub fn read(table: &Table<'_>) -> Self {
        Self {
            from: table.money("self_hosted_from_eur", Currency::EUR),
            lifted_by: lifting::read(table, &[AttestationKind::ProofOfControl]),
        }
    }
}

impl Check for TravelRule {
    fn kind(&self) -> &'static str {
        "travel_rule"
    }

    fn operator(&self) -> &'static str {
        "<"
    }

    fn lifted_by(&self) -> &[AttestationKind] {
        &self.lifted_by
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(payment) = facts.payment().filter(|found| found.method == Method::Crypto) else {
            return Vec::new();
        };
        let threshold = format!("{} to an address that nobody is known to keep", self.from);
        let Some(worth) = facts.fx.convert_up(payment.money, Currency::EUR) else {
            let problem = format!("{}, no exchange rate to EUR", payment.money);
            return vec![Finding::error(problem, threshold)];
        };
        let open: Vec<&EndFacts> = facts.ends.iter().filter(|end| !is_kept(end, facts)).collect();
        let (some, all) = (open.len(), facts.ends.len());
        let is_kept = if all == 0 { facts.vendors.iter().any(names_exchange) } else { some == 0 };
        let keeper = match is_kept {
            true => "kept by an exchange".to_owned(),
            false if some == all => "kept by nobody known".to_owned(),
            false => format!("{some} of {all} addresses kept by nobody known"),
        };
        let hit = !is_kept && self.from.minor <= worth.minor;
        let finding = Finding::new(hit, format!("{worth}, {keeper}"), threshold);
        if all == 0 {
            return vec![lifting::lift(finding, &self.lifted_by, Some(worth), facts)];
        }
        let of_addresses = |kind: &&AttestationKind| **kind == AttestationKind::ProofOfControl;
        let (proof, others): (Vec<AttestationKind>, Vec<AttestationKind>) =
            self.lifted_by.iter().partition(of_addresses);
        let finding = lifting::lift(finding, &others, Some(worth), facts);
        if proof.is_empty() {
            return vec![finding];
        }
        let proofs: Vec<Option<Vouched>> = open.iter().map(|end| end.control).collect();
        vec![lifting::lift_each(finding, &proofs, Some(worth), facts)]
    }

    fn converts(&self, facts: &Facts, _: &BTreeSet<Currency>) -> bool {
        let payment = facts.payment().filter(|found| found.method == Method::Crypto);
        payment.is_some_and(|found| found.money.currency != Currency::EUR)
    }

    fn looks_at_each_end(&self) -> bool {
        true
    }

    /// A rule against laundering: who knows its threshold stays below it. Compliance asks the player for
    /// the proof.
    fn words(&self, _: &RuleResult) -> Words {
        Words::new(
            Audience::Compliance,
            "travel_rule.control_unproven",
            "it is not proven that the player controls this address",
            "have the player prove control of the address, or use an exchange's",
        )
    }
}

/// A vendor that names an exchange as the other side names who keeps the address.
fn names_exchange(result: &VendorResult) -> bool {
    let mut signals = result.signals.iter();
    result.state == VendorState::Final
        && signals.any(|signal| signal.category == "exchange" && signal.direct == Some(true))
}

/// An answer that names no place can only be about the only one.
fn is_kept(end: &EndFacts, facts: &Facts) -> bool {
    let is_about = |result: &&VendorResult| match result.place {
        Some(_) => result.place == end.place,
        None => facts.ends.len() == 1,
    };
    facts.vendors.iter().filter(is_about).any(names_exchange)
}

#[cfg(test)]
mod tests {
    use super::super::rule_tests::{Case, vouched};
    use crate::domain::{Instrument, Method};
    use crate::screening::Checkpoint::{DepositPost, WithdrawalRequest};
    use crate::screening::attestation::AttestationKind;
    use crate::screening::background::{End, ends};
    use crate::screening::engine;
    use crate::screening::rule::State::{self, Hit, NoHit};
    use crate::screening::signals::{Hook, Risk, Signal, VendorResult, VendorState};
    use crate::screening::test_data::NOW;
    use psp_contract::Portable;
    use uuid::Uuid;

    const RULE: &str = "id = \"travel_rule\"\nself_hosted_from_eur = \"1000.00\"";
    const THRESHOLD: &str = "1000.00 EUR to an address that nobody is known to keep";
    const OBSERVED: &str = "1000.00 EUR, kept by nobody known";
    const ADDRESS: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    fn case(reference: &str) -> Case {
        let mut case = Case { method: Method::Crypto, ..Case::new(RULE) };
        case.ends = vec![End::of(&case.player.key.operator, &address(ADDRESS))];
        let mut proof = vouched(1, AttestationKind::ProofOfControl, None, NOW);
        proof.terms.reference = reference.to_owned();
        case.background.attestations = vec![proof];
        case
    }

    #[test]
    fn a_proof_is_good_for_the_address_or_the_payment_that_it_names() {
        let lifted = format!("{OBSERVED}; proof_of_control 00000000-0000-0000-0000-000000000001");
        let (met, proven) = ([(Hit, OBSERVED, THRESHOLD)], [(NoHit, &*lifted, THRESHOLD)]);
        case(ADDRESS).check(WithdrawalRequest, 100_000, &proven);
        case("0x0000000000000000000000000000000000000001").check(WithdrawalRequest, 100_000, &met);
        // Upper and lower case are a checksum on this chain, and another address on others.
        case(&ADDRESS.to_lowercase()).check(WithdrawalRequest, 100_000, &met);
        let payment = Uuid::from_u128(7);
        let named = case(&format!("dep_{}", payment.simple()));
        named.check_own(DepositPost, 100_000, Some(payment), &proven);
        named.check_own(DepositPost, 100_000, Some(Uuid::from_u128(8)), &met);
    }

    const OTHER: &str = "0x0000000000000000000000000000000000000002";

    fn address(of: &str) -> Instrument {
        let portable = Portable::CryptoAddress {
            network: "ethereum".to_owned(),
            asset: "USDT".to_owned(),
            address: of.to_owned(),
            tag: None,
        };
        Instrument { portable: Some(portable), ..Instrument::default() }
    }

    /// A withdrawal to two addresses, of which these are proven.
    fn to_two(proven: &[&str]) -> Case {
        let mut case = case("");
        let operator = case.player.key.operator.clone();
        case.ends = ends(&operator, [&address(ADDRESS), &address(OTHER), &address(ADDRESS)]);
        let proof = |(number, of): (u128, &&str)| {
            let mut proof = vouched(number, AttestationKind::ProofOfControl, None, NOW);
            proof.terms.reference = (*of).to_owned();
            proof
        };
        case.background.attestations = (1..).zip(proven).map(proof).collect();
        case
    }

    /// What the rule says when a vendor names an exchange as the keeper of these places.
    #[track_caller]
    fn check_kept(case: &Case, places: &[Option<i16>], expected: (State, &str)) {
        let mut facts = case.facts(WithdrawalRequest, 100_000, None);
        let signal = Signal {
            code: "x".to_owned(),
            category: "exchange".to_owned(),
            direct: Some(true),
            amount: None,
            rule_ref: None,
        };
        let answer = |place: &Option<i16>| VendorResult {
            vendor: "trm".to_owned(),
            hook: Hook::KytWithdrawal,
            place: *place,
            request_id: "q".to_owned(),
            state: VendorState::Final,
            risk: Some(Risk::None),
            score: None,
            signals: vec![signal.clone()],
            raw_sha256: [0; 32],
            version: "1".to_owned(),
            received_at: NOW,
        };
        facts.vendors = places.iter().map(answer).collect();
        let screening = engine::screen(&case.policies, &facts);
        let found = screening.rules.last().expect("the rule comes last");
        assert_eq!((found.state, &*found.observed), expected);
    }

    #[test]
    fn each_of_several_addresses_is_kept_by_an_exchange_or_proven_by_itself() {
        let id = |number: u128| format!("proof_of_control {}", Uuid::from_u128(number));
        let one_of_two = "1000.00 EUR, 1 of 2 addresses kept by nobody known";
        check_kept(&to_two(&[]), &[], (Hit, OBSERVED));
        check_kept(&to_two(&[]), &[Some(0)], (Hit, one_of_two));
        check_kept(&to_two(&[]), &[Some(1)], (Hit, one_of_two));
        check_kept(&to_two(&[]), &[Some(2)], (Hit, OBSERVED));
        // It does not say which of the two it is about.
        check_kept(&to_two(&[]), &[None], (Hit, OBSERVED));
        check_kept(&to_two(&[]), &[Some(0), Some(1)], (NoHit, "1000.00 EUR, kept by an exchange"));
        let half = format!("{OBSERVED}; {} for 1 of 2 only", id(1));
        check_kept(&to_two(&[ADDRESS]), &[], (Hit, &half));
        let both = format!("{OBSERVED}; {}; {}", id(1), id(2));
        check_kept(&to_two(&[ADDRESS, OTHER]), &[], (NoHit, &both));
        // What is proven is not what an exchange keeps, and the other way round.
        check_kept(&to_two(&[ADDRESS]), &[Some(0)], (Hit, one_of_two));
        let rest = format!("{one_of_two}; {}", id(1));
        check_kept(&to_two(&[ADDRESS]), &[Some(1)], (NoHit, &rest));
        check_kept(&case(""), &[None], (NoHit, "1000.00 EUR, kept by an exchange"));
    }

    #[test]
    fn a_proof_that_names_the_payment_is_good_for_all_its_addresses() {
        let payment = Uuid::from_u128(7);
        let lifted = format!("{OBSERVED}; proof_of_control {}", Uuid::from_u128(1));
        let case = to_two(&[&format!("wd_{}", payment.simple())]);
        let proven = [(NoHit, &*lifted, THRESHOLD)];
        case.check_own(WithdrawalRequest, 100_000, Some(payment), &proven);
    }

    /// Decisions of before have no addresses in their facts, and come out as they did.
    #[test]
    fn without_addresses_in_the_facts_one_answer_or_proof_is_enough_as_it_was() {
        let mut facts = to_two(&[ADDRESS]).facts(WithdrawalRequest, 100_000, None);
        facts.ends.clear();
        let screening = engine::screen(&case("").policies, &facts);
        let found = screening.rules.last().expect("the rule comes last");
        let lifted = format!("{OBSERVED}; proof_of_control {}", Uuid::from_u128(1));
        assert_eq!((found.state, &*found.observed), (NoHit, &*lifted));
    }

    #[test]
    fn below_the_threshold_nothing_need_be_proven() {
        let below = "999.99 EUR, kept by nobody known";
        case("").check(WithdrawalRequest, 99_999, &[(NoHit, below, THRESHOLD)]);
    }
}
