//! What a worker has running beyond its look, so that a slow PSP holds up nobody else.

use crate::flows::WORK_MAX;
use crate::store::StoreError;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Looks in a row, each without the PSPs whose share the one before it filled.
const LOOKS: usize = 5;

/// Pieces of work in the background: each row at most once at a time, and no more than `most`, of them
/// no more for one PSP than its share.
#[derive(Debug)]
pub struct Running {
    tasks: TaskTracker,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rows: Mutex<Rows>,
    most: usize,
    share: usize,
    /// How long a piece of work may last.
    lasts: Duration,
    /// Rung when half of the room, or of a PSP's share, is free again after a look had found more than
    /// there was room for.
    room_again: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Rows {
    running: BTreeSet<Uuid>,
    /// Of these, how many wait for each PSP; nobody waits for one that is not here.
    waiting: BTreeMap<String, usize>,
    /// The last look found as many as it had room for: more may be due.
    more: bool,
    /// PSPs of rows that were left because the share was taken.
    left: BTreeSet<String>,
}

/// What a look may take on.
#[derive(Debug)]
pub struct Room {
    pub most: i64,
    /// Rows that are being worked on; some are still due.
    pub running: Vec<Uuid>,
    /// PSPs whose share is taken.
    pub full: Vec<String>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Started,
    /// It is being worked on already, or there is no room for anything.
    NoRoom,
    /// Its PSP has its share; there is room for others.
    ShareIsTaken,
}

/// A row that is being worked on; it is free again when this is dropped, by a panic too.
struct Held {
    shared: Arc<Shared>,
    row: Uuid,
    psps: Vec<String>,
    /// Work that came to nothing leaves its row due: whoever looks again at once finds the same.
    came_on: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut rows = self.shared.lock();
        rows.running.remove(&self.row);
        let mut was_left = false;
        for psp in &self.psps {
            let still_waiting = rows.leave(psp);
            let is_half_free = still_waiting <= self.shared.share / 2;
            was_left |= self.came_on && is_half_free && rows.left.remove(psp);
        }
        if !self.came_on {
            return;
        }
        let is_half_free = rows.running.len() <= self.shared.most / 2;
        if was_left || (is_half_free && std::mem::take(&mut rows.more)) {
            self.shared.room_again.notify_one();
        }
    }
}

impl Rows {
    /// One less waits for this PSP; how many still do.
    fn leave(&mut self, psp: &str) -> usize {
        let Some(waiting) = self.waiting.get_mut(psp) else { return 0 };
        *waiting -= 1;
        let still = *waiting;
        if still == 0 {
            self.waiting.remove(psp);
        }
        still
    }
}

impl Shared {
    fn has_its_share(&self, rows: &Rows, psp: &str) -> bool {
        rows.waiting.get(psp).is_some_and(|waiting| self.share <= *waiting)
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        // What is counted is whole wherever one of us may panic.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub fn new(tasks: TaskTracker, most: usize, room_again: Arc<Notify>) -> Self {
        Self::shared_out(tasks, most, most, room_again)
    }

    /// As [`Running::new`]; no PSP has more than its share of the room.
    pub fn shared_out(
        tasks: TaskTracker,
        most: usize,
        share: usize,
        room_again: Arc<Notify>,
    ) -> Self {
        let shared = Shared { rows: Mutex::default(), most, share, lasts: WORK_MAX, room_again };
        Self { tasks, shared: Arc::new(shared) }
    }

    /// How many more rows may be taken on now, and which are.
    pub fn room(&self) -> Room {
        let rows = self.shared.lock();
        let most = self.shared.most.saturating_sub(rows.running.len());
        let full = rows.waiting.keys().filter(|psp| self.shared.has_its_share(&rows, psp));
        Room {
            most: i64::try_from(most).unwrap_or(i64::MAX),
            running: rows.running.iter().copied().collect(),
            full: full.cloned().collect(),
        }
    }

    /// A look had room for so many rows and found so many.
    pub fn found(&self, most: i64, rows: usize) {
        self.shared.lock().more = i64::try_from(rows).is_ok_and(|rows| most <= rows);
    }

    /// Starts what is due, as far as there is room. `find` looks for as much as a room holds, without
    /// what is running and without the PSPs that have their share. How many were started.
    pub async fn fill<R, F>(
        &self,
        find: impl Fn(Room) -> F,
        start: impl Fn(R) -> Start,
    ) -> Result<u64, StoreError>
    where
        F: Future<Output = Result<Vec<R>, StoreError>>,
    {
        let mut started = 0;
        for _ in 0..LOOKS {
            let room = self.room();
            let most = room.most;
            let due = find(room).await?;
            self.found(most, due.len());
            let mut left_for_its_psp = false;
            for row in due {
                let start = start(row);
                started += u64::from(start == Start::Started);
                left_for_its_psp |= start == Start::ShareIsTaken;
            }
            if !left_for_its_psp {
                break;
            }
        }
        Ok(started)
    }

    /// Starts the work, unless the row is being worked on already or there is no room. The work tells
    /// whether it came on.
    pub fn start(&self, row: Uuid, work: impl Future<Output = bool> + Send + 'static) -> bool {
        self.start_at(row, Vec::new(), work) == Start::Started
    }

