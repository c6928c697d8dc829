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
    rows: Arc<Mutex<BTreeSet<Uuid>>>,
    most: usize,
    /// Rung when there is room again after there was none: more may be due.
    room_again: Arc<Notify>,
}

/// A row that is being worked on; it is free again when this is dropped, by a panic too.
struct Held {
    rows: Arc<Mutex<BTreeSet<Uuid>>>,
    row: Uuid,
    most: usize,
    room_again: Arc<Notify>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut rows = lock(&self.rows);
        let was_full = self.most <= rows.len();
        rows.remove(&self.row);
        drop(rows);
        if was_full {
            self.room_again.notify_one();
        }
    }
}

fn lock(rows: &Mutex<BTreeSet<Uuid>>) -> MutexGuard<'_, BTreeSet<Uuid>> {
    // A set of ids is whole between any two statements.
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    pub fn new(tasks: TaskTracker, most: usize, room_again: Arc<Notify>) -> Self {
        Self { tasks, rows: Arc::default(), most, room_again }
    }

    /// How many more rows may be taken on now.
    pub fn room(&self) -> usize {
        self.most.saturating_sub(lock(&self.rows).len())
    }

    /// Starts the work, unless the row is being worked on already or there is no room.
    pub fn start(&self, row: Uuid, work: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut rows = lock(&self.rows);
        if self.most <= rows.len() || !rows.insert(row) {
            return false;
        }
        drop(rows);
        let room_again = self.room_again.clone();
        let held = Held { rows: self.rows.clone(), row, most: self.most, room_again };
        self.tasks.spawn(async move {
            let _held = held;
            work.await;
        });
        true
    }
}
