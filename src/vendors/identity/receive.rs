//! A vendor's message arrives: verified over its raw bytes, kept once for ever, answered. The vendor is
//! asked right afterwards, in the background; the worker does what that leaves.

use super::follow::{LEASE, follow};
use super::vendor::IdentityVendor;
use super::verify::Refused;
use super::wire::Event;
use crate::domain::{PlayerId, Timestamp};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::identity_events::{self, DueEvent, NewEvent};
use crate::store::incidents::{self, ServiceIncident};
use sha2::{Digest, Sha256};

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("there is no vendor of identity of this name")]
    UnknownVendor,
    #[error("the message is turned away")]
    Refused(#[from] Refused),
    #[error("the message is not what the vendor documents")]
    Malformed,
    #[error("the message could not be kept")]
    Store(#[from] StoreError),
}

/// A message as it came. Names of headers are in lower case.
#[derive(Debug, Clone, Copy)]
pub struct RawMessage<'a> {
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// Verifies and keeps a message.
///
/// # Errors
/// Nothing of it is kept: it is not the vendor's, it cannot be read, or the database failed.
pub async fn receive(flows: &Flows, id: &str, raw: RawMessage<'_>) -> Result<(), ReceiveError> {
    let vendor = flows.checks.identity_named(id).ok_or(ReceiveError::UnknownVendor)?;
    let read = match vendor.verify(raw.headers, raw.body) {
        Ok(verified) => vendor.event(&verified).map_err(|_| ReceiveError::Malformed),
        Err(refused) => Err(refused.into()),
    };
    let now = flows.clock.now();
    let event = match read {
        Ok(event) => event,
        Err(error) => {
            count_refused(flows, id, &error, now);
            return Err(error);
        }
    };
    let event_id = hex::encode(Sha256::digest(raw.body));
    let (new, due) = on_record(vendor, event_id, &event, now);
    let is_new = identity_events::keep(flows.db.pool(), &new, now, now + LEASE).await?;
    let result = if is_new { "new" } else { "seen" };
    metrics::counter!("vendor_messages_received_total", "vendor" => id.to_owned(), "result" => result)
        .increment(1);
    if !is_new {
        return Ok(());
    }
    if let Some(kind) = why_not(vendor, &event) {
        let detail = format!("{id} sent a signed message about {}: {}", named(&event), told(kind));
        let incident = ServiceIncident { kind, detail: &detail, psp: None };
        incidents::raise(flows.db.pool(), flows.ids.next(), &incident, now).await?;
    }
    if let Some(due) = due {
        let work = flows.clone();
        flows.detach(async move {
            if let Err(error) = follow(&work, &due).await {
                tracing::warn!(%error, vendor = due.vendor, "a vendor could not be asked at once");
            }
        });
    }
    Ok(())
}

/// What is kept of a message, and what is to be asked because of it.
fn on_record(
    vendor: &IdentityVendor,
    event_id: String,
    event: &Event,
    now: Timestamp,
) -> (NewEvent, Option<DueEvent>) {
    let reference = event.reference.clone().filter(|_| why_not(vendor, event).is_none());
    let deadline_at = now + vendor.patience;
    // What cannot be an id of ours is not kept: it may be anything that somebody typed.
    let player = event.player.clone().filter(|named| PlayerId::parse(named).is_some());
    // A vendor's clock that is ahead must not make its news newer than all that follows.
    let happened_at = event.happened_at.map(|at| at.min(now));
    let new = NewEvent {
        vendor: vendor.id.clone(),
        event_id: event_id.clone(),
        kind: event.kind.chars().take(64).collect(),
        reference: reference.clone(),
        operator: vendor.operator.clone(),
        player: player.clone(),
        happened_at,
        deadline_at,
        note: why_not(vendor, event).unwrap_or("about nobody"),
    };
    let due = reference.map(|reference| DueEvent {
        vendor: vendor.id.clone(),
        event_id,
        reference,
        player: player.clone(),
        happened_at,
        received_at: now,
        deadline_at,
        tries: 1,
    });
    (new, due)
}

/// The incident that a message is, which is rightly signed and must not be acted on.
fn why_not(vendor: &IdentityVendor, event: &Event) -> Option<&'static str> {
    match event {
        event if event.is_sandbox && !vendor.sandbox => Some("kyc_sandbox"),
        event if event.leads_elsewhere => Some("kyc_leads_elsewhere"),
        _ => None,
    }
}

fn told(kind: &str) -> &'static str {
    if kind == "kyc_sandbox" {
        "it is of the vendor's sandbox, and this account takes none. It had no effect; check which \
         environment the vendor's webhooks are set up in"
    } else {
        "it leads to another host than the one that is configured. It was not followed; check base_url, \
         and ask the vendor where that comes from"
    }
}

fn named(event: &Event) -> &str {
    event.reference.as_deref().unwrap_or("nobody")
}

fn count_refused(flows: &Flows, id: &str, error: &ReceiveError, now: Timestamp) {
    let why = match error {
        ReceiveError::Refused(refused) => refused.as_str(),
        _ => "malformed",
    };
    metrics::counter!("vendor_messages_refused_total", "vendor" => id.to_owned(), "why" => why)
        .increment(1);
    if flows.hush.may_speak(id, now) {
        tracing::warn!(vendor = id, why, "a vendor's message was turned away");
    }
}
