//! How long the data of players is kept once the relationship is over, by country of residence.

use super::psps::is_country;
use super::reader::Section;
use crate::decide::erasure::Term;
use std::collections::BTreeMap;

/// Longer than any law asks for.
const YEARS_MAX: i64 = 40;

pub(super) fn read(section: &Section<'_>) -> BTreeMap<String, Term> {
    let mut terms = BTreeMap::new();
    for country in section.keys() {
        if !is_country(&country) {
            section.fault(&country, "is no country, `DE`");
        }
        let term = section.section(&country);
        let from_year_end = match term.text("from").as_str() {
            "end" => false,
            "year_end" => true,
            _ => {
                term.fault("from", "must be \"end\" or \"year_end\"");
                false
            }
        };
        // Whoever reads it must be able to look it up.
        let _ = (term.text("source"), term.text("source_date"));
        terms.insert(country, Term { years: term.number("years", 1, YEARS_MAX), from_year_end });
    }
    terms
}
