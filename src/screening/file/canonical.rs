//! The canonical form of what a file says, and its hash.

use super::library::Library;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

/// JSON with sorted keys and no blanks. Dates and numbers stand as the file's own text, so that no
/// rounding can make two files the same.
pub fn canonical(table: &DeTable<'_>) -> String {
    // The map of `serde_json` is sorted by its keys.
    object(table).to_string()
}

/// As [`canonical`], with what each included version says in the place of its name.
pub fn with_included(table: &DeTable<'_>, included: &[(String, &DeTable<'_>)]) -> String {
    let mut whole = entries(table);
    if !included.is_empty() {
        let said = included.iter().map(|(version, table)| (version.clone(), object(table)));
        whole.insert("include".to_owned(), Value::Object(said.collect()));
    }
    Value::Object(whole).to_string()
}

/// The canonical form of a text with what it includes. None: it is no TOML, or includes what is not known.
pub fn whole(text: &str, library: &Library) -> Option<String> {
    let parsed = DeTable::parse(text).ok()?;
    let named = parsed.get_ref().iter().find(|(key, _)| key.get_ref() == "include");
    let Some(DeValue::Array(versions)) = named.map(|(_, value)| value.get_ref()) else {
        return Some(canonical(parsed.get_ref()));
    };
    let mut included = Vec::new();
    for version in versions.iter() {
        let DeValue::String(version) = version.get_ref() else { return None };
        let (_, text) = library.find(version)?;
        included.push((version.to_string(), DeTable::parse(text).ok()?.into_inner()));
    }
    let included: Vec<_> = included.iter().map(|(name, table)| (name.clone(), table)).collect();
    Some(with_included(parsed.get_ref(), &included))
}

/// The hash of a canonical form.
pub fn sha256(canonical: &str) -> [u8; 32] {
    Sha256::digest(canonical).into()
}

/// Whether a decision's hash, in hex, is of this text. Decisions of before policies were lists of rules
/// name the hash of the file's bytes.
pub fn is_hash_of(sha256_hex: &str, text: &str) -> bool {
    let of_bytes = hex::encode(Sha256::digest(text)) == sha256_hex;
    let of_form =
        DeTable::parse(text).map(|table| hex::encode(sha256(&canonical(table.get_ref()))));
    of_bytes || of_form.is_ok_and(|of_form| of_form == sha256_hex)
}

/// Of these texts the one with this hash. Of a version that includes another it is the canonical form, which
/// holds both and has that hash itself.
pub fn text_of<'a>(
    sha256_hex: &str,
    mut texts: impl Iterator<Item = &'a str>,
    library: &Library,
) -> Option<String> {
    texts.find_map(|text| {
        if is_hash_of(sha256_hex, text) {
            return Some(text.to_owned());
        }
        whole(text, library).filter(|form| is_hash_of(sha256_hex, form))
    })
}

fn object(table: &DeTable<'_>) -> Value {
    Value::Object(entries(table))
}

fn entries(table: &DeTable<'_>) -> Map<String, Value> {
    table.iter().map(|(k, v)| (k.get_ref().to_string(), value(v.get_ref()))).collect()
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
