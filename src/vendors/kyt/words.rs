//! Vendors' words in ours: categories, and numbers without floats.

use crate::domain::{Currency, Money};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::value::RawValue;

/// Pieces of vendors' category names, and what we call them. The first that fits counts, so the gravest
/// stand first.
const CATEGORIES: [(&str, &str); 17] = [
    ("terror", "terrorist_financing"),
    ("child", "child_abuse"),
    ("jurisdiction", "sanctioned_jurisdiction"),
    ("sanction", "sanctions"),
    ("ransom", "ransomware"),
    ("malware", "malware"),
    ("stolen", "stolen_funds"),
    ("theft", "stolen_funds"),
    ("hack", "stolen_funds"),
    ("dark", "darknet"),
    ("scam", "scam"),
    ("fraud", "scam"),
    ("mixer", "mixing"),
    ("mixing", "mixing"),
    ("privacy", "privacy_protocol"),
    ("gambl", "gambling"),
    ("exchange", "exchange"),
];

/// Our word for a vendor's category.
pub(super) fn category(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let found = CATEGORIES.iter().find(|(piece, _)| name.contains(piece));
    found.map_or("other", |(_, word)| word)
}

/// A number as it was told, or as text; null and everything else is none.
pub(super) fn decimal(told: &RawValue) -> Option<Decimal> {
    let text = told.get().trim().trim_matches('"');
    Decimal::from_scientific(text).or_else(|_| text.parse()).ok()
}

/// US dollars, rounded up to the cent: an amount rather reaches a threshold early than late.
pub(super) fn dollars(told: &RawValue) -> Option<Money> {
    dollars_of(decimal(told).filter(|amount| !amount.is_sign_negative())?)
}

/// As [`dollars`], of a sum of what was told.
pub(super) fn dollars_of(amount: Decimal) -> Option<Money> {
    let cents = amount.round_dp_with_strategy(2, RoundingStrategy::AwayFromZero);
    Money::parse_with_zero(&cents.normalize().to_string(), Currency::USD).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn the_gravest_word_of_a_name_counts_and_an_unknown_one_is_other() {
        assert_eq!(category("Sanctioned Exchange"), "sanctions");
        assert_eq!(category("sanctioned jurisdiction"), "sanctioned_jurisdiction");
        assert_eq!(category("Hacked or Stolen Funds"), "stolen_funds");
        assert_eq!(category("Online Gambling"), "gambling");
        assert_eq!(category("Something new"), "other");
    }

    #[test]
    fn dollars_are_read_exactly_and_rounded_up() {
        let read = |text: &str| dollars(&raw(text)).map(|money| money.minor);
        assert_eq!(read("120.25"), Some(12_025));
        assert_eq!(read("\"120.251\""), Some(12_026));
        assert_eq!(read("1.2e3"), Some(120_000));
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("null"), None);
        assert_eq!(read("-1"), None);
    }
}
