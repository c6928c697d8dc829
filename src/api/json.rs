//! Strict JSON: one text, one meaning.
//!
//! serde_json alone takes the last of two equal keys and lets two readers of the same bytes see
//! different requests; a signed body must mean one thing. Here a key may stand once at any depth,
//! nothing may follow the value, and numbers keep their text, so that no amount ever passes
//! through a binary fraction.
//!
//! What the database cannot keep, or could not read later, does not come in: no text holds U+0000, and no
//! number is longer or larger than anybody means.

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Objects and lists inside each other, at most.
const DEPTH_MAX: usize = 16;
/// Bytes of a member's name, at most.
const NAME_MAX: usize = 256;
/// Characters of a number, and what its exponent may be to either side, at most.
const NUMBER_MAX: usize = 40;
const EXPONENT_MAX: u32 = 300;

/// A JSON value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// The digits as they stood in the text.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Why a text is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonFault {
    /// RFC 6901; empty for the whole text.
    pub pointer: String,
    pub kind: JsonFaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonFaultKind {
    NotUtf8,
    NotJson,
    DuplicateKey,
    TooDeep,
    /// A member's name is too long; the pointer is its object's, so that no answer repeats the name.
    LongName,
    /// A text, or a member's name, holds U+0000: the database takes it for no text. The pointer is the text's,
    /// or the object's.
    NulCharacter,
    /// Too many digits, or too large an exponent.
    LongNumber,
}

impl JsonFault {
    const fn here(kind: JsonFaultKind) -> Self {
        Self { pointer: String::new(), kind }
    }

    /// The same fault, told from one level further up. Only a fault costs a pointer: what is read without one
    /// builds none.
    fn below(self, key: &str) -> Self {
        let mut pointer = pointer_to("", key);
        pointer.push_str(&self.pointer);
        Self { pointer, ..self }
    }
}

