//! Texts that are signed one after another, without a mark that says where each of them ends.
//!
//! A signature over such a text holds for every other way to cut it: `{"a":"1","b":"2"}` and `{"a":"1b2"}`
//! read the same. So whoever believes one must first know that it can be read in no other way, by the one
//! [`Shape`] that each field has.

use crate::json::Json;

/// What the text of a field looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Digits,
    Amount,
    Currency,
    Stamp,
    /// An id or code without blanks.
    Word,
    /// Words for people.
    Prose,
    Uuid,
}

impl Shape {
    /// Whether a text has this shape. Its length is bounded by more than any that a PSP writes.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Shape::Digits => text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_digit()),
            Shape::Amount => is_amount(text),
            Shape::Currency => text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Shape::Stamp => text.len() <= 40 && is_stamp(text),
            Shape::Word => text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic()),
            Shape::Prose => text.len() <= 255 && !text.chars().any(char::is_control),
            Shape::Uuid => is_uuid(text),
        }
    }
}

/// Digits, at most one point, digits. A sign is none that a notification has.
fn is_amount(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 40 && digits(whole) && digits(fraction)
}

/// `2010-01-20 14:42:04.675645+01`, RFC 3339 too.
fn is_stamp(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_digit() || b"-:.+ TZ".contains(&byte);
    text.len() >= 19 && text.bytes().all(known)
}

fn is_uuid(text: &str) -> bool {
    let hyphens = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}

/// Writes data out as it is signed: keys in code-unit order (UTF-16, as Java compares), a null as its key with nothing behind it, lists
/// item by item. None for a number that is no integer: Trustly sends none, and
/// how its text would be signed is written nowhere.
pub(crate) fn write_out(data: &Json, out: &mut String) -> Option<()> {
    match data {
        Json::Null => {}
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Integer(number) => out.push_str(&number.to_string()),
        Json::Decimal(_) => return None,
        Json::Text(text) => out.push_str(text),
        Json::Array(items) => {
            for item in items {
                write_out(item, out)?;
            }
        }
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            for (key, value) in fields {
                out.push_str(key);
                write_out(value, out)?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &str, expected: Option<&str>) {
        let data = Json::parse(data.as_bytes()).expect("the test's JSON is strict");
        let mut text = String::new();
        let written = write_out(&data, &mut text).map(|()| text);
        assert_eq!(written.as_deref(), expected);
    }

    #[test]
    fn data_is_written_out_key_by_key() {
        check(r#"{"b":"2","a":"1","B":"3"}"#, Some("B3a1b2"));
        check(r#"{"a":null,"b":true,"c":false,"d":7}"#, Some("abtruecfalsed7"));
        check(r#"{"a":[{"y":"1","x":"2"},{"z":[]}],"b":{}}"#, Some("ax2y1zb"));
        check(r#"[{"b":"1","a":"2"}]"#, Some("a2b1"));
        check(r#"{"a":1.5}"#, None);
    }

    #[test]
    fn keys_are_ordered_by_code_units_and_not_by_code_points() {
        // U+1F600 begins with the unit D83D and so stands before U+FF5E; its code point is larger.
        check("{\"\u{ff5e}\":\"2\",\"\u{1f600}\":\"1\"}", Some("\u{1f600}1\u{ff5e}2"));
    }
}
