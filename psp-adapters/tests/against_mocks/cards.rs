//! Stored cards at Adyen: the one deposit that moves money by the request itself, and payouts to a card.

use crate::against_mocks::course::{becomes, reference, report};
use crate::against_mocks::stage::{Stage, fresh_attempt};
use crate::stands::Stand;
use crate::stands::adyen::AdyenDe;
use crate::support::{brought, deposit_with, leaves, payout, refund, token};
use psp_contract::{
    AttemptRef, DeclineClass, Instrument, NextAction, Operation, Outcome, Status, Subject, Unknown,
};
use serde_json::json;
use std::time::Duration;

const CARD: &str = "M5N7TQ4TG5PFWR50";

fn charge(attempt: AttemptRef, card: &str) -> Operation {
    deposit_with(attempt, AdyenDe.money(), Some(Instrument::CardToken(card.to_owned())))
}

#[tokio::test]
async fn a_stored_card_is_charged_at_once_and_paid_and_refunded() {
    let (stage, attempt, money) = (Stage::new().await, fresh_attempt(), AdyenDe.money());
    let charged = stage.perform("adyen-de", &charge(attempt, CARD)).await;
    let told = report(&charged.outcome);
    assert_eq!(told.status, Status::Succeeded { money });
    let payer = told.payer.clone().unwrap();
    assert_eq!((payer.token.as_deref(), payer.masked.as_deref()), (Some(CARD), Some("**** 1111")));
    let order = reference(&charged.outcome);
    let event = stage.event("adyen-de", "AUTHORISATION", attempt, &order).await;
    assert_eq!(event.report_for(Subject::Deposit).unwrap().status, told.status);
    assert_eq!(event.psp_reference.as_deref(), Some(&*order));

    let out = fresh_attempt();
    let paid = stage.perform("adyen-de", &payout(out, money, token(CARD))).await;
    let about = (Subject::Payout, out, &*reference(&paid.outcome));
    becomes(&stage, &AdyenDe, about, AdyenDe.payout_success(), told.status.clone()).await;

    let back = fresh_attempt();
    let returned = stage.perform("adyen-de", &refund(back, money, &order)).await;
    let about = (Subject::Return, back, &*reference(&returned.outcome));
    becomes(&stage, &AdyenDe, about, AdyenDe.refund_success(), told.status.clone()).await;
    // There is nothing left to give back.
    let again = stage.perform("adyen-de", &refund(fresh_attempt(), money, &order)).await;
    assert!(matches!(report(&again.outcome).status, Status::Declined(_)), "{again:?}");
}

#[tokio::test]
async fn a_card_that_is_refused_is_a_refusal_and_nothing_moved() {
    let stage = Stage::new().await;
    for (card, fault, code, class, status) in [
        ("REFUSED1TG5PFWR5", None, "2", DeclineClass::PlayerFixable, "declined"),
        (CARD, Some("decline_soft"), "12", DeclineClass::PlayerFixable, "declined"),
        (CARD, Some("decline_hard"), "20", DeclineClass::Compliance, "declined"),
    ] {
        let attempt = fresh_attempt();
        if let Some(fault) = fault {
            stage.fault("adyen-de", "create_deposit", fault, 0).await;
        }
        let charged = stage.perform("adyen-de", &charge(attempt, card)).await;
        let Status::Declined(decline) = &report(&charged.outcome).status else {
            panic!("{card}: {charged:?}")
        };
        assert_eq!((&*decline.code, decline.class), (code, class));
        assert_eq!(decline.retry_elsewhere, class != DeclineClass::Compliance);
        assert_eq!(stage.movements("adyen-de", attempt).await[0]["status"], status);
    }
}

#[tokio::test]
async fn a_charge_whose_answer_is_lost_is_unknown_and_the_same_key_again_charges_once() {
    let stage = Stage::new().await;
    for (fault, booked, why) in [
        ("connection_reset_after_accept", 1, Unknown::ConnectionLost),
        ("timeout_after_accept", 1, Unknown::ReadTimeout),
        ("http_500_after_accept", 1, Unknown::ServerError),
        ("malformed_body", 1, Unknown::Unreadable),
        ("empty_body", 1, Unknown::Unreadable),
        ("http_503", 0, Unknown::ServerError),
    ] {
        let attempt = fresh_attempt();
        stage.fault("adyen-de", "create_deposit", fault, 0).await;
        let lost = stage
            .perform_within("adyen-de", &charge(attempt, CARD), Duration::from_millis(900))
            .await;
        assert_eq!(lost.outcome, Outcome::Unknown(why), "{fault}");
        assert_eq!(stage.movements("adyen-de", attempt).await.len(), booked, "{fault}");
        let again = stage.perform("adyen-de", &charge(attempt, CARD)).await;
        let success = Status::Succeeded { money: AdyenDe.money() };
        assert_eq!(report(&again.outcome).status, success, "{fault}");
        let booked = stage.movements("adyen-de", attempt).await;
        assert_eq!((booked.len(), &booked[0]["status"]), (1, &json!("succeeded")), "{fault}");
    }
}

