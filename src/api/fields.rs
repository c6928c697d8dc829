//! Reads a request's fields and collects every fault, so that a caller mends them in one go.
//!
//! Two kinds of fault: the *shape* is wrong (unknown or missing field, wrong type, a number where
//! money is expected: 400), or the shape is right and the *meaning* is not (too many decimals, an
//! unknown country: 422). A wrong shape is told first.

use super::amounts::{money_code, money_words};
use super::json::{Json, pointer_to};
use super::problem::{FieldError, Problem};
use crate::clock::whole_micros;
use crate::domain::{Currency, Money, Timestamp};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use time::Date;
use time::format_description::well_known::{Iso8601, Rfc3339};

/// What can be read from a body or a query.
pub trait FromFields: Sized {
    /// None only after a fault was recorded in `fields`.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

#[derive(Debug, Default)]
struct Faults {
    shape: Vec<FieldError>,
    meaning: Vec<FieldError>,
}

/// The fields of one object that were not read yet.
#[derive(Debug)]
pub struct Fields<'f> {
    pointer: String,
    unread: Vec<(String, Json)>,
    faults: &'f RefCell<Faults>,
}

/// What a whole body can be read as: an object, or with [`Items`] a list of them.
pub trait FromJson: Sized {
    /// None only after a fault was recorded.
    fn from_json(json: Json, faults: &Faulty) -> Option<Self>;
}

/// Where faults are collected while a value is read.
#[derive(Debug, Default)]
pub struct Faulty(RefCell<Faults>);

/// A body that is a list of objects.
#[derive(Debug)]
pub struct Items<T>(pub Vec<T>);

/// Whoever mends so many faults hears of the rest afterwards.
const FAULTS_TOLD: usize = 100;

/// A list as a whole body has at most so many items.
const ITEMS_MAX: usize = 100;

impl<T: FromFields> FromJson for T {
    fn from_json(json: Json, faults: &Faulty) -> Option<Self> {
        read_object(json, String::new(), &faults.0)
    }
}

impl<T: FromFields> FromJson for Items<T> {
    fn from_json(json: Json, Faulty(faults): &Faulty) -> Option<Self> {
        let items = match json {
            Json::List(items) if items.len() <= ITEMS_MAX => items,
            other => {
                let detail =
                    format!("a list of at most {ITEMS_MAX} is expected, not {}", other.kind());
                let code = "field.wrong_type".to_owned();
                let pointer = String::new();
                faults.borrow_mut().shape.push(FieldError { pointer, code, detail });
                return None;
            }
        };
        let read = |(index, item)| read_object(item, format!("/{index}"), faults);
        // Every item is read, so that all faults are told at once.
        let read: Vec<Option<T>> = items.into_iter().enumerate().map(read).collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(Self)
    }
}

/// Reads a whole value as `T`, or tells all of its faults.
pub fn read<T: FromJson>(json: Json) -> Result<T, Problem> {
    let faults = Faulty::default();
    let value = T::from_json(json, &faults);
    let Faulty(faults) = faults;
    let Faults { mut shape, mut meaning } = faults.into_inner();
    shape.truncate(FAULTS_TOLD);
    meaning.truncate(FAULTS_TOLD);
    if let Some(first) = shape.first() {
        let detail = format!("The request does not have the right shape: {}", first.detail);
        return Err(Problem::bad_request("request.invalid", detail).with_errors(shape));
    }
    if let Some(first) = meaning.first() {
        let (code, detail) = (first.code.clone(), first.detail.clone());
        return Err(Problem::unprocessable(code, detail).with_errors(meaning));
    }
    value.ok_or_else(|| Problem::bad_request("request.invalid", "The request cannot be read."))
}

