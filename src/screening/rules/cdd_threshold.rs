//! From a certain sum on the law wants to know the player better.

use super::{counting, lifting};
use crate::domain::{Audience, Currency, KycStatus, Money};
use crate::screening::aggregate::Query;
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};

#[derive(Debug)]
pub struct CddThreshold {
    query: Query,
    from: Money,
    /// The level of verification that satisfies it.
    level: i16,
    lifted_by: Vec<AttestationKind>,
}

impl CddThreshold {
    pub fn read(table: &Table<'_>) -> Self {
        Self {
            query: counting::query(table),
            from: table.money("from_eur", Currency::EUR),
            level: i16::try_from(table.number("level", 1, 3)).unwrap_or(3),
            lifted_by: lifting::read(table, &[AttestationKind::EnhancedDueDiligence]),
        }
    }

    /// It looks at withdrawals too where only deposits are counted: the duty does not end because
    /// the money goes the other way.
    fn look(&self, facts: &Facts) -> Result<Finding, Finding> {
        let threshold = format!("{} unless verified to level {}", self.from, self.level);
        let counted = counting::answer(facts, &self.query, &threshold)?;
        let sum = counted.sum_with(facts);
        let sum = sum.map_err(|problem| Finding::error(problem, &*threshold))?;
        let kyc = facts.player.as_ref().map(|player| &player.kyc);
        let verified = kyc.filter(|kyc| kyc.status == KycStatus::Verified);
        let level = verified.map_or(0, |kyc| kyc.level);
        let hit = self.from.minor <= sum.minor && level < self.level;
        let observed = counting::words(counted, &format!("{sum}, verified to level {level}"));
        let finding = Finding::new(hit, observed, threshold);
        Ok(lifting::lift(finding, &self.lifted_by, Some(sum), facts))
    }
}

impl Check for CddThreshold {
    fn kind(&self) -> &'static str {
        "cdd.threshold"
    }

    fn operator(&self) -> &'static str {
        "<"
    }

    fn queries(&self) -> Vec<Query> {
        vec![self.query]
    }

    fn lifted_by(&self) -> &[AttestationKind] {
        &self.lifted_by
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        vec![self.look(facts).unwrap_or_else(|error| error)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Operator,
            "cdd.needed",
            format!("the player must be known better first: {observed}, from {threshold}"),
            "verify the player to that level, then ask again",
        )
    }
}