    /// As [`Running::start`], for work that waits for these PSPs, each of them named once.
    pub fn start_at(
        &self,
        row: Uuid,
        psps: Vec<String>,
        work: impl Future<Output = bool> + Send + 'static,
    ) -> Start {
        let mut rows = self.shared.lock();
        if self.shared.most <= rows.running.len() || rows.running.contains(&row) {
            return Start::NoRoom;
        }
        if let Some(psp) = psps.iter().find(|psp| self.shared.has_its_share(&rows, psp)) {
            rows.left.insert(psp.clone());
            return Start::ShareIsTaken;
        }
        for psp in &psps {
            *rows.waiting.entry(psp.clone()).or_default() += 1;
        }
        rows.running.insert(row);
        drop(rows);
        let held = Held { shared: self.shared.clone(), row, psps, came_on: false };
        self.tasks.spawn(async move {
            // All of it, not the one field that is named: it is dropped when the work has ended.
            let mut held = held;
            held.came_on = tokio::time::timeout(held.shared.lasts, work).await.unwrap_or_else(|_| {
                tracing::error!(row.id = %held.row, "work in the background was not over and was dropped");
                false
            });
        });
        Start::Started
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    const MOST: usize = 4;
    const SHARE: usize = 2;

    struct World {
        running: Running,
        tasks: TaskTracker,
        bell: Arc<Notify>,
    }

    impl World {
        fn new() -> Self {
            let (tasks, bell) = (TaskTracker::new(), Arc::new(Notify::new()));
            let running = Running::shared_out(tasks.clone(), MOST, SHARE, bell.clone());
            Self { running, tasks, bell }
        }

        /// Starts work that ends when it is told how.
        fn start(&self, row: u128) -> Option<oneshot::Sender<bool>> {
            let (end, told) = oneshot::channel();
            let work = async move { told.await.expect("the test tells how it ends") };
            self.running.start(Uuid::from_u128(row), work).then_some(end)
        }

        fn start_at(&self, row: u128, psp: &str) -> Result<oneshot::Sender<bool>, Start> {
            let (end, told) = oneshot::channel();
            let work = async move { told.await.expect("the test tells how it ends") };
            match self.running.start_at(Uuid::from_u128(row), vec![psp.to_owned()], work) {
                Start::Started => Ok(end),
                refused => Err(refused),
            }
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
        world.running.found(room.most, MOST);
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
        world.running.found(room.most, MOST - 1);
        for work in works.drain(..) {
            world.end(work, true).await;
        }
        assert!(!world.was_rung(), "all that was due was found");
        let mut works = world.all();
        world.running.found(room.most, MOST);
        for work in works.drain(..) {
            world.end(work, false).await;
        }
        assert!(!world.was_rung(), "the same rows would fail again at once");
    }

    #[tokio::test]
    async fn a_psp_that_has_its_share_leaves_room_for_others() {
        let world = World::new();
        let silent = [1, 2].map(|row| world.start_at(row, "silent").expect("there is room"));
        assert_eq!(world.running.room().full, ["silent"]);
        assert_eq!(world.start_at(3, "silent").err(), Some(Start::ShareIsTaken));
        let _other = world.start_at(4, "other").expect("there is room");
        assert_eq!(world.running.room().most, 1, "what was refused takes no room");
        assert_eq!(world.start_at(4, "other").err(), Some(Start::NoRoom), "it runs already");

        let [first, second] = silent;
        world.end(first, false).await;
        assert!(!world.was_rung(), "the same row would wait for it again at once");
        assert_eq!(world.running.room().full, <[String; 0]>::default());
        let first = world.start_at(1, "silent").expect("its share has room again");
        world.end(second, true).await;
        assert!(world.was_rung(), "a row of the silent PSP was left");
        world.end(first, true).await;
        assert!(!world.was_rung(), "who was told looks once");
        let _others = [3, 5, 6].map(|row| world.start_at(row, &format!("psp-{row}")));
        assert_eq!(world.start_at(7, "psp-7").err(), Some(Start::NoRoom));
    }

    #[tokio::test]
    async fn work_that_waits_for_ever_frees_its_row_and_its_share() {
        let mut world = World::new();
        Arc::get_mut(&mut world.running.shared).expect("nothing runs").lasts = Duration::ZERO;
        let work = std::future::pending();
        let started = world.running.start_at(Uuid::from_u128(1), vec!["psp".to_owned()], work);
        assert_eq!(started, Start::Started);
        world.tasks.close();
        world.tasks.wait().await;
        let room = world.running.room();
        assert_eq!((room.most, room.running), (4, Vec::new()));
    }

    #[tokio::test]
    async fn work_that_panics_frees_its_row_and_its_share() {
        let world = World::new();
        for row in [1, 2] {
            let work = async { panic!("as the test wants it") };
            let started =
                world.running.start_at(Uuid::from_u128(row), vec!["psp".to_owned()], work);
            assert_eq!(started, Start::Started);
        }
        world.tasks.close();
        world.tasks.wait().await;
        let room = world.running.room();
        assert_eq!((room.most, room.full), (4, Vec::new()));
    }
}