fn read_object<T: FromFields>(json: Json, at: String, faults: &RefCell<Faults>) -> Option<T> {
    let Json::Object(members) = json else {
        let detail = format!("an object is expected here, not {}", json.kind());
        faults.borrow_mut().shape.push(FieldError {
            pointer: at,
            code: "field.wrong_type".to_owned(),
            detail,
        });
        return None;
    };
    let mut fields = Fields { pointer: at, unread: members, faults };
    let value = T::read(&mut fields);
    for (name, _) in std::mem::take(&mut fields.unread) {
        fields.shape(&name, "field.unknown", "this field is not known here".to_owned());
    }
    value
}

impl Fields<'_> {
    fn shape(&self, name: &str, code: &str, detail: String) {
        self.faults.borrow_mut().shape.push(FieldError {
            pointer: pointer_to(&self.pointer, name),
            code: code.to_owned(),
            detail,
        });
    }

    /// Records that a field's value makes no sense.
    pub fn meaning(&self, name: &str, code: &str, detail: impl Into<String>) {
        self.faults.borrow_mut().meaning.push(FieldError {
            pointer: pointer_to(&self.pointer, name),
            code: code.to_owned(),
            detail: detail.into(),
        });
    }

    /// Lets a field be there without a meaning: what a GET tells and a PUT brings back.
    pub fn ignore(&mut self, name: &str) {
        self.unread.retain(|(known, _)| known != name);
    }

    /// Takes a field; null is as good as absent.
    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.unread.iter().position(|(known, _)| known == name)?;
        match self.unread.swap_remove(at).1 {
            Json::Null => None,
            value => Some(value),
        }
    }

    /// Records that a needed field is missing, unless it is there.
    fn need(&self, name: &str) {
        let there = |(known, value): &(String, Json)| known == name && *value != Json::Null;
        if !self.unread.iter().any(there) {
            self.shape(name, "field.missing", "this field is needed".to_owned());
        }
    }

    fn wrong_type(&self, name: &str, wanted: &str, got: &Json) {
        let detail = format!("{wanted} is expected here, not {}", got.kind());
        self.shape(name, "field.wrong_type", detail);
    }

    pub fn text_opt(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            other => {
                self.wrong_type(name, "a string", &other);
                None
            }
        }
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.need(name);
        self.text_opt(name)
    }

    /// A text of 1 to `chars_max` characters without control characters.
    pub fn line_opt(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let text = self.text_opt(name)?;
        let fits = (1..=chars_max).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) && !text.trim().is_empty() {
            return Some(text);
        }
        let detail = format!("one line of 1 to {chars_max} characters is expected");
        self.meaning(name, "field.malformed", detail);
        None
    }

    pub fn line(&mut self, name: &str, chars_max: usize) -> Option<String> {
        self.need(name);
        self.line_opt(name, chars_max)
    }

    /// A text with a meaning of its own; `code` and `detail` tell when it has none.
    pub fn parsed_opt<T>(
        &mut self,
        name: &str,
        (code, detail): (&str, &str),
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text_opt(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.meaning(name, code, detail);
        }
        value
    }

    pub fn parsed<T>(
        &mut self,
        name: &str,
        fault: (&str, &str),
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.need(name);
        self.parsed_opt(name, fault, parse)
    }

    pub fn currency(&mut self, name: &str) -> Option<Currency> {
        let fault = (
            "currency.unknown",
            "this is no ISO 4217 code of a currency, in capitals, and not BTC, ETH, USDT or USDC",
        );
        self.parsed(name, fault, |code| code.parse().ok())
    }

    /// An amount above zero, in the currency of another field.
    pub fn money(&mut self, amount: &str, currency: &str) -> Option<Money> {
        let text = self.text(amount);
        let currency = self.currency(currency)?;
        self.money_in(amount, &text?, currency)
    }

    /// An amount that may be left out, in a currency that was read before.
    pub fn amount_opt(&mut self, amount: &str, currency: Option<Currency>) -> Option<Money> {
        let text = self.text_opt(amount)?;
        if currency.is_none() {
            self.meaning(amount, "currency.missing", "an amount needs its currency beside it");
        }
        self.money_in(amount, &text, currency?)
    }

    fn money_in(&self, name: &str, text: &str, currency: Currency) -> Option<Money> {
        match Money::parse(text, currency) {
            Ok(money) => Some(money),
            Err(fault) => {
                self.meaning(name, money_code(fault), money_words(fault));
                None
            }
        }
    }

    /// A whole number within a range.
    pub fn integer_opt(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = match self.take(name)? {
            Json::Number(digits) => digits.parse::<i64>().ok(),
            other => {
                self.wrong_type(name, "a whole number", &other);
                return None;
            }
        };
        self.within(name, value, range)
    }

    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        self.need(name);
        self.integer_opt(name, range)
    }

    /// As [`Fields::integer_opt`], for a query, where every value is text.
    pub fn integer_text_opt(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.text_opt(name)?.parse::<i64>().ok();
        self.within(name, value, range)
    }

    fn within(&self, name: &str, value: Option<i64>, range: RangeInclusive<i64>) -> Option<i64> {
        let inside = value.filter(|value| range.contains(value));
        if inside.is_none() {
            let (from, to) = range.into_inner();
            let detail = format!("a whole number from {from} to {to} is expected");
            self.meaning(name, "field.out_of_range", detail);
        }
        inside
    }

    /// RFC 3339 in UTC with `Z`.
    pub fn time_opt(&mut self, name: &str) -> Option<Timestamp> {
        let fault = ("time.malformed", "a time is RFC 3339 in UTC: 2026-03-01T12:00:00Z");
        self.parsed_opt(name, fault, parse_time)
    }

    pub fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.need(name);
        self.time_opt(name)
    }

    pub fn date(&mut self, name: &str) -> Option<Date> {
        let fault = ("date.malformed", "a date is a day of the calendar, written 1990-12-31");
        self.parsed(name, fault, |text| {
            let plain = text.len() == 10;
            plain.then(|| Date::parse(text, &Iso8601::DATE).ok())?
        })
    }

    pub fn object_opt<T: FromFields>(&mut self, name: &str) -> Option<T> {
        let value = self.take(name)?;
        read_object(value, pointer_to(&self.pointer, name), self.faults)
    }

    pub fn object<T: FromFields>(&mut self, name: &str) -> Option<T> {
        self.need(name);
        self.object_opt(name)
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str, items_max: usize) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for item in self.list(name, items_max)? {
            match item {
                Json::Text(text) => texts.push(text),
                other => {
                    self.wrong_type(name, "a list of strings", &other);
                    return None;
                }
            }
        }
        Some(texts)
    }

    fn list(&mut self, name: &str, items_max: usize) -> Option<Vec<Json>> {
        self.need(name);
        match self.take(name)? {
            Json::List(items) if items.len() <= items_max => Some(items),
            Json::List(_) => {
                let detail = format!("at most {items_max} items are taken");
                self.meaning(name, "field.too_many", detail);
                None
            }
            other => {
                self.wrong_type(name, "a list", &other);
                None
            }
        }
    }

    /// The casino's own words about a payment, kept as they are: an object of at most
    /// [`METADATA_BYTES_MAX`] bytes.
    pub fn metadata_opt(&mut self, name: &str) -> Option<String> {
        let value = self.take(name)?;
        if !matches!(value, Json::Object(_)) {
            self.wrong_type(name, "an object", &value);
            return None;
        }
        let text = value.canonical();
        if text.len() > METADATA_BYTES_MAX {
            let detail = format!("at most {METADATA_BYTES_MAX} bytes of metadata are kept");
            self.meaning(name, "payment.metadata_too_large", detail);
            return None;
        }
        Some(text)
    }
}

/// Metadata of a payment, at most.
pub const METADATA_BYTES_MAX: usize = 4096;

/// The body's shape is an empty object, or there is no body.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl FromFields for Nothing {
    fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// RFC 3339, and UTC told by `Z`; what is finer than a microsecond is left out, as the database leaves it out:
/// a repeat is compared with what was stored.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if !text.ends_with('Z') {
        return None;
    }
    Timestamp::parse(text, &Rfc3339).ok().map(whole_micros)
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
