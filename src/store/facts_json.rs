//! Reads the facts of a decision back from the canonical JSON of [`super::facts_text`]: a replay makes the
//! decision again from them.

use super::json::currency;
use super::{StoreError, background_json, checks_json, loop_json, vendors_json};
use crate::domain::{Exclusion, Kyc, KycStatus, Money, PlayerStatus, Timestamp};
use crate::screening::aggregate::{Flow, Query, States};
use crate::screening::counters::Counted;
use crate::screening::facts::{Facts, LetGo, PaymentFacts, PlayerFacts};
use crate::screening::limits::{LimitUsed, Period};
use crate::screening::movement::UseState;
use crate::screening::{Checkpoint, FxTable};
use rust_decimal::Decimal;
use serde_json::Value;
use time::Date;
use time::format_description::well_known::{Iso8601, Rfc3339};

/// Reads the facts back.
///
/// # Errors
/// The text is not what [`super::facts_text::text`] writes.
pub fn read(text: &str) -> Result<Facts, StoreError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("inputs of a decision: {error}")))?;
    let all = Node { value: &value, path: "inputs" };
    Ok(Facts {
        checkpoint: all.word("checkpoint", Checkpoint::parse)?,
        screened_at: all.time("screened_at")?,
        counted_at: all.time("counted_at")?,
        player: all.maybe("player", read_player)?,
        payment: all.maybe("payment", |found| {
            Ok(PaymentFacts {
                origin: found.word("origin", |text| text.parse().ok())?,
                money: found.at("money")?.money()?,
                method: found.word("method", |text| text.parse().ok())?,
            })
        })?,
        asked_at: all.maybe("asked_at", Node::own_time)?,
        let_go: all.each("let_go", |found| {
            Ok(LetGo {
                rule: found.text("rule")?,
                observed: found.text("observed")?,
                held: found.maybe("held", Node::own_flag)?.unwrap_or_default(),
            })
        })?,
        let_go_at: all.maybe("let_go_at", Node::own_time)?,
        payer: all.maybe("payer", background_json::read_payer)?,
        owed: all.each("owed", |found| found.money())?,
        limits: all.each("limits", read_limit)?,
        closed_loop: all.maybe("closed_loop", loop_json::read)?,
        checks: all.maybe("checks", checks_json::read)?.unwrap_or_default(),
        counted: all.each("counted", read_counted)?,
        attestations: all.each("attestations", background_json::read_vouched)?,
        shared: all.maybe("shared", background_json::read_shared)?,
        ends: all.each("ends", background_json::read_end)?,
        asked: all.maybe("asked", Node::own_flag)?.unwrap_or_default(),
        unasked: all.maybe("unasked", Node::own_flag)?.unwrap_or_default(),
        vendors: all.each("vendors", vendors_json::read)?,
        recorded_only: all.each("recorded_only", |found| found.own_text())?,
        fx: read_fx(&all.at("fx")?)?,
    })
}

fn read_player(found: &Node<'_>) -> Result<PlayerFacts, StoreError> {
    let kyc = found.at("kyc")?;
    Ok(PlayerFacts {
        version: found.number("version")?,
        country: found.text("country")?,
        currency: currency(&found.text("currency")?)?,
        age_years: i32::try_from(found.number("age_years")?).map_err(|_| found.wrong())?,
        status: found.word("status", PlayerStatus::parse)?,
        exclusion: found.maybe("exclusion", |found| {
            Ok(Exclusion {
                source: found.text("source")?,
                from: found.time("from")?,
                until: found.maybe("until", Node::own_time)?,
            })
        })?,
        kyc: Kyc {
            status: kyc.word("status", KycStatus::parse)?,
            level: i16::try_from(kyc.number("level")?).map_err(|_| found.wrong())?,
            verified_at: kyc.maybe("verified_at", Node::own_time)?,
        },
        registered_at: found.time("registered_at")?,
    })
}

fn read_limit(found: &Node<'_>) -> Result<LimitUsed, StoreError> {
    let used = match found.maybe("used", |money| money.money())? {
        Some(money) => Ok(money),
        None => Err(found.text("problem")?),
    };
    Ok(LimitUsed {
        period: found.word("period", Period::parse)?,
        most: found.at("most")?.money()?,
        counted: found.text("counted")?,
        since: found.time("since")?,
        until: found.time("until")?,
        used,
        count: u32::try_from(found.number("count")?).map_err(|_| found.wrong())?,
    })
}

