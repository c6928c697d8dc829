//! A player's own deposit limits, exact to the minor unit.
//!
//! Gross sums over rolling windows: 24 hours, 7 days, 30 days back from now. A deposit counts from
//! its reservation on, so two deposits at the same moment cannot share the same room; it is
//! released when the deposit comes to nothing. Other currencies are converted into the limit's,
//! each rounded up, so that the sum is never too small.
//!
//! A limit is lowered at once. A rise, or leaving a limit out, is pending for the market's delay
//! and then needs the player's word a second time.

use super::FxTable;
use crate::domain::{Currency, Money, Timestamp};
use std::time::Duration;
use uuid::Uuid;

const HOUR: u64 = 60 * 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    pub const ALL: [Period; 3] = [Period::Day, Period::Week, Period::Month];

    pub const fn as_str(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == text)
    }

    /// How far the rolling window reaches back.
    pub const fn window(self) -> Duration {
        match self {
            Period::Day => Duration::from_secs(24 * HOUR),
            Period::Week => Duration::from_secs(7 * 24 * HOUR),
            Period::Month => Duration::from_secs(30 * 24 * HOUR),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Period::Day => "the last 24 hours",
            Period::Week => "the last 7 days",
            Period::Month => "the last 30 days",
        }
    }
}

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
    /// The end of the market's delay.
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

/// A deposit's share of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitUse {
    pub payment: Uuid,
    pub money: Money,
    pub at: Timestamp,
    pub state: UseState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UseState {
    /// The deposit is under way.
    Reserved,
    /// The deposit succeeded.
    Counted,
    /// The deposit came to nothing, and counts for nothing.
    Released,
}

impl UseState {
    pub const fn as_str(self) -> &'static str {
        match self {
            UseState::Reserved => "reserved",
            UseState::Counted => "counted",
            UseState::Released => "released",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reserved, Self::Counted, Self::Released]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether it takes room within the limits.
    pub const fn counts(self) -> bool {
        match self {
            UseState::Reserved | UseState::Counted => true,
            UseState::Released => false,
        }
    }
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
    #[error("a higher limit can be confirmed from {effective_at} on")]
    TooEarly { effective_at: Timestamp },
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
    /// The window in words, "the last 24 hours".
    pub window: String,
    pub since: Timestamp,
    /// The sum in the limit's currency, or why there is none.
    pub used: Result<Money, String>,
    /// How many deposits made the sum.
    pub count: u32,
}

impl LimitUsed {
    /// The sum with one more deposit.
    ///
    /// # Errors
    /// Why there is no sum, in words for people.
    pub fn with(&self, request: Money, fx: &FxTable) -> Result<Money, String> {
        let used = self.used.clone()?;
        add_up([used, request].into_iter(), self.most.currency, fx)
    }
}

/// What the limits in force have left, with the windows that they are measured over.
///
/// `uses` must not contain the request itself.
pub fn measure(
    limits: &[Limit],
    uses: &[LimitUse],
    now: Timestamp,
    fx: &FxTable,
) -> Vec<LimitUsed> {
    let measure = |limit: &Limit| {
        let most = in_force(limit, now)?;
        let period = limit.period;
        let since = now - period.window();
        let counting = uses.iter().filter(|found| found.state.counts() && found.at > since);
        let count = u32::try_from(counting.clone().count()).unwrap_or(u32::MAX);
        let used = add_up(counting.map(|found| found.money), most.currency, fx);
        Some(LimitUsed { period, most, window: period.words().to_owned(), since, used, count })
    };
    limits.iter().filter_map(measure).collect()
}

fn add_up(
    all: impl Iterator<Item = Money>,
    currency: Currency,
    fx: &FxTable,
) -> Result<Money, String> {
    let mut sum = Money::new(0, currency);
    for money in all {
        let converted = fx.convert_up(money, currency).ok_or_else(|| {
            format!("cannot be added up, no exchange rate from {} to {currency}", money.currency)
        })?;
        sum = sum.checked_add(converted).ok_or_else(|| "more than can be counted".to_owned())?;
    }
    Ok(sum)
}

/// Replaces the list of limits: lower or new at once; higher or left out is pending. What was
/// pending and is not asked for again is withdrawn; asked for again it does not wait anew.
///
/// # Errors
/// [`LimitError`], and nothing changes.
pub fn replace(
    current: &[Limit],
    wanted: &[(Period, Money)],
    delay: Duration,
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
        limits.extend(changed(period, held, money, delay, now)?);
    }
    Ok(limits)
}

fn changed(
    period: Period,
    held: Option<&Limit>,
    wanted: Option<Money>,
    delay: Duration,
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
                effective_at: now + delay,
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
    when: ConfirmRise,
    now: Timestamp,
) -> Result<Vec<Limit>, LimitError> {
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
