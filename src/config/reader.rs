//! Reads typed values out of the merged tree and goes on after a fault, so that all are told at once.
//!
//! What is missing or wrong is noted and replaced by a harmless value; the configuration that comes
//! out is handed to nobody when there was a fault.

use super::layers::{Layers, join};
use super::{BUILT_IN, ConfigFault};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::LazyLock;
use toml::{Table, Value};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    faults: RefCell<Vec<ConfigFault>>,
}

impl<'a> Reader<'a> {
    pub fn new(layers: &'a Layers) -> Self {
        Self { layers, faults: RefCell::new(layers.faults.clone()) }
    }

    pub fn root(&'a self) -> Section<'a> {
        Section::new(self, String::new(), &self.layers.tree)
    }

    pub fn fault(&self, key: &str, message: impl Into<String>) {
        self.faults.borrow_mut().push(ConfigFault {
            source: self.layers.origin(key),
            key: key.to_owned(),
            message: message.into(),
        });
    }

    /// Whether a value is the program's own: no file of anybody's and no variable set it.
    pub fn is_built_in(&self, key: &str) -> bool {
        BUILT_IN.contains(&self.layers.origin(key).as_str())
    }

    /// Whether a fault was told of a key, or of something inside it.
    pub fn has_fault(&self, key: &str) -> bool {
        self.faults.borrow().iter().any(|fault| {
            fault.key.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    pub fn finish(self) -> Vec<ConfigFault> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        faults
    }
}

/// One table. Whatever of it was not read when it is dropped is a fault: nobody knows that key, and
/// a misspelt limit must not be a limit that does not apply.
#[derive(Debug)]
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    path: String,
    table: &'a Table,
    read: RefCell<BTreeSet<String>>,
}

/// Stands in for a table that is missing.
static EMPTY: LazyLock<Table> = LazyLock::new(Table::new);

impl<'a> Section<'a> {
    fn new(reader: &'a Reader<'a>, path: String, table: &'a Table) -> Self {
        Self { reader, path, table, read: RefCell::default() }
    }

    pub fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    pub fn fault(&self, key: &str, message: impl Into<String>) {
        self.reader.fault(&self.path(key), message);
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.read.borrow_mut().insert(key.to_owned());
        self.table.get(key)
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether a text is there and empty, as it is where nobody has set it.
    pub fn is_blank(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(is_blank)
    }

    /// The file or variable that the value of a key came from.
    pub fn origin(&self, key: &str) -> String {
        self.reader.layers.origin(&self.path(key))
    }

    /// Whether a value is the program's own: no file of anybody's and no variable set it.
    pub fn is_built_in(&self, key: &str) -> bool {
        self.reader.is_built_in(&self.path(key))
    }

    /// The keys of a table whose keys are data.
    pub fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Counts every key as read: the fault that was told says enough.
    pub fn forgive(&self) {
        self.read.borrow_mut().extend(self.keys());
    }

    /// A text, or none when it is missing or empty.
    pub fn opt_text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.fault(key, "must be a text in quotes");
                None
            }
        }
    }

    pub fn text(&self, key: &str) -> String {
        let wrong_type = self.table.get(key).is_some_and(|value| !value.is_str());
        let text = self.opt_text(key);
        if text.is_none() && !wrong_type {
            self.fault(key, "is missing");
        }
        text.unwrap_or_default()
    }

    /// A text that is parsed; `what` completes "must be …".
    pub fn opt_parsed<T: FromStr>(&self, key: &str, what: &str) -> Option<T> {
        let text = self.opt_text(key)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(key, format!("must be {what}"));
        }
        parsed
    }

    pub fn parsed<T: FromStr>(&self, key: &str, what: &str) -> Option<T> {
        if self.table.get(key).is_none_or(is_blank) {
            self.get(key);
            self.fault(key, format!("is missing; it must be {what}"));
            return None;
        }
        self.opt_parsed(key, what)
    }

    /// A whole number from `least` to `most`.
    pub fn number<T: TryFrom<i64> + Default>(&self, key: &str, least: i64, most: i64) -> T {
        match self.get(key) {
            Some(Value::Integer(number)) if least <= *number && *number <= most => {
                T::try_from(*number).unwrap_or_default()
            }
            Some(Value::Integer(_)) => {
                self.fault(key, format!("must be from {least} to {most}"));
                T::default()
            }
            Some(_) => {
                self.fault(key, "must be a whole number without quotes");
                T::default()
            }
            None => {
                self.fault(key, "is missing");
                T::default()
            }
        }
    }

    pub fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Boolean(flag)) => *flag,
            Some(_) => {
                self.fault(key, "must be true or false, without quotes");
                false
            }
            None => {
                self.fault(key, "is missing");
                false
            }
        }
    }

    /// A list of texts, empty when it is missing.
    pub fn texts(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(elements)) if elements.iter().all(Value::is_str) => {
                elements.iter().filter_map(|element| element.as_str().map(str::to_owned)).collect()
            }
            Some(_) => {
                self.fault(key, "must be a list of texts");
                Vec::new()
            }
        }
    }

    /// A list of texts, each parsed.
    pub fn parsed_texts<T: FromStr>(&self, key: &str, what: &str) -> Vec<T> {
        let parse = |text: String| {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                self.fault(key, format!("`{text}` must be {what}"));
            }
            parsed
        };
        self.texts(key).into_iter().filter_map(parse).collect()
    }

    pub fn opt_section(&self, key: &str) -> Option<Section<'a>> {
        match self.get(key)? {
            Value::Table(table) => Some(Section::new(self.reader, self.path(key), table)),
            _ => {
                self.fault(key, "must be a table");
                None
            }
        }
    }

    /// Counts a setting as read whatever it holds: a fault is told of it elsewhere.
    pub fn forgive_one(&self, key: &str) {
        self.get(key);
    }

    pub fn section(&self, key: &str) -> Section<'a> {
        self.opt_section(key).unwrap_or_else(|| {
            if !self.has(key) {
                self.fault(key, "is missing");
            }
            Section::new(self.reader, self.path(key), &EMPTY)
        })
    }

    /// The elements of a list of tables, none when it is missing.
    pub fn sections(&self, key: &str) -> Vec<Section<'a>> {
        let elements = match self.get(key) {
            None => return Vec::new(),
            Some(Value::Array(elements)) => elements,
            Some(_) => {
                self.fault(key, "must be a list of tables");
                return Vec::new();
            }
        };
        let mut sections = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let path = format!("{}[{index}]", self.path(key));
            match element {
                Value::Table(table) => sections.push(Section::new(self.reader, path, table)),
                _ => self.reader.fault(&path, "must be a table"),
            }
        }
        sections
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let read = self.read.borrow();
        for key in self.table.keys().filter(|key| !read.contains(*key)) {
            self.fault(key, "is no setting that exists");
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}
