//! A player's own deposit limits, exact to the minor unit.
//!
//! Over which windows they are counted, and what counts, the market's [`LimitTerms`] say. A deposit
//! counts from its reservation on, so two deposits at the same moment cannot share the same room; it
//! is released when the deposit comes to nothing. Other currencies are converted into the limit's,
//! each rounded up, so that the sum is never too small.
//!
//! A limit is lowered at once. A rise, or leaving a limit out, is pending for as long as the market
//! wants and then needs the player's word a second time.

use super::FxTable;
use super::aggregate::{aggregate, worth};
pub use super::calendar::Period;
use super::limit_terms::LimitTerms;
use super::movement::Movement;
use crate::domain::{Currency, Money, Timestamp};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// The reason of a deposit that is beyond a limit of its player.
pub const EXCEEDED: &str = "limit.player_exceeded";

/// One limit of a player. There is at most one a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub period: Period,
    pub money: Money,
    /// Since when this amount holds.
    pub effective_at: Timestamp,
    pub pending: Option<PendingLimit>,
}

/// A rise that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLimit {
    /// None: the limit is to be removed.
    pub money: Option<Money>,
    pub requested_at: Timestamp,
    /// When the market lets it hold.
    pub effective_at: Timestamp,
    /// The player said it a second time. Without that it never takes effect.
    pub confirmed: bool,
}

/// When a market lets a player confirm a rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmRise {
    /// At any time; it takes effect at the end of the delay.
    #[default]
    AnyTime,
    /// Only when the delay is over, so that the second word is a fresh one.
    AfterDelay,
}

/// Why a list of limits is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("there are two limits for one {}", .0.as_str())]
    Twice(Period),
    #[error("a limit must be greater than zero")]
    NotPositive,
    #[error("the limit for one {} is in {current}: it can be changed only in {current}", .period.as_str())]
    OtherCurrency { period: Period, current: Currency },
    #[error("no higher limit waits to be confirmed")]
    NothingPending,
    #[error("a higher limit can be confirmed from {} on", rfc3339(.effective_at))]
    TooEarly { effective_at: Timestamp },
}

/// As every time is told. Years outside 0–9999 have no such text, and no clock shows them.
fn rfc3339(at: &Timestamp) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// What the limit allows now. None: its removal has come into effect.
pub fn in_force(limit: &Limit, now: Timestamp) -> Option<Money> {
    match &limit.pending {
        Some(pending) if pending.confirmed && pending.effective_at <= now => pending.money,
        _ => Some(limit.money),
    }
}

/// A limit with what is used of it, a request left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitUsed {
    pub period: Period,
    pub most: Money,
    /// What is counted, in words: "deposits of the last 24 hours", "net deposits since 2026-11-01 00:00
    /// Europe/Amsterdam".
    pub counted: String,
    pub since: Timestamp,
    /// The end of the calendar's period, or when it was counted.
    pub until: Timestamp,
    /// The sum in the limit's currency, or why there is none.
    pub used: Result<Money, String>,
    /// How many movements made the sum.
    pub count: u32,
}

impl LimitUsed {
    /// The sum with one more deposit.
    ///
    /// # Errors
    /// Why there is no sum, in words for people.
    pub fn with(&self, request: Money, fx: &FxTable) -> Result<Money, String> {
        let used = self.used.clone()?;
        let request = worth(request, self.most.currency, fx).map_err(|error| error.to_string())?;
        used.checked_add(request).ok_or_else(|| "more than can be counted".to_owned())
    }
}

/// What the limits in force have left, with the windows that they are measured over; the request
/// itself is left out, where it is among the movements already.
pub fn measure(
    limits: &[Limit],
    (movements, without): (&[Movement], Option<Uuid>),
    terms: &LimitTerms,
    now: Timestamp,
    fx: &FxTable,
) -> Vec<LimitUsed> {
    let measure = |limit: &Limit| {
        let most = in_force(limit, now)?;
        let (period, window) = (limit.period, terms.window(limit.period));
        let query = terms.query(period, most.currency);
        let found = aggregate(movements, &query, without, (&terms.calendar, now), fx);
        let window = window.words(&terms.calendar, now);
        Some(LimitUsed {
            period,
            most,
            counted: format!("{} {window}", query.flow.as_str()),
            since: found.from,
            until: found.to,
            used: found.sum.map_err(|error| error.to_string()),
            count: found.count,
        })
    };
    limits.iter().filter_map(measure).collect()
}

