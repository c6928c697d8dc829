//! What a tree says: every reader gives a value of exactly one kind, or nothing.
//!
//! A key may be a path, `"paymentOption/redirectUrl"`. The readers whose names begin with `need` are for
//! answers: what is not there, or of another kind, makes the answer [`Unknown::Unreadable`].

use super::Json;
use psp_contract::{AttemptRef, Currency, Money, Timestamp, Unknown};
use time::format_description::well_known::Rfc3339;

impl Json {
    pub fn get(&self, path: &str) -> Option<&Json> {
        path.split('/').try_fold(self, |tree, key| match tree {
            Json::Object(fields) => fields.get(key),
            _ => None,
        })
    }

    pub fn str(&self, path: &str) -> Option<&str> {
        match self.get(path) {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that is not empty.
    pub fn given(&self, path: &str) -> Option<&str> {
        self.str(path).filter(|text| !text.is_empty())
    }

    /// A text or an integer as text: PSPs change their minds about ids.
    pub fn word(&self, path: &str) -> Option<String> {
        match self.get(path) {
            Some(Json::Text(text)) if !text.is_empty() => Some(text.clone()),
            Some(Json::Integer(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    pub fn int(&self, path: &str) -> Option<i64> {
        match self.get(path) {
            Some(Json::Integer(number)) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A number's own text.
    pub fn number(&self, path: &str) -> Option<String> {
        match self.get(path) {
            Some(Json::Integer(number)) => Some(number.to_string()),
            Some(Json::Decimal(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// An amount that a PSP sends as a number in major units. None for anything that is not exactly an
    /// amount of this currency.
    pub fn amount(&self, path: &str, currency: Currency) -> Option<Money> {
        Money::parse_with_zero(&self.number(path)?, currency).ok()
    }

    /// An amount in minor units and its currency, which stand in fields of their own. Negative amounts are
    /// none.
    pub fn minor(&self, amount: &str, currency: &str) -> Option<Money> {
        let minor = self.int(amount).filter(|minor| 0 <= *minor)?;
        Some(Money::new(minor, self.currency(currency)?))
    }

    pub fn currency(&self, path: &str) -> Option<Currency> {
        self.str(path)?.parse().ok()
    }

    /// Our reference, where a PSP repeats it.
    pub fn attempt(&self, path: &str) -> Option<AttemptRef> {
        AttemptRef::parse(&self.word(path)?)
    }

    /// A time as RFC 3339 writes it.
    pub fn time(&self, path: &str) -> Option<Timestamp> {
        Timestamp::parse(self.str(path)?, &Rfc3339).ok()
    }

    pub fn items(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a list that may be left out.
    pub fn list(&self, path: &str) -> &[Json] {
        self.get(path).and_then(Json::items).unwrap_or_default()
    }

    pub fn need(&self, path: &str) -> Result<&Json, Unknown> {
        self.get(path).ok_or(Unknown::Unreadable)
    }

    pub fn need_str(&self, path: &str) -> Result<&str, Unknown> {
        self.str(path).ok_or(Unknown::Unreadable)
    }

    pub fn need_word(&self, path: &str) -> Result<String, Unknown> {
        self.word(path).ok_or(Unknown::Unreadable)
    }

    pub fn need_list(&self, path: &str) -> Result<&[Json], Unknown> {
        self.need(path)?.items().ok_or(Unknown::Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_from_numbers_exactly() {
        let amount = |text: &str| {
            let body = Json::parse(format!(r#"{{"amount":{text}}}"#).as_bytes())?;
            body.amount("amount", Currency::BRL).map(|money| money.minor)
        };
        // Neither of these has a 64-bit fraction of its own value.
        assert_eq!(amount("0.07"), Some(7));
        assert_eq!(amount("90071992547.41"), Some(9_007_199_254_741));
        assert_eq!(amount("10"), Some(1000));
        assert_eq!(amount("10.5"), Some(1050));
        for text in ["1e2", "-1.00", "10.505", "\"10.50\"", "null"] {
            assert_eq!(amount(text), None, "{text}");
        }
        assert_eq!(Json::major(Money::new(1050, Currency::BRL)).to_bytes(), b"10.50");
    }

    #[test]
    fn an_amount_in_minor_units_has_its_currency_beside_it() {
        let money = |text: &str| Json::parse(text.as_bytes())?.minor("amount/value", "currency");
        let ten = Money::new(1000, Currency::EUR);
        assert_eq!(money(r#"{"amount":{"value":1000},"currency":"EUR"}"#), Some(ten));
        for none in [
            r#"{"amount":{"value":-1},"currency":"EUR"}"#,
            r#"{"amount":{"value":"1000"},"currency":"EUR"}"#,
            r#"{"amount":{"value":1000},"currency":"XXX"}"#,
            r#"{"amount":{"value":1000}}"#,
        ] {
            assert_eq!(money(none), None, "{none}");
        }
    }

    #[test]
    fn a_path_leads_into_objects_and_nowhere_else() {
        let tree = Json::parse(br#"{"a":{"b":{"c":"x"},"d":["y"],"e":""}}"#).expect("strict");
        assert_eq!(tree.str("a/b/c"), Some("x"));
        for path in ["a/b", "a/c", "a/d/0", "a/b/c/d", "", "/a", "a/"] {
            assert_eq!(tree.str(path), None, "{path}");
        }
        assert_eq!((tree.str("a/e"), tree.given("a/e")), (Some(""), None));
        assert_eq!((tree.list("a/d").len(), tree.list("a/b").len()), (1, 0));
    }

    #[test]
    fn what_an_answer_needs_and_does_not_say_makes_it_unreadable() {
        let tree = Json::parse(br#"{"id":7,"status":"PAID","rows":[]}"#).expect("strict");
        assert_eq!(tree.need_word("id").as_deref(), Ok("7"));
        assert_eq!(tree.need_str("status"), Ok("PAID"));
        assert_eq!(tree.need_list("rows"), Ok(&[][..]));
        assert_eq!(tree.need_str("id"), Err(Unknown::Unreadable));
        assert_eq!(tree.need_word("name"), Err(Unknown::Unreadable));
        assert_eq!(tree.need_list("status"), Err(Unknown::Unreadable));
    }
}
