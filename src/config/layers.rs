//! Layers of configuration, merged into one tree that remembers where each value came from.
//!
//! Defaults, then the file of the environment, then variables. Tables are merged key by key, those
//! that name the source of a secret excepted; everything else, lists too, is replaced by the later
//! layer.

use super::ConfigFault;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Environment variables, by name.
pub type Variables = BTreeMap<String, String>;

const PREFIX: &str = "INTERLOCK__";

/// What a table may say about where a secret comes from.
pub(super) const SECRET_SOURCES: [&str; 4] = ["env", "file", "value", "generated"];

/// Beside the source, since when the secret is used: its age is watched.
pub(super) const SECRET_SINCE: &str = "since";

/// The merged tree.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub tree: Table,
    /// The layer that set a path last.
    origins: BTreeMap<String, String>,
    pub faults: Vec<ConfigFault>,
}

impl Layers {
    /// Lays a file's text over what is there.
    pub fn add(&mut self, source: &str, text: &str) {
        match text.parse::<Table>() {
            Ok(table) => {
                note_origins(&table, "", source, &mut self.origins);
                merge(&mut self.tree, table);
            }
            Err(error) => self.fault(source, "", error.to_string().trim()),
        }
    }

    /// Lays the variables `INTERLOCK__SECTION__KEY` over what is there. Each must name a key that
    /// exists (all do, in config/default.toml), so that a misspelt one is not silently without
    /// effect. An element of a list is named by its `id`, dashes written as underscores:
    /// `INTERLOCK__PSPS__TRUSTLY_DE__BASE_URL`.
    pub fn add_variables<'v>(
        &mut self,
        variables: impl IntoIterator<Item = (&'v String, &'v String)>,
    ) {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let mut path = String::new();
            let root = &mut self.tree;
            let outcome = match find(root, &rest.to_lowercase(), &mut path) {
                None => Err("names no setting (config/default.toml lists them)".to_owned()),
                Some(value) => replaced(value, text).map(|new| *value = new),
            };
            match outcome {
                Ok(()) => {
                    self.origins.insert(path, name.clone());
                }
                Err(message) => self.fault(name, "", &message),
            }
        }
    }

    /// The file or variable that a key's value came from: of the key itself, or of what holds it.
    pub fn origin(&self, key: &str) -> String {
        let mut path = key;
        loop {
            if let Some(origin) = self.origins.get(path) {
                return origin.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return "configuration".to_owned(),
            }
        }
    }

    pub fn fault(&mut self, source: &str, key: &str, message: &str) {
        self.faults.push(ConfigFault {
            source: source.to_owned(),
            key: key.to_owned(),
            message: message.to_owned(),
        });
    }
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            // A secret has one source: a file instead of a variable, not both.
            (Some(Value::Table(old)), Value::Table(new)) if !is_secret_source(&new) => {
                merge(old, new);
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn is_secret_source(table: &Table) -> bool {
    let (sources, others): (Vec<&str>, Vec<&str>) =
        table.keys().map(String::as_str).partition(|key| SECRET_SOURCES.contains(key));
    sources.len() == 1 && others.iter().all(|key| *key == SECRET_SINCE)
}

fn note_origins(table: &Table, at: &str, source: &str, origins: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = join(at, key);
        if let Value::Table(inner) = value {
            note_origins(inner, &path, source, origins);
        }
        origins.insert(path, source.to_owned());
    }
}

pub(super) fn join(at: &str, key: &str) -> String {
    match (at, key) {
        ("", key) => key.to_owned(),
        (at, "") => at.to_owned(),
        (at, key) => format!("{at}.{key}"),
    }
}

fn find<'a>(table: &'a mut Table, rest: &str, path: &mut String) -> Option<&'a mut Value> {
    let (head, tail) = match rest.split_once("__") {
        Some((head, tail)) => (head, Some(tail)),
        None => (rest, None),
    };
    let key = table.keys().find(|key| is_named(key, head))?.clone();
    *path = join(path, &key);
    let value = table.get_mut(&key)?;
    match (value, tail) {
        (value, None) => Some(value),
        (Value::Table(inner), Some(tail)) => find(inner, tail, path),
        (Value::Array(elements), Some(tail)) => {
            let (id, tail) = tail.split_once("__")?;
            let has_id = |value: &Value| {
                let own = value.get("id").and_then(Value::as_str);
                own.is_some_and(|own| is_named(own, id))
            };
            let index = elements.iter().position(has_id)?;
            *path = format!("{path}[{index}]");
            find(elements.get_mut(index)?.as_table_mut()?, tail, path)
        }
        _ => None,
    }
}

fn is_named(key: &str, variable_part: &str) -> bool {
    key.to_lowercase().replace('-', "_") == variable_part
}

/// The text as a value of the same type as the one it replaces.
fn replaced(old: &Value, text: &str) -> Result<Value, String> {
    match old {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => {
            text.trim().parse().map(Value::Integer).map_err(|_| "must be a whole number".to_owned())
        }
        Value::Boolean(_) => match text.trim() {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err("must be true or false".to_owned()),
        },
        Value::Array(elements) if elements.iter().all(Value::is_str) => {
            let parts = text.split(',').map(str::trim);
            let parts = parts.filter(|part| !part.is_empty());
            Ok(Value::Array(parts.map(Value::from).collect()))
        }
        _ => Err("cannot be set by a variable: use a file".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Layers {
        let mut layers = Layers::default();
        layers.add("a.toml", "[server]\nport = 1\nhosts = []\n[[psps]]\nid = 'x-de'\nurl = ''");
        layers.add("b.toml", "[server]\nname = 'b'");
        layers
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let owned = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        owned.collect()
    }

    #[test]
    fn later_layers_win_key_by_key_and_are_remembered() {
        let mut layers = layers();
        layers.add_variables(&variables(&[
            ("INTERLOCK__SERVER__PORT", "7"),
            ("INTERLOCK__SERVER__HOSTS", "a, b"),
            ("INTERLOCK__PSPS__X_DE__URL", "http://x"),
            ("HOME", "/root"),
        ]));
        assert_eq!(layers.faults, []);
        let server = layers.tree.get("server").unwrap();
        assert_eq!(server.get("port").unwrap().as_integer(), Some(7));
        assert_eq!(server.get("name").unwrap().as_str(), Some("b"));
        assert_eq!(server.get("hosts").unwrap().as_array().unwrap().len(), 2);
        assert_eq!(layers.origin("server.port"), "INTERLOCK__SERVER__PORT");
        assert_eq!(layers.origin("server.name"), "b.toml");
        assert_eq!(layers.origin("psps[0].url"), "INTERLOCK__PSPS__X_DE__URL");
        assert_eq!(layers.origin("psps[0].id"), "a.toml");
    }

    #[test]
    fn variables_that_fit_nothing_are_faults() {
        let mut layers = layers();
        layers.add_variables(&variables(&[
            ("INTERLOCK__SERVER__PROT", "7"),
            ("INTERLOCK__SERVER__PORT", "seven"),
            ("INTERLOCK__PSPS__Y__URL", "http://y"),
        ]));
        let found: Vec<String> = layers.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "INTERLOCK__PSPS__Y__URL: names no setting (config/default.toml lists them)",
                "INTERLOCK__SERVER__PORT: must be a whole number",
                "INTERLOCK__SERVER__PROT: names no setting (config/default.toml lists them)",
            ]
        );
    }
}
