//! Strict JSON: what a signature is computed over, and what answers are read from.
//!
//! A tree of our own, because `serde_json::Value` keeps the last of two equal keys in silence: whoever
//! verifies one and books the other has been robbed. Refused here: duplicate keys, U+0000 (PostgreSQL
//! could not store it), and, by serde_json itself, trailing bytes, invalid UTF-8, lone surrogates, a
//! byte order mark and nesting beyond its limit, which stays switched on.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    /// A number that is no 64-bit integer. Its value is dropped on purpose: no PSP here sends an amount
    /// as a fraction, and its text cannot be written back as it was signed.
    Fraction,
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub fn parse(bytes: &[u8]) -> Option<Json> {
        serde_json::from_slice(bytes).ok()
    }

    pub fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
        Json::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// Adds a field to an object when there is a value.
    pub fn with(mut self, key: &str, value: Option<Json>) -> Json {
        if let (Json::Object(fields), Some(value)) = (&mut self, value) {
            fields.insert(key.to_owned(), value);
        }
        self
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.get(key),
            _ => None,
        }
    }

    pub fn str(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text or an integer as text: PSPs change their minds about ids.
    pub fn word(&self, key: &str) -> Option<String> {
        match self.get(key) {
            Some(Json::Text(text)) if !text.is_empty() => Some(text.clone()),
            Some(Json::Integer(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    pub fn int(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Json::Integer(number)) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    pub fn items(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The bytes to send. A tree that we built has no fraction, so this cannot fail.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Integer(number) => match i64::try_from(*number) {
                Ok(number) => serializer.serialize_i64(number),
                Err(_) => Err(S::Error::custom("an integer beyond 64 bits")),
            },
            Json::Fraction => Err(S::Error::custom("a fraction is never sent")),
            Json::Text(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(fields) => serializer.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Integer(number.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Fraction)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        if text.contains('\0') {
            return Err(E::custom("U+0000 in a text"));
        }
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if key.contains('\0') || fields.insert(key, value).is_some() {
                return Err(de::Error::custom("a key twice, or U+0000 in a key"));
            }
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"\u0061":2}}"#,
            "{} {}",
            "{}x",
            "\u{feff}{}",
            r#""\ud800""#,
            r#""\u0000""#,
            r#"{"\u0000":1}"#,
            "[1e400]",
            "",
        ] {
            assert_eq!(Json::parse(text.as_bytes()), None, "{text:?}");
        }
        let bomb = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(Json::parse(bomb.as_bytes()), None);
        assert_eq!(Json::parse(b"\"\xc0\x80\""), None);
    }

    #[test]
    fn numbers_that_are_no_integers_have_no_value() {
        for text in ["1.0", "-0", "1e2", "99999999999999999999"] {
            assert_eq!(Json::parse(text.as_bytes()), Some(Json::Fraction), "{text}");
        }
        assert_eq!(Json::parse(b"10"), Some(Json::Integer(10)));
    }

    #[test]
    fn a_tree_survives_being_sent() {
        let tree = Json::object([("b", Json::Null), ("a", Json::Array(vec![Json::Bool(true)]))]);
        assert_eq!(tree.to_bytes(), br#"{"a":[true],"b":null}"#);
        assert_eq!(Json::parse(&tree.to_bytes()), Some(tree));
    }
}
