//! Delivers what is due at one endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use secrecy::SecretSlice;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::client::{Answer, NoAnswer, SignedRequest, WebhookClient};
use super::envelope::cloud_event;
use super::guard::CheckedUrl;
use super::sign::signature_header;
use crate::clock::Clock;
use crate::domain::{EndpointId, Ids, Timestamp};
use crate::outbox::schedule::{BREAKER_FAILURES, Disabled, Health, Jitter, Signal, schedule};
use crate::store::deliveries::{self, Claimed, Lease, Next, Settlement, Tried};
use crate::store::webhook_endpoints::{self, Target};
use crate::store::{Pool, StoreError};

/// Requests that one instance has under way at one endpoint.
pub const CONCURRENT_PER_ENDPOINT: usize = 4;
/// How long a claim lasts. A try is begun only while a whole timeout still fits into it.
const LEASE: Duration = Duration::from_secs(60);

/// What delivering needs.
#[derive(Debug, Clone)]
pub struct Outbound {
    pub pool: Pool,
    pub client: WebhookClient,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    /// Once cancelled, no further try is begun; what was claimed and not tried is given back.
    pub shutdown: CancellationToken,
}

/// [`Ids`] that can be shown in a debug print, which [`Outbound`] needs.
pub trait IdSource: Ids + std::fmt::Debug {}
impl<T: Ids + std::fmt::Debug> IdSource for T {}

/// What one claim at an endpoint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivered {
    pub claimed: u64,
    pub delivered: u64,
    pub failed: u64,
}

/// A try and what it says of the endpoint.
#[derive(Debug)]
struct Outcome {
    tried: Tried,
    signal: Signal,
}

/// Claims what is due at an endpoint, tries each once, at most four at a time, and records the
/// results. A delivery that fails is due again by its ladder; after the last step it has failed for
/// good. When the endpoint fails five times in a row within the claim, or says that it wants nothing
/// more for now, the rest is given back.
pub async fn deliver(outbound: &Outbound, endpoint: EndpointId) -> Result<Delivered, StoreError> {
    let now = outbound.clock.now();
    let Some(target) = webhook_endpoints::target(&outbound.pool, endpoint, now).await? else {
        return Ok(Delivered::default());
    };
    let allowance = target.health.allowance(now);
    if allowance == 0 {
        return Ok(Delivered::default());
    }
    let lease = Lease { by: outbound.ids.next(), until: now + LEASE };
    let claimed = deliveries::claim(&outbound.pool, endpoint, lease, allowance, now).await?;
    if claimed.is_empty() {
        return Ok(Delivered::default());
    }
    let (outcomes, untried) = try_all(outbound, &target, lease, &claimed).await;
    settle(outbound, endpoint, lease, &target, &outcomes, &untried).await?;
    Ok(count(claimed.len(), &outcomes))
}

