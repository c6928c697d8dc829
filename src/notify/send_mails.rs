//! Sends the letters that wait. Claimed for a while, sent with nothing open, acknowledged.

use super::mail::Mailer;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::mail_outbox::{self, ClaimedMail};
use std::time::{Duration, Instant};

/// How many one look takes on, one after the other; none any more once it has taken as long as one letter may.
const MOST: u64 = 20;
/// Longer than a server is waited for, for one letter.
const LEASE: Duration = Duration::from_secs(60);
/// After so many tries a letter is given up; the next reminder of its case is another letter.
const TRIES_MAX: i16 = 12;
const PAUSE: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

/// What one look did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    pub claimed: u64,
    pub sent: u64,
}

/// Sends what is due.
pub async fn send_mails(
    flows: &Flows,
    mailer: &Mailer,
    now: Timestamp,
) -> Result<Sent, StoreError> {
    if !mailer.is_on() {
        return Ok(Sent::default());
    }
    let pool = flows.db.pool();
    let mut done = Sent::default();
    let began = Instant::now();
    while done.claimed < MOST && (done.claimed == 0 || began.elapsed() < mailer.timeout()) {
        let until = flows.clock.now() + LEASE;
        let Some(mail) = mail_outbox::claim(pool, now, until, 1).await?.pop() else { break };
        done.claimed += 1;
        match mailer.send(&mail).await {
            Ok(()) => {
                mail_outbox::sent(pool, mail.id, flows.clock.now()).await?;
                metrics::counter!("mails_total", "result" => "sent").increment(1);
                done.sent += 1;
            }
            Err(error) => {
                let again = again_at(&mail, flows.clock.now());
                let result = if again.is_some() { "failed" } else { "given_up" };
                metrics::counter!("mails_total", "result" => result).increment(1);
                let error = anyhow::Error::from(error);
                tracing::warn!(mail.id = %mail.id, error = format!("{error:#}"), tries = mail.tries,
                    "a letter was not sent");
                mail_outbox::failed(pool, mail.id, &error.to_string(), again).await?;
            }
        }
    }
    Ok(done)
}

/// Half a minute, doubled each time, at most an hour.
fn again_at(mail: &ClaimedMail, now: Timestamp) -> Option<Timestamp> {
    let doublings = u32::try_from(mail.tries.saturating_sub(1)).unwrap_or(0).min(16);
    (mail.tries < TRIES_MAX).then(|| now + (PAUSE * (1 << doublings)).min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use uuid::Uuid;

    #[test]
    fn pauses_double_up_to_an_hour_and_end() {
        let now = datetime!(2026-03-01 12:00 UTC);
        let after = |tries: i16| {
            let mail = ClaimedMail {
                id: Uuid::nil(),
                recipient: String::new(),
                subject: String::new(),
                body: String::new(),
                created_at: now,
                tries,
            };
            again_at(&mail, now).map(|at| (at - now).whole_seconds())
        };
        assert_eq!([1, 2, 3, 11, 12].map(after), [Some(30), Some(60), Some(120), Some(3600), None]);
    }
}
