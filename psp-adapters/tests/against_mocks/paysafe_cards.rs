//! Stored cards at Paysafe: a handle that is spent in the same breath, an issuer that wants its holder, and
//! payouts to the card.

use crate::against_mocks::course::{becomes, report};
use crate::against_mocks::stage::{Stage, fresh_attempt};
use crate::stands::Stand;
use crate::stands::paysafe::{CARD, PaysafeCards};
use crate::support::{completion, deposit_with, inquiry, payout, portable, refund, to, token};
use psp_contract::{
    AttemptRef, CardFunding, DeclineClass, InquiryBy, Instrument, NextAction, NotSent, Operation,
    Outcome, Status, Subject, Unknown,
};
use serde_json::json;
use std::time::Duration;

const ID: &str = "paysafe-gb";

async fn stage() -> Stage {
    Stage::of(&[&PaysafeCards]).await
}

fn charge(attempt: AttemptRef, card: &str) -> Operation {
    deposit_with(attempt, PaysafeCards.money(), Some(Instrument::CardToken(card.to_owned())))
}

fn success() -> Status {
    Status::Succeeded { money: PaysafeCards.money() }
}

#[tokio::test]
async fn a_stored_card_is_charged_at_once_paid_and_refunded() {
    let (stage, attempt, money) = (stage().await, fresh_attempt(), PaysafeCards.money());
    let charged = stage.perform(ID, &charge(attempt, CARD)).await;
    let told = report(&charged.outcome);
    assert_eq!(told.status, success());
    let payer = told.payer.clone().unwrap();
    assert_eq!((payer.token.as_deref(), payer.masked.as_deref()), (Some(CARD), Some("**** 1111")));
    assert_eq!(payer.funding, Some(CardFunding::Debit));
    let order = told.psp_reference.clone().unwrap();
    let event = stage.event(ID, "PAYMENT_COMPLETED", attempt, &order).await;
    let said = event.report_for(Subject::Deposit).unwrap();
    assert_eq!(said.status, told.status);
    assert_eq!(said.payer.as_ref().unwrap().token.as_deref(), Some(CARD));

    let out = fresh_attempt();
    let paid = stage.perform(ID, &payout(out, money, token(CARD))).await;
    let about = (Subject::Payout, out, &*report(&paid.outcome).psp_reference.clone().unwrap());
    becomes(&stage, &PaysafeCards, about, PaysafeCards.payout_success(), success()).await;
    // The control: what is no card of Paysafe's is not paid by a card account.
    let other = payout(fresh_attempt(), money, to(portable("email").0));
    let refused = stage.perform(ID, &other).await;
    assert_eq!(refused.outcome, Outcome::NotSent(NotSent::NotExpressible));

    let back = fresh_attempt();
    let returned = stage.perform(ID, &refund(back, money, &order)).await;
    assert!(matches!(returned.outcome, Outcome::Reported(_)), "{returned:?}");
}

#[tokio::test]
async fn the_funding_of_a_card_is_told() {
    let stage = stage().await;
    for (card, funding) in
        [("CREDITxKHbhOVrK", CardFunding::Credit), ("PREPAIDKHbhOVrK", CardFunding::Prepaid)]
    {
        let charged = stage.perform(ID, &charge(fresh_attempt(), card)).await;
        assert_eq!(report(&charged.outcome).payer.as_ref().unwrap().funding, Some(funding));
    }
}

#[tokio::test]
async fn a_card_that_is_refused_is_a_refusal_and_nothing_moved() {
    let stage = stage().await;
    for (card, fault, class) in [
        ("REFUSEDxKHbhOVr", None, DeclineClass::PlayerFixable),
        (CARD, Some("decline_soft"), DeclineClass::PlayerFixable),
        (CARD, Some("decline_hard"), DeclineClass::Configuration),
    ] {
        let attempt = fresh_attempt();
        if let Some(fault) = fault {
            stage.fault(ID, "create_deposit", fault, 0).await;
        }
        let charged = stage.perform(ID, &charge(attempt, card)).await;
        let Status::Declined(decline) = &report(&charged.outcome).status else {
            panic!("{card}: {charged:?}")
        };
        assert_eq!(decline.class, class, "{card}");
        let booked = stage.movements(ID, attempt).await;
        assert!(booked.iter().all(|it| it["status"] == "pending"), "{booked:?}");
    }
    let page = stage.perform(ID, &deposit_with(fresh_attempt(), PaysafeCards.money(), None)).await;
    assert_eq!(page.outcome, Outcome::NotSent(NotSent::NotExpressible), "there is no page");
}

