//! A message that proves nothing by itself, or names a payment by the PSP's id alone: the PSP is
//! asked, and what it answers is what counts.

use super::process::{
    ApplyError, NOT_OURS, ask_now, done, done_of_nobody, first_of, hint, put_aside, subject_of,
};
use super::receive::{NOTHING_ABOUT_MONEY, may_come_from_anybody, places as places_of};
use crate::decide::Command;
use crate::decide::command::{News, Source};
use crate::domain::AttemptId;
use crate::flows::Flows;
use crate::payments::run_attempts::{perform, wires};
use crate::store::StoreError;
use crate::store::places::{self, AttemptPlace};
use psp_adapters::{Untold, WebhookEvent, WireRecord};
use psp_contract::{AttemptRef, Lookup, NotSent, Operation, Outcome, Report, Status, Subject};

/// What a look-up found.
struct LookedUp {
    /// The attempt that the PSP names; none when the payment is not known, or not ours.
    attempt: Option<AttemptRef>,
    /// The PSP knows such a payment.
    is_known: bool,
    wire: Vec<WireRecord>,
}

/// Makes an inquiry due about the attempt that a hint is about. One that names no attempt of ours is
/// looked up at the PSP first.
pub async fn follow_hint(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
) -> Result<(), ApplyError> {
    let found = places_of(flows, account, event.attempt, event.psp_reference.as_deref()).await?;
    if let Some(place) = found.iter().find(|place| fits(event.subject, place)) {
        hint(flows, place).await?;
        return asked(flows, account, event, place, None).await;
    }
    let Some(psp_reference) = event.psp_reference.clone().filter(|_| event.attempt.is_none())
    else {
        return unmatched(flows, account, event, (first_of(&found), event.attempt.is_some())).await;
    };
    let named = first_of(&found);
    let found = look_up(flows, account, event.subject, psp_reference.clone()).await?;
    let Some(looked_up) = found else {
        return unmatched(flows, account, event, (named, false)).await;
    };
    let found = match looked_up.attempt {
        Some(attempt) => places_of(flows, account, Some(attempt), None).await?,
        None => Vec::new(),
    };
    match found.iter().find(|place| fits(event.subject, place)) {
        Some(place) => {
            tell_reference(flows, place, psp_reference, &looked_up.wire).await?;
            ask_now(flows, place).await;
            asked(flows, account, event, place, Some("looked up")).await
        }
        None => {
            let about = named.or_else(|| first_of(&found));
            unmatched(flows, account, event, (about, looked_up.is_known)).await
        }
    }
}

/// The PSP was asked about the attempt. What a message told besides is not lost where the answer does not
/// show it: money that was taken back is asked about again, since an answer may be behind a message, and is
/// for people afterwards.
async fn asked(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    place: &AttemptPlace,
    note: Option<&str>,
) -> Result<(), ApplyError> {
    match event.untold {
        Some(Untold::Unread) => unread(flows, account, event, Some(place.attempt)).await,
        Some(Untold::TakenBack) if !is_taken_back(flows, place).await? => {
            Err(ApplyError::LookUp("not_told_as_taken_back"))
        }
        _ => Ok(done(flows, account, event, Some(place.attempt), note).await?),
    }
}

async fn is_taken_back(flows: &Flows, place: &AttemptPlace) -> Result<bool, StoreError> {
    let credited = places::credited(flows.db.pool(), place.attempt).await?;
    Ok(credited.is_some_and(|credited| credited.is_reversed))
}

/// Nobody here reads what it says, whomever it names.
async fn unread(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    attempt: Option<AttemptId>,
) -> Result<(), ApplyError> {
    let note = "it says something that is not read here: find out at the PSP what";
    let named = (account, event.event_id.as_str());
    Ok(put_aside(flows, "webhook.parked", named, (attempt, note)).await?)
}

fn fits(told: Option<Subject>, place: &AttemptPlace) -> bool {
    let goes_out = |subject| matches!(subject, Subject::Payout | Subject::Return);
    told.is_none_or(|told| goes_out(told) == goes_out(subject_of(place)))
}

/// None: this PSP cannot be asked about such an id.
async fn look_up(
    flows: &Flows,
    account: &str,
    subject: Option<Subject>,
    psp_reference: String,
) -> Result<Option<LookedUp>, ApplyError> {
    let psp = flows.psps.get(account).ok_or(ApplyError::UnknownAccount)?;
    let lookup = Operation::Lookup(Lookup { subject, psp_reference });
    let performed = perform(flows, &psp, &lookup).await;
    match performed.outcome {
        Outcome::Reported(report) => {
            let attempt = report.attempt;
            Ok(Some(LookedUp { attempt, is_known: true, wire: performed.wire }))
        }
        Outcome::NotFound => {
            Ok(Some(LookedUp { attempt: None, is_known: false, wire: performed.wire }))
        }
        Outcome::NotSent(NotSent::NotExpressible) => Ok(None),
        Outcome::NotSent(why) => Err(ApplyError::of_unsent(why)),
        Outcome::Unknown(why) => Err(ApplyError::of_unknown(why)),
    }
}

/// The PSP's id belongs to the attempt from now on, so that it can be asked about by it.
async fn tell_reference(
    flows: &Flows,
    place: &AttemptPlace,
    psp_reference: String,
    wire: &[WireRecord],
) -> Result<(), ApplyError> {
    let report = Report {
        psp_reference: Some(psp_reference),
        status: Status::Pending,
        payer: None,
        attempt: Some(AttemptRef::new(place.attempt.0)),
    };
    let news = News {
        payment: place.payment.uuid,
        direction: place.payment.direction,
        attempt: place.attempt,
        source: Source::Webhook { hint: true },
        outcome: Outcome::Reported(report),
        wires: wires(AttemptId(place.attempt.0), "lookup", wire),
    };
    flows.lanes.submit(&place.player, Command::News(Box::new(news))).await?;
    Ok(())
}

/// A message about nothing of ours, though it may name an attempt that it cannot mean. It is an incident where
/// the PSP stands behind it; of what anybody could have sent, and of which the PSP knows nothing or cannot be asked,
/// only the id is kept.
async fn unmatched(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    (named, names_a_payment): (Option<AttemptId>, bool),
) -> Result<(), ApplyError> {
    if event.untold == Some(Untold::Unread) {
        return unread(flows, account, event, named).await;
    }
    let unsigned = may_come_from_anybody(flows, account);
    let known_to_the_psp = names_a_payment && event.attempt.is_none();
    if event.psp_reference.is_none() && event.attempt.is_none() {
        let marked = if unsigned {
            done_of_nobody(flows, account, event, None, NOTHING_ABOUT_MONEY).await
        } else {
            done(flows, account, event, None, Some(NOTHING_ABOUT_MONEY)).await
        };
        return Ok(marked?);
    }
    if unsigned && !known_to_the_psp {
        metrics::counter!("webhook_hints_of_nobody_total", "psp" => account.to_owned())
            .increment(1);
        let note = "the PSP knows no such payment";
        return Ok(done_of_nobody(flows, account, event, named, note).await?);
    }
    let of = (account, event.event_id.as_str());
    Ok(put_aside(flows, "webhook.unmatched", of, (named, NOT_OURS)).await?)
}