impl Json {
    /// Reads one whole JSON text.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonFault> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| JsonFault::here(JsonFaultKind::NotUtf8))?;
        read(text.trim_matches([' ', '\t', '\n', '\r']), 0)
    }

    /// The word for this kind of value, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// The one spelling of this value: keys in order, no spaces. Equal values, equal bytes.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    fn write_canonical(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(digits) => out.push_str(digits),
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_canonical(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                let mut ordered: Vec<_> = members.iter().collect();
                ordered.sort_by(|a, b| a.0.cmp(&b.0));
                out.push('{');
                for (index, (key, value)) in ordered.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write_canonical(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    // Writing a string into memory cannot fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Extends a pointer by one key, escaped as RFC 6901 says.
pub fn pointer_to(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn read(text: &str, depth: usize) -> Result<Json, JsonFault> {
    let broken = |_| JsonFault::here(JsonFaultKind::NotJson);
    let first = text.bytes().next().unwrap_or(b' ');
    match first {
        b'{' | b'[' if depth >= DEPTH_MAX => Err(JsonFault::here(JsonFaultKind::TooDeep)),
        b'{' => {
            let mut reader = serde_json::Deserializer::from_str(text);
            let members = reader.deserialize_map(Members).map_err(broken)?;
            reader.end().map_err(broken)?;
            read_members(&members, depth)
        }
        b'[' => {
            let mut reader = serde_json::Deserializer::from_str(text);
            let items = reader.deserialize_seq(Items).map_err(broken)?;
            reader.end().map_err(broken)?;
            let read_item = |(index, item): (usize, &&RawValue)| {
                read(item.get(), depth + 1).map_err(|fault| fault.below(&index.to_string()))
            };
            let read: Result<_, _> = items.iter().enumerate().map(read_item).collect();
            read.map(Json::List)
        }
        b'"' => {
            let text: String = serde_json::from_str(text).map_err(broken)?;
            without_nul(&text)?;
            Ok(Json::Text(text))
        }
        b't' | b'f' => serde_json::from_str(text).map(Json::Bool).map_err(broken),
        b'n' => serde_json::from_str::<()>(text).map(|()| Json::Null).map_err(broken),
        _ => {
            let digits: &RawValue = serde_json::from_str(text).map_err(broken)?;
            if !is_sensible(digits.get()) {
                return Err(JsonFault::here(JsonFaultKind::LongNumber));
            }
            Ok(Json::Number(digits.get().to_owned()))
        }
    }
}

fn without_nul(text: &str) -> Result<(), JsonFault> {
    if text.contains('\0') { Err(JsonFault::here(JsonFaultKind::NulCharacter)) } else { Ok(()) }
}

/// What is kept as it was written is read as a number by the database some day, which holds no exponent of any
/// size.
fn is_sensible(number: &str) -> bool {
    let exponent = number.split_once(['e', 'E']).map(|(_, exponent)| exponent.parse::<i32>());
    let fits = exponent.is_none_or(|it| it.is_ok_and(|it| it.unsigned_abs() <= EXPONENT_MAX));
    fits && number.len() <= NUMBER_MAX
}

fn read_members(members: &[(String, &RawValue)], depth: usize) -> Result<Json, JsonFault> {
    let mut seen = std::collections::HashSet::with_capacity(members.len());
    let mut object = Vec::with_capacity(members.len());
    for (key, raw) in members {
        if NAME_MAX < key.len() {
            return Err(JsonFault::here(JsonFaultKind::LongName));
        }
        without_nul(key)?;
        if !seen.insert(key.as_str()) {
            return Err(JsonFault::here(JsonFaultKind::DuplicateKey).below(key));
        }
        let value = read(raw.get(), depth + 1).map_err(|fault| fault.below(key))?;
        object.push((key.clone(), value));
    }
    Ok(Json::Object(object))
}

/// Collects an object's members, both of two equal keys.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// Collects a list's items.
struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(text: &[u8], pointer: &str, kind: JsonFaultKind) {
        let fault = Json::parse(text).expect_err("this text must be refused");
        assert_eq!((fault.pointer.as_str(), fault.kind), (pointer, kind));
    }

    #[test]
    fn a_key_may_stand_once_at_any_depth() {
        use JsonFaultKind::DuplicateKey;
        refused(br#"{"a":1,"a":1}"#, "/a", DuplicateKey);
        refused(br#"{"a":1,"\u0061":1}"#, "/a", DuplicateKey);
        refused(br#"{"x":[{"y/z":{"b":1,"b":2}}]}"#, "/x/0/y~1z/b", DuplicateKey);
    }

    #[test]
    fn what_is_not_one_json_text_is_refused() {
        use JsonFaultKind::{NotJson, NotUtf8};
        for text in ["", "{", "{} {}", "{}x", "{'a':1}", "[1,]", "01", "+1", "nul", "NaN", "{1:2}"]
        {
            refused(text.as_bytes(), "", NotJson);
        }
        refused(b"{\"a\":\"\xff\"}", "", NotUtf8);
        refused(b"\xef\xbb\xbf{}", "", NotJson);
        refused(br#"{"a":"\ud800"}"#, "/a", NotJson);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(deep(16).as_bytes()).is_ok());
        let fault = Json::parse(deep(17).as_bytes()).expect_err("too deep");
        assert_eq!(fault.kind, JsonFaultKind::TooDeep);
        assert!(Json::parse(deep(100_000).as_bytes()).is_err());
    }

    #[test]
    fn numbers_keep_their_text() {
        let json = Json::parse(b"[0.10, 1e300, -1E-300]").unwrap();
        let numbers = ["0.10", "1e300", "-1E-300"].map(|n| Json::Number(n.to_owned()));
        assert_eq!(json, Json::List(numbers.to_vec()));
    }

    #[test]
    fn no_number_is_longer_or_larger_than_anybody_means() {
        use JsonFaultKind::LongNumber;
        let most = "1".repeat(NUMBER_MAX);
        assert_eq!(Json::parse(most.as_bytes()), Ok(Json::Number(most.clone())));
        refused(format!("{{\"a\":[{most}1]}}").as_bytes(), "/a/0", LongNumber);
        for exponent in ["e301", "E-301", "e+301", "e200000", "e99999999999999999999"] {
            let text = format!("{{\"a\":{{\"b\":1{exponent}}}}}");
            refused(text.as_bytes(), "/a/b", LongNumber);
        }
    }

    #[test]
    fn no_text_and_no_name_holds_u_0000() {
        use JsonFaultKind::NulCharacter;
        refused(br#"{"a":["b","c\u0000"]}"#, "/a/1", NulCharacter);
        refused(br#"{"a":{"b\u0000":1}}"#, "/a", NulCharacter);
        assert!(Json::parse(br#"{"a":"\u0001\\u0000"}"#).is_ok(), "it is no U+0000");
    }

    #[test]
    fn a_name_has_an_end_and_what_is_below_a_longer_one_is_not_read() {
        use JsonFaultKind::{LongName, NotJson};
        let object = |name: &str, value: &str| format!("{{\"x\":[{{\"{name}\":{value}}}]}}");
        let most = "n".repeat(NAME_MAX);
        assert!(Json::parse(object(&most, "1").as_bytes()).is_ok());
        // The value is broken too, in a way that only reading it shows.
        let broken = r#"["\ud800"]"#;
        let below = format!("/x/0/{most}/0");
        refused(object(&most, broken).as_bytes(), &below, NotJson);
        refused(object(&format!("{most}n"), broken).as_bytes(), "/x/0", LongName);
    }

    #[test]
    fn a_fault_is_told_by_its_whole_way_from_the_top() {
        use JsonFaultKind::{NotJson, TooDeep};
        refused(br#"[0,{"a~/":[1,[2,{"b":"\ud800"}]]}]"#, "/1/a~0~1/1/1/b", NotJson);
        let deep = format!("{}1{}", r#"{"k":"#.repeat(17), "}".repeat(17));
        refused(deep.as_bytes(), &"/k".repeat(16), TooDeep);
    }

    #[test]
    fn equal_values_have_one_spelling() {
        let a = Json::parse(br#"{ "b" : [true, null], "a" : "\u00e9" }"#).unwrap();
        let b = Json::parse("{\"a\":\"é\",\"b\":[true,null]}".as_bytes()).unwrap();
        assert_eq!(a.canonical(), b.canonical());
        assert_eq!(a.canonical(), "{\"a\":\"é\",\"b\":[true,null]}");
    }

    proptest! {
        #[test]
        fn it_never_panics_and_never_takes_what_serde_json_refuses(bytes in prop::collection::vec(
            prop::sample::select(b"{}[]\":,0123456789.eE+-truefalsnul\\ \n".to_vec()), 0..40)) {
            if let Ok(json) = Json::parse(&bytes) {
                let known: Result<&RawValue, _> = serde_json::from_slice(&bytes);
                prop_assert!(known.is_ok());
                let again = Json::parse(json.canonical().as_bytes());
                prop_assert_eq!(again.map(|j| j.canonical()), Ok(json.canonical()));
            }
        }
    }
}
