//! Adds up a player's movements over a window, exact to the minor unit.
//!
//! Other currencies are converted into the one that is asked for: what adds to the sum is rounded
//! up and what is taken off it is rounded down, so that a sum is never too small.

use super::FxTable;
use super::calendar::{Bounds, Calendar, Window};
use super::movement::{Fingerprint, Movement, UseState};
use crate::domain::{Currency, Direction, Money, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Which movements count, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    Deposits,
    Withdrawals,
    /// One as much as the other.
    Either,
    /// Deposits less withdrawals that are paid.
    Net,
    /// Stakes less voids: what was played with, and no movement of money in or out.
    Turnover,
}

impl Flow {
    pub const ALL: [Flow; 5] =
        [Flow::Deposits, Flow::Withdrawals, Flow::Either, Flow::Net, Flow::Turnover];

    pub const fn as_str(self) -> &'static str {
        match self {
            Flow::Deposits => "deposits",
            Flow::Withdrawals => "withdrawals",
            Flow::Either => "deposits and withdrawals",
            Flow::Net => "net deposits",
            Flow::Turnover => "turnover",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "either" => Some(Flow::Either),
            "net" => Some(Flow::Net),
            _ => Self::ALL.into_iter().find(|flow| flow.as_str() == text),
        }
    }

    /// Whether a payment of this direction adds to it.
    pub const fn grows_by(self, direction: Direction) -> bool {
        match (self, direction) {
            (Flow::Either, _)
            | (Flow::Deposits | Flow::Net, Direction::Deposit)
            | (Flow::Withdrawals, Direction::Withdrawal) => true,
            (Flow::Turnover, _)
            | (Flow::Deposits | Flow::Net, Direction::Withdrawal)
            | (Flow::Withdrawals, Direction::Deposit) => false,
        }
    }

    /// 1, -1, or 0 where the movement is none of it. What is taken off a net sum is what was paid:
    /// a withdrawal that may still fail makes no room.
    const fn sign(self, movement: &Movement) -> i64 {
        match (self, movement.direction) {
            (Flow::Net, Direction::Withdrawal) => {
                if matches!(movement.state, UseState::Counted) {
                    -1
                } else {
                    0
                }
            }
            (flow, direction) => {
                if flow.grows_by(direction) {
                    1
                } else {
                    0
                }
            }
        }
    }
}

/// In which states movements count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct States {
    pub reserved: bool,
    pub counted: bool,
    pub released: bool,
}

impl States {
    /// What is under way and what succeeded: what limits are about.
    pub const LIVE: States = States { reserved: true, counted: true, released: false };
    /// Tries that failed too: what velocity is about.
    pub const ALL: States = States { reserved: true, counted: true, released: true };

    pub fn of(states: &[UseState]) -> Self {
        let has = |state| states.contains(&state);
        Self {
            reserved: has(UseState::Reserved),
            counted: has(UseState::Counted),
            released: has(UseState::Released),
        }
    }

    /// Their names, in the order of a payment's life.
    pub fn names(self) -> Vec<&'static str> {
        let chosen = UseState::ALL.into_iter().filter(|state| self.has(*state));
        chosen.map(UseState::as_str).collect()
    }

    pub const fn has(self, state: UseState) -> bool {
        match state {
            UseState::Reserved => self.reserved,
            UseState::Counted => self.counted,
            UseState::Released => self.released,
        }
    }
}

/// What is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Query {
    pub flow: Flow,
    pub window: Window,
    pub states: States,
    /// In which the sum is told.
    pub currency: Currency,
    /// Only amounts from the first on and below the second, in minor units of `currency`.
    pub band: Option<(i64, i64)>,
}

/// What was counted, with the bounds that it was counted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    pub sum: Result<Money, AddUpError>,
    pub count: u32,
    /// Different instruments, as far as they are known.
    pub instruments: BTreeSet<Fingerprint>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Why there is no sum. A threshold that nothing can be compared with counts as exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddUpError {
    #[error("cannot be added up, no exchange rate from {from} to {to}")]
    NoRate { from: Currency, to: Currency },
    #[error("more than can be counted")]
    TooMuch,
}

/// Counts the movements of a window, one payment left out: the one that is being decided about.
pub fn aggregate(
    movements: &[Movement],
    query: &Query,
    without: Option<Uuid>,
    (calendar, at): (&Calendar, Timestamp),
    fx: &FxTable,
) -> Aggregate {
    let bounds: Bounds = query.window.bounds(calendar, at);
    let mut found = Aggregate {
        sum: Ok(Money::new(0, query.currency)),
        count: 0,
        instruments: BTreeSet::new(),
        from: bounds.from,
        to: bounds.to,
    };
    for movement in movements {
        let sign = query.flow.sign(movement);
        let is_asked = sign != 0
            && Some(movement.payment) != without
            && query.states.has(movement.state)
            && bounds.contains(movement.at);
        if !is_asked {
            continue;
        }
        let signed = Money::new(sign * movement.money.minor, movement.money.currency);
        let worth = worth(signed, query.currency, fx);
        if !in_band(worth, query.band) {
            continue;
        }
        found.sum = found.sum.and_then(|sum| {
            worth.and_then(|worth| sum.checked_add(worth).ok_or(AddUpError::TooMuch))
        });
        found.count = found.count.saturating_add(1);
        found.instruments.extend(movement.instrument);
    }
    found
}

/// An amount in the currency of a sum, rounded up.
///
/// # Errors
/// [`AddUpError`].
pub fn worth(money: Money, to: Currency, fx: &FxTable) -> Result<Money, AddUpError> {
    let no_rate = AddUpError::NoRate { from: money.currency, to };
    if money.currency != to && (!fx.has_rate(money.currency) || !fx.has_rate(to)) {
        return Err(no_rate);
    }
    fx.convert_up(money, to).ok_or(AddUpError::TooMuch)
}

/// What cannot be compared is counted in: it may be what is looked for.
fn in_band(worth: Result<Money, AddUpError>, band: Option<(i64, i64)>) -> bool {
    let Some((least, below)) = band else { return true };
    worth.map_or(true, |worth| (least..below).contains(&worth.minor))
}
