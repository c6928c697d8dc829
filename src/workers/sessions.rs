//! Forgets sessions that are long over, players' and the console's: they have ended by themselves.

use super::driver::{Report, Worker};
use crate::access::end_player_session::forget_expired_sessions;
use crate::domain::Timestamp;
use crate::store::Pool;
use anyhow::Context;
use std::time::Duration;

/// Once in ten minutes is enough: a row is small and harms nobody.
const PERIOD: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub struct SessionWorker {
    pub pool: Pool,
}

impl Worker for SessionWorker {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let gone = forget_expired_sessions(&self.pool, now)
            .await
            .context("forgetting expired sessions")?;
        // Nothing is left to do at once, so the next look is a period away.
        Ok(Report { claimed: 0, done: gone, failed: 0 })
    }
}
