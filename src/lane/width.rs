//! How many of an instance's lanes are in use.
//!
//! A batch is some fifteen statements however few commands are in it, so that two lanes with half a
//! batch each cost the database and the service more than one with a whole one. A lane more opens when
//! the batches are so full that more in them hardly makes a command cheaper; one is closed when all
//! have been small for a while. What is in a closed lane's queue is carried out like any other.
//!
//! While the number stays the same a player is always on the same lane. When it changes, two commands
//! of a player may be on two lanes for a moment: the player's row lock serialises them, as it does those
//! of two instances.

use crate::domain::PlayerKey;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Of the largest batch, the part of one that opens another lane.
const FULL: usize = 2;
/// The same of a small one: two of them together are not full, so that they fit into one lane.
const SMALL: usize = 4;
const SMALL_FOR: Duration = Duration::from_secs(1);

/// The number of open lanes, told by what their batches hold.
#[derive(Debug)]
pub struct Width {
    lanes: usize,
    batch_max: usize,
    open: AtomicUsize,
    /// When a batch was last not small, or the number last changed.
    busy_at: Mutex<Instant>,
}

impl Width {
    /// Of so many lanes, at least one, one is open.
    pub fn new(lanes: usize, batch_max: usize, now: Instant) -> Self {
        tell(1);
        Self { lanes, batch_max, open: AtomicUsize::new(1), busy_at: Mutex::new(now) }
    }

    /// Lanes that are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// The lane on which the player is now.
    pub fn lane_of(&self, player: &PlayerKey) -> usize {
        let mut hasher = DefaultHasher::new();
        player.hash(&mut hasher);
        let open = u64::try_from(self.open()).unwrap_or(1);
        usize::try_from(hasher.finish() % open).unwrap_or(0)
    }

    /// A lane has taken a batch of so many commands.
    pub fn took(&self, commands: usize, now: Instant) {
        let mut busy_at = self.busy_at.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.open();
        let is_small = commands < self.batch_max / SMALL;
        let wanted = if self.batch_max / FULL <= commands {
            (open + 1).min(self.lanes)
        } else if is_small && SMALL_FOR <= now.saturating_duration_since(*busy_at) {
            (open - 1).max(1)
        } else {
            open
        };
        if !is_small || wanted != open {
            *busy_at = now;
        }
        if wanted != open {
            self.open.store(wanted, Ordering::Relaxed);
            tell(wanted);
        }
    }
}

fn tell(open: usize) {
    metrics::gauge!("lanes_open").set(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OperatorId, PlayerId};

    fn player(number: usize) -> PlayerKey {
        let player = PlayerId::trusted(&format!("p-{number}"));
        PlayerKey { operator: OperatorId::trusted("op"), player }
    }

    #[test]
    fn a_full_batch_opens_a_lane_and_no_more_than_there_are() {
        let now = Instant::now();
        let width = Width::new(3, 200, now);
        assert_eq!(width.open(), 1);
        for (commands, open) in [(1, 1), (99, 1), (100, 2), (99, 2), (200, 3), (200, 3)] {
            width.took(commands, now);
            assert_eq!(width.open(), open, "after a batch of {commands}");
        }
    }

    #[test]
    fn a_lane_closes_when_all_batches_were_small_for_a_second() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let width = Width::new(2, 200, start);
        width.took(100, start);
        for (commands, millis, open) in
            [(49, 900, 2), (50, 950, 2), (49, 1_900, 2), (49, 1_951, 1), (49, 9_000, 1)]
        {
            width.took(commands, after(millis));
            assert_eq!(width.open(), open, "after a batch of {commands} at {millis} ms");
        }
        // It opens again as before.
        width.took(100, after(9_001));
        assert_eq!(width.open(), 2);
    }

    #[test]
    fn of_several_lanes_one_more_is_closed_a_second_at_most() {
        let start = Instant::now();
        let width = Width::new(3, 200, start);
        width.took(100, start);
        width.took(100, start);
        let late = start + Duration::from_secs(60);
        width.took(1, late);
        width.took(1, late);
        assert_eq!(width.open(), 2);
        width.took(1, late + Duration::from_secs(1));
        assert_eq!(width.open(), 1);
    }

    #[test]
    fn a_player_stays_on_a_lane_while_the_number_does_and_all_open_lanes_are_used() {
        let now = Instant::now();
        let width = Width::new(2, 200, now);
        assert!((0..100).all(|number| width.lane_of(&player(number)) == 0));
        width.took(100, now);
        let lanes: Vec<usize> = (0..100).map(|number| width.lane_of(&player(number))).collect();
        assert!(lanes.contains(&0) && lanes.contains(&1));
        assert!((0..100).all(|number| width.lane_of(&player(number)) == lanes[number]));
    }

    #[test]
    fn an_instance_with_one_lane_keeps_it() {
        let now = Instant::now();
        let width = Width::new(1, 200, now);
        width.took(200, now);
        width.took(1, now + Duration::from_secs(60));
        assert_eq!(width.open(), 1);
    }
}
