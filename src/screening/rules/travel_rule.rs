//! What must be known of both ends of a transfer of crypto (EU 2023/1113, art. 14 and 16; FATF R.16).
//!
//! The casino's record names the player, and the payment the address. What is looked at here is whether
//! an address of the player's own keeping was proven to be theirs, from a certain worth on. Two people who
//! saw the proof vouch for it, naming the address or the payment; without that, people look.

use super::lifting;
use crate::domain::{Audience, Currency, Method, Money};
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use crate::screening::signals::VendorState;

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
        // A vendor that names an exchange as the other side names who keeps the address.
        let mut finals = facts.vendors.iter().filter(|it| it.state == VendorState::Final);
        let kept = finals.any(|result| {
            let mut signals = result.signals.iter();
            signals.any(|signal| signal.category == "exchange" && signal.direct == Some(true))
        });
        let keeper = if kept { "kept by an exchange" } else { "kept by nobody known" };
        let hit = !kept && self.from.minor <= worth.minor;
        let finding = Finding::new(hit, format!("{worth}, {keeper}"), threshold);
        vec![lifting::lift(finding, &self.lifted_by, Some(worth), facts)]
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

#[cfg(test)]
mod tests {
    use super::super::rule_tests::{Case, vouched};
    use crate::domain::{Instrument, Method};
    use crate::screening::Checkpoint::{DepositPost, WithdrawalRequest};
    use crate::screening::attestation::AttestationKind;
    use crate::screening::background::End;
    use crate::screening::rule::State::{Hit, NoHit};
    use crate::screening::test_data::NOW;
    use psp_contract::Portable;
    use uuid::Uuid;

    const RULE: &str = "id = \"travel_rule\"\nself_hosted_from_eur = \"1000.00\"";
    const THRESHOLD: &str = "1000.00 EUR to an address that nobody is known to keep";
    const OBSERVED: &str = "1000.00 EUR, kept by nobody known";
    const ADDRESS: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    fn case(reference: &str) -> Case {
        let portable = Portable::CryptoAddress {
            network: "ethereum".to_owned(),
            asset: "USDT".to_owned(),
            address: ADDRESS.to_owned(),
            tag: None,
        };
        let to = Instrument { portable: Some(portable), ..Instrument::default() };
        let mut case = Case { method: Method::Crypto, ..Case::new(RULE) };
        case.ends = vec![End::of(&case.player.key.operator, &to)];
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

    #[test]
    fn below_the_threshold_nothing_need_be_proven() {
        let below = "999.99 EUR, kept by nobody known";
        case("").check(WithdrawalRequest, 99_999, &[(NoHit, below, THRESHOLD)]);
    }
}
