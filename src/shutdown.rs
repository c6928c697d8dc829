//! Tasks that are known by name and stopped in order.
//!
//! Nothing in the service calls `tokio::spawn` itself: a task that nobody tracks is cut off in the
//! middle when the process ends, and a lane that is cut off in the middle of a commit does not know
//! what it wrote. Each part (edges, workers, lanes) has a [`Shutdown`] of its own;
//! [`stop_in_order`] asks one after the other to stop and waits for it, so that a lane outlives the
//! handlers that wait for its answer.

use std::future::Future;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, info, info_span, warn};

/// The tasks of one part of the service, and the word that tells them to stop. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    asked: CancellationToken,
    tasks: TaskTracker,
}

/// Whether everything ended by itself within its grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    Clean,
    /// So many tasks still ran when the grace was over.
    Late {
        running: usize,
    },
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every task to stop; they end when they have finished what they hold.
    pub fn request(&self) {
        self.asked.cancel();
    }

    pub fn is_requested(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Resolves once a stop was asked for. Cancel-safe: made for `select!`.
    pub async fn requested(&self) {
        self.asked.cancelled().await;
    }

    /// Runs a task until it ends by itself, whatever becomes of the handle. A panic ends this task
    /// alone; it is logged under the task's name, and whoever awaits the handle sees it.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let witness = PanicWitness(name);
        let task = async move {
            let _witness = witness;
            future.await
        };
        self.tasks.spawn(task.instrument(info_span!("task", task.name = name)))
    }

    /// Waits for SIGINT or SIGTERM, then asks for a stop. A second signal ends the wait of
    /// [`Shutdown::stop`] no sooner: it is bounded by its grace anyway.
    ///
    /// # Errors
    /// When the process may not handle signals.
    pub fn on_signal(&self) -> std::io::Result<()> {
        self.on(SignalKind::interrupt(), "SIGINT")?;
        self.on(SignalKind::terminate(), "SIGTERM")
    }

    /// As [`Shutdown::on_signal`] for SIGHUP: the terminal of a process in the foreground was closed.
    ///
    /// # Errors
    /// When the process may not handle signals.
    pub fn on_hangup(&self) -> std::io::Result<()> {
        self.on(SignalKind::hangup(), "SIGHUP")
    }

    fn on(&self, kind: SignalKind, name: &'static str) -> std::io::Result<()> {
        let mut told = signal(kind)?;
        let asked = self.asked.clone();
        // Not tracked: it would be the one task that a stop without a signal waits for in vain.
        tokio::spawn(async move {
            tokio::select! {
                _ = told.recv() => {}
                () = asked.cancelled() => return,
            }
            // First of all: what is told may find nobody to read it.
            asked.cancel();
            info!(signal = name, "stopping");
        });
        Ok(())
    }

    /// Asks for a stop and waits, at most `grace`, until every task has ended.
    pub async fn stop(&self, grace: Duration) -> Stopped {
        self.request();
        self.tasks.close();
        match tokio::time::timeout(grace, self.tasks.wait()).await {
            Ok(()) => Stopped::Clean,
            Err(_) => Stopped::Late { running: self.tasks.len() },
        }
    }
}

/// Stops the parts one after the other, each within `grace_each`: the next is asked only when the
/// one before has ended or used up its time. Name those first that need those after them.
pub async fn stop_in_order(parts: &[(&str, &Shutdown)], grace_each: Duration) -> Stopped {
    let mut left_running = 0;
    for (name, part) in parts {
        if let Stopped::Late { running } = part.stop(grace_each).await {
            warn!(part = name, running, "some tasks did not end within their grace");
            left_running += running;
        }
    }
    match left_running {
        0 => Stopped::Clean,
        running => Stopped::Late { running },
    }
}

/// Logs that its task panicked: it is dropped while the panic unwinds.
struct PanicWitness(&'static str);

impl Drop for PanicWitness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            error!(task.name = self.0, "a task panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_stop_waits_for_what_is_running() {
        let shutdown = Shutdown::new();
        let seen = shutdown.clone();
        let task = shutdown.spawn("waits", async move {
            seen.requested().await;
            42
        });
        assert!(!shutdown.is_requested());
        assert_eq!(shutdown.stop(GRACE).await, Stopped::Clean);
        assert_eq!(task.await.unwrap(), 42);
    }

    #[tokio::test]
    async fn a_task_that_does_not_listen_is_left_behind_and_counted() {
        let shutdown = Shutdown::new();
        shutdown.spawn("deaf", std::future::pending::<()>());
        let stopped = shutdown.stop(Duration::from_millis(10)).await;
        assert_eq!(stopped, Stopped::Late { running: 1 });
    }

    #[tokio::test]
    async fn parts_stop_one_after_the_other() {
        let (edges, lanes) = (Shutdown::new(), Shutdown::new());
        let order = Arc::new(Mutex::new(Vec::new()));
        for (name, part) in [("lanes", &lanes), ("edges", &edges)] {
            let (part_seen, order) = (part.clone(), Arc::clone(&order));
            part.spawn(name, async move {
                part_seen.requested().await;
                order.lock().unwrap().push(name);
            });
        }
        let stopped = stop_in_order(&[("edges", &edges), ("lanes", &lanes)], GRACE).await;
        assert_eq!(stopped, Stopped::Clean);
        assert_eq!(*order.lock().unwrap(), ["edges", "lanes"]);
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_task_only() {
        let shutdown = Shutdown::new();
        let broken = shutdown.spawn("broken", async { panic!("on purpose") });
        let sound = shutdown.spawn("sound", async { "fine" });
        assert!(broken.await.unwrap_err().is_panic());
        assert_eq!(sound.await.unwrap(), "fine");
        assert_eq!(shutdown.stop(GRACE).await, Stopped::Clean);
    }
}