async fn try_all(
    outbound: &Outbound,
    target: &Target,
    lease: Lease,
    claimed: &[Claimed],
) -> (Vec<Outcome>, Vec<Uuid>) {
    let failures_in_row = AtomicU32::new(0);
    let told_to_stop = AtomicBool::new(false);
    let url = outbound.client.reach().check_url(&target.url).ok();
    let last_start = lease.until - outbound.client.timeout();
    let tries = claimed.iter().map(|delivery| {
        let (url, failures_in_row, told_to_stop) = (url.as_ref(), &failures_in_row, &told_to_stop);
        async move {
            let given_up = told_to_stop.load(Ordering::Relaxed)
                || failures_in_row.load(Ordering::Relaxed) >= BREAKER_FAILURES;
            let stopping = outbound.shutdown.is_cancelled();
            if given_up || stopping || outbound.clock.now() > last_start {
                return Err(delivery.delivery_id);
            }
            let outcome = try_once(outbound, url, &target.secrets, delivery).await;
            match outcome.signal {
                Signal::Delivered => failures_in_row.store(0, Ordering::Relaxed),
                // Whoever says so wants nothing more for now, and a success that was under way beside it
                // does not take that back.
                Signal::Gone | Signal::Throttled { .. } => {
                    told_to_stop.store(true, Ordering::Relaxed);
                }
                Signal::Failed => {
                    failures_in_row.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(outcome)
        }
    });
    let mut outcomes = Vec::new();
    let mut untried = Vec::new();
    let mut results =
        stream::iter(tries.collect::<Vec<_>>()).buffer_unordered(CONCURRENT_PER_ENDPOINT);
    while let Some(result) = results.next().await {
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(delivery_id) => untried.push(delivery_id),
        }
    }
    (outcomes, untried)
}

/// One try. The URL is judged anew before each claim, since the rules may have changed since the
/// endpoint was made; its host's addresses are judged by the connection itself.
async fn try_once(
    outbound: &Outbound,
    url: Option<&CheckedUrl>,
    secrets: &[SecretSlice<u8>],
    delivery: &Claimed,
) -> Outcome {
    let tried_at = outbound.clock.now();
    let started = Instant::now();
    let result = match url {
        None => Err(NoAnswer::AddressRefused),
        Some(url) => post(outbound, url, secrets, delivery, tried_at).await,
    };
    let duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
    let signal = signal(&result);
    let next = next(signal, delivery, tried_at);
    let (answer, excerpt) = match result {
        Ok(answer) => (Ok(answer.status.as_u16()), answer.excerpt),
        Err(fault) => (Err(fault.as_str()), None),
    };
    Outcome {
        tried: Tried {
            delivery_id: delivery.delivery_id,
            tried_at,
            duration_ms,
            answer,
            excerpt,
            next,
        },
        signal,
    }
}

async fn post(
    outbound: &Outbound,
    url: &CheckedUrl,
    secrets: &[SecretSlice<u8>],
    delivery: &Claimed,
    tried_at: Timestamp,
) -> Result<Answer, NoAnswer> {
    let body = cloud_event(&delivery.event).map_err(|error| {
        tracing::error!(event.id = %delivery.event.event_id, %error, "an event in the outbox cannot be told");
        NoAnswer::EventUnreadable
    })?;
    let event_id = delivery.event.event_id.to_string();
    let timestamp = tried_at.unix_timestamp();
    let signature = signature_header(secrets, &event_id, timestamp, &body);
    let request = SignedRequest { url: url.clone(), event_id, timestamp, signature, body };
    outbound.client.post(request).await
}

/// Redirects fail like any other status that is not 2xx: a receiver that has moved says so to us by
/// a new endpoint, not by a header.
fn signal(result: &Result<Answer, NoAnswer>) -> Signal {
    let Ok(answer) = result else {
        return Signal::Failed;
    };
    match answer.status.as_u16() {
        200..=299 => Signal::Delivered,
        410 => Signal::Gone,
        429 | 502 | 504 => Signal::Throttled { retry_after: answer.retry_after },
        503 if answer.retry_after.is_some() => {
            Signal::Throttled { retry_after: answer.retry_after }
        }
        _ => Signal::Failed,
    }
}

fn next(signal: Signal, delivery: &Claimed, tried_at: Timestamp) -> Next {
    if signal == Signal::Delivered {
        return Next::Delivered;
    }
    let tries_made = delivery.tries.saturating_add(1);
    match schedule(tries_made, jitter(delivery, tries_made)) {
        Some(wait) => Next::Retry { due_at: tried_at + wait },
        None => Next::Failed,
    }
}

/// The chance in the ladder comes from the delivery's id: different for each delivery and each
/// try, and the same again when somebody wants to know why it was tried when it was.
fn jitter(delivery: &Claimed, tries_made: u32) -> Jitter {
    let (_, random) = delivery.delivery_id.as_u64_pair();
    let step = u64::from(tries_made).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Jitter::from_chance((random ^ step) >> 16)
}

async fn settle(
    outbound: &Outbound,
    endpoint: EndpointId,
    lease: Lease,
    target: &Target,
    outcomes: &[Outcome],
    untried: &[Uuid],
) -> Result<(), StoreError> {
    let tried: Vec<Tried> = outcomes.iter().map(|o| o.tried.clone()).collect();
    let settlement = Settlement {
        endpoint,
        lease_by: lease.by,
        tried: &tried,
        untried,
        now: outbound.clock.now(),
    };
    let fold = |health| fold(health, outcomes);
    let all_well = outcomes.iter().all(|o| o.signal == Signal::Delivered);
    // A healthy endpoint's row is not touched, so that success costs it no lock.
    let health: Option<&(dyn Fn(Health) -> Result<Health, Disabled> + Sync)> =
        if all_well && target.health == Health::default() { None } else { Some(&fold) };
    let disabled = deliveries::settle(&outbound.pool, &settlement, health).await?;
    if let Some(reason) = disabled {
        metrics::counter!("webhook_endpoints_disabled_total").increment(1);
        tracing::warn!(
            endpoint.id = %endpoint,
            operator.id = %target.operator,
            reason = reason.as_str(),
            "a webhook endpoint was disabled; what waited for it was cancelled and can be redelivered"
        );
    }
    Ok(())
}

fn fold(health: Health, outcomes: &[Outcome]) -> Result<Health, Disabled> {
    outcomes
        .iter()
        .try_fold(health, |health, outcome| health.after(outcome.signal, outcome.tried.tried_at))
}

fn count(claimed: usize, outcomes: &[Outcome]) -> Delivered {
    let delivered = outcomes.iter().filter(|o| o.signal == Signal::Delivered).count();
    let failed = outcomes.len() - delivered;
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    metrics::counter!("webhook_tries_total", "result" => "delivered").increment(wide(delivered));
    metrics::counter!("webhook_tries_total", "result" => "failed").increment(wide(failed));
    Delivered { claimed: wide(claimed), delivered: wide(delivered), failed: wide(failed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    fn answered(status: u16, retry_after_secs: Option<u64>) -> Signal {
        signal(&Ok(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: retry_after_secs.map(Duration::from_secs),
            excerpt: None,
        }))
    }

    #[test]
    fn only_2xx_is_a_success() {
        for status in [200, 201, 204, 299] {
            assert_eq!(answered(status, None), Signal::Delivered, "{status}");
        }
        for status in [301, 302, 304, 307, 308, 400, 401, 404, 418, 500, 503] {
            assert_eq!(answered(status, None), Signal::Failed, "{status}");
        }
        assert_eq!(signal(&Err(NoAnswer::Timeout)), Signal::Failed);
    }

    #[test]
    fn a_busy_receiver_throttles_and_a_gone_one_ends() {
        let retry_after = Some(Duration::from_secs(9));
        for status in [429, 502, 503, 504] {
            assert_eq!(answered(status, Some(9)), Signal::Throttled { retry_after });
        }
        assert_eq!(answered(410, None), Signal::Gone);
    }
}
