//! The adapters against the mocks, over HTTP: every operation, and every fault that a mock can have.
//!
//! The mocks were written from the PSPs' documentation without a look at the adapters, and keep books of
//! their own: what they booked is compared with what the adapter says.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod faults;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod webhooks;

use psp_contract::{
    AttemptRef, InquiryBy, NotSent, Operation, Outcome, PayerProof, Report, Status, Subject,
};
use serde_json::json;
use stage::{PSPS, Stage, fresh_attempt, money, portable};
use support::{deposit, inquiry, payout, refund, token};

#[track_caller]
fn report(outcome: &Outcome) -> &Report {
    match outcome {
        Outcome::Reported(report) => report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn reference(outcome: &Outcome) -> String {
    report(outcome).psp_reference.clone().unwrap()
}

async fn ask(
    stage: &Stage,
    id: &str,
    subject: Subject,
    attempt: AttemptRef,
    reference: &str,
) -> Outcome {
    let by = InquiryBy::PspReference(reference.to_owned());
    stage.perform(id, &inquiry(subject, attempt, money(id), by)).await.outcome
}

/// A deposit, from the redirect to the money; gives the PSP's id and who paid.
async fn whole_deposit(stage: &Stage, id: &str, attempt: AttemptRef) -> (String, PayerProof) {
    let performed = stage.perform(id, &deposit(attempt, money(id))).await;
    let order = reference(&performed.outcome);
    let accepted = &report(&performed.outcome).status;
    assert!(matches!(accepted, Status::Accepted { next_action: Some(_), .. }), "{accepted:?}");
    stage.complete(id, &order, "succeeded").await;
    let success = Status::Succeeded { money: money(id) };
    if id == "trustly-de" {
        let credit = stage.event(id, "credit", attempt).await;
        assert_eq!(credit.report_for(Subject::Deposit).unwrap().status, success);
        assert!(!credit.hint_only);
        let account = stage.event(id, "account", attempt).await;
        return (order, account.report.unwrap().payer.unwrap());
    }
    let settled = stage.event(id, "payment_settled", attempt).await;
    assert!(settled.hint_only, "it carries no amount");
    assert_eq!(settled.psp_reference.as_deref(), Some(&*order));
    let outcome = ask(stage, id, Subject::Deposit, attempt, &order).await;
    assert_eq!(report(&outcome).status, success);
    (order, settled.report.unwrap().payer.unwrap())
}

#[tokio::test]
async fn a_deposit_is_opened_paid_and_known() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        let (_, payer) = whole_deposit(&stage, id, attempt).await;
        assert!(payer.token.is_some() && payer.holder_name.is_some(), "{payer:?}");
        assert_eq!(payer.portable.is_some(), id == "truelayer-gb");
        let booked = stage.movements(id, attempt).await;
        assert_eq!(booked.len(), 1);
        assert_eq!(
            (&booked[0]["status"], &booked[0]["amount"]),
            (&json!("succeeded"), &json!("10.50"))
        );
    }
}

