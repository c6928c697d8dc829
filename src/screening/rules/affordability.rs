//! From a certain sum on somebody finds out whether the player can afford it; for the young, from a
//! lower one.

use super::{counting, lifting};
use crate::domain::{Audience, Currency, Money};
use crate::screening::aggregate::Query;
use crate::screening::attestation::AttestationKind;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};

#[derive(Debug)]
pub struct Affordability {
    query: Query,
    most: Money,
    /// Below this age, in years, at most so much.
    young: Option<(i32, Money)>,
    lifted_by: Vec<AttestationKind>,
}

impl Affordability {
    pub fn read(table: &Table<'_>) -> Self {
        let age = table.opt_number("young_below_age", 1, 150);
        let young = age.and_then(|age| {
            Some((i32::try_from(age).ok()?, table.money("young_most_eur", Currency::EUR)))
        });
        let most = table.money("most_eur", Currency::EUR);
        let lifted_by = lifting::read(table, &[AttestationKind::Affordability]);
        Self { query: counting::query(table), most, young, lifted_by }
    }

    fn look(&self, facts: &Facts) -> Result<Finding, Finding> {
        let age = facts.player.as_ref().map(|player| player.age_years);
        let is_young = |limit: i32| age.is_none_or(|age| age < limit);
        let (most, whom) = match self.young {
            Some((limit, most)) if is_young(limit) => (most, format!(" below {limit} years")),
            _ => (self.most, String::new()),
        };
        let threshold = format!("{most}{whom}");
        let counted = counting::answer(facts, &self.query, &threshold)?;
        let sum = counted.sum_with(facts);
        let sum = sum.map_err(|problem| Finding::error(problem, &*threshold))?;
        let observed = counting::words(counted, &sum.to_string());
        let finding = Finding::new(most.minor < sum.minor, observed, threshold);
        Ok(lifting::lift(finding, &self.lifted_by, Some(sum), facts))
    }
}

impl Check for Affordability {
    fn kind(&self) -> &'static str {
        "affordability"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    fn queries(&self) -> Vec<Query> {
        vec![self.query]
    }

    fn lifted_by(&self) -> &[AttestationKind] {
        &self.lifted_by
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        if !counting::is_about(facts, &self.query) {
            return Vec::new();
        }
        vec![self.look(facts).unwrap_or_else(|error| error)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Operator,
            "affordability.check_needed",
            format!(
                "it must be known first that the player can afford it: {observed}, from {threshold} on"
            ),
            "check what the player can afford, and put the result on record",
        )
    }
}
