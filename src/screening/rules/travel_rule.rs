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
