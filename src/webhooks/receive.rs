//! A PSP's webhook arrives: verified over its raw bytes, stored, answered. Nothing else happens
//! before the answer.

use super::process::{process, says_something, subject_of};
use super::stored_event;
use crate::domain::{AttemptId, InboxId};
use crate::flows::Flows;
use crate::lane::desk::DeskError;
use crate::store::inbox::{NewEvent, Spent};
use crate::store::places::{AttemptPlace, Named};
use crate::store::{read_models, read_reviews};
use psp_adapters::{RawWebhook, WebhookEvent, WebhookRefusal, WebhookReply};
use psp_contract::{AttemptRef, WebhookAuthenticity};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Bytes of an event's id and of its kind.
const ID_MAX: usize = 256;
const KIND_MAX: usize = 128;
/// Bytes of a message that anybody may have sent: many times what a PSP tells of a payment or two. It is kept,
/// and whoever sends it is nobody.
const UNPROVEN_BODY_MAX: usize = 8 * 1024;

/// Why a webhook is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("there is no PSP account of this name")]
    UnknownAccount,
    #[error("the webhook is turned away")]
    Refused(WebhookRefusal),
    #[error("the webhook could not be stored")]
    Store(#[from] DeskError),
}

/// Verifies and stores a webhook's events, and says what this PSP expects to hear. The events are
/// applied right afterwards, in the background; the inbox worker does what that leaves, and what anybody
/// could make us ask the PSP for: it asks no more at once than a PSP has room there.
pub async fn receive(
    flows: &Flows,
    account: &str,
    raw: &RawWebhook<'_>,
) -> Result<WebhookReply, ReceiveError> {
    let psp = flows.psps.get(account).ok_or(ReceiveError::UnknownAccount)?;
    if raw.peer_certificate.is_none() && flows.certified.contains(account) {
        let refusal = WebhookRefusal::Invalid("no client certificate");
        refused(flows, account, &refusal).await;
        return Err(ReceiveError::Refused(refusal));
    }
    let of_anybody = may_come_from_anybody(flows, account);
    if of_anybody && UNPROVEN_BODY_MAX < raw.body.len() {
        refused(flows, account, &WebhookRefusal::TooLarge).await;
        return Err(ReceiveError::Refused(WebhookRefusal::TooLarge));
    }
    let verified = match psp.verify_webhook(raw).await {
        Ok(verified) => verified,
        Err(refusal) => {
            refused(flows, account, &refusal).await;
            return Err(ReceiveError::Refused(refusal));
        }
    };
    let reply = match psp.asks_leave_for(&verified) {
        Some(attempt) if !may_be_paid_now(flows, account, attempt).await => psp.put_off(&verified),
        _ => psp.reply(&verified),
    };
    let body_sha256: [u8; 32] = Sha256::digest(raw.body).into();
    let raw_body: Arc<[u8]> = raw.body.into();
    let told = verified.into_inner().events.into_iter();
    let told: Vec<WebhookEvent> = told.map(|event| bounded(event, of_anybody)).collect();
    let to_store = |event: &WebhookEvent| {
        let spent = spent(flows, account, event);
        NewEvent {
            id: InboxId(flows.ids.next()),
            psp: account.to_owned(),
            event_id: event.event_id.clone(),
            kind: event.kind.clone(),
            body_sha256,
            // Nobody will apply a spent one: the message itself is enough to show what came.
            event: if spent.is_some() { "null".to_owned() } else { stored_event::write(event) },
            raw: raw_body.clone(),
            spent,
        }
    };
    let events: Vec<NewEvent> = told.iter().map(to_store).collect();
    let ids: Vec<Option<InboxId>> =
        events.iter().map(|event| event.spent.is_none().then_some(event.id)).collect();
    let new = flows.desks.inbox.ask(events).await?;
    metrics::counter!("webhooks_received_total", "psp" => account.to_owned(),
        "result" => if new.is_empty() { "seen" } else { "new" })
    .increment(1);
    for (event, id) in told.into_iter().zip(ids) {
        if id.is_some_and(|id| new.contains(&id)) && !is_question_of_anybody(flows, account, &event)
        {
            let (flows, account) = (flows.clone(), account.to_owned());
            let work = flows.clone();
            work.detach(async move { process(&flows, &account, &event).await });
        }
    }
    Ok(reply)
}

/// Whether an attempt is under way with us, and people are not just finding out what became of it: no other may
/// be paid because its PSP asks whether to.
async fn may_be_paid_now(flows: &Flows, account: &str, named: AttemptRef) -> bool {
    let id = AttemptId(named.uuid());
    let found = places(flows, account, Some(named), None).await.unwrap_or_default();
    let Some(place) = found.into_iter().find(|place| place.attempt == id) else { return false };
    let operator = &place.player.operator;
    let read = read_models::payment(flows.db.pool(), operator, place.payment).await;
    let attempt = read.ok().flatten().and_then(|payment| payment.attempt(id).cloned());
    if !attempt.is_some_and(|it| it.status.is_live()) {
        return false;
    }
    // Read after the payment: who is asked by now may say "unpaid" in a moment.
    let reviews = read_reviews::of_payment(flows.db.pool(), place.payment.uuid).await;
    reviews.is_ok_and(|all| !all.iter().any(|it| it.open && it.attempt == Some(id)))
}

