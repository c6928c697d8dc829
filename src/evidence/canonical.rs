//! The canonical form of what is kept for good: one way to write it, so that a hash of it means something.
//!
//! JSON with the keys of every object in the order of their bytes, no white space, whole numbers, texts
//! and truth values only. A time is RFC 3339 in UTC with six digits of a second, bytes are hex, an id is
//! its UUID. What is null is left out, so that a column that comes later leaves old lines as they were.

use crate::domain::Timestamp;
use std::fmt::Write as _;
use time::UtcOffset;
use uuid::Uuid;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    Int(i64),
    Text(String),
    List(Vec<Object>),
    Object(Object),
}

/// Values under their names, in the order of these: some twenty at most, put into their place as they come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object(Vec<(&'static str, Value)>);

impl Object {
    /// With one more value; one that is null is left out.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Canonical) -> Self {
        let Some(value) = value.canonical() else { return self };
        match self.0.binary_search_by_key(&key, |(known, _)| known) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
        self
    }

    /// Its text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, into: &mut String) {
        into.push('{');
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                into.push(',');
            }
            write_text(key, into);
            into.push(':');
            value.write(into);
        }
        into.push('}');
    }
}

impl Value {
    fn write(&self, into: &mut String) {
        match self {
            Value::Flag(flag) => into.push_str(if *flag { "true" } else { "false" }),
            Value::Int(number) => _ = write!(into, "{number}"),
            Value::Text(text) => write_text(text, into),
            Value::Object(object) => object.write(into),
            Value::List(items) => {
                into.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        into.push(',');
                    }
                    item.write(into);
                }
                into.push(']');
            }
        }
    }
}

/// As RFC 8785 §3.2.2.2 writes a text: only what must be escaped is, and always the same way. What stands
/// between is copied in one piece.
fn write_text(text: &str, into: &mut String) {
    into.push('"');
    let mut plain = 0;
    let is_escaped = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| is_escaped(*byte)) {
        into.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => into.push_str("\\\""),
            b'\\' => into.push_str("\\\\"),
            0x8 => into.push_str("\\b"),
            b'\t' => into.push_str("\\t"),
            b'\n' => into.push_str("\\n"),
            0xc => into.push_str("\\f"),
            b'\r' => into.push_str("\\r"),
            control => _ = write!(into, "\\u{control:04x}"),
        }
    }
    into.push_str(&text[plain..]);
    into.push('"');
}

/// `2026-11-21T06:40:00.000001Z`: what PostgreSQL keeps of a time, and nothing else.
pub fn time_text(at: Timestamp) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (date, time) = (at.date(), at.time());
    let mut text = String::with_capacity("2026-11-21T06:40:00.000001Z".len());
    let _ = write!(text, "{:04}", date.year());
    let parts: [(char, u32, u8); 6] = [
        ('-', u8::from(date.month()).into(), 2),
        ('-', date.day().into(), 2),
        ('T', time.hour().into(), 2),
        (':', time.minute().into(), 2),
        (':', time.second().into(), 2),
        ('.', time.microsecond(), 6),
    ];
    for (before, number, digits) in parts {
        text.push(before);
        for place in (0..u32::from(digits)).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            text.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
    }
    text.push('Z');
    text
}

/// What can stand in a canonical object.
pub trait Canonical {
    /// None: it is null.
    fn canonical(self) -> Option<Value>;
}

impl Canonical for bool {
    fn canonical(self) -> Option<Value> {
        Some(Value::Flag(self))
    }
}

impl Canonical for i64 {
    fn canonical(self) -> Option<Value> {
        Some(Value::Int(self))
    }
}

impl Canonical for i32 {
    fn canonical(self) -> Option<Value> {
        Some(Value::Int(self.into()))
    }
}

impl Canonical for i16 {
    fn canonical(self) -> Option<Value> {
        Some(Value::Int(self.into()))
    }
}

impl Canonical for String {
    fn canonical(self) -> Option<Value> {
        Some(Value::Text(self))
    }
}

impl Canonical for Timestamp {
    fn canonical(self) -> Option<Value> {
        Some(Value::Text(time_text(self)))
    }
}

impl Canonical for Uuid {
    fn canonical(self) -> Option<Value> {
        Some(Value::Text(self.to_string()))
    }
}

impl Canonical for Vec<u8> {
    fn canonical(self) -> Option<Value> {
        Some(Value::Text(hex::encode(self)))
    }
}

impl Canonical for Object {
    fn canonical(self) -> Option<Value> {
        Some(Value::Object(self))
    }
}

/// A list of nothing is null.
impl Canonical for Vec<Object> {
    fn canonical(self) -> Option<Value> {
        (!self.is_empty()).then_some(Value::List(self))
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn canonical(self) -> Option<Value> {
        self.and_then(Canonical::canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn keys_are_sorted_and_null_is_left_out() {
        let inner = Object::default().with("n", 1_i16).with("is_final", true);
        let object = Object::default()
            .with("b", "text \"quoted\" \\ \n \u{1} é".to_owned())
            .with("a", i64::MIN)
            .with("none", None::<i64>)
            .with("empty", Vec::<Object>::new())
            .with("list", vec![inner])
            .with("bytes", vec![0_u8, 255]);
        let text = r#"{"a":-9223372036854775808,"b":"text \"quoted\" \\ \n \u0001 é","bytes":"00ff","list":[{"is_final":true,"n":1}]}"#;
        assert_eq!(object.text(), text);
    }

    proptest::proptest! {
        /// serde_json escapes what RFC 8785 wants escaped, and in its way.
        #[test]
        fn a_text_is_written_as_serde_json_writes_it(text in "(\\PC|[\\x00-\\x1f\"\\\\é]){0,40}") {
            let mut ours = String::new();
            write_text(&text, &mut ours);
            proptest::prop_assert_eq!(ours, serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn a_time_is_written_as_the_time_crate_writes_it(micros in 0_i64..250_000_000_000_000_000) {
            let at = Timestamp::UNIX_EPOCH + time::Duration::microseconds(micros);
            let form = time::macros::format_description!(
                "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
            );
            proptest::prop_assert_eq!(time_text(at), at.format(form).unwrap());
        }
    }

    #[test]
    fn a_time_is_told_in_utc_to_the_microsecond() {
        let at = datetime!(2026-11-21 06:40:00.000001 UTC);
        assert_eq!(time_text(at), "2026-11-21T06:40:00.000001Z");
        let east = at.to_offset(UtcOffset::from_hms(5, 30, 0).unwrap());
        assert_eq!(time_text(east), time_text(at));
    }
}
