//! A command in a lane's queue.

use super::lanes::SubmitError;
use crate::decide::{Answer, Command};
use crate::domain::PlayerKey;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A queued command and whoever awaits its answer.
#[derive(Debug)]
pub struct Work {
    pub player: PlayerKey,
    pub command: Command,
    reply: oneshot::Sender<Result<Answer, SubmitError>>,
    queued_at: Instant,
}

impl Work {
    pub fn new(
        player: PlayerKey,
        command: Command,
        reply: oneshot::Sender<Result<Answer, SubmitError>>,
    ) -> Self {
        Self { player, command, reply, queued_at: Instant::now() }
    }

    pub fn answer(self, answer: Result<Answer, SubmitError>) {
        // Nobody may be waiting any more; what was decided stands all the same.
        let _ = self.reply.send(answer);
    }

    /// Nothing of it was recorded, and it may be sent again.
    pub fn send_away(self) {
        self.answer(Err(SubmitError::Busy));
    }

    /// How long it has been waiting.
    pub fn age(&self) -> Duration {
        self.queued_at.elapsed()
    }
}

/// Answers those that have waited too long; the rest goes on.
pub fn give_up_old(batch: Vec<Work>, wait_max: Duration) -> Vec<Work> {
    let (old, young): (Vec<Work>, Vec<Work>) =
        batch.into_iter().partition(|work| wait_max <= work.age());
    old.into_iter().for_each(Work::send_away);
    young
}