/// An id is a key of the inbox, and a kind stands in lists: neither is as long as its sender wants. An id
/// that is too long is its hash, by which it is known again. The database knows no text with U+0000 in it, and
/// one that is asked for it answers none of those who ask beside: no payment has such an id. Nor has one an id of
/// any length that a stranger likes to name.
fn bounded(mut event: WebhookEvent, of_anybody: bool) -> WebhookEvent {
    if ID_MAX < event.event_id.len() || event.event_id.contains('\0') {
        event.event_id = format!("sha256:{}", hex::encode(Sha256::digest(&event.event_id)));
    }
    if KIND_MAX < event.kind.len() {
        event.kind = event.kind.chars().take(KIND_MAX / 4).collect();
    }
    event.kind.retain(|it| it != '\0');
    let is_none = |id: &str| id.contains('\0') || (of_anybody && ID_MAX < id.len());
    event.psp_reference = event.psp_reference.filter(|id| !is_none(id));
    event
}

/// Whether anybody may send such messages: they prove nothing, and whoever sends them is nobody.
pub fn may_come_from_anybody(flows: &Flows, account: &str) -> bool {
    let Some(psp) = flows.psps.get(account) else { return false };
    match psp.capabilities().webhook.authenticity {
        WebhookAuthenticity::Signature => false,
        WebhookAuthenticity::MutualTls => !flows.certified.contains(account),
        WebhookAuthenticity::Unsigned => true,
    }
}

/// Whether an event names an attempt of ours in no way that we could check, and comes from whoever wants to
/// send it: all that could be done with it is to ask the PSP.
pub(super) fn is_question_of_anybody(flows: &Flows, account: &str, event: &WebhookEvent) -> bool {
    let says_nothing = event.hint_only && event.report.is_none() && event.if_deposit.is_none();
    says_nothing && event.attempt.is_none() && may_come_from_anybody(flows, account)
}

/// Whether all that [`process`] could do is to mark the event done: it says nothing of money, or
/// "still under way" of a deposit's attempt that we know. What proves too little by itself is never spent:
/// it makes us ask.
fn spent(flows: &Flows, account: &str, event: &WebhookEvent) -> Option<Spent> {
    if event.hint_only || event.payin.is_some() {
        return None;
    }
    if event.report.is_none() && event.if_deposit.is_none() {
        return Some(Spent { attempt: None, note: Some(NOTHING_ABOUT_MONEY) });
    }
    let attempt = AttemptId(event.attempt?.uuid());
    let place = flows.desks.known.of(account, attempt)?;
    let subject = subject_of(&place);
    let report = event.report_for(subject)?;
    (!says_something(report, subject)).then_some(Spent { attempt: Some(attempt), note: None })
}

/// Counts a refusal. One that was rightly signed but is stale moves nothing; it makes one inquiry
/// for what it names due at once.
async fn refused(flows: &Flows, account: &str, refusal: &WebhookRefusal) {
    let why = match refusal {
        WebhookRefusal::Invalid(why) | WebhookRefusal::Malformed(why) => why,
        WebhookRefusal::Stale { .. } => "stale",
        WebhookRefusal::TooLarge => "too_large",
        WebhookRefusal::KeysUnavailable => "keys_unavailable",
    };
    metrics::counter!("webhooks_refused_total", "psp" => account.to_owned(), "why" => why)
        .increment(1);
    if flows.hush.may_speak(account, flows.clock.now()) {
        tracing::warn!(psp.id = account, why, "a webhook was turned away");
    }
    if let WebhookRefusal::Stale { attempt, psp_reference } = refusal {
        let places = places(flows, account, *attempt, psp_reference.as_deref()).await;
        for place in places.unwrap_or_default() {
            // It is not stored: the PSP, which was told that it was turned away, may send it again.
            if let Err(error) = super::process::hint(flows, &place).await {
                tracing::debug!(attempt.id = %place.attempt, %error, "a stale webhook is not followed");
            }
        }
    }
}

/// What the inbox remembers of an event that says nothing about money.
pub(super) const NOTHING_ABOUT_MONEY: &str = "nothing about money";

/// The attempts that an event may be about: the one it names by our reference, else those that
/// carry the PSP's id.
pub async fn places(
    flows: &Flows,
    account: &str,
    attempt: Option<AttemptRef>,
    psp_reference: Option<&str>,
) -> Result<Vec<AttemptPlace>, DeskError> {
    let attempt = attempt.map(|attempt| AttemptId(attempt.uuid()));
    let psp_reference = psp_reference.map(str::to_owned);
    let named = Named { psp: account.to_owned(), attempt, psp_reference };
    let found = flows.desks.places.ask(named).await?;
    if let Some(own) = found.iter().find(|place| Some(place.attempt) == attempt) {
        flows.desks.known.remember(account, own.clone());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, kind: &str) -> WebhookEvent {
        WebhookEvent {
            event_id: id.to_owned(),
            kind: kind.to_owned(),
            attempt: None,
            psp_reference: Some(id.to_owned()),
            subject: None,
            report: None,
            if_deposit: None,
            payin: None,
            occurred_at: None,
            hint_only: true,
            untold: None,
        }
    }

    #[test]
    fn what_is_kept_of_an_event_has_an_end_and_no_character_that_the_database_refuses() {
        let long = "E".repeat(ID_MAX + 1);
        for told in [long.as_str(), "E1\0"] {
            let kept = bounded(event(told, "pix\0.paid"), true);
            let hash = format!("sha256:{}", hex::encode(Sha256::digest(told)));
            assert_eq!((kept.event_id, kept.kind.as_str()), (hash, "pix.paid"));
            assert_eq!(kept.psp_reference, None);
        }
        let kept = bounded(event(&long[1..], &"k".repeat(KIND_MAX + 1)), true);
        assert_eq!(
            (kept.event_id.as_str(), kept.psp_reference.as_deref()),
            (&long[1..], Some(&long[1..]))
        );
        assert!(kept.kind.len() <= KIND_MAX);
        // What its PSP signs names a payment however long its id is.
        assert_eq!(bounded(event(&long, "pix"), false).psp_reference, Some(long));
    }
}
