//! What a worker has running beyond its look, so that a slow PSP holds up nobody else.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Pieces of work in the background: each row at most once at a time, and no more than `most`.
#[derive(Debug)]
pub struct Running {
    tasks: TaskTracker,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rows: Mutex<Rows>,
    most: usize,
    /// Rung when half of the room is free again after a look had found more than there was room for.
    room_again: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Rows {
    running: BTreeSet<Uuid>,
    /// The last look found as many as it had room for: more may be due.
    more: bool,
}

/// What a look may take on.
#[derive(Debug)]
pub struct Room {
    pub most: i64,
    /// Rows that are being worked on; some are still due.
    pub running: Vec<Uuid>,
}

/// A row that is being worked on; it is free again when this is dropped, by a panic too.
struct Held {
    shared: Arc<Shared>,
    row: Uuid,
    /// Work that came to nothing leaves its row due: whoever looks again at once finds the same.
    came_on: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut rows = self.shared.lock();
        rows.running.remove(&self.row);
        let is_half_free = rows.running.len() <= self.shared.most / 2;
        if self.came_on && is_half_free && std::mem::take(&mut rows.more) {
            self.shared.room_again.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        // A set of ids is whole between any two statements.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub fn new(tasks: TaskTracker, most: usize, room_again: Arc<Notify>) -> Self {
        Self { tasks, shared: Arc::new(Shared { rows: Mutex::default(), most, room_again }) }
    }

    /// How many more rows may be taken on now, and which are.
    pub fn room(&self) -> Room {
        let rows = self.shared.lock();
        let most = self.shared.most.saturating_sub(rows.running.len());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Room { most, running: rows.running.iter().copied().collect() }
    }

    /// A look had this room and found so many rows.
    pub fn found(&self, room: &Room, rows: usize) {
        self.shared.lock().more = i64::try_from(rows).is_ok_and(|rows| room.most <= rows);
    }

    /// Starts the work, unless the row is being worked on already or there is no room. The work tells
    /// whether it came on.
    pub fn start(&self, row: Uuid, work: impl Future<Output = bool> + Send + 'static) -> bool {
        let mut rows = self.shared.lock();
        if self.shared.most <= rows.running.len() || !rows.running.insert(row) {
            return false;
        }
        drop(rows);
        let held = Held { shared: self.shared.clone(), row, came_on: false };
        self.tasks.spawn(async move {
            // All of it, not the one field that is named: it is dropped when the work has ended.
            let mut held = held;
            held.came_on = work.await;
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    const MOST: usize = 4;

    struct World {
        running: Running,
        tasks: TaskTracker,
        bell: Arc<Notify>,
    }

    impl World {
        fn new() -> Self {
            let (tasks, bell) = (TaskTracker::new(), Arc::new(Notify::new()));
            Self { running: Running::new(tasks.clone(), MOST, bell.clone()), tasks, bell }
        }

        /// Starts work that ends when it is told how.
        fn start(&self, row: u128) -> Option<oneshot::Sender<bool>> {
            let (end, told) = oneshot::channel();
            let work = async move { told.await.expect("the test tells how it ends") };
            self.running.start(Uuid::from_u128(row), work).then_some(end)
        }

        fn all(&self) -> Vec<oneshot::Sender<bool>> {
            (0..MOST as u128).map(|row| self.start(row).expect("there is room")).collect()
        }

        async fn end(&self, work: oneshot::Sender<bool>, came_on: bool) {
            let before = self.tasks.len();
            work.send(came_on).expect("it runs");
            while self.tasks.len() == before {
                tokio::task::yield_now().await;
            }
        }

        fn was_rung(&self) -> bool {
            self.bell.notified().now_or_never().is_some()
        }
    }

    #[tokio::test]
    async fn a_row_runs_once_at_a_time_and_no_more_than_there_is_room_for() {
        let world = World::new();
        let first = world.start(1).expect("there is room");
        assert!(world.start(1).is_none());
        let room = world.running.room();
        assert_eq!((room.most, room.running), (3, vec![Uuid::from_u128(1)]));
        let _others: Vec<_> = (2..5).map(|row| world.start(row).expect("there is room")).collect();
        assert!(world.start(9).is_none());
        assert_eq!(world.running.room().most, 0);
        world.end(first, true).await;
        assert_eq!(world.running.room().most, 1);
    }

    #[tokio::test]
    async fn whoever_left_rows_is_told_once_when_half_of_the_room_is_free() {
        let world = World::new();
        let room = world.running.room();
        let mut works = world.all();
        world.running.found(&room, MOST);
        world.end(works.remove(0), true).await;
        assert!(!world.was_rung(), "a look for one row costs as much as one for many");
        world.end(works.remove(0), true).await;
        assert!(world.was_rung());
        world.end(works.remove(0), true).await;
        assert!(!world.was_rung(), "who was told looks once");
    }

    #[tokio::test]
    async fn nobody_is_told_where_everything_was_found_or_nothing_came_on() {
        let world = World::new();
        let room = world.running.room();
        let mut works = world.all();
        world.running.found(&room, MOST - 1);
        for work in works.drain(..) {
            world.end(work, true).await;
        }
        assert!(!world.was_rung(), "all that was due was found");
        let mut works = world.all();
        world.running.found(&room, MOST);
        for work in works.drain(..) {
            world.end(work, false).await;
        }
        assert!(!world.was_rung(), "the same rows would fail again at once");
    }

    #[tokio::test]
    async fn work_that_panics_frees_its_row() {
        let world = World::new();
        assert!(world.running.start(Uuid::nil(), async { panic!("as the test wants it") }));
        world.tasks.close();
        world.tasks.wait().await;
        assert_eq!(world.running.room().most, 4);
    }
}
