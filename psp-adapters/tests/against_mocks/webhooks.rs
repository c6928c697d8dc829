//! Every fault of a notification.

use crate::stage::{PSPS, Stage, fresh_attempt, money};
use crate::support::deposit;
use crate::{ask, reference, report};
use psp_adapters::{WebhookEvent, WebhookRefusal};
use psp_contract::{AttemptRef, Status, Subject};
use serde_json::json;

fn success_kind(id: &str) -> &'static str {
    if id == "trustly-de" { "credit" } else { "payment_settled" }
}

/// A deposit that is paid while this fault is on, which stays on; gives its id at the PSP.
async fn paid_with(stage: &Stage, id: &str, attempt: AttemptRef, fault: &str) -> String {
    let order = reference(&stage.perform(id, &deposit(attempt, money(id))).await.outcome);
    let rule = json!({"operation": "webhook", "fault": fault, "delay_ms": 200});
    stage.control(&format!("/psps/{id}/faults"), &rule).await;
    stage.complete(id, &order, "succeeded").await;
    order
}

fn events(stage: &Stage, id: &str, attempt: AttemptRef, kind: &str) -> Vec<WebhookEvent> {
    let verified = stage.seen(id).into_iter().filter_map(Result::ok);
    verified.filter(|it| it.attempt == Some(attempt) && it.kind == kind).collect()
}

#[tokio::test]
async fn a_duplicate_has_the_same_id() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        paid_with(&stage, id, attempt, "webhook_duplicate").await;
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(25));
        let mut seen = Vec::new();
        for _ in 0..200 {
            tick.tick().await;
            seen = events(&stage, id, attempt, success_kind(id));
            if 1 < seen.len() {
                break;
            }
        }
        assert!(1 < seen.len(), "{seen:?}");
        assert!(seen.iter().all(|it| *it == seen[0]));
    }
}

#[tokio::test]
async fn a_forged_webhook_is_refused_and_the_honest_one_follows() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        paid_with(&stage, id, attempt, "webhook_bad_signature").await;
        let forged = stage.webhook(id, Result::is_err).await.unwrap_err();
        assert!(matches!(forged, WebhookRefusal::Invalid(_)), "{forged:?}");
        stage.event(id, success_kind(id), attempt).await;
    }
}

#[tokio::test]
async fn a_stale_webhook_asks_for_an_inquiry() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        let order = paid_with(&stage, id, attempt, "webhook_stale").await;
        if !stage.psp(id).capabilities().webhook.has_timestamp {
            stage.event(id, success_kind(id), attempt).await;
            continue;
        }
        let stale = stage.webhook(id, Result::is_err).await.unwrap_err();
        let expected = WebhookRefusal::Stale { attempt: Some(attempt), psp_reference: Some(order) };
        assert_eq!(stale, expected);
    }
}

#[tokio::test]
async fn a_wrong_amount_is_told_as_it_is_or_not_believed() {
    for fault in ["webhook_wrong_amount", "webhook_wrong_currency"] {
        let stage = Stage::new().await;
        for id in PSPS {
            let attempt = fresh_attempt();
            let order = paid_with(&stage, id, attempt, fault).await;
            let event = stage.event(id, success_kind(id), attempt).await;
            match event.report_for(Subject::Deposit).map(|report| &report.status) {
                Some(Status::Succeeded { money: told }) => {
                    assert!(*told != money(id) || event.hint_only, "{event:?}");
                }
                _ => assert!(event.hint_only, "{event:?}"),
            }
            if id == "truelayer-gb" {
                let outcome = ask(&stage, id, Subject::Deposit, attempt, &order).await;
                assert_eq!(report(&outcome).status, Status::Succeeded { money: money(id) });
            }
        }
    }
}

#[tokio::test]
async fn dropped_delayed_and_reordered_webhooks_say_what_they_say() {
    for fault in ["webhook_drop", "webhook_delay", "webhook_reorder"] {
        let stage = Stage::new().await;
        for id in PSPS {
            let attempt = fresh_attempt();
            let order = paid_with(&stage, id, attempt, fault).await;
            if fault == "webhook_drop" {
                stage.clear_faults(id).await;
                let resend = json!({"reference": order, "times": 1});
                stage.control(&format!("/psps/{id}/webhooks/resend"), &resend).await;
            }
            stage.event(id, success_kind(id), attempt).await;
        }
    }
}

#[tokio::test]
async fn resent_forged_and_old_webhooks_bounce() {
    let stage = Stage::new().await;
    for id in PSPS {
        let attempt = fresh_attempt();
        let (order, _) = crate::whole_deposit(&stage, id, attempt).await;
        let path = format!("/psps/{id}/webhooks/resend");
        stage.control(&path, &json!({"reference": order, "times": 1, "bad_signature": true})).await;
        stage.webhook(id, |it| matches!(it, Err(WebhookRefusal::Invalid(_)))).await.unwrap_err();
        if stage.psp(id).capabilities().webhook.has_timestamp {
            stage.control(&path, &json!({"reference": order, "times": 1, "age_s": 301})).await;
            stage
                .webhook(id, |it| matches!(it, Err(WebhookRefusal::Stale { .. })))
                .await
                .unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_chargeback_reverses_a_deposit() {
    let (stage, id) = (Stage::new().await, "trustly-de");
    let attempt = fresh_attempt();
    let (order, _) = crate::whole_deposit(&stage, id, attempt).await;
    stage.complete(id, &order, "charged_back").await;
    let debit = stage.event(id, "debit", attempt).await;
    let said = debit.report_for(Subject::Deposit).unwrap();
    assert_eq!(said.status, Status::Reversed { money: money(id) });
}
