//! The canonical form of what a file says, and its hash.

use serde_json::Value;
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

/// JSON with sorted keys and no blanks. Dates and numbers stand as the file's own text, so that no
/// rounding can make two files the same.
pub fn canonical(table: &DeTable<'_>) -> String {
    // The map of `serde_json` is sorted by its keys.
    object(table).to_string()
}

/// The hash of [`canonical`].
pub fn sha256(table: &DeTable<'_>) -> [u8; 32] {
    Sha256::digest(canonical(table)).into()
}

/// Whether a decision's hash, in hex, is of this text. Decisions of before policies were lists of rules
/// name the hash of the file's bytes.
pub fn is_hash_of(sha256_hex: &str, text: &str) -> bool {
    let of_bytes = hex::encode(Sha256::digest(text)) == sha256_hex;
    let of_form = DeTable::parse(text).map(|table| hex::encode(sha256(table.get_ref())));
    of_bytes || of_form.is_ok_and(|of_form| of_form == sha256_hex)
}

fn object(table: &DeTable<'_>) -> Value {
    let entries = table.iter();
    Value::Object(entries.map(|(k, v)| (k.get_ref().to_string(), value(v.get_ref()))).collect())
}

fn value(found: &DeValue<'_>) -> Value {
    match found {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::from(number),
            Err(_) => Value::String(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Value::String(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(elements) => {
            Value::Array(elements.iter().map(|element| value(element.get_ref())).collect())
        }
        DeValue::Table(table) => object(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        canonical(DeTable::parse(text).expect("sound").get_ref())
    }

    #[test]
    fn blanks_comments_and_order_do_not_matter_and_values_do() {
        let plain = of("a = 1\nb = [\"x\", true]\n[c]\nd = 2026-01-01");
        assert_eq!(plain, r#"{"a":1,"b":["x",true],"c":{"d":"2026-01-01"}}"#);
        assert_eq!(of("# why\nb = ['x', true] \n a = 0x1\nc.d = 2026-01-01"), plain);
        assert_ne!(of("a = 2\nb = [\"x\", true]\n[c]\nd = 2026-01-01"), plain);
    }
}
