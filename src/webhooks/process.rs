//! A stored event is applied to the attempt that it names, exactly once in effect.
//!
//! The inbox row is done only after its effect is committed; a crash in between applies it again,
//! and the same news twice changes nothing.

use super::follow_hint::follow_hint;
use super::place_credit::{Placed, place_credit};
use super::place_return::place_return;
use super::receive::{NOTHING_ABOUT_MONEY, places};
use crate::decide::command::{News, Source};
use crate::decide::{Answer, Command, Refusal};
use crate::domain::{AttemptId, Direction};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::lane::desk::DeskError;
use crate::payments::receive_payin::{ReceiveError, Received, attempt_about, receive_payin};
use crate::payments::resolve_unknown::resolve_unknown;
use crate::payments::run_attempts::{perform, run_attempts};
use crate::payments::tell_news::{Tries, tell_news};
use crate::routing::faults::is_approved;
use crate::routing::learn::learn;
use crate::store::StoreError;
use crate::store::inbox::{self, DoneEvent};
use crate::store::incidents::{self, ServiceIncident};
use crate::store::places::AttemptPlace;
use psp_adapters::WebhookEvent;
use psp_contract::{
    Lookup, Money, NotSent, Operation, Outcome, Payin, Report, Status, Subject, Unknown,
};
use std::borrow::Cow;
use std::sync::Arc;

/// Applies an event that was just stored. What fails here is the inbox worker's to try again.
pub async fn process(flows: &Flows, account: &str, event: &WebhookEvent) {
    match apply(flows, account, event).await {
        Ok(()) => {}
        Err(error) => {
            tracing::warn!(psp.id = account, event.id = event.event_id, %error,
                "an event could not be applied at once");
        }
    }
}

