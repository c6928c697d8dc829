//! Makes a signature work once: every nonce of a signed POST, PUT or DELETE is recorded before
//! anything runs, uniquely per key over all instances.
//!
//! One task owns one connection. It takes what arrived while the last statement ran as one batch,
//! so that a lone request waits for one statement and a crowd for two. Nobody is let in when the
//! database cannot tell: a nonce that could not be recorded could be used again.

use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::db::within;
use crate::store::request_nonce::{self, Connection};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Callers that wait at once; more are sent away.
const WAITING_MAX: usize = 4_096;
/// Pairs in one statement.
const BATCH_MAX: usize = 500;
/// How long a caller waits for the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the task waits for the database, which ends a statement of it after 2 s by itself.
const DATABASE_PATIENCE: Duration = Duration::from_secs(4);
const PURGE_EVERY: Duration = Duration::from_secs(30);

/// Whether a nonce is new, seen from the callers' side. Clones share the task.
#[derive(Debug, Clone)]
pub struct NonceDesk(mpsc::Sender<Question>);

#[derive(Debug)]
struct Question {
    pair: (String, String),
    answer: oneshot::Sender<bool>,
}

/// Why nobody can tell whether a nonce is new.
#[derive(Debug, Error)]
pub enum NonceError {
    #[error("too many requests wait for their nonce to be recorded")]
    Full,
    #[error("the nonce was not recorded within two seconds")]
    Late,
    #[error("the database failed while recording the nonce")]
    Failed,
}

/// Records a nonce; false when this key used it before.
///
/// # Errors
/// When it could not be recorded: then the request must not run.
pub async fn remember_nonce(
    desk: &NonceDesk,
    api_key_id: &str,
    nonce: &str,
) -> Result<bool, NonceError> {
    let (answer, told) = oneshot::channel();
    let pair = (api_key_id.to_owned(), nonce.to_owned());
    desk.0.try_send(Question { pair, answer }).map_err(|_| NonceError::Full)?;
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok(is_new)) => Ok(is_new),
        Ok(Err(_)) => Err(NonceError::Failed),
        Err(_) => Err(NonceError::Late),
    }
}

impl NonceDesk {
    /// Starts the task. It connects when it is first needed, and again whenever it must.
    pub fn start(url: String, tasks: &Shutdown) -> Self {
        let (questions, queue) = mpsc::channel(WAITING_MAX);
        let stop = tasks.clone();
        tasks.spawn("nonces", async move {
            let clerk = Clerk { url, connection: None, purged_at: Instant::now() };
            clerk.run(queue, stop).await;
        });
        Self(questions)
    }
}

struct Clerk {
    url: String,
    connection: Option<Connection>,
    purged_at: Instant,
}

impl Clerk {
    async fn run(mut self, mut queue: mpsc::Receiver<Question>, stop: Shutdown) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                taken = queue.recv_many(&mut batch, BATCH_MAX) => if taken == 0 { return },
                () = tokio::time::sleep(PURGE_EVERY) => {}
                () = stop.requested() => return,
            }
            self.answer(&mut batch).await;
            if self.purged_at.elapsed() >= PURGE_EVERY {
                self.purged_at = Instant::now();
                self.purge().await;
            }
        }
    }

    /// Answers a batch. A question that is dropped unanswered tells its caller of the failure.
    async fn answer(&mut self, batch: &mut Vec<Question>) {
        batch.retain(|question| !question.answer.is_closed());
        if batch.is_empty() {
            return;
        }
        let mut seen = HashSet::with_capacity(batch.len());
        // The second of two equal pairs in one batch is a replay like any other.
        let (firsts, seconds): (Vec<_>, Vec<_>) =
            batch.drain(..).partition(|question| seen.insert(question.pair.clone()));
        let (keys, nonces): (Vec<String>, Vec<String>) =
            firsts.iter().map(|question| question.pair.clone()).unzip();
        match within(DATABASE_PATIENCE, self.insert(&keys, &nonces)).await {
            Ok(new) => {
                for question in firsts {
                    let is_new = new.contains(&question.pair);
                    // A caller that has gone needs no answer.
                    let _ = question.answer.send(is_new);
                }
                for question in seconds {
                    let _ = question.answer.send(false);
                }
            }
            Err(error) => {
                tracing::error!(%error, "recording nonces failed");
                self.connection = None;
            }
        }
    }

    async fn insert(
        &mut self,
        keys: &[String],
        nonces: &[String],
    ) -> Result<HashSet<(String, String)>, StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(request_nonce::connect(&self.url).await?),
        };
        request_nonce::insert_new(connection, keys, nonces).await
    }

    async fn purge(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if let Err(error) = within(DATABASE_PATIENCE, request_nonce::purge(connection)).await {
            tracing::warn!(%error, "purging old nonces failed");
            self.connection = None;
        }
    }
}
