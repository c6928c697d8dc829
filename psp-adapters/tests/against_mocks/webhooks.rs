//! Every fault of a notification.

use crate::against_mocks::course::{ask, becomes, order, report, whole_deposit};
use crate::against_mocks::stage::{Stage, fresh_attempt};
use crate::stands::{Known, STANDS, Stand};
use psp_adapters::{WebhookEvent, WebhookRefusal};
use psp_contract::{AttemptRef, Status, Subject, WebhookAuthenticity};
use serde_json::json;

/// The stands whose PSP calls when a deposit has succeeded, with the event's name.
fn callers() -> impl Iterator<Item = (&'static dyn Stand, &'static str)> {
    STANDS.iter().filter_map(|stand| Some((*stand, stand.deposit_success().event()?)))
}

fn signs(stage: &Stage, id: &str) -> bool {
    stage.psp(id).capabilities().webhook.authenticity == WebhookAuthenticity::Signature
}

/// A deposit that is paid while this fault is on, which stays on; gives its id at the PSP. PSPs that wait
/// for our second call are paid without it: what their first notification says is what is looked at.
async fn paid_with(stage: &Stage, stand: &dyn Stand, attempt: AttemptRef, fault: &str) -> String {
    let id = stand.id();
    let performed = stage.perform(id, &stand.deposit(attempt)).await;
    let order = order(stage, stand, attempt, &performed.outcome).await;
    let rule = json!({"operation": "webhook", "fault": fault, "delay_ms": 200});
    stage.control(&format!("/psps/{id}/faults"), &rule).await;
    stage.pay(stand, &order).await;
    order
}

/// The first event of a deposit's way to success.
fn first_kind(stand: &dyn Stand, success: &'static str) -> &'static str {
    stand.approved().unwrap_or(success)
}

#[tokio::test]
async fn a_duplicate_has_the_same_id() {
    let stage = Stage::new().await;
    for (stand, success) in callers() {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let kind = first_kind(stand, success);
        let order = paid_with(&stage, stand, attempt, "webhook_duplicate").await;
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(25));
        let mut seen: Vec<WebhookEvent> = Vec::new();
        for _ in 0..200 {
            tick.tick().await;
            seen = stage.events(id, attempt, &order);
            seen.retain(|it| it.kind == kind);
            if 1 < seen.len() {
                break;
            }
        }
        assert!(1 < seen.len(), "{id}: {seen:?}");
        assert!(seen.iter().all(|it| *it == seen[0]), "{id}: {seen:?}");
        stage.clear_faults(id).await;
    }
}

#[tokio::test]
async fn a_forged_webhook_is_refused_and_the_honest_one_follows() {
    let stage = Stage::new().await;
    for (stand, success) in callers().filter(|(stand, _)| signs(&stage, stand.id())) {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let order = paid_with(&stage, stand, attempt, "webhook_bad_signature").await;
        let forged = stage.webhook(id, Result::is_err).await.unwrap_err();
        assert!(matches!(forged, WebhookRefusal::Invalid(_)), "{id}: {forged:?}");
        stage.event(id, first_kind(stand, success), attempt, &order).await;
    }
}

#[tokio::test]
async fn a_stale_webhook_asks_for_an_inquiry() {
    let stage = Stage::new().await;
    for (stand, success) in callers() {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let order = paid_with(&stage, stand, attempt, "webhook_stale").await;
        if !stage.psp(id).capabilities().webhook.has_timestamp {
            stage.event(id, first_kind(stand, success), attempt, &order).await;
            continue;
        }
        match stage.webhook(id, Result::is_err).await.unwrap_err() {
            WebhookRefusal::Stale { attempt: named, psp_reference } => {
                assert!(named.is_none_or(|named| named == attempt), "{id}: {named:?}");
                assert_eq!(psp_reference, Some(order), "{id}");
            }
            other => panic!("{id}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_wrong_amount_is_told_as_it_is_or_not_believed() {
    for fault in ["webhook_wrong_amount", "webhook_wrong_currency"] {
        let stage = Stage::new().await;
        for (stand, kind) in callers().filter(|(stand, _)| stand.approved().is_none()) {
            let (id, attempt, money) = (stand.id(), fresh_attempt(), stand.money());
            let order = paid_with(&stage, stand, attempt, fault).await;
            let event = stage.event(id, kind, attempt, &order).await;
            let said = event.report_for(Subject::Deposit).map(|report| report.status.clone());
            let arrived = event.payin.as_ref().map(|payin| payin.money);
            let told = match said {
                Some(Status::Succeeded { money }) => Some(money),
                _ => arrived,
            };
            let believed = told == Some(money) || told.is_none();
            assert!(!believed || event.hint_only, "{id}: {event:?}");
            if arrived.is_some() {
                continue;
            }
            if let Some(asked) = ask(&stage, stand, Subject::Deposit, attempt, &order).await {
                assert_eq!(report(&asked).status, Status::Succeeded { money }, "{id}");
            }
        }
    }
}

#[tokio::test]
async fn dropped_delayed_and_reordered_webhooks_say_what_they_say() {
    for fault in ["webhook_drop", "webhook_delay", "webhook_reorder"] {
        let stage = Stage::new().await;
        for (stand, success) in callers() {
            let (id, attempt) = (stand.id(), fresh_attempt());
            let order = paid_with(&stage, stand, attempt, fault).await;
            if fault == "webhook_drop" {
                stage.clear_faults(id).await;
                let resend = json!({"reference": order, "times": 1});
                stage.control(&format!("/psps/{id}/webhooks/resend"), &resend).await;
            }
            stage.event(id, first_kind(stand, success), attempt, &order).await;
        }
    }
}

#[tokio::test]
async fn resent_forged_and_old_webhooks_bounce() {
    let stage = Stage::new().await;
    for (stand, _) in callers().filter(|(stand, _)| signs(&stage, stand.id())) {
        let (id, attempt) = (stand.id(), fresh_attempt());
        let (order, _) = whole_deposit(&stage, stand, attempt).await;
        let path = format!("/psps/{id}/webhooks/resend");
        stage.control(&path, &json!({"reference": order, "times": 1, "bad_signature": true})).await;
        stage.webhook(id, |it| matches!(it, Err(WebhookRefusal::Invalid(_)))).await.unwrap_err();
        if stage.psp(id).capabilities().webhook.has_timestamp {
            stage.control(&path, &json!({"reference": order, "times": 1, "age_s": 3_600})).await;
            let stale = stage.webhook(id, |it| matches!(it, Err(WebhookRefusal::Stale { .. })));
            stale.await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_chargeback_reverses_a_deposit() {
    let stage = Stage::new().await;
    let charged = STANDS.iter().filter_map(|stand| Some((*stand, stand.chargeback()?)));
    let charged: Vec<(&dyn Stand, Known)> = charged.collect();
    assert!(!charged.is_empty());
    for (stand, known) in charged {
        let (attempt, money) = (fresh_attempt(), stand.money());
        let (order, _) = whole_deposit(&stage, stand, attempt).await;
        stage.complete(stand.id(), &order, "charged_back").await;
        let about = (Subject::Deposit, attempt, &*order);
        becomes(&stage, stand, about, known, Status::Reversed { money }).await;
    }
}
