//! Reads typed values out of a policy file and goes on after a fault, so that all are told at once,
//! each with its line.

use crate::domain::{Currency, Money, Timestamp};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use time::Date;
use time::format_description::well_known::{Iso8601, Rfc3339};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub file: String,
    /// From 1 on; 0 where no line is to blame.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// A file that is being read, with the faults found so far.
#[derive(Debug)]
pub struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Source<'a> {
    pub const fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, faults: RefCell::new(Vec::new()) }
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }

    pub fn fault(&self, at: usize, message: impl Into<String>) {
        let line = self.line(at);
        let fault = Fault { file: self.file.to_owned(), line, message: message.into() };
        self.faults.borrow_mut().push(fault);
    }

    /// All faults, in the order of the lines.
    pub fn finish(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        faults
    }
}

/// One table. What was not read of it when it is dropped is a fault: nobody knows that key, and a
/// misspelt threshold must not be a threshold that does not apply.
#[derive(Debug)]
pub struct Table<'a> {
    source: &'a Source<'a>,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    read: RefCell<BTreeSet<String>>,
}

impl<'a> Table<'a> {
    pub fn new(source: &'a Source<'a>, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { source, table, span, read: RefCell::default() }
    }

    fn entry(&self, key: &str) -> Option<(&'a Spanned<DeValue<'a>>, usize)> {
        self.read.borrow_mut().insert(key.to_owned());
        let found = self.table.iter().find(|(name, _)| name.get_ref() == key);
        found.map(|(name, value)| (value, name.span().start))
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Where it begins.
    pub fn line(&self) -> usize {
        self.source.line(self.span.start)
    }

    pub fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// A fault of a key, or of the table where the key is missing.
    pub fn fault(&self, key: &str, message: impl fmt::Display) {
        let found = self.table.keys().find(|name| name.get_ref() == key);
        let at = found.map_or(self.span.start, |name| name.span().start);
        self.source.fault(at, format!("{key} {message}"));
    }

    pub fn opt_text(&self, key: &str) -> Option<String> {
        match self.entry(key)?.0.get_ref() {
            DeValue::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.fault(key, "must be a text in quotes");
                None
            }
        }
    }

    pub fn text(&self, key: &str) -> String {
        if !self.has(key) {
            self.fault(key, "is missing");
        }
        self.opt_text(key).unwrap_or_default()
    }

    pub fn texts(&self, key: &str) -> Vec<String> {
        let Some((value, _)) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(elements) = value.get_ref() else {
            self.fault(key, "must be a list of texts");
            return Vec::new();
        };
        let text = |element: &Spanned<DeValue<'a>>| match element.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => {
                self.source.fault(element.span().start, format!("{key} must be a list of texts"));
                None
            }
        };
        elements.iter().filter_map(text).collect()
    }

    /// A list of texts, each parsed; `what` completes "must be …".
    pub fn parsed_texts<T: FromStr>(&self, key: &str, what: &str) -> Vec<T> {
        let parse = |text: String| {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                self.fault(key, format!("has `{text}`, which must be {what}"));
            }
            parsed
        };
        self.texts(key).into_iter().filter_map(parse).collect()
    }

    pub fn opt_number(&self, key: &str, least: i64, most: i64) -> Option<i64> {
        let (value, _) = self.entry(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.fault(key, format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    pub fn number(&self, key: &str, least: i64, most: i64) -> i64 {
        if !self.has(key) {
            self.fault(key, format!("is missing: a whole number from {least} to {most}"));
        }
        self.opt_number(key, least, most).unwrap_or(least)
    }

    pub fn opt_flag(&self, key: &str) -> Option<bool> {
        match self.entry(key)?.0.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.fault(key, "must be true or false, without quotes");
                None
            }
        }
    }

    pub fn flag(&self, key: &str) -> bool {
        if !self.has(key) {
            self.fault(key, "is missing: true or false");
        }
        self.opt_flag(key).unwrap_or_default()
    }

    /// A text that is one of a list's words, read by `parse`; `what` completes "must be …".
    pub fn opt_word<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
        what: &str,
    ) -> Option<T> {
        let text = self.opt_text(key)?;
        let found = parse(&text);
        if found.is_none() {
            self.fault(key, format!("is `{text}`, and must be {what}"));
        }
        found
    }

    pub fn opt_date(&self, key: &str) -> Option<Date> {
        self.opt_word(key, |text| Date::parse(text, &Iso8601::DATE).ok(), "a day, \"2026-11-20\"")
    }

    pub fn opt_time(&self, key: &str) -> Option<Timestamp> {
        let parse = |text: &str| Timestamp::parse(text, &Rfc3339).ok();
        self.opt_word(key, parse, "a time, \"2026-11-01T00:00:00Z\"")
    }

    /// An amount in major units of a currency, `"2000.00"`.
    pub fn money(&self, key: &str, currency: Currency) -> Money {
        let text = self.text(key);
        Money::parse(&text, currency).unwrap_or_else(|error| {
            if !text.is_empty() {
                self.fault(key, format!("is `{text}`: {error}"));
            }
            Money::new(i64::MAX, currency)
        })
    }

    /// Amounts by currency: `key.SEK = "100.00"`.
    pub fn amounts(&self, key: &str) -> BTreeMap<Currency, i64> {
        let Some(table) = self.opt_table(key) else { return BTreeMap::new() };
        let mut amounts = BTreeMap::new();
        for code in table.keys() {
            match code.parse::<Currency>() {
                Ok(currency) => {
                    amounts.insert(currency, table.money(&code, currency).minor);
                }
                Err(_) => {
                    table.entry(&code);
                    table.fault(&code, "is no currency");
                }
            }
        }
        amounts
    }

    pub fn opt_table(&self, key: &str) -> Option<Table<'a>> {
        let (value, at) = self.entry(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::new(self.source, table, at..at)),
            _ => {
                self.fault(key, "must be a table");
                None
            }
        }
    }

    /// The elements of a list of tables.
    pub fn tables(&self, key: &str) -> Vec<Table<'a>> {
        let Some((value, _)) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(elements) = value.get_ref() else {
            self.fault(key, "must be a list of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for element in elements.iter() {
            match element.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Table::new(self.source, table, element.span()));
                }
                _ => self.source.fault(element.span().start, format!("{key} must hold tables")),
            }
        }
        tables
    }

    /// Counts every key as read: the fault that was told says enough.
    pub fn forgive(&self) {
        self.read.borrow_mut().extend(self.keys());
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        let read = self.read.borrow();
        for key in self.table.keys().filter(|key| !read.contains(key.get_ref().as_ref())) {
            let message = format!("{} is no setting that exists here", key.get_ref());
            self.source.fault(key.span().start, message);
        }
    }
}
