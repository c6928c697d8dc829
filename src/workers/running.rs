//! What a worker has running beyond its look, so that a slow PSP holds up nobody else.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Pieces of work in the background: each row at most once at a time, and no more than `most`.
#[derive(Debug)]
pub struct Running {
    tasks: TaskTracker,
    rows: Arc<Mutex<BTreeSet<Uuid>>>,
    most: usize,
}

/// A row that is being worked on; it is free again when this is dropped, by a panic too.
struct Held {
    rows: Arc<Mutex<BTreeSet<Uuid>>>,
    row: Uuid,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.rows).remove(&self.row);
    }
}

fn lock(rows: &Mutex<BTreeSet<Uuid>>) -> MutexGuard<'_, BTreeSet<Uuid>> {
    // A set of ids is whole between any two statements.
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    pub fn new(tasks: TaskTracker, most: usize) -> Self {
        Self { tasks, rows: Arc::default(), most }
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
        let held = Held { rows: self.rows.clone(), row };
        self.tasks.spawn(async move {
            let _held = held;
            work.await;
        });
        true
    }
}
