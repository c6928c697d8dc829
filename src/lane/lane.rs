//! The task of one lane: a queue, a connection, a slot.

use super::batch::{self, Decided, Outcome};
use super::context::LaneContext;
use super::lanes::{LaneConfig, SubmitError};
use super::width::Width;
use super::work::{Work, give_up_old};
use crate::store::db::{self, LaneConnection};
use crate::store::slots::{self, HeldSlot};
use crate::store::{Db, StoreError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

/// Keys of what a lane writes under its slot's numbers. One that is taken shows that the numbers are
/// behind: another instance has the slot, or an old commit landed after all.
const NUMBERED: [&str; 7] = [
    "record_pkey",
    "entry_pkey",
    "hold_move_pkey",
    "wire_pkey",
    "transition_pkey",
    "outbox_event_pkey",
    "decision_pkey",
];

/// Leases of its slot that a lane waits for one batch, and for one answer. The server ends what takes it
/// too long by itself, and by then another instance has the slot.
const LEASES_WAITED: u32 = 3;

/// One lane.
#[allow(missing_debug_implementations, reason = "it holds a live connection")]
pub struct Lane {
    db: Db,
    config: LaneConfig,
    context: Arc<LaneContext>,
    queue: mpsc::Receiver<Work>,
    /// Commands that wait for a player that another lane holds.
    waiting: VecDeque<Work>,
    connection: Option<LaneConnection>,
    held: HeldSlot,
    /// Its number among the instance's lanes.
    number: usize,
    shared: Shared,
}

/// What the lanes of one instance share.
#[derive(Debug, Clone)]
pub struct Shared {
    pub width: Arc<Width>,
    /// The slot that each of them took last: none may take another's.
    pub slots: Arc<Mutex<BTreeMap<usize, i16>>>,
}

impl Shared {
    /// Takes a slot for a lane. One lane after the other: whoever asked while another's is taken and not yet
    /// told here would be given the very same one, which is their instance's, and each would throw the other
    /// out of it for good.
    async fn take_slot(
        &self,
        connection: &mut LaneConnection,
        config: &LaneConfig,
        lane: usize,
    ) -> Result<Option<HeldSlot>, StoreError> {
        let mut slots = self.slots.lock().await;
        let others: Vec<i16> =
            slots.iter().filter(|(of, _)| **of != lane).map(|(_, slot)| *slot).collect();
        let held = slots::take(connection, &config.holder, &others, config.slot_lease).await?;
        if let Some(held) = held {
            slots.insert(lane, held.slot);
        }
        Ok(held)
    }
}

/// How an attempt at a batch ended.
enum Ended {
    Committed(Vec<Outcome>),
    /// Do the same again, at once or after a pause.
    Again,
    /// One of the commands cannot be written: find out which.
    OneByOne(StoreError),
    /// A statement had no time left: one of the commands, or the database, is slow.
    TookTooLong(StoreError),
}

impl Lane {
    /// Connects and takes a slot. None: no slot is free.
    pub async fn open(
        db: Db,
        config: LaneConfig,
        context: Arc<LaneContext>,
        queue: mpsc::Receiver<Work>,
        (number, shared): (usize, Shared),
    ) -> Result<Option<Self>, StoreError> {
        let mut connection = db.lane_connection().await?;
        let held = shared.take_slot(&mut connection, &config, number).await?;
        let Some(held) = held else { return Ok(None) };
        let waiting = VecDeque::new();
        let connection = Some(connection);
        Ok(Some(Self { db, config, context, queue, waiting, connection, held, number, shared }))
    }

    /// Works until the last sender is gone and everything queued is answered.
    pub async fn run(mut self) {
        let idle = self.config.slot_lease / 3;
        loop {
            let first = if self.waiting.is_empty() {
                match tokio::time::timeout(idle, self.queue.recv()).await {
                    Ok(Some(work)) => Some(work),
                    Ok(None) => break,
                    Err(_) => {
                        self.keep_lease().await;
                        continue;
                    }
                }
            } else {
                // Whoever holds the player commits in milliseconds.
                let pause = Duration::from_millis(2);
                tokio::time::timeout(pause, self.queue.recv()).await.ok().flatten()
            };
            // Whoever was just answered may have the next command ready: together they are one batch.
            tokio::task::yield_now().await;
            let batch = self.drain(first);
            self.shared.width.took(batch.len(), Instant::now());
            self.process(batch, None).await;
        }
        if let Some(mut connection) = self.connection.take() {
            let giving = slots::give_back(&mut connection, self.held);
            let _ = db::within(self.patience(), giving).await;
        }
    }

    /// What is there now, the oldest first. A batch is what arrived while the last one committed.
    fn drain(&mut self, first: Option<Work>) -> Vec<Work> {
        let mut batch: Vec<Work> = self.waiting.drain(..).chain(first).collect();
        while batch.len() < self.config.batch_max {
            match self.queue.try_recv() {
                Ok(work) => batch.push(work),
                Err(_) => break,
            }
        }
        batch
    }

    async fn process(&mut self, mut batch: Vec<Work>, statement_max: Option<Duration>) {
        let started = Instant::now();
        let mut tries = 0_u32;
        loop {
            let works: Vec<&Work> = batch.iter().collect();
            match self.attempt(&works, statement_max).await {
                Ended::Committed(outcomes) => {
                    metrics::histogram!("lane_batch_commands").record(count(batch.len()));
                    metrics::histogram!("lane_batch_seconds").record(started.elapsed());
                    return self.answer_all(batch, outcomes);
                }
                Ended::Again => {
                    batch = give_up_old(batch, self.config.wait_max);
                    if batch.is_empty() {
                        return;
                    }
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(u64::from(tries.min(20)) * 5)).await;
                }
                Ended::TookTooLong(error) => {
                    // The time that was lost was the lease's too.
                    if statement_max.is_none() {
                        self.keep_lease().await;
                    }
                    return Box::pin(self.send_slow_away(batch, error)).await;
                }
                Ended::OneByOne(error) if batch.len() == 1 => {
                    tries += 1;
                    if 3 < tries {
                        tracing::error!(error = %chain(&error), "a command cannot be recorded");
                        for work in batch {
                            work.answer(Err(SubmitError::Failed));
                        }
                        return;
                    }
                }
                Ended::OneByOne(error) => {
                    tracing::debug!(error = %chain(&error), "a batch is done one by one");
                    let most = (statement_max, self.patience());
                    return Box::pin(self.one_by_one(batch, most)).await;
                }
            }
        }
    }

    /// The neighbours of a slow command go on without it; it is sent away when it is slow again, alone and
    /// with less time, or was alone already: whoever sends it again costs the lane that time, and no more.
    async fn send_slow_away(&mut self, batch: Vec<Work>, error: StoreError) {
        if let [work] = &batch[..] {
            let command = work.command.name();
            tracing::error!(command, error = %chain(&error), "a command is too slow to be recorded");
            metrics::counter!("lane_commands_too_slow_total").increment(1);
            return batch.into_iter().for_each(Work::send_away);
        }
        let wait_max = self.config.wait_max;
        self.one_by_one(batch, (Some(wait_max / 2), wait_max)).await;
    }

    /// What is left after `road_max` is sent away: the database itself is slow, and others are queued behind.
    async fn one_by_one(
        &mut self,
        batch: Vec<Work>,
        (statement_max, road_max): (Option<Duration>, Duration),
    ) {
        let started = Instant::now();
        for work in batch {
            if started.elapsed() < road_max {
                self.process(vec![work], statement_max).await;
            } else {
                work.send_away();
            }
        }
    }

    fn answer_all(&mut self, batch: Vec<Work>, outcomes: Vec<Outcome>) {
        for (work, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Decided(decided) => work.answer(decided.map_err(SubmitError::Refused)),
                Outcome::Broken => work.answer(Err(SubmitError::Failed)),
                Outcome::LockedElsewhere if self.config.wait_max <= work.age() => {
                    work.send_away();
                }
                Outcome::LockedElsewhere => self.waiting.push_back(work),
            }
        }
    }

    /// One attempt at a batch, to its end: committed, or surely without effect.
    async fn attempt(&mut self, works: &[&Work], statement_max: Option<Duration>) -> Ended {
        let Some(mut connection) = self.connected().await else { return Ended::Again };
        let lease = self.config.slot_lease;
        let (context, held) = (&self.context, self.held);
        let deciding = async {
            db::begin(&mut connection, statement_max).await?;
            batch::decide_and_write(&mut connection, context, held, works, lease).await
        };
        match db::within(self.patience(), deciding).await {
            Ok(decided) => self.commit(connection, decided).await,
            Err(error) => self.failed(connection, error).await,
        }
    }

    async fn commit(&mut self, mut connection: LaneConnection, decided: Decided) -> Ended {
        match db::within(self.patience(), db::commit(&mut connection)).await {
            Ok(()) => {
                let wrote = self.held.seq < decided.to_seq;
                self.held.seq = decided.to_seq;
                self.connection = Some(connection);
                if wrote {
                    self.context.tell_committed(&decided.incidents);
                }
                Ended::Committed(decided.outcomes)
            }
            Err(error) => {
                drop(connection);
                tracing::warn!(error = %chain(&error), "a commit's answer was lost");
                self.ask_what_was_kept(decided).await
            }
        }
    }

    /// The answer to COMMIT was lost. The slot's number says whether the batch was kept, and where somebody else
    /// has the slot by now, its first record. While it cannot be asked nothing is answered; run again, the
    /// batch takes the *same* numbers, so that the old commit, should it still land, and the new one cannot
    /// both be kept.
    async fn ask_what_was_kept(&mut self, decided: Decided) -> Ended {
        loop {
            if let Some(mut connection) = self.connected().await {
                let first = decided.first.as_ref();
                let asking = slots::was_kept(&mut connection, self.held, decided.to_seq, first);
                match db::within(self.patience(), asking).await {
                    Ok(true) => {
                        self.held.seq = decided.to_seq;
                        self.connection = Some(connection);
                        self.context.tell_committed(&decided.incidents);
                        return Ended::Committed(decided.outcomes);
                    }
                    Ok(false) => {
                        self.connection = Some(connection);
                        return Ended::Again;
                    }
                    Err(error) => tracing::warn!(error = %chain(&error), "asking what was kept"),
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn failed(&mut self, mut connection: LaneConnection, error: StoreError) -> Ended {
        let usable = !matches!(error, StoreError::Unavailable(_))
            && db::within(self.patience(), db::roll_back(&mut connection)).await.is_ok();
        if usable {
            self.connection = Some(connection);
        }
        match error {
            StoreError::Unavailable(error) => {
                tracing::warn!(%error, "a lane lost the database");
                Ended::Again
            }
            StoreError::Repeat(_) => Ended::Again,
            StoreError::FenceLost => self.take_slot_anew().await,
            StoreError::Constraint { ref constraint, .. } if NUMBERED.contains(&&**constraint) => {
                self.take_slot_anew().await
            }
            StoreError::TookTooLong(_) => Ended::TookTooLong(error),
            other => Ended::OneByOne(other),
        }
    }

    /// Another instance took the slot: nothing of the batch was kept. Take a slot and start over.
    async fn take_slot_anew(&mut self) -> Ended {
        tracing::warn!(slot = self.held.slot, "a lane lost its slot and takes another");
        let Some(mut connection) = self.connected().await else { return Ended::Again };
        let taking = self.shared.take_slot(&mut connection, &self.config, self.number);
        match db::within(self.patience(), taking).await {
            Ok(Some(held)) => self.held = held,
            Ok(None) => tracing::warn!("no lane slot is free"),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "taking a lane slot");
                return Ended::Again;
            }
        }
        self.connection = Some(connection);
        Ended::Again
    }

    /// The lane's connection, opened again when it was lost.
    async fn connected(&mut self) -> Option<LaneConnection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        match self.db.lane_connection().await {
            Ok(connection) => Some(connection),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a lane cannot reach the database");
                None
            }
        }
    }

    fn patience(&self) -> Duration {
        self.config.slot_lease * LEASES_WAITED
    }

    async fn keep_lease(&mut self) {
        let Some(mut connection) = self.connected().await else { return };
        let renewing = slots::renew(&mut connection, self.held, self.config.slot_lease);
        match db::within(self.patience(), renewing).await {
            Ok(true) => self.connection = Some(connection),
            Ok(false) => {
                self.connection = Some(connection);
                let _ = self.take_slot_anew().await;
            }
            Err(error) => tracing::warn!(error = %chain(&error), "keeping a lane's lease"),
        }
    }
}

fn count(commands: usize) -> f64 {
    f64::from(u32::try_from(commands).unwrap_or(u32::MAX))
}

/// The error with its causes, for one log line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
