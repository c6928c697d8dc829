//! What a file says, word for word: rules with their parameters as texts, to compare them.

use super::library::Library;
use std::collections::BTreeMap;
use std::fmt;
use toml::de::{DeTable, DeValue};

/// What stands behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    One(String),
    Many(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::One(text) => f.write_str(text),
            Value::Many(texts) if texts.is_empty() => f.write_str("nothing"),
            Value::Many(texts) => f.write_str(&texts.join(", ")),
        }
    }
}

/// Keys with their values; those of a table inside are `table.key`.
pub type Entries = BTreeMap<String, Value>;

/// One rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidRule {
    pub id: String,
    pub entries: Entries,
}

/// Keys of a rule that are no parameters of its kind.
const OF_EVERY_RULE: [&str; 7] =
    ["id", "kind", "at", "effect", "only_records", "source", "source_date"];

impl SaidRule {
    /// The parameters of its kind.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.entries.iter().map(|(key, value)| (key.as_str(), value));
        entries.filter(|(key, _)| !OF_EVERY_RULE.contains(key))
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Everything that is no rule.
    pub head: Entries,
    /// Its own rules, then those of the versions that it includes.
    pub rules: Vec<SaidRule>,
}

impl Said {
    /// What a text says. A text that is no TOML says nothing, nor does a version that is not known:
    /// both are faults where the text is read.
    pub fn read(text: &str, library: &Library) -> Self {
        let Ok(parsed) = DeTable::parse(text) else { return Self::default() };
        let mut said = Self::default();
        flatten("", parsed.get_ref(), &mut said.head);
        said.head.remove("rules");
        said.rules = rules(parsed.get_ref());
        if let Some(Value::Many(included)) = said.head.get("include") {
            let found = included.iter().filter_map(|version| library.find(version));
            for (_, text) in found {
                if let Ok(parsed) = DeTable::parse(text) {
                    said.rules.extend(rules(parsed.get_ref()));
                }
            }
        }
        said
    }
}

fn rules(root: &DeTable<'_>) -> Vec<SaidRule> {
    let found = root.iter().find(|(key, _)| key.get_ref() == "rules");
    let Some(DeValue::Array(elements)) = found.map(|(_, value)| value.get_ref()) else {
        return Vec::new();
    };
    let rule = |value: &DeValue<'_>| {
        let DeValue::Table(table) = value else { return None };
        let mut entries = Entries::new();
        flatten("", table, &mut entries);
        let id = entries.get("id").map(ToString::to_string).unwrap_or_default();
        Some(SaidRule { id, entries })
    };
    elements.iter().filter_map(|element| rule(element.get_ref())).collect()
}

fn flatten(prefix: &str, table: &DeTable<'_>, into: &mut Entries) {
    for (key, value) in table {
        let key = format!("{prefix}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => flatten(&format!("{key}."), inner, into),
            DeValue::Array(elements) => {
                let texts = elements.iter().map(|element| text(element.get_ref()));
                into.insert(key, Value::Many(texts.collect()));
            }
            other => {
                into.insert(key, Value::One(text(other)));
            }
        }
    }
}

fn text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(elements) => {
            let texts: Vec<String> = elements.iter().map(|it| text(it.get_ref())).collect();
            format!("[{}]", texts.join(", "))
        }
        DeValue::Table(table) => {
            let mut entries = Entries::new();
            flatten("", table, &mut entries);
            let texts: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{{{}}}", texts.join(", "))
        }
    }
}
