//! A desk: many ask for the same small thing at once, one clerk with one connection asks the
//! database for all of them together.
//!
//! No timer: what arrived while the last statement ran is one batch, so that a lone question waits
//! for one statement and a crowd for two ([`Clerk::rest`] is for what nobody waits for). An asker
//! that goes away takes nothing back.

use crate::store::db::{LaneConnection, within};
use crate::store::{Db, StoreError};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Questions that wait at once; more are sent away.
const WAITING_MAX: usize = 4_096;
const BATCH_MAX: usize = 200;
/// How long a batch may take, and its questions one by one once more: the server ends each of the few statements
/// after 5 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a desk does with a batch.
pub trait Clerk: Send + 'static {
    type Question: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// Opens its connection; asked again whenever a batch failed.
    fn open(&self, db: &Db) -> impl Future<Output = Result<LaneConnection, StoreError>> + Send {
        db.lane_connection()
    }

    /// How long it rests after a batch, so that more comes together.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// Answers a batch, in the order of the questions.
    fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[Self::Question],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

type Asked<C> = (<C as Clerk>::Question, oneshot::Sender<Result<<C as Clerk>::Answer, DeskError>>);

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    #[error("too much is queued: try again in a moment")]
    Full,
    #[error("the database could not answer")]
    Failed,
}

/// The askers' side. Clones share the clerk, which ends with the last of them.
pub struct Desk<C: Clerk>(mpsc::Sender<Asked<C>>);

impl<C: Clerk> Clone for Desk<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Clerk> std::fmt::Debug for Desk<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl<C: Clerk + Sync> Desk<C> {
    /// Starts the clerk as a task of `tasks`. It connects when it is first asked.
    pub fn start(clerk: C, db: Db, tasks: &TaskTracker) -> Self {
        let (sender, queue) = mpsc::channel(WAITING_MAX);
        tasks.spawn(work(clerk, db, queue));
        Self(sender)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When too many ask already, and when the database failed.
    pub async fn ask(&self, question: C::Question) -> Result<C::Answer, DeskError> {
        let (answer, told) = oneshot::channel();
        self.0.try_send((question, answer)).map_err(|_| DeskError::Full)?;
        told.await.unwrap_or(Err(DeskError::Failed))
    }
}

async fn work<C: Clerk + Sync>(clerk: C, db: Db, mut queue: mpsc::Receiver<Asked<C>>) {
    let mut connection = None;
    let mut asked = Vec::with_capacity(BATCH_MAX);
    while 0 < queue.recv_many(&mut asked, BATCH_MAX).await {
        let (questions, answers): (Vec<_>, Vec<_>) = asked.drain(..).unzip();
        let mut found = at_work(&clerk, &db, &mut connection, &questions).await;
        if matches!(found, Err(StoreError::Unavailable(_))) {
            // The connection may have been the one thing that was gone.
            found = at_work(&clerk, &db, &mut connection, &questions).await;
        }
        match found {
            // One question may be what the database cannot stand: the others go without it.
            Err(error) if 1 < questions.len() && !matches!(error, StoreError::Unavailable(_)) => {
                answer_all(answers, one_by_one(&clerk, &db, &mut connection, &questions).await);
            }
            found => {
                let found = found.unwrap_or_default().into_iter().map(Some);
                answer_all(answers, found.chain(std::iter::repeat_with(|| None)));
            }
        }
        if !clerk.rest().is_zero() {
            tokio::time::sleep(clerk.rest()).await;
        }
    }
}

/// Asks each question alone. Where every one of them is too much, most go without an answer: whoever is behind
/// them must not wait for all.
async fn one_by_one<C: Clerk>(
    clerk: &C,
    db: &Db,
    connection: &mut Option<LaneConnection>,
    questions: &[C::Question],
) -> Vec<Option<C::Answer>> {
    let until = Instant::now() + PATIENCE;
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions.chunks(1) {
        answers.push(if Instant::now() < until {
            let one = at_work(clerk, db, connection, question).await;
            one.ok().and_then(|mut one| one.pop())
        } else {
            None
        });
    }
    answers
}

fn answer_all<A>(
    answers: Vec<oneshot::Sender<Result<A, DeskError>>>,
    found: impl IntoIterator<Item = Option<A>>,
) {
    for (answer, one) in answers.into_iter().zip(found) {
        // Whoever asked may be gone.
        let _ = answer.send(one.ok_or(DeskError::Failed));
    }
}

/// After an error the next try has a connection of its own.
async fn at_work<C: Clerk>(
    clerk: &C,
    db: &Db,
    connection: &mut Option<LaneConnection>,
    questions: &[C::Question],
) -> Result<Vec<C::Answer>, StoreError> {
    let held = connection.take();
    let asking = async {
        let mut opened = match held {
            Some(opened) => opened,
            None => clerk.open(db).await?,
        };
        let answers = clerk.answer(&mut opened, questions).await?;
        Ok((opened, answers))
    };
    match within(PATIENCE, asking).await {
        Ok((opened, answers)) => {
            *connection = Some(opened);
            Ok(answers)
        }
        Err(error) => {
            tracing::warn!(%error, "a desk could not ask the database");
            Err(error)
        }
    }
}
