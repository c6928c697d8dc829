//! The switches as this instance knows them, and what has succeeded today: kept in memory, so that a plan
//! reads nothing, and kept fresh by the worker that shares them.

use super::plan::Volumes;
use super::switches::{Switch, Use, forbidding};
use crate::domain::{Direction, Money, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use time::Date;

/// All switches that are on or will be.
#[derive(Debug, Default)]
pub struct SwitchBoard(RwLock<Arc<Vec<Switch>>>);

impl SwitchBoard {
    pub fn all(&self) -> Arc<Vec<Switch>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, switches: Vec<Switch>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(switches);
    }

    /// Why a use is forbidden now, in the end of a plain sentence.
    pub fn forbids(&self, asked: &Use<'_>, now: Timestamp) -> Option<String> {
        forbidding(&self.all(), asked, now).map(Switch::text)
    }
}

#[derive(Debug)]
struct Day {
    day: Date,
    /// Of all instances, and what this one has not told yet.
    all: Arc<Volumes>,
    untold: Volumes,
}

/// What has succeeded today (UTC) at each account.
#[derive(Debug)]
pub struct VolumeBook(Mutex<Day>);

impl Default for VolumeBook {
    fn default() -> Self {
        Self(Mutex::new(Day { day: Date::MIN, all: Arc::default(), untold: Volumes::new() }))
    }
}

impl VolumeBook {
    /// The day at hand; what belongs to an earlier one is forgotten. A look that began before midnight may
    /// still name the day before.
    fn on(&self, now: Timestamp) -> MutexGuard<'_, Day> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if book.day < now.date() {
            *book = Day { day: now.date(), all: Arc::default(), untold: Volumes::new() };
        }
        book
    }

    pub fn today(&self, now: Timestamp) -> Arc<Volumes> {
        self.on(now).all.clone()
    }

    pub fn add(&self, psp: &str, direction: Direction, money: Money, now: Timestamp) {
        let mut book = self.on(now);
        let key = (psp.to_owned(), direction, money.currency);
        let carried = Arc::make_mut(&mut book.all).entry(key.clone()).or_insert(0);
        *carried = carried.saturating_add(money.minor);
        let untold = book.untold.entry(key).or_insert(0);
        *untold = untold.saturating_add(money.minor);
    }

    /// What others have not been told; told now.
    pub fn take_untold(&self, now: Timestamp) -> Volumes {
        std::mem::take(&mut self.on(now).untold)
    }

    /// Puts back what could not be told of the day of `now`.
    pub fn give_back(&self, untold: Volumes, now: Timestamp) {
        let mut book = self.on(now);
        if book.day != now.date() {
            return;
        }
        for (key, minor) in untold {
            let carried = book.untold.entry(key).or_insert(0);
            *carried = carried.saturating_add(minor);
        }
    }

    /// Takes over what all instances have told, and adds what this one has not told yet.
    pub fn set(&self, mut told: Volumes, now: Timestamp) {
        let mut book = self.on(now);
        for (key, minor) in &book.untold {
            let carried = told.entry(key.clone()).or_insert(0);
            *carried = carried.saturating_add(*minor);
        }
        book.all = Arc::new(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;
    use time::macros::datetime;

    #[test]
    fn volumes_are_shared_once_and_end_with_the_day() {
        let noon = datetime!(2026-03-01 12:00 UTC);
        let (book, key) =
            (VolumeBook::default(), ("a".to_owned(), Direction::Deposit, Currency::SEK));
        let of = |now| book.today(now).get(&key).copied();
        book.add("a", Direction::Deposit, Money::new(500, Currency::SEK), noon);
        assert_eq!(of(noon), Some(500));
        let untold = book.take_untold(noon);
        assert_eq!(untold.get(&key), Some(&500));
        assert!(book.take_untold(noon).is_empty());
        book.add("a", Direction::Deposit, Money::new(30, Currency::SEK), noon);
        // 1,500 were told by all; the 30 have not been told yet.
        book.set(Volumes::from([(key.clone(), 1_500)]), noon);
        assert_eq!(of(noon), Some(1_530));
        assert_eq!(of(datetime!(2026-03-02 0:00 UTC)), None);
    }

    #[test]
    fn what_could_not_be_told_of_a_day_that_is_over_is_none_of_the_next_ones() {
        let (noon, next) = (datetime!(2026-03-01 12:00 UTC), datetime!(2026-03-02 0:00 UTC));
        let (book, sek) = (VolumeBook::default(), Currency::SEK);
        book.add("a", Direction::Deposit, Money::new(500, sek), noon);
        let untold = book.take_untold(noon);
        book.add("a", Direction::Deposit, Money::new(30, sek), next);
        book.give_back(untold, noon);
        assert_eq!(book.take_untold(next).into_values().collect::<Vec<_>>(), [30]);
    }
}
