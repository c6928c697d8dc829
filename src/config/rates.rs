//! Exchange rates, and for how long they may be used.

use super::reader::Section;
use super::sections::day;
use psp_contract::Currency;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use time::Date;

/// Rates for thresholds that the law states in euro. They are stored with every decision.
#[derive(Debug, Clone)]
pub struct Fx {
    pub source: String,
    pub date: Date,
    /// What one unit of the currency is worth in euro.
    pub eur_per_unit: BTreeMap<Currency, Decimal>,
    /// For how many days they may be used. None: they come with the program, and nobody renews them.
    pub age_max_days: Option<u16>,
}

impl Fx {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let rates = section.section("eur_per_unit");
        let mut eur_per_unit = BTreeMap::from([(Currency::EUR, Decimal::ONE)]);
        for code in rates.keys() {
            let rate: Option<Decimal> = rates.parsed(&code, "a decimal in quotes, \"1.17\"");
            if rate.is_some_and(|rate| rate <= Decimal::ZERO) {
                rates.fault(&code, "must be greater than zero");
            }
            match code.parse::<Currency>() {
                Ok(currency) => drop(eur_per_unit.insert(currency, rate.unwrap_or_default())),
                Err(_) => rates.fault(&code, "is no currency"),
            }
        }
        let most = section.number("age_max_days", 1, 366);
        let age_max_days = Some(most).filter(|_| !section.is_built_in("date"));
        Self {
            source: section.text("source"),
            date: day(section, "date"),
            eur_per_unit,
            age_max_days,
        }
    }
}
