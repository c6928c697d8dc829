//! The switches as this instance knows them, and what has succeeded today: kept in memory, so that a plan
//! reads nothing, and kept fresh by the worker that shares them.

use super::plan::Volumes;
use super::switches::{Switch, Use, forbidding};
use crate::domain::{Direction, Money, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use time::Date;

/// All switches that are on or will be.
#[derive(Debug)]
pub struct SwitchBoard {
    begun: AtomicU64,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    /// The load that it came by, and when that one began: it shows what stood at that moment.
    number: u64,
    as_of: Instant,
    switches: Arc<Vec<Switch>>,
}

/// A load that has begun.
#[derive(Debug)]
pub struct Load {
    number: u64,
    began_at: Instant,
}

impl Default for SwitchBoard {
    fn default() -> Self {
        let held = Held { number: 0, as_of: Instant::now(), switches: Arc::default() };
        Self { begun: AtomicU64::new(0), held: RwLock::new(held) }
    }
}

impl SwitchBoard {
    pub fn all(&self) -> Arc<Vec<Switch>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).switches.clone()
    }

    /// How old what it shows is.
    pub fn age(&self) -> Duration {
        self.held.read().unwrap_or_else(PoisonError::into_inner).as_of.elapsed()
    }

    /// Somebody is about to ask the database.
    pub fn begin(&self) -> Load {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        Load { number, began_at: Instant::now() }
    }

    /// What a load brought. One that began earlier and came later is passed over: it may not know of what was
    /// switched off in between.
    pub fn set(&self, load: Load, switches: Vec<Switch>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.number < load.number {
            let (number, as_of) = (load.number, load.began_at);
            *held = Held { number, as_of, switches: Arc::new(switches) };
        }
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

    /// What others have not been told of the day of `now`; told now.
    pub fn take_untold(&self, now: Timestamp) -> Volumes {
        let mut book = self.on(now);
        if book.day == now.date() { std::mem::take(&mut book.untold) } else { Volumes::new() }
    }

    /// Takes over what all instances have told of the day of `now`, and adds what this one has not told yet.
    pub fn set(&self, mut told: Volumes, now: Timestamp) {
        let mut book = self.on(now);
        if book.day != now.date() {
            return;
        }
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
    use crate::domain::{Currency, OperatorId, PersonId};
    use crate::routing::switches::{Scope, SwitchKind};
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
    fn a_look_that_began_before_midnight_takes_and_brings_nothing_of_the_next_day() {
        let (late, next) = (datetime!(2026-03-01 23:59:59.9 UTC), datetime!(2026-03-02 0:00 UTC));
        let (book, sek) = (VolumeBook::default(), Currency::SEK);
        book.add("a", Direction::Deposit, Money::new(30, sek), next);
        assert_eq!(book.take_untold(late), Volumes::new());
        let key = ("a".to_owned(), Direction::Deposit, sek);
        book.set(Volumes::from([(key.clone(), 1_500)]), late);
        assert_eq!(book.today(next).get(&key), Some(&30));
        assert_eq!(book.take_untold(next).get(&key), Some(&30));
    }

    #[test]
    fn a_load_that_is_overtaken_takes_no_switch_off_the_board() {
        let board = SwitchBoard::default();
        let (early, late) = (board.begin(), board.begin());
        let switch = Switch {
            id: uuid::Uuid::nil(),
            operator: OperatorId::trusted("op_demo"),
            kind: SwitchKind::Kill,
            scope: Scope::default(),
            reason: "late".to_owned(),
            set_by: PersonId::trusted("p_a"),
            set_at: datetime!(2026-03-01 12:00 UTC),
            from: datetime!(2026-03-01 12:00 UTC),
            until: None,
            review: None,
            lift_proposed: None,
            lifted: None,
        };
        board.set(late, vec![switch]);
        board.set(early, Vec::new());
        assert_eq!(board.all().len(), 1);
    }
}
