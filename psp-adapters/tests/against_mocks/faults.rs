//! Every fault of a call: what the adapter says must never be bolder than what the mock booked.

use crate::report;
use crate::stage::{PSPS, Stage, fresh_attempt, money, portable};
use crate::support::{deposit, inquiry, payout};
use psp_contract::{AttemptRef, InquiryBy, Operation, Outcome, Status, Subject, Unknown};
use std::time::Duration;

/// What a fault must be called, and whether the mock has booked the request.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Unknown(Unknown),
    Declined,
    Accepted,
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
            Status::Accepted { .. } => Told::Accepted,
            other => panic!("{other:?}"),
        },
    }
}

fn operation(id: &str, name: &str, attempt: AttemptRef) -> Operation {
    match name {
        "create_deposit" => deposit(attempt, money(id)),
        _ => payout(attempt, money(id), portable(id)),
    }
}

#[tokio::test]
async fn no_fault_of_a_creation_is_told_too_boldly() {
    let stage = Stage::new().await;
    for id in PSPS {
        for name in ["create_deposit", "create_payout"] {
            for (fault, expected, booked) in &FAULTS {
                let attempt = fresh_attempt();
                let operation = operation(id, name, attempt);
                stage.fault(id, name, fault, 300).await;
                let deadline =
                    Duration::from_millis(if fault.starts_with("timeout") { 900 } else { 5_000 });
                let performed = stage.perform_within(id, &operation, deadline).await;
                stage.clear_faults(id).await;
                let said = told(&performed.outcome);
                // A payment that TrueLayer refuses softly is created, and fails at the bank.
                let created_first = id == "truelayer-gb" && *fault == "decline_soft";
                // Trustly refuses at once where it refuses at all.
                let refused_first = id == "trustly-de" && *fault == "success_after_decline";
                let context = format!("{id} {name} {fault}: {performed:?}");
                if !created_first && !refused_first {
                    assert_eq!(said, *expected, "{context}");
                    let count = stage.movements(id, attempt).await.len();
                    assert_eq!(count, usize::from(*booked), "{context}");
                }
                if !matches!(said, Told::Unknown(_)) {
                    continue;
                }
                replay(&stage, id, &operation, attempt, *booked).await;
            }
        }
    }
}

/// Sends the same again, as the ladder of unknowns does where the PSP allows it: still one movement.
async fn replay(stage: &Stage, id: &str, operation: &Operation, attempt: AttemptRef, booked: bool) {
    let again = stage.perform(id, operation).await;
    match (id, booked) {
        ("trustly-de", true) => {
            assert_eq!(again.outcome, Outcome::Unknown(Unknown::DuplicateReference));
        }
        _ => assert_eq!(told(&again.outcome), Told::Accepted, "{:?}", again.outcome),
    }
    assert_eq!(stage.movements(id, attempt).await.len(), 1);
}

#[tokio::test]
async fn no_fault_of_an_inquiry_decides_anything() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        let created = stage.perform(id, &payout(attempt, money(id), portable(id))).await;
        let by = InquiryBy::PspReference(crate::reference(&created.outcome));
        let question = inquiry(Subject::Payout, attempt, money(id), by);
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
            assert!(
                matches!(performed.outcome, Outcome::Unknown(_)),
                "{id} {fault}: {performed:?}"
            );
        }
        let performed = stage.perform(id, &question).await;
        assert!(matches!(performed.outcome, Outcome::Reported(_)));
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_had_sends_nothing() {
    let (stage, id) = (Stage::new().await, "truelayer-gb");
    for fault in ["http_500", "malformed_body", "connection_reset_before", "timeout_before_accept"]
    {
        let attempt = fresh_attempt();
        stage.fault(id, "any", fault, 300).await;
        let operation = payout(attempt, money(id), portable(id));
        let performed = stage.perform_within(id, &operation, Duration::from_millis(900)).await;
        stage.clear_faults(id).await;
        assert!(matches!(performed.outcome, Outcome::NotSent(_)), "{fault}: {performed:?}");
        assert_eq!(performed.wire.len(), 1);
        assert!(stage.movements(id, attempt).await.is_empty());
    }
}
