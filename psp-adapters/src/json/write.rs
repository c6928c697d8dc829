//! Trees to be sent, written as the PSP's own pages write them:
//!
//! ```text
//! object! {
//!     "reference": deposit.attempt,
//!     "amount": object! { "currency": money.currency, "value": money.minor },
//!     "shopperEmail": given(&payer.email),
//! }
//! ```
//!
//! A value that is none leaves its field out.

use super::Json;
use crate::common::rfc3339;
use psp_contract::{AttemptRef, Currency, Money, Timestamp};

/// What can stand in a field; none leaves the field out.
pub(crate) trait Field {
    fn field(self) -> Option<Json>;
}

/// An object with these fields.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {
        $crate::json::Json::fields([$(($key, $crate::json::Field::field($value))),*])
    };
}
pub(crate) use object;

macro_rules! fields {
    ($($kind:ty: $value:ident => $json:expr),+ $(,)?) => {
        $(impl Field for $kind {
            fn field(self) -> Option<Json> {
                let $value = self;
                Some($json)
            }
        })+
    };
}

fields! {
    Json: json => json,
    &str: text => Json::Text(text.to_owned()),
    &String: text => Json::Text(text.clone()),
    String: text => Json::Text(text),
    bool: value => Json::Bool(value),
    i64: number => Json::Integer(number.into()),
    u64: number => Json::Integer(number.into()),
    Vec<Json>: items => Json::Array(items),
    // Lower-case digits; PSPs that want capitals say `attempt.upper()`.
    AttemptRef: attempt => Json::Text(attempt.lower()),
    Currency: currency => Json::Text(currency.code().to_owned()),
}

impl Field for Timestamp {
    fn field(self) -> Option<Json> {
        rfc3339(self).map(Json::Text)
    }
}

impl<T: Field> Field for Option<T> {
    fn field(self) -> Option<Json> {
        self.and_then(T::field)
    }
}

impl Json {
    /// What `object!` makes.
    pub fn fields<const N: usize>(fields: [(&str, Option<Json>); N]) -> Json {
        let given = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Json::Object(given.collect())
    }

    /// An amount as a number in major units with all its decimals, for PSPs that want numbers.
    pub fn major(money: Money) -> Json {
        Json::Decimal(money.major())
    }

    /// Adds a field to an object when there is a value.
    pub fn and(mut self, key: &str, value: impl Field) -> Json {
        if let (Json::Object(fields), Some(value)) = (&mut self, value.field()) {
            fields.insert(key.to_owned(), value);
        }
        self
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_as_it_is_read_and_leaves_out_what_is_none() {
        let email: Option<&String> = None;
        let tree = object! {
            "email": email,
            "amount": object! { "currency": Currency::EUR, "value": 1050_i64 },
            "tags": vec!["a".into()],
            "at": Timestamp::UNIX_EPOCH,
        };
        let text = br#"{"amount":{"currency":"EUR","value":1050},"at":"1970-01-01T00:00:00Z","tags":["a"]}"#;
        assert_eq!(tree.to_bytes(), text);
    }
}
