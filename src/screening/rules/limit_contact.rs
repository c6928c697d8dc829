//! From a certain limit of their own on, somebody must have spoken with the player about it.

use super::lifting;
use crate::domain::{Audience, Money};
use crate::screening::attestation::AttestationKind;
use crate::screening::calendar::Period;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};

/// Parameters: `period` (whose limit), `above` (by currency: `above.SEK = "10000.00"`), and for the young
/// `young_below_age` and `young_above`. It looks at the limit that holds now, not at one that waits.
#[derive(Debug)]
pub struct LimitContact {
    period: Period,
    above: Vec<Money>,
    /// Below this age, in years, from these on.
    young: Option<(i32, Vec<Money>)>,
    lifted_by: Vec<AttestationKind>,
}

impl LimitContact {
    pub fn read(table: &Table<'_>) -> Self {
        if !table.has("period") {
            table.fault("period", "is missing: day, week or month");
        }
        let period = table.opt_word("period", Period::parse, "day, week or month");
        let amounts = |key: &str| -> Vec<Money> {
            let by_currency = table.amounts(key).into_iter();
            let found: Vec<Money> =
                by_currency.map(|(currency, minor)| Money::new(minor, currency)).collect();
            if found.is_empty() {
                table.fault(key, "is missing or empty: the limit above which contact is due");
            }
            found
        };
        let age = table.opt_number("young_below_age", 1, 150);
        let young = age.and_then(|age| Some((i32::try_from(age).ok()?, amounts("young_above"))));
        Self {
            period: period.unwrap_or(Period::Month),
            above: amounts("above"),
            young,
            lifted_by: lifting::read(table, &[AttestationKind::LimitContact]),
        }
    }

    fn look(&self, facts: &Facts) -> Finding {
        let age = facts.player.as_ref().map(|player| player.age_years);
        let (above, whom) = match &self.young {
            Some((limit, above)) if age.is_none_or(|age| age < *limit) => {
                (above, format!(" below {limit} years"))
            }
            _ => (&self.above, String::new()),
        };
        let period = self.period.as_str();
        let Some(limit) = facts.limits.iter().find(|limit| limit.period == self.period) else {
            return Finding::skipped(format!("the player has no limit a {period}"));
        };
        let own = above.iter().find(|above| above.currency == limit.most.currency);
        let Some(above) = own else {
            let observed =
                format!("a limit of {} a {period}, a currency without bound", limit.most);
            return Finding::error(observed, "a bound in that currency");
        };
        let hit = above.minor < limit.most.minor;
        let finding = Finding::new(
            hit,
            format!("a limit of {} a {period}", limit.most),
            format!("{above} a {period}{whom}"),
        );
        lifting::lift(finding, &self.lifted_by, Some(limit.most), facts)
    }
}

impl Check for LimitContact {
    fn kind(&self) -> &'static str {
        "limit.contact"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    fn lifted_by(&self) -> &[AttestationKind] {
        &self.lifted_by
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        vec![self.look(facts)]
    }

    /// The limit that holds is seen under the lock.
    fn counts(&self) -> bool {
        true
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("above", Tighter::Lower), ("young_above", Tighter::Lower)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Operator,
            "limit.contact_needed",
            format!(
                "the player must be spoken with about their limit first: {observed}, above {threshold}"
            ),
            "speak with the player, and put the contact on record with an attestation",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule_tests::{Case, vouched};
    use crate::domain::{Currency, Money};
    use crate::screening::Checkpoint::DepositPre;
    use crate::screening::attestation::AttestationKind;
    use crate::screening::calendar::Period;
    use crate::screening::rule::State::{self, Error, Hit, NoHit, Skipped};
    use crate::screening::test_data::{NOW, limit};
    use time::macros::date;

    const RULE: &str = "id = \"limit.contact\"\nperiod = \"month\"\nabove.EUR = \"350.00\"\n\
                        young_below_age = 24\nyoung_above.EUR = \"150.00\"";

    #[track_caller]
    fn check(born: time::Date, minor: i64, currency: Currency, expected: (State, &str, &str)) {
        let mut case = Case::new(RULE);
        case.player.date_of_birth = born;
        case.limits = vec![limit(Period::Month, minor, currency)];
        case.check(DepositPre, 100, &[expected]);
    }

    #[test]
    fn contact_is_due_above_the_bound_of_the_players_age() {
        let (old, young) = (date!(1990 - 01 - 01), date!(2004 - 01 - 01));
        let (bound, low) = ("350.00 EUR a month", "150.00 EUR a month below 24 years");
        let eur = Currency::EUR;
        check(old, 35_000, eur, (NoHit, "a limit of 350.00 EUR a month", bound));
        check(old, 35_001, eur, (Hit, "a limit of 350.01 EUR a month", bound));
        check(young, 15_000, eur, (NoHit, "a limit of 150.00 EUR a month", low));
        check(young, 15_001, eur, (Hit, "a limit of 150.01 EUR a month", low));
        let unbounded = "a limit of 1.00 SEK a month, a currency without bound";
        check(old, 100, Currency::SEK, (Error, unbounded, "a bound in that currency"));
        let case = Case::new(RULE);
        case.check(DepositPre, 100, &[(Skipped, "the player has no limit a month", "")]);
    }

    #[test]
    fn a_contact_on_record_lifts_it_up_to_its_amount() {
        let mut case = Case::new(RULE);
        case.limits = vec![limit(Period::Month, 50_000, Currency::EUR)];
        let one = |amount: Option<i64>| {
            let amount = amount.map(|minor| Money::new(minor, Currency::EUR));
            vouched(1, AttestationKind::LimitContact, amount, NOW)
        };
        let id = "limit_contact 00000000-0000-0000-0000-000000000001";
        let (limit, bound) = ("a limit of 500.00 EUR a month", "350.00 EUR a month");
        for (amount, state, end) in [
            (None, NoHit, ""),
            (Some(50_000), NoHit, ""),
            (Some(49_999), Hit, " up to 499.99 EUR only"),
        ] {
            case.background.attestations = vec![one(amount)];
            case.check(DepositPre, 100, &[(state, &format!("{limit}; {id}{end}"), bound)]);
        }
        case.background.attestations = vec![vouched(1, AttestationKind::Affordability, None, NOW)];
        case.check(DepositPre, 100, &[(Hit, limit, bound)]);
    }
}
