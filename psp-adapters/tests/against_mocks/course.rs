//! The courses of payments, from the first call to the end, the same for every PSP.

use crate::against_mocks::stage::Stage;
use crate::stands::{Known, Stand};
use crate::support::{completion, inquiry};
use psp_adapters::WebhookEvent;
use psp_contract::{
    AttemptRef, InquiryBy, Operation, Outcome, PayerProof, Report, Status, Subject,
};
use std::time::Duration;

#[track_caller]
pub fn report(outcome: &Outcome) -> &Report {
    match outcome {
        Outcome::Reported(report) => report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn reference(outcome: &Outcome) -> String {
    report(outcome).psp_reference.clone().unwrap()
}

/// How this kind of attempt can be asked about at this PSP, now that its id there is known.
pub fn way_to_ask(
    stage: &Stage,
    stand: &dyn Stand,
    subject: Subject,
    order: &str,
) -> Option<InquiryBy> {
    let capabilities = stage.psp(stand.id()).capabilities();
    match capabilities.inquiry(subject) {
        it if it.by_psp_reference => Some(InquiryBy::PspReference(order.to_owned())),
        it if it.by_our_reference => Some(InquiryBy::OurReference),
        _ => None,
    }
}

/// Asks; none where the PSP cannot be asked.
pub async fn ask(
    stage: &Stage,
    stand: &dyn Stand,
    subject: Subject,
    attempt: AttemptRef,
    order: &str,
) -> Option<Outcome> {
    let by = way_to_ask(stage, stand, subject, order)?;
    let question = inquiry(subject, attempt, stand.money(), by);
    Some(stage.perform(stand.id(), &question).await.outcome)
}

/// Asks until this is the answer.
pub async fn ask_until(
    stage: &Stage,
    stand: &dyn Stand,
    question: &Operation,
    wanted: &Status,
) -> Report {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let mut last = None;
    for _ in 0..100 {
        tick.tick().await;
        let outcome = stage.perform(stand.id(), question).await.outcome;
        match &outcome {
            Outcome::Reported(report) if report.status == *wanted => return report.clone(),
            other => last = Some(other.clone()),
        }
    }
    panic!("{}: asked for {wanted:?} in vain: {last:?}", stand.id());
}

/// Waits until it is known, in the PSP's own way, that this is what became of a payment. Where the PSP
/// can be asked it must say the same.
pub async fn becomes(
    stage: &Stage,
    stand: &dyn Stand,
    (subject, attempt, order): (Subject, AttemptRef, &str),
    known: Known,
    wanted: Status,
) {
    let id = stand.id();
    match known {
        // Some PSPs have one name for all that can happen to a payment.
        Known::Event(kind) => {
            let says = |event: &WebhookEvent| {
                event.report_for(subject).is_some_and(|report| report.status == wanted)
            };
            let event = stage.event_that(id, kind, (attempt, order), says).await;
            assert!(!event.hint_only, "{id}: {event:?}");
        }
        Known::Hint(kind) => {
            let event = stage.event(id, kind, attempt, order).await;
            assert!(event.hint_only, "{id}: {event:?}");
            assert!(way_to_ask(stage, stand, subject, order).is_some(), "{id}: and now?");
        }
        Known::Payin(kind) => {
            let event = stage.event(id, kind, attempt, order).await;
            let payin = event.payin.unwrap();
            assert!(payin.confirmed && wanted == Status::Succeeded { money: payin.money }, "{id}");
        }
        Known::Inquiry => {}
    }
    // A return is asked about with its deposit's id at hand, by the test that has it.
    let tells_enough = matches!(known, Known::Payin(_)) || subject == Subject::Return;
    if let (Some(by), false) = (way_to_ask(stage, stand, subject, order), tells_enough) {
        let question = inquiry(subject, attempt, stand.money(), by);
        ask_until(stage, stand, &question, &wanted).await;
    }
}

/// A deposit, from the first answer to the money; gives the PSP's id and what it proves of who paid.
pub async fn whole_deposit(
    stage: &Stage,
    stand: &dyn Stand,
    attempt: AttemptRef,
) -> (String, PayerProof) {
    let (id, money) = (stand.id(), stand.money());
    let performed = stage.perform(id, &stand.deposit(attempt)).await;
    let order = order(stage, stand, attempt, &performed.outcome).await;
    let status = &report(&performed.outcome).status;
    assert!(matches!(status, Status::Accepted { .. }), "{id}: {status:?}");
    stage.pay(stand, &order).await;
    complete(stage, stand, attempt, &order).await;
    let success = Status::Succeeded { money };
    let about = (Subject::Deposit, attempt, &*order);
    becomes(stage, stand, about, stand.deposit_success(), success).await;
    let payer = proven_payer(stage, stand, attempt, &order).await;
    (order, payer)
}

/// The PSP's id of an attempt. Some tell it only when the payer has paid: then from the mock's books.
pub async fn order(
    stage: &Stage,
    stand: &dyn Stand,
    attempt: AttemptRef,
    outcome: &Outcome,
) -> String {
    match &report(outcome).psp_reference {
        Some(reference) => reference.clone(),
        None => {
            let booked = stage.movements(stand.id(), attempt).await;
            booked[0]["reference"].as_str().unwrap().to_owned()
        }
    }
}

/// Our second call, where the PSP waits for it.
async fn complete(stage: &Stage, stand: &dyn Stand, attempt: AttemptRef, order: &str) {
    let Some(kind) = stand.approved() else {
        return;
    };
    let id = stand.id();
    let approved = stage.event(id, kind, attempt, order).await;
    let status = approved.report_for(Subject::Deposit).map(|report| &report.status);
    assert!(approved.hint_only || status == Some(&Status::AwaitsCompletion), "{approved:?}");
    let performed = stage.perform(id, &completion(attempt, stand.money())).await;
    assert!(matches!(performed.outcome, Outcome::Reported(_)), "{id}: {performed:?}");
}

/// Everything that the PSP told of who paid, by events and when asked.
async fn proven_payer(
    stage: &Stage,
    stand: &dyn Stand,
    attempt: AttemptRef,
    order: &str,
) -> PayerProof {
    let mut told: Vec<PayerProof> = Vec::new();
    for event in stage.events(stand.id(), attempt, order) {
        told.extend(event.report.and_then(|report| report.payer));
        told.extend(event.if_deposit.and_then(|report| report.payer));
        told.extend(event.payin.and_then(|payin| payin.payer));
    }
    if let Some(Outcome::Reported(report)) =
        ask(stage, stand, Subject::Deposit, attempt, order).await
    {
        told.extend(report.payer);
    }
    told.into_iter().fold(PayerProof::default(), |all, one| PayerProof {
        holder_name: all.holder_name.or(one.holder_name),
        tax_id: all.tax_id.or(one.tax_id),
        portable: all.portable.or(one.portable),
        token: all.token.or(one.token),
        masked: all.masked.or(one.masked),
        funding: all.funding.or(one.funding),
    })
}
