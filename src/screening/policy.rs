//! What a market allows, as data with a date, and exchange rates with a source and a date.

use super::Checkpoint;
use super::calendar::Calendar;
use super::closed_loop::Terms;
use super::limit_terms::LimitTerms;
use super::rule::Rule;
use crate::domain::{Currency, Direction, Method, Money, Timestamp};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::time::Duration;
use time::Date;

/// One version of one market's policy. Versions are never edited: a change is a new version.
#[derive(Debug, Clone)]
pub struct MarketPolicy {
    /// ISO 3166 alpha-2, `"DE"`.
    pub market: String,
    pub version: String,
    /// Of the file's canonical form: what a decision names, so that nobody can swap the file later.
    pub sha256: [u8; 32],
    pub effective_from: Timestamp,
    /// Wallets that a player of this market may have.
    pub currencies: Vec<Currency>,
    /// Where its days, weeks and months begin.
    pub calendar: Calendar,
    /// How its players' own limits work.
    pub limit_terms: LimitTerms,
    pub player_may_cancel_withdrawal: bool,
    /// How a withdrawal is shared out among the sources of deposits.
    pub closed_loop: Terms,
    /// In the order of the file.
    pub rules: Vec<Rule>,
}

impl MarketPolicy {
    /// How far back its rules look at most.
    fn reach(&self) -> Duration {
        let queries = self.rules.iter().flat_map(|rule| rule.check.queries());
        queries.map(|query| query.window.reach()).max().unwrap_or_default()
    }

    /// The methods that payments of this market may use.
    pub fn methods(&self) -> Vec<Method> {
        let acting = self.rules.iter().filter(|rule| !rule.only_records);
        let found = acting.filter_map(|rule| rule.check.methods());
        found.flatten().copied().collect()
    }

    /// The least and the most of one payment, in minor units, where there are such.
    pub fn bounds(&self, direction: Direction, currency: Currency) -> (Option<i64>, Option<i64>) {
        let acting = self.rules.iter().filter(|rule| !rule.only_records);
        let found = acting.map(|rule| rule.check.bounds(direction, currency));
        found.fold((None, None), |(least, most), (a, b)| {
            (least.max(a), [most, b].into_iter().flatten().min())
        })
    }
}

/// Every version of every market's policy.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    versions: Vec<MarketPolicy>,
    recorded_only: Vec<String>,
    /// The terms of limits where no policy is in force.
    unlicensed: LimitTerms,
}

impl Policies {
    pub fn new(policies: Vec<MarketPolicy>) -> Self {
        let delays = policies.iter().map(|policy| policy.limit_terms.rise_delay);
        // Where no market's rule is known, the longest of the known delays is the safe one.
        let rise_delay = delays.max().unwrap_or_default();
        let unlicensed = LimitTerms { rise_delay, ..LimitTerms::default() };
        Self { versions: policies, recorded_only: Vec::new(), unlicensed }
    }

    /// How limits work under a policy, or without one.
    pub fn limit_terms<'a>(&'a self, policy: Option<&'a MarketPolicy>) -> &'a LimitTerms {
        policy.map_or(&self.unlicensed, |policy| &policy.limit_terms)
    }

    /// How far back a country's limits and rules look: what is older need not be read.
    pub fn reach(&self, country: &str, at: Timestamp) -> Duration {
        let policy = self.in_force(country, at);
        let limits = self.limit_terms(policy).reach();
        policy.map_or(limits, |policy| policy.reach().max(limits))
    }

    /// Whether a country's policy has rules for events of an account.
    pub fn screens_accounts(&self, country: &str, at: Timestamp) -> bool {
        let policy = self.in_force(country, at);
        let mut rules = policy.iter().flat_map(|policy| &policy.rules);
        rules.any(|rule| rule.at.contains(&Checkpoint::AccountEvent))
    }

    /// Whether a rule of a country's policy counts movements at a checkpoint.
    pub fn counts_movements(&self, country: &str, checkpoint: Checkpoint, at: Timestamp) -> bool {
        let policy = self.in_force(country, at);
        let rules = policy.iter().flat_map(|policy| &policy.rules);
        let mut here = rules.filter(|rule| rule.at.contains(&checkpoint));
        here.any(|rule| !rule.check.queries().is_empty())
    }

    /// Rules, or beginnings of their ids, that find and do nothing in this installation.
    pub fn with_recorded_only(mut self, rules: Vec<String>) -> Self {
        self.recorded_only = rules;
        self
    }

    pub fn recorded_only(&self) -> &[String] {
        &self.recorded_only
    }

    pub fn all(&self) -> &[MarketPolicy] {
        &self.versions
    }

    /// The policy of a country at a time: the one that came into effect last. None means that
    /// there is no licence there, and what is not licensed is denied.
    pub fn in_force(&self, country: &str, at: Timestamp) -> Option<&MarketPolicy> {
        self.versions
            .iter()
            .filter(|policy| policy.market == country && policy.effective_from <= at)
            .max_by(|a, b| {
                let order = a.effective_from.cmp(&b.effective_from);
                // Two versions of one moment must not depend on the order of files.
                order.then_with(|| a.version.cmp(&b.version))
            })
    }

    /// One version by name, for replays.
    pub fn version(&self, market: &str, version: &str) -> Option<&MarketPolicy> {
        self.versions.iter().find(|policy| policy.market == market && policy.version == version)
    }
}

/// Exchange rates of one day, to compare amounts with thresholds. No money is exchanged by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxTable {
    pub source: String,
    pub date: Date,
    /// What one major unit is worth in euros. The euro itself need not be listed.
    pub eur_per_unit: BTreeMap<Currency, Decimal>,
    /// For how many days after their own they may be used. None: nobody watches their age, as of the sandbox's, or
    /// the decision compared nothing by them.
    pub age_max_days: Option<u16>,
}