/// The issuer's page leads to the second call that wallets have, too.
#[tokio::test]
async fn a_card_whose_issuer_wants_its_holder_is_completed_at_our_word() {
    let (stage, attempt, money) = (stage().await, fresh_attempt(), PaysafeCards.money());
    let opened = stage.perform(ID, &charge(attempt, "CHALLENGEbhOVrK")).await;
    let told = report(&opened.outcome).clone();
    let Status::Accepted { next_action: Some(NextAction::Redirect { .. }), .. } = told.status
    else {
        panic!("no page: {opened:?}")
    };
    let order = told.psp_reference.unwrap();
    stage.complete(ID, &order, "succeeded").await;
    stage.event(ID, "PAYMENT_HANDLE_PAYABLE", attempt, &order).await;
    assert_eq!(stage.movements(ID, attempt).await[0]["status"], "pending");
    let taken = stage.perform(ID, &completion(attempt, money)).await;
    assert_eq!(report(&taken.outcome).status, success());
}

/// Whatever is lost, the card is charged once: the handle cannot be spent twice, and an inquiry by our
/// reference says how far it came.
#[tokio::test]
async fn a_charge_whose_answer_is_lost_is_charged_once() {
    let (stage, money) = (stage().await, PaysafeCards.money());
    let slow = json!({"operation": "create_deposit", "fault": "slow", "times": 1, "delay_ms": 1});
    for (fault, status, why) in [
        ("connection_reset_after_accept", "succeeded", Unknown::ConnectionLost),
        ("timeout_after_accept", "succeeded", Unknown::ReadTimeout),
        ("http_500_after_accept", "succeeded", Unknown::ServerError),
        ("malformed_body", "succeeded", Unknown::Unreadable),
        ("http_503", "pending", Unknown::ServerError),
    ] {
        let attempt = fresh_attempt();
        // The handle is made; the call that spends it goes wrong.
        stage.control(&format!("/psps/{ID}/faults"), &slow).await;
        stage.fault(ID, "any", fault, 0).await;
        let operation = charge(attempt, CARD);
        let lost = stage.perform_within(ID, &operation, Duration::from_millis(900)).await;
        assert_eq!(lost.outcome, Outcome::Unknown(why), "{fault}");
        let booked = stage.movements(ID, attempt).await;
        assert_eq!((booked.len(), &booked[0]["status"]), (1, &json!(status)), "{fault}");
        // Sent again it is no second charge, and no refusal either.
        let again = stage.perform(ID, &operation).await;
        assert_eq!(again.outcome, Outcome::Unknown(Unknown::DuplicateReference), "{fault}");
        let asked = inquiry(Subject::Deposit, attempt, money, InquiryBy::OurReference);
        if status == "pending" {
            let waits = stage.perform(ID, &asked).await;
            assert_eq!(report(&waits.outcome).status, Status::AwaitsCompletion);
            let taken = stage.perform(ID, &completion(attempt, money)).await;
            assert_eq!(report(&taken.outcome).status, success());
        }
        let found = stage.perform(ID, &asked).await;
        assert_eq!(report(&found.outcome).status, success(), "{fault}");
        assert_eq!(stage.movements(ID, attempt).await.len(), 1);
    }
}

#[tokio::test]
async fn a_handle_that_nobody_heard_of_sent_nothing() {
    let stage = stage().await;
    for fault in ["connection_reset_before", "connection_reset_after_accept", "http_500"] {
        let attempt = fresh_attempt();
        stage.fault(ID, "create_deposit", fault, 0).await;
        let lost = stage.perform(ID, &charge(attempt, CARD)).await;
        assert_eq!(lost.outcome, Outcome::NotSent(NotSent::PreparationFailed), "{fault}");
        let booked = stage.movements(ID, attempt).await;
        assert!(booked.iter().all(|it| it["status"] == "pending"), "{fault}: {booked:?}");
    }
}

/// The webhook may be quicker than our answer: then the payment's id is all that is known of theirs.
#[tokio::test]
async fn a_deposit_goes_back_by_its_payments_id_too() {
    let (stage, attempt, money) = (stage().await, fresh_attempt(), PaysafeCards.money());
    let charged = stage.perform(ID, &charge(attempt, CARD)).await;
    let handle = report(&charged.outcome).psp_reference.clone().unwrap();
    let event = stage.event(ID, "PAYMENT_COMPLETED", attempt, &handle).await;
    let payment = event.psp_reference.unwrap();
    assert_ne!(payment, handle);
    let back = fresh_attempt();
    let returned = stage.perform(ID, &refund(back, money, &payment)).await;
    assert_eq!(report(&returned.outcome).status, Status::ACCEPTED);
    assert_eq!(stage.movements(ID, back).await.len(), 1);
}
