//! The adapters against the mocks, over HTTP: every operation, and every fault that a mock can have.
//!
//! The mocks were written from the PSPs' documentation without a look at the adapters, and keep books of
//! their own: what they booked is compared with what the adapter says. Every test runs over every stand;
//! what a PSP cannot do is read from its capabilities.

mod cards;
mod course;
mod faults;
mod paysafe_cards;
mod stage;
mod webhooks;

use crate::stands::{Known, Proves, STANDS};
use crate::support::{inquiry, payout, refund, token};
use course::{ask, ask_until, becomes, reference, report, way_to_ask, whole_deposit};
use psp_contract::{
    InquiryBy, KeyReplay, NotSent, Operation, Outcome, StatementKind, Status, Subject, Timestamp,
    Unknown,
};
use serde_json::json;
use stage::{SECOND, Stage, fresh_attempt};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[test]
fn every_adapter_has_a_stand() {
    let stood: std::collections::BTreeSet<_> =
        STANDS.iter().map(|stand| stand.account("http://127.0.0.1:9").adapter).collect();
    assert_eq!(stood, psp_adapters::adapters().map(str::to_owned).collect());
}

#[tokio::test]
async fn a_deposit_is_opened_paid_and_known() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let (_, payer) = whole_deposit(&stage, *stand, attempt).await;
        let proven = Proves {
            name: payer.holder_name.is_some(),
            tax_id: payer.tax_id.is_some(),
            portable: payer.portable.is_some(),
            token: payer.token.is_some(),
        };
        assert_eq!(proven, stand.proves(), "{id}: {payer:?}");
        if stand.books_deposits() {
            let booked = stage.movements(id, attempt).await;
            assert_eq!(booked.len(), 1, "{id}");
            let booked = (&booked[0]["status"], &booked[0]["amount"]);
            assert_eq!(booked, (&json!("succeeded"), &json!(stand.money().major())), "{id}");
        }
    }
}

#[tokio::test]
async fn a_payout_goes_to_the_source_and_to_an_account() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, money) = (stand.id(), stand.money());
        let Some(capability) = stage.psp(id).capabilities().payout.clone() else {
            continue;
        };
        let mut destinations = vec![stand.destination()];
        if capability.by_token && stand.proves().token {
            let (_, payer) = whole_deposit(&stage, *stand, fresh_attempt()).await;
            destinations.push(token(&payer.token.unwrap()));
        }
        for destination in destinations {
            assert!(stage.psp(id).can_pay(&destination, money.currency), "{id}");
            let attempt = fresh_attempt();
            let performed = stage.perform(id, &payout(attempt, money, destination)).await;
            let order = reference(&performed.outcome);
            assert_eq!(performed.wire.iter().filter(|it| it.moves_money).count(), 1, "{id}");
            assert!(performed.wire.last().unwrap().moves_money, "{id}");
            let about = (Subject::Payout, attempt, &*order);
            let success = Status::Succeeded { money };
            becomes(&stage, *stand, about, stand.payout_success(), success).await;
            assert_eq!(capability.success_reversible, stand.payout_return().is_some(), "{id}");
            if let Some(known) = stand.payout_return() {
                stage.complete(id, &order, "returned").await;
                becomes(&stage, *stand, about, known, Status::Returned { money }).await;
            }
            assert_eq!(stage.movements(id, attempt).await.len(), 1, "{id}");
        }
    }
}

#[tokio::test]
async fn a_deposit_goes_back_to_where_it_came_from() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, money) = (stand.id(), stand.money());
        if !stage.psp(id).capabilities().return_deposit {
            continue;
        }
        let (order, _) = whole_deposit(&stage, *stand, fresh_attempt()).await;
        let attempt = fresh_attempt();
        let performed = stage.perform(id, &refund(attempt, money, &order)).await;
        let back = reference(&performed.outcome);
        let booked = stage.movements(id, attempt).await;
        assert_eq!((booked.len(), &booked[0]["kind"]), (1, &json!("refund")), "{id}");
        let success = Status::Succeeded { money };
        let known = stand.refund_success();
        if known != Known::Inquiry {
            becomes(&stage, *stand, (Subject::Return, attempt, &back), known, success).await;
            continue;
        }
        let by = way_to_ask(&stage, *stand, Subject::Return, &back).unwrap();
        let Operation::Inquire(mut question) = inquiry(Subject::Return, attempt, money, by) else {
            panic!("an inquiry")
        };
        question.deposit_psp_reference = Some(order);
        ask_until(&stage, *stand, &Operation::Inquire(question), &success).await;
    }
}

#[tokio::test]
async fn the_same_request_again_pays_once() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let operation = payout(attempt, stand.money(), stand.destination());
        let first = stage.perform(id, &operation).await;
        let again = stage.perform(id, &operation).await;
        let same_bytes = |it: &psp_adapters::Performed| it.wire.last().unwrap().request_sha256;
        assert_eq!(same_bytes(&first), same_bytes(&again), "{id}");
        match stage.psp(id).capabilities().idempotency.replay {
            KeyReplay::SameAnswer | KeyReplay::SuccessOnly => {
                assert_eq!(first.outcome, again.outcome, "{id}");
            }
            KeyReplay::DuplicateError => {
                assert_eq!(again.outcome, Outcome::Unknown(Unknown::DuplicateReference), "{id}");
            }
        }
        assert_eq!(stage.movements(id, attempt).await.len(), 1, "{id}");
    }
}

