//! Every fault of a call: what the adapter says must never be bolder than what the mock booked.

use crate::against_mocks::course::{reference, report, way_to_ask};
use crate::against_mocks::stage::{Stage, fresh_attempt};
use crate::stands::{STANDS, Stand};
use crate::support::{inquiry, payout};
use psp_contract::{AttemptRef, KeyReplay, Operation, Outcome, Status, Subject, Unknown};
use std::time::Duration;

/// What a fault must be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Unknown(Unknown),
    Declined,
    Accepted,
    Succeeded,
}

/// The name, what is told at a creation, and whether the mock booked it.
const FAULTS: [(&str, Told, bool); 15] = [
    ("connection_reset_before", Told::Unknown(Unknown::ConnectionLost), false),
    ("connection_reset_after_accept", Told::Unknown(Unknown::ConnectionLost), true),
    ("timeout_before_accept", Told::Unknown(Unknown::ReadTimeout), false),
    ("timeout_after_accept", Told::Unknown(Unknown::ReadTimeout), true),
    ("http_500", Told::Unknown(Unknown::ServerError), false),
    ("http_500_after_accept", Told::Unknown(Unknown::ServerError), true),
    ("http_503", Told::Unknown(Unknown::ServerError), false),
    ("http_429", Told::Unknown(Unknown::Throttled), false),
    ("malformed_body", Told::Unknown(Unknown::Unreadable), true),
    ("empty_body", Told::Unknown(Unknown::Unreadable), true),
    ("slow", Told::Accepted, true),
    ("webhook_before_response", Told::Accepted, true),
    ("success_after_decline", Told::Accepted, true),
    ("decline_soft", Told::Declined, false),
    ("decline_hard", Told::Declined, false),
];

fn told(outcome: &Outcome) -> Told {
    match outcome {
        Outcome::Unknown(why) => Told::Unknown(*why),
        outcome => match &report(outcome).status {
            Status::Declined(_) => Told::Declined,
            Status::Accepted { .. } | Status::Pending => Told::Accepted,
            Status::Succeeded { .. } => Told::Succeeded,
            other => panic!("{other:?}"),
        },
    }
}

fn operation(stand: &dyn Stand, name: &str, attempt: AttemptRef) -> Operation {
    match name {
        "create_deposit" => stand.deposit(attempt),
        _ => payout(attempt, stand.money(), stand.destination()),
    }
}

/// What is told of a fault at this PSP, and whether the mock has booked the request.
fn expected(stand: &dyn Stand, name: &str, fault: &str) -> (Told, bool) {
    let (_, told, booked) = FAULTS.iter().find(|(word, ..)| *word == fault).unwrap();
    if stand.is_created_first(name, fault) { (Told::Accepted, true) } else { (*told, *booked) }
}

#[tokio::test]
async fn no_fault_of_a_creation_is_told_too_boldly() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let id = stand.id();
        for name in ["create_deposit", "create_payout"] {
            let books = name == "create_payout" || stand.books_deposits();
            for (fault, ..) in &FAULTS {
                if name == "create_deposit" && !stand.can_suffer(fault) {
                    stage.refuses_fault(id, name, fault).await;
                    continue;
                }
                let attempt = fresh_attempt();
                let operation = operation(*stand, name, attempt);
                stage.fault(id, name, fault, 300).await;
                let deadline =
                    Duration::from_millis(if fault.starts_with("timeout") { 900 } else { 5_000 });
                let performed = stage.perform_within(id, &operation, deadline).await;
                stage.clear_faults(id).await;
                let (expected, booked) = expected(*stand, name, fault);
                let booked = booked && books;
                let context = format!("{id} {name} {fault}: {performed:?}");
                let said = told(&performed.outcome);
                assert_eq!(said, expected, "{context}");
                let count = stage.movements(id, attempt).await.len();
                assert_eq!(count, usize::from(booked), "{context}");
                if matches!(said, Told::Unknown(_)) {
                    replay(&stage, *stand, &operation, attempt, booked).await;
                    let count = stage.movements(id, attempt).await.len();
                    assert_eq!(count, usize::from(books), "{context}, and again");
                }
            }
        }
    }
}

/// Sends the same again, as the ladder of unknowns does where the PSP allows it: still one movement.
async fn replay(
    stage: &Stage,
    stand: &dyn Stand,
    operation: &Operation,
    attempt: AttemptRef,
    booked: bool,
) {
    let again = stage.perform(stand.id(), operation).await;
    match stage.psp(stand.id()).capabilities().idempotency.replay {
        KeyReplay::DuplicateError if booked => {
            assert_eq!(again.outcome, Outcome::Unknown(Unknown::DuplicateReference));
        }
        _ => {
            let said = told(&again.outcome);
            let fine = matches!(said, Told::Accepted | Told::Succeeded);
            assert!(fine, "{} {attempt}: {:?}", stand.id(), again.outcome);
        }
    }
}

#[tokio::test]
async fn no_fault_of_an_inquiry_decides_anything() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt, money) = (stand.id(), fresh_attempt(), stand.money());
        let created = stage.perform(id, &payout(attempt, money, stand.destination())).await;
        let order = reference(&created.outcome);
        let Some(by) = way_to_ask(&stage, *stand, Subject::Payout, &order) else {
            continue;
        };
        let question = inquiry(Subject::Payout, attempt, money, by);
        for fault in [
            "connection_reset_before",
            "connection_reset_after_accept",
            "timeout_before_accept",
            "timeout_after_accept",
            "http_500",
            "http_500_after_accept",
            "http_503",
            "http_429",
            "malformed_body",
            "empty_body",
        ] {
            stage.fault(id, "query", fault, 300).await;
            let performed = stage.perform_within(id, &question, Duration::from_millis(900)).await;
            stage.clear_faults(id).await;
            let unknown = matches!(performed.outcome, Outcome::Unknown(_));
            assert!(unknown, "{id} {fault}: {performed:?}");
        }
        let performed = stage.perform(id, &question).await;
        assert!(matches!(performed.outcome, Outcome::Reported(_)), "{id}: {performed:?}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_had_sends_nothing() {
    let stage = Stage::new().await;
    for stand in STANDS.iter().filter(|stand| stand.takes_a_token()) {
        let id = stand.id();
        for fault in
            ["http_500", "malformed_body", "connection_reset_before", "timeout_before_accept"]
        {
            let attempt = fresh_attempt();
            stage.fault(id, "any", fault, 300).await;
            let operation = payout(attempt, stand.money(), stand.destination());
            let performed = stage.perform_within(id, &operation, Duration::from_millis(900)).await;
            stage.clear_faults(id).await;
            let not_sent = matches!(performed.outcome, Outcome::NotSent(_));
            assert!(not_sent, "{id} {fault}: {performed:?}");
            assert_eq!(performed.wire.len(), 1, "{id}");
            assert!(stage.movements(id, attempt).await.is_empty(), "{id}");
        }
    }
}
