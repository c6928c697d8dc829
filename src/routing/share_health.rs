//! What this instance saw goes to the others, what they saw comes here, and casinos hear of the changes.

use super::health::{Bucket, Change, Told};
use super::observe::{HealthNews, Noticed, direction_of, explain, kind_of, psp_of};
use crate::domain::{OperatorId, Timestamp};
use crate::flows::Flows;
use crate::routing::plan::Volumes;
use crate::store::StoreError;
use crate::store::health_events::{self, HealthEvent};
use crate::store::shared_health::{self, Heard};
use serde_json::json;
use std::time::Instant;
use time::Date;
use uuid::Uuid;

/// How far this instance has told and heard.
#[derive(Debug)]
pub struct Sharing {
    stream: Uuid,
    /// Of what is told next, and what that is when it may be told already: the answer was lost. The same is
    /// then told again under the same number, which counts once.
    number: i64,
    in_doubt: Vec<Told>,
    /// The same of what was carried: its day, and the number under which it is added to the sums of all.
    carried: Option<(Date, Volumes)>,
    carried_number: i64,
    heard: Heard,
}

/// What was taken out to be told. What is left of it when this ends goes back: so nothing is lost when a look
/// fails, nor when it is cut off in the middle because the database says nothing.
struct Taken<T: Default, F: Fn(T)> {
    left: T,
    give_back: F,
}

impl<T: Default, F: Fn(T)> Drop for Taken<T, F> {
    fn drop(&mut self) {
        (self.give_back)(std::mem::take(&mut self.left));
    }
}

/// One look: tells and hears. It may be repeated after a failure, and after it was cut off: what was not told
/// is told the next time.
///
/// # Errors
/// When the database fails.
pub async fn share_health(
    flows: &Flows,
    sharing: &mut Sharing,
    now: Timestamp,
) -> Result<(), StoreError> {
    let began_at = Instant::now();
    // What others know comes first: it is heard whatever keeps this instance from telling, and what changes by it
    // is told at once.
    let heard = shared_health::hear(flows.db.pool(), &mut sharing.heard).await;
    let heard = heard.map(|told| flows.health.absorb(&told, now));
    let give_back = |news| flows.health.give_back(news);
    let mut news = Taken { left: flows.health.take_news(), give_back };
    let said = tell(flows, sharing, &mut news.left, now).await;
    share_volumes(flows, sharing, now).await?;
    heard.and(said)?;
    metrics::histogram!("routing_share_seconds").record(began_at.elapsed());
    Ok(())
}

/// Begins to share, under a name of this run.
pub async fn begin_sharing(flows: &Flows) -> Result<Sharing, StoreError> {
    let stream = flows.ids.next();
    let heard = shared_health::listen(flows.db.pool(), stream).await?;
    Ok(Sharing { stream, number: 0, in_doubt: Vec::new(), carried: None, carried_number: 0, heard })
}

/// What was told is taken out of `news`, so that what is left can be told again.
async fn tell(
    flows: &Flows,
    sharing: &mut Sharing,
    news: &mut HealthNews,
    now: Timestamp,
) -> Result<(), StoreError> {
    let pool = flows.db.pool();
    while !(sharing.in_doubt.is_empty() && news.told.is_empty()) {
        if sharing.in_doubt.is_empty() {
            sharing.in_doubt = news.told.drain(..).collect();
        }
        shared_health::tell(pool, sharing.stream, sharing.number, &sharing.in_doubt).await?;
        sharing.number += 1;
        sharing.in_doubt.clear();
    }
    while let Some(noticed) = news.changes.front_mut() {
        publish(flows, noticed, now).await?;
        news.changes.pop_front();
    }
    Ok(())
}

/// The operators of the account hear of it; of a whole bucket, everybody does. What one of them is told keeps
/// its id until all have been told: a repeat after a failure is told to nobody twice.
async fn publish(flows: &Flows, noticed: &mut Noticed, now: Timestamp) -> Result<(), StoreError> {
    let psp = psp_of(&noticed.change);
    let concerned = flows.accounts.iter().filter(|account| psp.is_empty() || account.id == psp);
    let mut operators: Vec<_> = concerned.flat_map(|account| &account.operators).collect();
    operators.sort();
    operators.dedup();
    let event = event(noticed);
    let fresh = || flows.ids.next();
    let mut of = |it: &OperatorId| *noticed.events.entry(it.clone()).or_insert_with(fresh);
    let told: Vec<_> = operators.into_iter().map(|operator| (of(operator), operator)).collect();
    let change = (&noticed.change, now);
    health_events::publish(flows.db.pool(), &*flows.ids, change, &told, &event).await
}

fn event(noticed: &Noticed) -> HealthEvent {
    let change = &noticed.change;
    let of_bucket = |bucket: &Bucket| {
        let Bucket { country, method, currency, .. } = bucket;
        json!({
            "country": country, "method": method.as_str(), "currency": currency.to_string(),
        })
    };
    let bucket = match change {
        Change::Technical { .. } => serde_json::Value::Null,
        Change::Demoted { bucket, .. }
        | Change::Restored { bucket, .. }
        | Change::BucketBlamed { bucket } => of_bucket(bucket),
    };
    let psp = Some(psp_of(change)).filter(|psp| !psp.is_empty());
    let data = json!({
        "psp": psp,
        "direction": direction_of(change).as_str(),
        "change": kind_of(change),
        "reason": explain(change),
        "bucket": bucket,
    });
    HealthEvent {
        subject: psp.unwrap_or("psps").to_owned(),
        data: data.to_string(),
        at: noticed.at,
    }
}

/// Adds what succeeded here to the day's volumes of all, and takes over theirs where a route asks.
async fn share_volumes(
    flows: &Flows,
    sharing: &mut Sharing,
    now: Timestamp,
) -> Result<(), StoreError> {
    let pool = flows.db.pool();
    if sharing.carried.is_none() {
        let untold = flows.volumes.take_untold(now);
        sharing.carried = (!untold.is_empty()).then(|| (now.date(), untold));
    }
    if let Some((day, carried)) = &sharing.carried {
        let number = (sharing.stream, sharing.carried_number);
        shared_health::add_volumes(pool, number, *day, carried).await?;
        sharing.carried_number += 1;
        sharing.carried = None;
    }
    if !flows.routing.terms.is_empty() {
        flows.volumes.set(shared_health::volumes(pool, now.date()).await?, now);
    }
    Ok(())
}

/// Keeps the levels for the next start, and that who fails still does.
pub async fn keep_health(flows: &Flows, now: Timestamp) -> Result<(), StoreError> {
    let mut kept = flows.health.keep();
    // An account that is no longer configured is asked nothing: it would fail for ever.
    kept.failing.retain(|(psp, _)| flows.psps.knows(psp));
    if !kept.failing.is_empty() {
        shared_health::still_failing(flows.db.pool(), &kept.failing, now).await?;
    }
    if kept.levels.is_empty() {
        return Ok(());
    }
    shared_health::keep(flows.db.pool(), &kept.levels, now).await
}

/// Forgets what everybody has heard.
pub async fn forget_told(flows: &Flows) -> Result<u64, StoreError> {
    shared_health::prune(flows.db.pool()).await
}