impl FxTable {
    /// Only the rates of these currencies: what a decision keeps.
    pub fn narrowed(&self, to: impl IntoIterator<Item = Currency>) -> Self {
        let rate = |currency| Some((currency, *self.eur_per_unit.get(&currency)?));
        Self {
            source: self.source.clone(),
            date: self.date,
            eur_per_unit: to.into_iter().filter_map(rate).collect(),
            age_max_days: self.age_max_days,
        }
    }

    /// The last day that they may be used on. None: their age is not watched.
    pub fn last_day(&self) -> Option<Date> {
        self.date.checked_add(time::Duration::days(self.age_max_days?.into()))
    }

    /// Whether they are of a day too long ago, or of one that is to come: east of us it may be tomorrow.
    pub fn is_too_old(&self, at: Timestamp) -> bool {
        let tomorrow = at.date().next_day().unwrap_or(Date::MAX);
        self.last_day().is_some_and(|last| last < at.date() || tomorrow < self.date)
    }

    /// The worth of `money` in another currency, rounded up to the next minor unit (ceiling), so
    /// that a threshold is reached rather early than late. None when a rate is missing or not
    /// positive, or when the number does not fit.
    ///
    /// Whole numbers only: a rate is a mantissa over a power of ten, and the only rounding is the
    /// one at the end.
    pub fn convert_up(&self, money: Money, to: Currency) -> Option<Money> {
        if money.currency == to {
            return Some(money);
        }
        let (from_mantissa, from_scale) = self.rate(money.currency)?;
        let (to_mantissa, to_scale) = self.rate(to)?;
        let mut numerator = i128::from(money.minor).checked_mul(from_mantissa)?;
        let mut denominator = to_mantissa;
        let up = to.exponent() + to_scale;
        let down = money.currency.exponent() + from_scale;
        let power = 10_i128.checked_pow(up.abs_diff(down))?;
        if up > down {
            numerator = numerator.checked_mul(power)?;
        } else {
            denominator = denominator.checked_mul(power)?;
        }
        let floor = numerator.div_euclid(denominator);
        let exact = numerator.rem_euclid(denominator) == 0;
        let minor = if exact { floor } else { floor.checked_add(1)? };
        Some(Money::new(i64::try_from(minor).ok()?, to))
    }

    /// Whether there is a sound rate of this currency.
    pub fn has_rate(&self, currency: Currency) -> bool {
        self.rate(currency).is_some()
    }

    /// Mantissa and scale: 1.085 is (1085, 3).
    fn rate(&self, currency: Currency) -> Option<(i128, u32)> {
        if currency == Currency::EUR {
            return Some((1, 0));
        }
        let rate = self.eur_per_unit.get(&currency)?.normalize();
        (rate > Decimal::ZERO).then(|| (rate.mantissa(), rate.scale()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::test_data::{fx, policy};
    use rust_decimal::dec;
    use time::macros::datetime;

    #[track_caller]
    fn check(minor: i64, from: Currency, to: Currency, expected: Option<i64>) {
        let converted = fx().convert_up(Money::new(minor, from), to);
        assert_eq!(converted.map(|money| money.minor), expected);
    }

    #[test]
    fn amounts_are_converted_exactly_and_rounded_up() {
        // 1 SEK is 0.09 EUR.
        check(10_000, Currency::SEK, Currency::EUR, Some(900));
        check(1, Currency::SEK, Currency::EUR, Some(1));
        check(10_001, Currency::SEK, Currency::EUR, Some(901));
        check(900, Currency::EUR, Currency::SEK, Some(10_000));
        check(901, Currency::EUR, Currency::SEK, Some(10_012));
        // 1 BTC is 60000 EUR: eight decimals to two and back.
        check(100_000_000, Currency::BTC, Currency::EUR, Some(6_000_000));
        check(1, Currency::BTC, Currency::EUR, Some(1));
        check(1, Currency::EUR, Currency::BTC, Some(17));
        check(7, Currency::EUR, Currency::EUR, Some(7));
    }

    #[test]
    fn without_a_sound_rate_there_is_no_worth() {
        check(1, Currency::GBP, Currency::EUR, None);
        check(1, Currency::EUR, Currency::GBP, None);
        check(i64::MAX, Currency::EUR, Currency::BTC, None);
        let mut table = fx();
        for bad in [dec!(0), dec!(-1)] {
            table.eur_per_unit.insert(Currency::SEK, bad);
            let sek = Money::new(1, Currency::SEK);
            assert_eq!(table.convert_up(sek, Currency::EUR), None);
        }
    }

    #[test]
    fn the_policy_in_force_is_the_last_that_came_into_effect() {
        let at = |version: &str, from| MarketPolicy {
            version: version.to_owned(),
            effective_from: from,
            ..policy()
        };
        let policies = Policies::new(vec![
            at("2", datetime!(2026-06-01 0:00 UTC)),
            at("1", datetime!(2026-01-01 0:00 UTC)),
        ]);
        let found = |at| policies.in_force("SE", at).map(|policy| policy.version.as_str());
        assert_eq!(found(datetime!(2025-12-31 23:59:59 UTC)), None);
        assert_eq!(found(datetime!(2026-01-01 0:00 UTC)), Some("1"));
        assert_eq!(found(datetime!(2026-05-31 23:59:59 UTC)), Some("1"));
        assert_eq!(found(datetime!(2026-06-01 0:00 UTC)), Some("2"));
        assert!(policies.in_force("US", datetime!(2026-06-01 0:00 UTC)).is_none());
        assert!(policies.version("SE", "1").is_some());
        assert!(policies.version("SE", "3").is_none());
    }
}
