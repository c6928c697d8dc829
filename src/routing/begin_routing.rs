//! An instance begins with rules that are known by their version, with what people switched off and with
//! what was known of the PSPs before.

use super::load_switches::load_switches;
use super::rules::RoutingRules;
use super::rules_text;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::shared_health::FAILING_FOR;
use crate::store::{Pool, StoreError, routing_versions, shared_health};

/// Why no instance may plan by these rules.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("keeping the version of the routing rules")]
    Store(#[from] StoreError),
    #[error(
        "[routing] the version `{version}` is known since {} and says something else: `{known}` and not `{now}`. \
         Payments name the version that planned them, so one that is known never changes: give the changed \
         rules a version of their own, or take the change back",
        .since.date()
    )]
    Changed { version: String, since: Timestamp, known: String, now: String },
}

/// Keeps what this version of the rules says, for good.
///
/// # Errors
/// When other rules are known under its name, and when the database fails.
pub async fn pin_rules(pool: &Pool, rules: &RoutingRules) -> Result<(), PinError> {
    let text = rules_text::text(rules);
    let kept = routing_versions::keep(pool, &rules.version, &text).await?;
    match rules_text::difference(&kept.text, &text) {
        None => Ok(()),
        Some((known, now)) => {
            Err(PinError::Changed { version: kept.version, since: kept.since, known, now })
        }
    }
}

/// Loads what is switched off, without which nothing may be planned, and what is known of the PSPs.
///
/// # Errors
/// When the database fails.
pub async fn begin_routing(flows: &Flows) -> Result<(), StoreError> {
    let now = flows.clock.now();
    load_switches(flows, now).await?;
    flows.health.spare(flows.psps.unanswered_is_unknown());
    let (mut kept, unwatched) = shared_health::kept(flows.db.pool(), now - FAILING_FOR).await?;
    kept.failing.retain(|(psp, _)| flows.psps.knows(psp));
    flows.health.restore(&kept, now);
    // Casinos were told that it fails, and of its end by nobody.
    for (psp, direction) in &unwatched {
        flows.health.unwatched(psp, *direction, now);
    }
    flows.volumes.set(shared_health::volumes(flows.db.pool(), now.date()).await?, now);
    Ok(())
}