#[tokio::test]
async fn a_payout_goes_to_the_source_and_to_an_account() {
    let stage = Stage::new().await;
    for id in PSPS {
        let (_, payer) = whole_deposit(&stage, id, fresh_attempt()).await;
        for destination in [token(&payer.token.unwrap()), portable(id)] {
            assert!(stage.psp(id).can_pay(&destination, money(id).currency));
            let attempt = fresh_attempt();
            let operation = payout(attempt, money(id), destination);
            let performed = stage.perform(id, &operation).await;
            let order = reference(&performed.outcome);
            assert_eq!(performed.wire.iter().filter(|it| it.moves_money).count(), 1);
            assert_eq!(performed.wire.last().unwrap().step, "create_payout");
            let kind = if id == "trustly-de" { "payoutconfirmation" } else { "payout_executed" };
            let event = stage.event(id, kind, attempt).await;
            assert_eq!(event.psp_reference.as_deref(), Some(&*order));
            let outcome = ask(&stage, id, Subject::Payout, attempt, &order).await;
            assert_eq!(report(&outcome).status, Status::Succeeded { money: money(id) });
            stage.complete(id, &order, "returned").await;
            let kind = if id == "trustly-de" { "credit" } else { "payout_failed" };
            let event = stage.event(id, kind, attempt).await;
            if id == "trustly-de" {
                let said = event.report_for(Subject::Payout).unwrap();
                assert_eq!(said.status, Status::Returned { money: money(id) });
            }
            let outcome = ask(&stage, id, Subject::Payout, attempt, &order).await;
            assert_eq!(report(&outcome).status, Status::Returned { money: money(id) });
            assert_eq!(stage.movements(id, attempt).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_deposit_goes_back_to_where_it_came_from() {
    let stage = Stage::new().await;
    for id in PSPS {
        let (order, _) = whole_deposit(&stage, id, fresh_attempt()).await;
        let attempt = fresh_attempt();
        let performed = stage.perform(id, &refund(attempt, money(id), &order)).await;
        let back = reference(&performed.outcome);
        let booked = stage.movements(id, attempt).await;
        assert_eq!((booked.len(), &booked[0]["kind"]), (1, &json!("refund")));
        let by = InquiryBy::PspReference(back);
        let Operation::Inquire(mut question) = inquiry(Subject::Return, attempt, money(id), by)
        else {
            panic!("an inquiry")
        };
        question.deposit_psp_reference = Some(order);
        let mut status = Status::Pending;
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
        for _ in 0..100 {
            tick.tick().await;
            let asked = stage.perform(id, &Operation::Inquire(question.clone())).await;
            status = report(&asked.outcome).status.clone();
            if status != Status::Pending {
                break;
            }
        }
        assert_eq!(status, Status::Succeeded { money: money(id) });
    }
}

#[tokio::test]
async fn the_same_request_again_pays_once() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        let operation = payout(attempt, money(id), portable(id));
        let first = stage.perform(id, &operation).await;
        let again = stage.perform(id, &operation).await;
        let same_bytes = |it: &psp_adapters::Performed| it.wire.last().unwrap().request_sha256;
        assert_eq!(same_bytes(&first), same_bytes(&again));
        match id {
            "truelayer-gb" => assert_eq!(first.outcome, again.outcome),
            _ => assert_eq!(
                again.outcome,
                Outcome::Unknown(psp_contract::Unknown::DuplicateReference)
            ),
        }
        assert_eq!(stage.movements(id, attempt).await.len(), 1);
    }
}

#[tokio::test]
async fn trustlys_ledger_finds_a_payout_whose_answer_was_lost() {
    let (stage, id) = (Stage::new().await, "trustly-de");
    let attempt = fresh_attempt();
    let question = inquiry(Subject::Payout, attempt, money(id), InquiryBy::Ledger);
    let before = stage.perform(id, &question).await;
    assert_eq!(before.outcome, Outcome::NotFound);
    stage.fault(id, "create_payout", "connection_reset_after_accept", 0).await;
    let lost = stage.perform(id, &payout(attempt, money(id), portable(id))).await;
    assert!(matches!(lost.outcome, Outcome::Unknown(_)), "{:?}", lost.outcome);
    let Operation::Inquire(mut question) = question else { panic!("an inquiry") };
    question.first_sent_at = psp_contract::Timestamp::now_utc();
    let found = stage.perform(id, &Operation::Inquire(question)).await;
    let booked = stage.movements(id, attempt).await;
    assert_eq!(json!(reference(&found.outcome)), booked[0]["reference"]);
}

#[tokio::test]
async fn truelayer_cancels_an_open_deposit() {
    let (stage, id) = (Stage::new().await, "truelayer-gb");
    let attempt = fresh_attempt();
    let order = reference(&stage.perform(id, &deposit(attempt, money(id))).await.outcome);
    let cancel = Operation::CancelDeposit { attempt, psp_reference: order.clone() };
    let cancelled = stage.perform(id, &cancel).await.outcome;
    assert_eq!(report(&cancelled).status, Status::Cancelled);
    let outcome = ask(&stage, id, Subject::Deposit, attempt, &order).await;
    assert_eq!(report(&outcome).status, Status::Cancelled);
}

#[tokio::test]
async fn a_psp_that_is_down_was_not_sent_anything() {
    let stage = Stage::new().await;
    for id in PSPS {
        stage.control(&format!("/psps/{id}/listener"), &json!({"up": false})).await;
        for operation in
            [deposit(fresh_attempt(), money(id)), payout(fresh_attempt(), money(id), portable(id))]
        {
            let performed = stage.perform(id, &operation).await;
            assert_eq!(performed.outcome, Outcome::NotSent(NotSent::ConnectRefused));
            assert_eq!(performed.wire.last().unwrap().failure, Some("connect_refused"));
        }
        stage.control(&format!("/psps/{id}/listener"), &json!({"up": true})).await;
        whole_deposit(&stage, id, fresh_attempt()).await;
    }
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let stage = Stage::new().await;
    for id in PSPS {
        let outcome = ask(&stage, id, Subject::Payout, fresh_attempt(), "4711").await;
        assert_eq!(outcome, Outcome::NotFound, "{id}");
    }
}