/// Replaces the list of limits: lower or new at once; higher or left out is pending. What was
/// pending and is not asked for again is withdrawn; asked for again it does not wait anew.
///
/// # Errors
/// [`LimitError`], and nothing changes.
pub fn replace(
    current: &[Limit],
    wanted: &[(Period, Money)],
    terms: &LimitTerms,
    now: Timestamp,
) -> Result<Vec<Limit>, LimitError> {
    let current = settled(current, now);
    let mut limits = Vec::with_capacity(Period::ALL.len());
    for period in Period::ALL {
        let mut asked = wanted.iter().filter(|(found, _)| *found == period);
        let money = asked.next().map(|(_, money)| *money);
        if asked.next().is_some() {
            return Err(LimitError::Twice(period));
        }
        if money.is_some_and(|money| money.minor <= 0) {
            return Err(LimitError::NotPositive);
        }
        let held = current.iter().find(|limit| limit.period == period);
        limits.extend(changed(period, held, money, terms, now)?);
    }
    Ok(limits)
}

fn changed(
    period: Period,
    held: Option<&Limit>,
    wanted: Option<Money>,
    terms: &LimitTerms,
    now: Timestamp,
) -> Result<Option<Limit>, LimitError> {
    let Some(held) = held else {
        return Ok(wanted.map(|money| Limit { period, money, effective_at: now, pending: None }));
    };
    let current = held.money.currency;
    if wanted.is_some_and(|money| money.currency != current) {
        return Err(LimitError::OtherCurrency { period, current });
    }
    let mut limit = held.clone();
    match wanted {
        Some(money) if money.minor <= held.money.minor => {
            if money.minor < held.money.minor {
                limit.money = money;
                limit.effective_at = now;
            }
            limit.pending = None;
        }
        rise => {
            let waiting = held.pending.as_ref().filter(|pending| pending.money == rise);
            limit.pending = Some(waiting.cloned().unwrap_or(PendingLimit {
                money: rise,
                requested_at: now,
                effective_at: terms.rise_at(period, now),
                confirmed: false,
            }));
        }
    }
    Ok(Some(limit))
}

/// The player says a second time that the pending rises are wanted.
///
/// # Errors
/// [`LimitError::NothingPending`]; [`LimitError::TooEarly`] where the market wants the delay to be
/// over first and it is over for none.
pub fn confirm(
    current: &[Limit],
    terms: &LimitTerms,
    now: Timestamp,
) -> Result<Vec<Limit>, LimitError> {
    let when = terms.rise_confirm;
    let mut limits = settled(current, now);
    let open = |limit: &Limit| limit.pending.as_ref().map(|pending| pending.effective_at);
    let earliest = limits.iter().filter_map(open).min();
    let effective_at = earliest.ok_or(LimitError::NothingPending)?;
    if when == ConfirmRise::AfterDelay && now < effective_at {
        return Err(LimitError::TooEarly { effective_at });
    }
    for pending in limits.iter_mut().filter_map(|limit| limit.pending.as_mut()) {
        if when == ConfirmRise::AnyTime || pending.effective_at <= now {
            pending.confirmed = true;
        }
    }
    Ok(settled(&limits, now))
}

/// The list with every confirmed rise that is due carried out: what a player is shown.
pub fn settled(current: &[Limit], now: Timestamp) -> Vec<Limit> {
    let settle = |limit: &Limit| {
        let due = limit.pending.as_ref();
        let due = due.filter(|pending| pending.confirmed && pending.effective_at <= now);
        let Some(pending) = due else {
            return Some(limit.clone());
        };
        pending.money.map(|money| Limit {
            period: limit.period,
            money,
            effective_at: pending.effective_at,
            pending: None,
        })
    };
    current.iter().filter_map(settle).collect()
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