/// A machine that was frozen inside an exchange, after a token was fetched for example: its own clock stood still too.
#[tokio::test]
async fn nothing_that_moves_money_leaves_after_its_deadline_by_the_clock() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let operation = payout(attempt, stand.money(), stand.destination());
        let (began, looks) = (Timestamp::now_utc(), AtomicU32::new(0));
        let frozen = || match looks.fetch_add(1, Ordering::Relaxed) {
            0 => began,
            _ => began + Duration::from_secs(3_600),
        };
        let late = stage.psp(id).perform(&operation, 5 * SECOND, frozen).await;
        assert_eq!(late.outcome, Outcome::NotSent(NotSent::DeadlineBeforeSend), "{id}");
        assert!(late.wire.iter().all(|it| !it.moves_money), "{id}");
        assert!(stage.movements(id, attempt).await.is_empty(), "{id}");
        // Control: in time it is sent.
        stage.perform(id, &operation).await;
        assert_eq!(stage.movements(id, attempt).await.len(), 1, "{id}");
    }
}

#[tokio::test]
async fn a_payout_whose_answer_was_lost_is_found_where_it_can_be() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let ways = &stage.psp(id).capabilities().payout_inquiry;
        let by = match (ways.by_our_reference, ways.by_ledger) {
            (true, _) => InquiryBy::OurReference,
            (false, true) => InquiryBy::Ledger,
            (false, false) => continue,
        };
        let question = inquiry(Subject::Payout, attempt, stand.money(), by);
        let before = stage.perform(id, &question).await;
        assert_eq!(before.outcome, Outcome::NotFound, "{id}");
        stage.fault(id, "create_payout", "connection_reset_after_accept", 0).await;
        let operation = payout(attempt, stand.money(), stand.destination());
        let lost = stage.perform(id, &operation).await;
        assert!(matches!(lost.outcome, Outcome::Unknown(_)), "{id}: {:?}", lost.outcome);
        let Operation::Inquire(mut question) = question else { panic!("an inquiry") };
        question.first_sent_at = Timestamp::now_utc();
        let found = stage.perform(id, &Operation::Inquire(question)).await;
        let booked = stage.movements(id, attempt).await;
        assert_eq!(json!(reference(&found.outcome)), booked[0]["reference"], "{id}");
    }
}

#[tokio::test]
async fn an_open_deposit_is_cancelled_where_it_can_be() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let capability = stage.psp(id).capabilities().deposit.as_ref();
        if !capability.is_some_and(|deposit| deposit.can_cancel) {
            continue;
        }
        let order = reference(&stage.perform(id, &stand.deposit(attempt)).await.outcome);
        let cancel = Operation::CancelDeposit { attempt, psp_reference: order.clone() };
        let cancelled = stage.perform(id, &cancel).await.outcome;
        assert_eq!(report(&cancelled).status, Status::Cancelled, "{id}");
        assert_eq!(stage.movements(id, attempt).await[0]["status"], "cancelled", "{id}");
        if let Some(asked) = ask(&stage, *stand, Subject::Deposit, attempt, &order).await {
            assert_eq!(report(&asked).status, Status::Cancelled, "{id}");
        }
    }
}

#[tokio::test]
async fn a_psp_that_is_down_was_not_sent_anything() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let id = stand.id();
        stage.control(&format!("/psps/{id}/listener"), &json!({"up": false})).await;
        for operation in [
            stand.deposit(fresh_attempt()),
            payout(fresh_attempt(), stand.money(), stand.destination()),
        ] {
            let performed = stage.perform(id, &operation).await;
            assert_eq!(performed.outcome, Outcome::NotSent(NotSent::ConnectRefused), "{id}");
            assert_eq!(performed.wire.last().unwrap().failure, Some("connect_refused"), "{id}");
        }
        stage.control(&format!("/psps/{id}/listener"), &json!({"up": true})).await;
        whole_deposit(&stage, *stand, fresh_attempt()).await;
    }
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let stage = Stage::new().await;
    for stand in STANDS {
        for subject in [Subject::Deposit, Subject::Payout] {
            if let Some(outcome) = ask(&stage, *stand, subject, fresh_attempt(), "4711").await {
                assert_eq!(outcome, Outcome::NotFound, "{} {subject:?}", stand.id());
            }
        }
    }
}

#[tokio::test]
async fn a_settlement_file_tells_of_what_moved() {
    let stage = Stage::new().await;
    for stand in STANDS {
        let (id, attempt, money) = (stand.id(), fresh_attempt(), stand.money());
        let (deposit, _) = whole_deposit(&stage, *stand, fresh_attempt()).await;
        let performed = stage.perform(id, &payout(attempt, money, stand.destination())).await;
        let order = reference(&performed.outcome);
        let about = (Subject::Payout, attempt, &*order);
        becomes(&stage, *stand, about, stand.payout_success(), Status::Succeeded { money }).await;
        let lines = stage.psp(id).read_statement(&stage.statement(id).await).unwrap();
        let paid = lines.iter().find(|line| line.kind == StatementKind::Payout).unwrap();
        assert_eq!((paid.attempt, paid.money), (Some(attempt), money), "{id}");
        assert_eq!(paid.psp_reference, order, "{id}");
        let taken = lines.iter().find(|line| line.kind == StatementKind::Deposit).unwrap();
        assert_eq!(taken.money, money, "{id}");
        assert!(!stand.books_deposits() || taken.psp_reference == deposit, "{id}: {taken:?}");
        assert_eq!(lines.len(), 2, "{id}: {lines:?}");
    }
}
