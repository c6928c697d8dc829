//! How a market wants its players' own limits to work: over which windows they are counted, what
//! counts, and how long a higher one waits.

use super::aggregate::{Flow, Query, States};
use super::calendar::{Calendar, Period, Window};
use super::limits::ConfirmRise;
use crate::domain::{Currency, Timestamp};
use std::time::Duration;

/// What a player's limits are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Deposits.
    Gross,
    /// Deposits less withdrawals that are paid.
    Net,
}

impl Basis {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "gross" => Some(Basis::Gross),
            "net" => Some(Basis::Net),
            _ => None,
        }
    }

    pub const fn flow(self) -> Flow {
        match self {
            Basis::Gross => Flow::Deposits,
            Basis::Net => Flow::Net,
        }
    }
}

/// The terms of one market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitTerms {
    pub calendar: Calendar,
    pub basis: Basis,
    /// What a limit for a day, a week and a month is counted over.
    pub day: Window,
    pub week: Window,
    pub month: Window,
    /// How long a higher limit waits at least.
    pub rise_delay: Duration,
    /// Whether it also waits for the end of the running day, week or month that it is for.
    pub rise_after_period: bool,
    pub rise_confirm: ConfirmRise,
}

impl Default for LimitTerms {
    /// Gross over rolling windows, for who says nothing else.
    fn default() -> Self {
        Self {
            calendar: Calendar::utc(),
            basis: Basis::Gross,
            day: Window::Hours(24),
            week: Window::Days(7),
            month: Window::Days(30),
            rise_delay: Duration::ZERO,
            rise_after_period: false,
            rise_confirm: ConfirmRise::AfterDelay,
        }
    }
}

impl LimitTerms {
    pub const fn window(&self, period: Period) -> Window {
        match period {
            Period::Day => self.day,
            Period::Week => self.week,
            Period::Month => self.month,
        }
    }

    /// What a limit for a period is compared with.
    pub const fn query(&self, period: Period, currency: Currency) -> Query {
        Query {
            flow: self.basis.flow(),
            window: self.window(period),
            states: States::LIVE,
            currency,
            band: None,
        }
    }

    /// From when on a higher limit may hold that is asked for now.
    pub fn rise_at(&self, period: Period, now: Timestamp) -> Timestamp {
        let after_delay = now + self.rise_delay;
        if self.rise_after_period {
            after_delay.max(self.calendar.next_start(period, now))
        } else {
            after_delay
        }
    }

    /// How far back its windows reach at most.
    pub fn reach(&self) -> Duration {
        let windows = Period::ALL.map(|period| self.window(period).reach());
        windows.into_iter().max().unwrap_or_default()
    }
}