fn read_counted(found: &Node<'_>) -> Result<Counted, StoreError> {
    let currency = currency(&found.text("currency")?)?;
    let sum = match found.maybe("sum", |money| money.money())? {
        Some(money) => Ok(money),
        None => Err(found.text("problem")?),
    };
    let number = |key| u32::try_from(found.number(key)?).map_err(|_| found.wrong());
    Ok(Counted {
        query: Query {
            flow: found.word("flow", Flow::parse)?,
            window: found.word("window", |text| text.parse().ok())?,
            states: States::of(&found.each("states", |name| name.own_word(UseState::parse))?),
            currency,
            band: found.maybe("band", Node::own_pair)?,
        },
        from: found.time("from")?,
        to: found.time("to")?,
        window: found.text("words")?,
        sum,
        count: number("count")?,
        instruments: number("instruments")?,
    })
}

fn read_fx(found: &Node<'_>) -> Result<FxTable, StoreError> {
    let rates = found.at("eur_per_unit")?;
    let rates = rates.value.as_object().ok_or_else(|| found.wrong())?;
    let rate = |(code, rate): (&String, &Value)| {
        let rate: Option<Decimal> = rate.as_str().and_then(|text| text.parse().ok());
        Ok((currency(code)?, rate.ok_or_else(|| found.wrong())?))
    };
    Ok(FxTable {
        source: found.text("source")?,
        date: found.word("date", |text| Date::parse(text, &Iso8601::DATE).ok())?,
        eur_per_unit: rates.iter().map(rate).collect::<Result<_, StoreError>>()?,
        age_max_days: found.maybe("age_max_days", |days| {
            let days = days.value.as_u64().and_then(|days| u16::try_from(days).ok());
            days.ok_or_else(|| found.wrong())
        })?,
    })
}

/// A piece of the stored JSON, with its key for the error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: &'a str,
}

impl<'a> Node<'a> {
    pub(super) const fn root(value: &'a Value, path: &'a str) -> Self {
        Self { value, path }
    }

    pub(super) fn own_flag(&self) -> Result<bool, StoreError> {
        self.value.as_bool().ok_or_else(|| self.wrong())
    }

    pub(super) fn wrong(&self) -> StoreError {
        StoreError::Corrupt(format!("inputs of a decision: {}", self.path))
    }

    pub(super) fn at(&self, key: &'a str) -> Result<Node<'a>, StoreError> {
        let value = self.value.get(key).ok_or_else(|| {
            StoreError::Corrupt(format!("inputs of a decision: {}.{key} is missing", self.path))
        })?;
        Ok(Node { value, path: key })
    }

    pub(super) fn maybe<T>(
        &self,
        key: &'a str,
        read: impl Fn(&Node<'a>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match self.value.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(&Node { value, path: key }).map(Some),
        }
    }

    pub(super) fn each<T>(
        &self,
        key: &'a str,
        read: impl Fn(&Node<'a>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        match self.value.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(all)) => {
                all.iter().map(|value| read(&Node { value, path: key })).collect()
            }
            Some(_) => Err(self.wrong()),
        }
    }

    pub(super) fn own_text(&self) -> Result<String, StoreError> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.wrong())
    }

    pub(super) fn own_word<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(&self.own_text()?).ok_or_else(|| self.wrong())
    }

    fn own_pair(&self) -> Result<(i64, i64), StoreError> {
        let parts = self.value.as_array().map(Vec::as_slice);
        let Some([first, second]) = parts else { return Err(self.wrong()) };
        first.as_i64().zip(second.as_i64()).ok_or_else(|| self.wrong())
    }

    pub(super) fn own_time(&self) -> Result<Timestamp, StoreError> {
        let text = self.own_text()?;
        Timestamp::parse(&text, &Rfc3339).map_err(|_| self.wrong())
    }

    pub(super) fn text(&self, key: &'a str) -> Result<String, StoreError> {
        self.at(key)?.own_text()
    }

    pub(super) fn time(&self, key: &'a str) -> Result<Timestamp, StoreError> {
        self.at(key)?.own_time()
    }

    pub(super) fn flag(&self, key: &'a str) -> Result<bool, StoreError> {
        let found = self.at(key)?;
        found.value.as_bool().ok_or_else(|| found.wrong())
    }

    pub(super) fn number(&self, key: &'a str) -> Result<i64, StoreError> {
        let found = self.at(key)?;
        found.value.as_i64().ok_or_else(|| found.wrong())
    }

    pub(super) fn word<T>(
        &self,
        key: &'a str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let found = self.at(key)?;
        parse(&found.own_text()?).ok_or_else(|| found.wrong())
    }

    pub(super) fn money(&self) -> Result<Money, StoreError> {
        let parts = self.value.as_array().map(Vec::as_slice);
        let Some([code, minor]) = parts else { return Err(self.wrong()) };
        let (code, minor) = (code.as_str(), minor.as_i64());
        let (code, minor) = code.zip(minor).ok_or_else(|| self.wrong())?;
        Ok(Money::new(minor, currency(code)?))
    }
}
