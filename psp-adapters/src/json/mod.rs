//! Strict JSON: what a signature is computed over, and what answers are read from.
//!
//! A tree of our own, because `serde_json::Value` keeps the last of two equal keys in silence: whoever
//! verifies one and books the other has been robbed. Refused here: duplicate keys, U+0000 (PostgreSQL
//! could not store it), nesting beyond [`DEPTH_MAX`], and, by serde_json itself, trailing bytes, invalid
//! UTF-8, lone surrogates and a byte order mark.
//!
//! Numbers keep their text. Some PSPs send amounts as JSON numbers, `10.5`, and a 64-bit fraction cannot
//! hold every one of them; so each value is taken as the bytes it stands in (`RawValue`) before it is read.
//!
//! Modules: `read` (what a tree says, strictly), `write` (trees to be sent, `object!`).

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

mod read;
mod write;

pub(crate) use write::{Field, object};

/// PSPs nest less than ten deep. Each level is scanned once more, so this also bounds the work.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    /// A number that is no 64-bit integer, as it stands in the text: `10.50`, `1e3`, `-0`.
    Decimal(String),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub fn parse(bytes: &[u8]) -> Option<Json> {
        read(serde_json::from_slice(bytes).ok()?, 0)
    }

    /// The bytes to send. A tree that we built has no number that is none, so this cannot fail.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
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
            Json::Decimal(text) => match RawValue::from_string(text.clone()) {
                Ok(number) => number.serialize(serializer),
                Err(_) => Err(S::Error::custom("a decimal that is no number")),
            },
            Json::Text(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(fields) => serializer.collect_map(fields),
        }
    }
}

/// Reads one value from its text, which serde_json has found to be well formed but for what is inside
/// of strings.
fn read(raw: &RawValue, depth: usize) -> Option<Json> {
    if depth > DEPTH_MAX {
        return None;
    }
    let text = raw.get();
    match text.as_bytes().first()? {
        b'n' => Some(Json::Null),
        b't' => Some(Json::Bool(true)),
        b'f' => Some(Json::Bool(false)),
        b'"' => clean(serde_json::from_str(text).ok()?).map(Json::Text),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items
                .into_iter()
                .map(|item| read(item, depth + 1))
                .collect::<Option<_>>()
                .map(Json::Array)
        }
        b'{' => {
            let Fields(fields) = serde_json::from_str(text).ok()?;
            let mut tree = BTreeMap::new();
            for (key, value) in fields {
                if tree.insert(clean(key)?, read(value, depth + 1)?).is_some() {
                    return None;
                }
            }
            Some(Json::Object(tree))
        }
        _ => Some(number(text)),
    }
}

fn clean(text: String) -> Option<String> {
    (!text.contains('\0')).then_some(text)
}

fn number(text: &str) -> Json {
    let integer = text.parse::<i64>().map(i128::from);
    match integer.or_else(|_| text.parse::<u64>().map(i128::from)) {
        // `-0` is no integer that could be written back as it came.
        Ok(integer) if text != "-0" => Json::Integer(integer),
        _ => Json::Decimal(text.to_owned()),
    }
}

/// The fields of an object as they stand there, equal keys too.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
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
            "[01]",
            "[1.]",
            "[NaN]",
            "",
        ] {
            assert_eq!(Json::parse(text.as_bytes()), None, "{text:?}");
        }
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(Json::parse(nested(10_000).as_bytes()), None);
        assert_eq!(Json::parse(nested(DEPTH_MAX + 2).as_bytes()), None);
        assert!(Json::parse(nested(DEPTH_MAX + 1).as_bytes()).is_some());
        assert_eq!(Json::parse(b"\"\xc0\x80\""), None);
    }

    #[test]
    fn numbers_keep_their_text() {
        for text in ["1.0", "-0", "1e2", "99999999999999999999", "0.10882300", "1e400"] {
            let number = Json::Decimal(text.to_owned());
            assert_eq!(Json::parse(text.as_bytes()), Some(number.clone()), "{text}");
            assert_eq!(number.to_bytes(), text.as_bytes());
        }
        assert_eq!(Json::parse(b"10"), Some(Json::Integer(10)));
        assert_eq!(Json::parse(b"18446744073709551615"), Some(Json::Integer(u64::MAX.into())));
    }

    #[test]
    fn a_tree_survives_being_sent() {
        let tree = object! { "b": Json::Null, "a": vec![Json::Bool(true)] };
        assert_eq!(tree.to_bytes(), br#"{"a":[true],"b":null}"#);
        assert_eq!(Json::parse(&tree.to_bytes()), Some(tree));
    }
}
