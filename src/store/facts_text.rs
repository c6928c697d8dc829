//! The facts of a decision as canonical JSON: sorted keys, no blanks, whole numbers and texts only.
//!
//! The same facts give the same bytes, and [`super::facts_json`] reads the facts back from them. Every
//! payment has three or four decisions, so this is written without building a tree first; the fields
//! below stand in the order of their names, which is the order of the bytes.

use super::background_json::PayerText;
use super::checks_json::ChecksText;
use super::loop_json::LoopText;
use super::{background_json, checks_json, loop_json, vendors_json};
use crate::domain::{Exclusion, Kyc, Money, Timestamp};
use crate::screening::FxTable;
use crate::screening::aggregate::Query;
use crate::screening::counters::Counted;
use crate::screening::facts::{Facts, LetGo, PaymentFacts, PlayerFacts};
use crate::screening::hooks::CheckFacts;
use crate::screening::limits::LimitUsed;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

/// The canonical form.
pub fn text(facts: &Facts) -> String {
    let text = FactsText {
        asked_at: facts.asked_at.map(Moment),
        attestations: facts.attestations.iter().map(background_json::vouched).map(Tree).collect(),
        checkpoint: facts.checkpoint.as_str(),
        checks: (facts.checks != CheckFacts::default()).then(|| checks_json::write(&facts.checks)),
        closed_loop: facts.closed_loop.as_ref().map(loop_json::write),
        counted: facts.counted.iter().map(counted).collect(),
        counted_at: Moment(facts.counted_at),
        ends: facts.ends.iter().map(background_json::end).map(Tree).collect(),
        fx: fx(&facts.fx),
        let_go: facts.let_go.iter().map(let_go).collect(),
        let_go_at: facts.let_go_at.map(Moment),
        limits: facts.limits.iter().map(limit).collect(),
        owed: facts.owed.iter().copied().map(MoneyText).collect(),
        payer: facts.payer.as_ref().map(background_json::payer),
        payment: facts.payment.as_ref().map(payment),
        player: facts.player.as_ref().map(player),
        recorded_only: &facts.recorded_only,
        screened_at: Moment(facts.screened_at),
        shared: facts.shared.map(background_json::shared).map(Tree),
        asked: facts.asked.then_some(true),
        unasked: facts.unasked.then_some(true),
        vendors: facts.vendors.iter().map(vendors_json::value).map(Tree).collect(),
    };
    // Keys are texts and nothing here refuses to be written.
    serde_json::to_string(&text).unwrap_or_default()
}

#[derive(Serialize)]
struct FactsText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<Moment>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attestations: Vec<Tree>,
    checkpoint: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<ChecksText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_loop: Option<LoopText<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    counted: Vec<CountedText<'a>>,
    counted_at: Moment,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ends: Vec<Tree>,
    fx: FxText<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    let_go: Vec<LetGoText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    let_go_at: Option<Moment>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<LimitText<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owed: Vec<MoneyText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<PayerText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    player: Option<PlayerText<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    recorded_only: &'a [String],
    screened_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<Tree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unasked: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vendors: Vec<Tree>,
}

#[derive(Serialize)]
struct LetGoText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
    observed: &'a str,
    rule: &'a str,
}

fn let_go(seen: &LetGo) -> LetGoText<'_> {
    LetGoText { held: seen.held.then_some(true), observed: &seen.observed, rule: &seen.rule }
}

/// A time by RFC 3339.
pub(super) struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time_text(self.0))
    }
}

fn time_text(at: Timestamp) -> String {
    // Years outside 0–9999 have no such text, and no clock shows them.
    at.format(&Rfc3339).unwrap_or_default()
}

/// As [`Moment`], in a tree.
pub(super) fn time(at: Timestamp) -> Value {
    time_text(at).into()
}

/// `["SEK", 10050]`: the code and minor units.
pub(super) struct MoneyText(pub Money);

impl Serialize for MoneyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.currency.code(), self.0.minor).serialize(serializer)
    }
}

/// As [`MoneyText`], in a tree.
pub(super) fn money_json(money: Money) -> Value {
    json!([money.currency.code(), money.minor])
}

/// What is rare is made as a tree. Its keys are put in order here, whatever order the tree keeps.
struct Tree(Value);

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Branch(&self.0).serialize(serializer)
    }
}

struct Branch<'a>(&'a Value);

/// A tree's text with its keys in order.
#[cfg(test)]
pub(super) fn in_order(tree: &Value) -> String {
    serde_json::to_string(&Branch(tree)).unwrap()
}