#[tokio::test]
async fn a_refused_authorisation_does_not_lend_its_id_to_the_next_card() {
    let (stage, attempt) = (Stage::new().await, fresh_attempt());
    let opened = stage.perform("adyen-de", &AdyenDe.deposit(attempt)).await;
    assert_eq!(report(&opened.outcome).psp_reference, None);
    let booked = stage.movements("adyen-de", attempt).await;
    let order = booked[0]["reference"].as_str().unwrap();
    stage.complete("adyen-de", order, "declined").await;
    let refused = stage.event("adyen-de", "AUTHORISATION", attempt, order).await;
    let said = refused.report_for(Subject::Deposit).unwrap();
    // The link stays open for another card.
    assert!(said.status == Status::Pending && said.psp_reference.is_none());
    stage.complete("adyen-de", order, "succeeded").await;
    let says = |event: &psp_adapters::WebhookEvent| {
        let report = event.report_for(Subject::Deposit).unwrap();
        matches!(report.status, Status::Succeeded { .. }) && report.psp_reference.is_some()
    };
    stage.event_that("adyen-de", "AUTHORISATION", (attempt, order), says).await;
}

const CHALLENGED: &str = "CHALLENGE1PFWR50";

/// A charge whose payer is at the issuer's page: where that is.
async fn at_the_issuer(stage: &Stage, attempt: AttemptRef) -> String {
    let charged = stage.perform("adyen-de", &charge(attempt, CHALLENGED)).await;
    let told = report(&charged.outcome);
    assert_eq!(told.psp_reference, None, "its id comes with the payer");
    let Status::Accepted { next_action: Some(NextAction::Redirect { url }), .. } = &told.status
    else {
        panic!("no page: {charged:?}")
    };
    url.clone()
}

fn details(attempt: AttemptRef, result: &str) -> Operation {
    brought(attempt, AdyenDe.money(), result)
}

#[tokio::test]
async fn what_comes_back_from_the_issuer_is_told_and_takes_the_money_once() {
    let (stage, attempt, money) = (Stage::new().await, fresh_attempt(), AdyenDe.money());
    let page = at_the_issuer(&stage, attempt).await;
    let result = leaves(&page, "approve").await;
    assert_eq!(stage.movements("adyen-de", attempt).await[0]["status"], "pending");
    for _ in 0..2 {
        let told = stage.perform("adyen-de", &details(attempt, &result)).await;
        let told = report(&told.outcome);
        assert_eq!(told.status, Status::Succeeded { money });
        assert_eq!(told.payer.as_ref().unwrap().token.as_deref(), Some(CHALLENGED));
        let order = told.psp_reference.clone().unwrap();
        let event = stage.event("adyen-de", "AUTHORISATION", attempt, &order).await;
        assert_eq!(event.psp_reference.as_deref(), Some(&*order));
    }
    let booked = stage.movements("adyen-de", attempt).await;
    assert_eq!((booked.len(), &booked[0]["status"]), (1, &json!("succeeded")));
}

#[tokio::test]
async fn who_declines_at_the_issuer_is_refused() {
    let (stage, attempt) = (Stage::new().await, fresh_attempt());
    let result = leaves(&at_the_issuer(&stage, attempt).await, "decline").await;
    let told = stage.perform("adyen-de", &details(attempt, &result)).await;
    assert!(matches!(report(&told.outcome).status, Status::Declined(_)), "{told:?}");
    assert_eq!(stage.movements("adyen-de", attempt).await[0]["status"], "declined");
}

/// It comes through the payer's hands: what is not of this payment says nothing about it.
#[tokio::test]
async fn rubbish_and_another_payments_result_say_nothing_of_this_one() {
    let stage = Stage::new().await;
    let (ours, other) = (fresh_attempt(), fresh_attempt());
    let page = at_the_issuer(&stage, ours).await;
    let theirs = leaves(&at_the_issuer(&stage, other).await, "decline").await;
    for (result, why) in [("rubbish", Unknown::UnlistedCode), (&*theirs, Unknown::Mismatch)] {
        let told = stage.perform("adyen-de", &details(ours, result)).await;
        assert_eq!(told.outcome, Outcome::Unknown(why), "{result}");
        assert_eq!(stage.movements("adyen-de", ours).await[0]["status"], "pending");
    }
    // The control: the true one is heard all the same.
    let told = stage.perform("adyen-de", &details(ours, &leaves(&page, "approve").await)).await;
    assert_eq!(report(&told.outcome).status, Status::Succeeded { money: AdyenDe.money() });
}

#[tokio::test]
async fn a_details_call_whose_answer_is_lost_is_unknown_and_told_again_takes_the_money_once() {
    let stage = Stage::new().await;
    for (fault, status, why) in [
        ("connection_reset_after_accept", "succeeded", Unknown::ConnectionLost),
        ("timeout_after_accept", "succeeded", Unknown::ReadTimeout),
        ("http_500_after_accept", "succeeded", Unknown::ServerError),
        ("malformed_body", "succeeded", Unknown::Unreadable),
        ("empty_body", "succeeded", Unknown::Unreadable),
        ("http_503", "pending", Unknown::ServerError),
        ("http_429", "pending", Unknown::Throttled),
    ] {
        let attempt = fresh_attempt();
        let result = leaves(&at_the_issuer(&stage, attempt).await, "approve").await;
        stage.fault("adyen-de", "any", fault, 0).await;
        let operation = details(attempt, &result);
        let lost = stage.perform_within("adyen-de", &operation, Duration::from_millis(900)).await;
        assert_eq!(lost.outcome, Outcome::Unknown(why), "{fault}");
        assert_eq!(stage.movements("adyen-de", attempt).await[0]["status"], status, "{fault}");
        let again = stage.perform("adyen-de", &operation).await;
        let success = Status::Succeeded { money: AdyenDe.money() };
        assert_eq!(report(&again.outcome).status, success, "{fault}");
    }
}
