//! Sends the letters that wait.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::notify::mail::Mailer;
use crate::notify::send_mails::send_mails;
use anyhow::Context;
use std::sync::Arc;
use std::time::Duration;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct MailWorker {
    pub flows: Flows,
    pub mailer: Arc<Mailer>,
}

impl Worker for MailWorker {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let done = send_mails(&self.flows, &self.mailer, now).await.context("sending letters")?;
        Ok(Report { claimed: done.claimed, done: done.sent, failed: done.claimed - done.sent })
    }
}