impl Serialize for Branch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => {
                let mut members: Vec<(&String, &Value)> = object.iter().collect();
                members.sort_unstable_by_key(|(key, _)| *key);
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, &Branch(value))?;
                }
                map.end()
            }
            Value::Array(values) => {
                let mut seq = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(&Branch(value))?;
                }
                seq.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct FxText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    age_max_days: Option<u16>,
    date: String,
    eur_per_unit: Rates,
    source: &'a str,
}

/// Each currency's code with its rate, by code.
struct Rates(Vec<(&'static str, String)>);

impl Serialize for Rates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(code, rate)| (code, rate)))
    }
}

fn fx(table: &FxTable) -> FxText<'_> {
    let rates = table.eur_per_unit.iter();
    let mut rates: Vec<_> =
        rates.map(|(currency, rate)| (currency.code(), rate.to_string())).collect();
    rates.sort_unstable();
    FxText {
        age_max_days: table.age_max_days,
        date: table.date.to_string(),
        eur_per_unit: Rates(rates),
        source: &table.source,
    }
}

#[derive(Serialize)]
struct PaymentText {
    method: &'static str,
    money: MoneyText,
    origin: &'static str,
}

fn payment(facts: &PaymentFacts) -> PaymentText {
    let PaymentFacts { origin, money, method } = facts;
    PaymentText { method: method.as_str(), money: MoneyText(*money), origin: origin.as_str() }
}

#[derive(Serialize)]
struct PlayerText<'a> {
    age_years: i32,
    country: &'a str,
    currency: &'static str,
    exclusion: Option<ExclusionText<'a>>,
    kyc: KycText,
    registered_at: Moment,
    status: &'static str,
    version: i64,
}

#[derive(Serialize)]
struct ExclusionText<'a> {
    from: Moment,
    source: &'a str,
    until: Option<Moment>,
}

#[derive(Serialize)]
struct KycText {
    level: i16,
    status: &'static str,
    verified_at: Option<Moment>,
}

fn exclusion(found: &Exclusion) -> ExclusionText<'_> {
    let (from, until) = (Moment(found.from), found.until.map(Moment));
    ExclusionText { from, source: &found.source, until }
}

fn player(facts: &PlayerFacts) -> PlayerText<'_> {
    let Kyc { status, level, verified_at } = facts.kyc;
    PlayerText {
        age_years: facts.age_years,
        country: &facts.country,
        currency: facts.currency.code(),
        exclusion: facts.exclusion.as_ref().map(exclusion),
        kyc: KycText { level, status: status.as_str(), verified_at: verified_at.map(Moment) },
        registered_at: Moment(facts.registered_at),
        status: facts.status.as_str(),
        version: facts.version,
    }
}

#[derive(Serialize)]
struct LimitText<'a> {
    count: u32,
    counted: &'a str,
    most: MoneyText,
    period: &'static str,
    problem: Option<&'a str>,
    since: Moment,
    until: Moment,
    used: Option<MoneyText>,
}

fn limit(limit: &LimitUsed) -> LimitText<'_> {
    let (used, problem) = sum_or_problem(&limit.used);
    LimitText {
        count: limit.count,
        counted: &limit.counted,
        most: MoneyText(limit.most),
        period: limit.period.as_str(),
        problem,
        since: Moment(limit.since),
        until: Moment(limit.until),
        used,
    }
}

#[derive(Serialize)]
struct CountedText<'a> {
    band: Option<(i64, i64)>,
    count: u32,
    currency: &'static str,
    flow: &'static str,
    from: Moment,
    instruments: u32,
    problem: Option<&'a str>,
    states: Vec<&'static str>,
    sum: Option<MoneyText>,
    to: Moment,
    window: String,
    words: &'a str,
}

fn counted(counted: &Counted) -> CountedText<'_> {
    let Query { flow, window, states, currency, band } = counted.query;
    let (sum, problem) = sum_or_problem(&counted.sum);
    CountedText {
        band,
        count: counted.count,
        currency: currency.code(),
        flow: flow.as_str(),
        from: Moment(counted.from),
        instruments: counted.instruments,
        problem,
        states: states.names(),
        sum,
        to: Moment(counted.to),
        window: window.to_string(),
        words: &counted.window,
    }
}

fn sum_or_problem(sum: &Result<Money, String>) -> (Option<MoneyText>, Option<&str>) {
    match sum {
        Ok(money) => (Some(MoneyText(*money)), None),
        Err(problem) => (None, Some(problem)),
    }
}