/// Why an event could not be applied now.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("submitting the news")]
    Submit(#[from] SubmitError),
    #[error("reading or marking the inbox")]
    Store(#[from] StoreError),
    #[error("reading or marking the inbox")]
    Desk(#[from] DeskError),
    #[error("there is no PSP account of this name")]
    UnknownAccount,
    /// The PSP gave no answer: it may the next time.
    #[error("the PSP could not be asked about the payment: {0}")]
    Away(&'static str),
    #[error("what the PSP answered about the payment cannot be used: {0}")]
    LookUp(&'static str),
    #[error("booking money that names no attempt")]
    Payin(#[from] ReceiveError),
}

impl ApplyError {
    /// What a look-up came to that told nothing.
    pub(super) const fn of_unsent(why: NotSent) -> Self {
        match why {
            NotSent::NotExpressible => Self::LookUp(why.code()),
            _ => Self::Away(why.code()),
        }
    }

    /// As [`Self::of_unsent`], of one that may have been heard.
    pub(super) const fn of_unknown(why: Unknown) -> Self {
        match why {
            Unknown::ReadTimeout
            | Unknown::ConnectionLost
            | Unknown::ServerError
            | Unknown::Throttled
            | Unknown::PspUndecided => Self::Away(why.code()),
            _ => Self::LookUp(why.code()),
        }
    }

    /// Whether it has nothing to do with this very event: the same event may be applied when that is over.
    pub fn passes(&self) -> bool {
        match self {
            Self::Submit(error) | Self::Payin(ReceiveError::Submit(error)) => may_pass(error),
            Self::Store(error) | Self::Payin(ReceiveError::Store(error)) => error.passes(),
            Self::Desk(_) | Self::Away(_) => true,
            Self::UnknownAccount | Self::LookUp(_) => false,
            Self::Payin(ReceiveError::UnknownAccount) => false,
        }
    }
}

/// A command that could not be recorded may be one that the database had no time for.
const fn may_pass(error: &SubmitError) -> bool {
    match error {
        SubmitError::Full | SubmitError::Busy | SubmitError::Failed => true,
        SubmitError::Refused(refusal) => matches!(refusal, Refusal::Busy),
    }
}

async fn raise(
    flows: &Flows,
    kind: &'static str,
    account: &str,
    event_id: &str,
) -> Result<(), StoreError> {
    let detail = format!("event {event_id} of {account}");
    let incident = ServiceIncident { kind, detail: &detail, psp: Some(account) };
    incidents::raise(flows.db.pool(), flows.ids.next(), &incident, flows.clock.now()).await?;
    announce(kind, account, event_id);
    Ok(())
}

/// Puts an event aside, and raises it: neither without the other. With the attempt that it names, whatever else
/// is unclear about it: what it says of a player goes with their data.
pub(super) async fn put_aside(
    flows: &Flows,
    kind: &'static str,
    (account, event_id): (&str, &str),
    (attempt, note): (Option<AttemptId>, &str),
) -> Result<(), StoreError> {
    let detail = format!("event {event_id} of {account}: {note}");
    let incident = (flows.ids.next(), kind, detail.as_str());
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    if inbox::park(pool, (account, event_id), (attempt, note), incident, now).await? {
        announce(kind, account, event_id);
    }
    Ok(())
}

pub(super) const NOT_OURS: &str = "no attempt of ours";

/// Of the attempts that a message may name: all that bear one PSP's id are one player's.
pub(super) fn first_of(found: &[AttemptPlace]) -> Option<AttemptId> {
    found.first().map(|place| place.attempt)
}

pub(super) fn announce(kind: &'static str, account: &str, event_id: &str) {
    tracing::error!(kind, psp.id = account, event.id = event_id, "an incident needs a person");
    metrics::counter!("incidents_total", "kind" => kind).increment(1);
}

pub(super) async fn apply(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
) -> Result<(), ApplyError> {
    if let Some(payin) = &event.payin {
        return book_payin(flows, account, event, payin).await;
    }
    if event.hint_only && event.report.is_none() && event.if_deposit.is_none() {
        return follow_hint(flows, account, event).await;
    }
    if let Some(place) = known_place(flows, account, event) {
        match apply_to(flows, account, event, &place).await {
            // The database was set back behind our memory: what it says counts.
            Err(ApplyError::Submit(SubmitError::Refused(Refusal::NotFound))) => {
                flows.desks.known.forget(place.attempt);
            }
            applied => return applied,
        }
    }
    let found = places(flows, account, event.attempt, event.psp_reference.as_deref()).await?;
    let fitting = found.iter().find(|place| event.report_for(subject_of(place)).is_some());
    match fitting {
        Some(place) => match place_return(flows, account, event, place, &found).await? {
            Placed::AsNamed => apply_to(flows, account, event, place).await?,
            Placed::Return(back) => apply_to(flows, account, event, &back).await?,
            Placed::Unclear(note) => {
                let named = (account, event.event_id.as_str());
                put_aside(flows, "webhook.unclear", named, (Some(place.attempt), note)).await?;
            }
        },
        None if event.report.is_none() => {
            let note = Some(NOTHING_ABOUT_MONEY);
            done(flows, account, event, None, note).await?;
        }
        None => {
            // Verified, about money, and nobody's: kept, raised, never dropped.
            let named = (account, event.event_id.as_str());
            put_aside(flows, "webhook.unmatched", named, (first_of(&found), NOT_OURS)).await?;
        }
    }
    Ok(())
}

/// Applies an event to an attempt that it can be about.
async fn apply_to(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    place: &AttemptPlace,
) -> Result<(), ApplyError> {
    let place = match place_credit(flows, account, event, place).await? {
        Placed::AsNamed => Cow::Borrowed(place),
        Placed::Return(back) => Cow::Owned(back),
        Placed::Unclear(note) => {
            let named = (account, event.event_id.as_str());
            let told = (Some(place.attempt), note);
            return Ok(put_aside(flows, "webhook.unclear", named, told).await?);
        }
    };
    let place = place.as_ref();
    let subject = subject_of(place);
    let report = event.report_for(subject);
    if let Some(report) = report.filter(|report| event.hint_only || says_something(report, subject))
    {
        if event.hint_only && !can_be_asked(flows, account, subject)? {
            let note = "it says something of money that is not read here, and its PSP cannot be asked: find out there";
            let named = (account, event.event_id.as_str());
            let told = (Some(place.attempt), note);
            return Ok(put_aside(flows, "webhook.parked", named, told).await?);
        }
        submit(flows, place, event, report).await?;
    }
    Ok(done(flows, account, event, Some(place.attempt), None).await?)
}

/// Whether an inquiry can tell what became of such an attempt: else a hint about it leads nowhere.
fn can_be_asked(flows: &Flows, account: &str, subject: Subject) -> Result<bool, ApplyError> {
    let psp = flows.psps.get(account).ok_or(ApplyError::UnknownAccount)?;
    Ok(psp.capabilities().inquiry(subject).any())
}

/// The attempt that the event names, if we know it and the event can be about it: that one comes first
/// among those that it may mean, so the others need not be looked for.
fn known_place(flows: &Flows, account: &str, event: &WebhookEvent) -> Option<AttemptPlace> {
    let place = flows.desks.known.of(account, AttemptId(event.attempt?.uuid()))?;
    event.report_for(subject_of(&place)).is_some().then_some(place)
}

/// Money that names no attempt. A message that proves too little, of a PSP that could only be asked
/// about an attempt, is for people.
async fn book_payin(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    payin: &Payin,
) -> Result<(), ApplyError> {
    if event.hint_only {
        let note = "money without a request, and without proof enough";
        let named = (account, event.event_id.as_str());
        let about = attempt_about(flows, account, payin).await?;
        return Ok(put_aside(flows, "payin.unproven", named, (about, note)).await?);
    }
    let money = confirmed_money(flows, account, payin).await?;
    let mut payin = payin.clone();
    if money != payin.money {
        raise(flows, "payin.other_amount", account, &event.event_id).await?;
        // What else the message says of the coins is believed no more than its amount.
        payin = Payin { money, asset: None, chain: None, ..payin };
    }
    let note = match receive_payin(flows, account, &payin, event.occurred_at).await? {
        Received::Unconfirmed => "not confirmed yet".to_owned(),
        Received::Seen => "booked before".to_owned(),
        Received::Booked(payment) => format!("booked as {}", payment.id),
    };
    let about = attempt_about(flows, account, &payin).await?;
    Ok(done(flows, account, event, about, Some(&note)).await?)
}

/// How much arrived, as the PSP's own books have it where it can be asked: a message is not believed about
/// money alone, though it be signed. Until the PSP answers, nothing is booked and the event is tried again.
async fn confirmed_money(flows: &Flows, account: &str, payin: &Payin) -> Result<Money, ApplyError> {
    let psp = flows.psps.get(account).ok_or(ApplyError::UnknownAccount)?;
    if !payin.confirmed || !psp.capabilities().deposit_inquiry.of_arrivals {
        return Ok(payin.money);
    }
    let psp_reference = payin.psp_reference.clone();
    let lookup = Operation::Lookup(Lookup { subject: Some(Subject::Deposit), psp_reference });
    match perform(flows, &psp, &lookup).await.outcome {
        Outcome::Reported(Report { status: Status::Succeeded { money }, .. }) => Ok(money),
        Outcome::Reported(_) | Outcome::NotFound => Err(ApplyError::LookUp("not_confirmed")),
        Outcome::NotSent(why) => Err(ApplyError::of_unsent(why)),
        Outcome::Unknown(why) => Err(ApplyError::of_unknown(why)),
    }
}

/// "Still under way" tells nothing of a deposit that we do not wait for anyway, and is worth neither a commit
/// nor an inquiry; who pays is. Of money that leaves it says that the PSP has it, which people may just be about
/// to deny. (A hint that reads so is another thing: the adapter saw money named without its amount, and only
/// asking tells.)
pub(super) fn says_something(report: &Report, subject: Subject) -> bool {
    let is_news = !matches!(report.status, Status::Pending) || report.payer.is_some();
    is_news || subject != Subject::Deposit
}

/// Marks an event as applied.
pub(super) async fn done(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    attempt: Option<AttemptId>,
    note: Option<&str>,
) -> Result<(), DeskError> {
    mark(flows, account, event, (attempt, note), false).await
}

/// Marks an event as done that anybody may have sent and that led to nothing: nothing of it is kept but its id.
pub(super) async fn done_of_nobody(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    attempt: Option<AttemptId>,
    note: &str,
) -> Result<(), DeskError> {
    mark(flows, account, event, (attempt, Some(note)), true).await
}

async fn mark(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    (attempt, note): (Option<AttemptId>, Option<&str>),
    of_nobody: bool,
) -> Result<(), DeskError> {
    let (psp, event_id) = (account.to_owned(), event.event_id.clone());
    let note = note.map(str::to_owned);
    flows.desks.done.ask(DoneEvent { psp, event_id, attempt, note, of_nobody }).await
}

pub(super) const fn subject_of(place: &AttemptPlace) -> Subject {
    match (place.payment.direction, place.is_return) {
        (Direction::Deposit, _) => Subject::Deposit,
        (Direction::Withdrawal, false) => Subject::Payout,
        (Direction::Withdrawal, true) => Subject::Return,
    }
}

async fn submit(
    flows: &Flows,
    place: &AttemptPlace,
    event: &WebhookEvent,
    report: &Report,
) -> Result<(), ApplyError> {
    let news = News {
        payment: place.payment.uuid,
        direction: place.payment.direction,
        attempt: place.attempt,
        source: Source::Webhook { hint: event.hint_only },
        outcome: Outcome::Reported(report.clone()),
        wires: Vec::new(),
    };
    // A hint proves nothing: the inquiry that follows it does.
    let approved = if event.hint_only { None } else { is_approved(&news.outcome) };
    let answer = tell_news(flows, &place.player, news, Tries::Once).await?;
    if let Answer::Applied { payment, ended, .. } = &answer {
        learn(flows, payment, place.attempt, approved, *ended);
    }
    match answer {
        Answer::Applied { payment, next: Some(next), .. } => {
            let flows = flows.clone();
            let work = flows.clone();
            work.detach(
                async move { run_attempts(&flows, Arc::unwrap_or_clone(payment), next).await },
            );
        }
        // Other money than was asked for, or an approval that waits for our word.
        Answer::Applied { payment, next: None, .. }
            if event.hint_only || payment.is_due(flows.clock.now()) =>
        {
            ask_now(flows, place).await;
        }
        _ => {}
    }
    Ok(())
}

/// A stale or hinting message: it moves nothing, and makes one inquiry due at once.
///
/// # Errors
/// When the lane did not take it: nobody was asked, and an attempt that is over would not be.
pub(super) async fn hint(flows: &Flows, place: &AttemptPlace) -> Result<(), SubmitError> {
    let news = News {
        payment: place.payment.uuid,
        direction: place.payment.direction,
        attempt: place.attempt,
        source: Source::Webhook { hint: true },
        outcome: Outcome::Unknown(Unknown::PspUndecided),
        wires: Vec::new(),
    };
    flows.lanes.submit(&place.player, Command::News(Box::new(news))).await?;
    ask_now(flows, place).await;
    Ok(())
}

/// Asks about an attempt at once; what fails here the attempts worker does.
pub(super) async fn ask_now(flows: &Flows, place: &AttemptPlace) {
    // Rare and large: without the box every webhook, which asks nobody, would be as large.
    let asked = resolve_unknown(flows, &place.player, place.payment.uuid, place.attempt);
    if let Err(error) = Box::pin(asked).await {
        tracing::debug!(attempt.id = %place.attempt, %error, "the attempts worker will ask");
        flows.nudges.attempts.notify_one();
    }
}
