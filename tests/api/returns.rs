//! Sending a deposit back over the API, with the keys that the sandbox prints.

use crate::half_way::paid_deposit;
use crate::support::Scene;
use serde_json::json;

/// It is people's work: compliance may, the casino's backend and who operates may not. Another person approves it.
#[tokio::test]
async fn an_officer_sends_a_deposit_back_and_another_approves() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let deposit = paid_deposit(&scene, 5_000).await;
    let path = format!("/v1/deposits/{}/return", deposit.id);
    let body = || Some(json!({"reason": "somebody else paid it"}));
    for (key, expected) in [
        ("sk_sandbox", (403, "auth.person_required")),
        ("sk_operator", (403, "auth.scope_missing")),
        ("sk_sandbox_other", (403, "auth.person_required")),
    ] {
        let told = scene.ask(key, "POST", &path, body()).await;
        assert_eq!((told.status, told.code()), expected, "{key} {told:?}");
    }
    let opened = scene.ask("sk_officer_a", "POST", &path, body()).await;
    assert_eq!((opened.status, opened.text("/origin")), (201, "return".to_owned()), "{opened:?}");
    let list = scene.ask("sk_officer_b", "GET", "/v1/reviews?open=true", None).await;
    let review = format!("/v1/reviews/{}", list.text("/data/0/id"));
    assert_eq!(list.text("/data/0/payment_id"), opened.text("/id"), "{list:?}");
    let approval = json!({"proposal": list.text("/data/0/proposals/0/id")});
    // What clears suspense is an outcome, and none of a return.
    for (outcome, expected) in [
        ("sent_by_hand", (409, "review.conflict")),
        ("write_off", (409, "review.conflict")),
        ("forget_it", (422, "review.outcome_unknown")),
    ] {
        let body = json!({"outcome": outcome, "note": "so"});
        let propose = format!("{review}/propose");
        let told = scene.ask("sk_officer_b", "POST", &propose, Some(body)).await;
        assert_eq!((told.status, told.code()), expected, "{outcome} {told:?}");
    }
    let approve = format!("{review}/approve");
    let same = scene.ask("sk_officer_a2", "POST", &approve, Some(approval.clone())).await;
    assert_eq!((same.status, same.code()), (409, "review.same_person"), "{same:?}");
    let done = scene.ask("sk_officer_b", "POST", &approve, Some(approval)).await;
    assert_eq!((done.status, &done.body["open"]), (200, &json!(false)), "{done:?}");
}
