//! Kill switches over the API: set and lifted by a person of the operator, seen by that operator alone.

use crate::support::{Scene, Told, deposit};
use serde_json::json;

/// A switch of op_demo's that stops nothing of these tests.
pub async fn of_demo(scene: &Scene) -> String {
    let body = json!({"psp": "swish-se", "reason": "not today"});
    scene.ask("sk_demo", "POST", "/v1/routing/switches", Some(body)).await.text("/id")
}

#[tokio::test]
async fn a_person_switches_a_psp_off_and_on_and_every_step_names_them() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let path = "/v1/routing/switches";
    let body = json!({"psp": "trustly-de", "direction": "deposit", "reason": "late settlements"});
    let key = "switch-1";
    let set = scene.ask_with("sk_demo", "POST", path, Some(body.clone()), key).await;
    assert_eq!(set.status, 201, "{set:?}");
    assert_eq!(
        (set.text("/kind"), set.text("/set_by")),
        ("kill".to_owned(), "person_a".to_owned())
    );
    let again = scene.ask_with("sk_demo", "POST", path, Some(body), key).await;
    assert_eq!(again.text("/id"), set.text("/id"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let from = "2099-01-01T00:00:00Z";
    for other in [
        json!({"psp": "trustly-de", "reason": "another one"}),
        json!({"psp": "trustly-de", "direction": "deposit", "reason": "late settlements",
            "from": from}),
    ] {
        let reused = scene.ask_with("sk_demo", "POST", path, Some(other), key).await;
        assert_eq!((reused.status, reused.code()), (422, "idempotency.key_reused"));
    }

    let told = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "10.00"))).await;
    let candidates = told.body["route"]["candidates"].as_array().unwrap();
    let trustly = candidates.iter().find(|one| one["psp"] == "trustly-de").unwrap();
    assert_eq!(trustly["rank"], json!(null), "{told:?}");
    assert_eq!(trustly["reason"], "switched off: late settlements");

    let health = scene.ask("sk_demo", "GET", "/v1/routing/health", None).await;
    let psps = health.body["psps"].as_array().unwrap();
    let of = |direction| {
        let fits =
            |one: &&serde_json::Value| one["psp"] == "trustly-de" && one["direction"] == direction;
        psps.iter().find(fits).unwrap()
    };
    assert_eq!(of("deposit")["state"], "well");
    assert_eq!(of("deposit")["switched_off"][0]["id"], set.text("/id"));
    assert_eq!(of("withdrawal")["switched_off"], json!([]));

    let lift = format!("{path}/{}/lift", set.text("/id"));
    let why = Some(json!({"reason": "they settled"}));
    let first = scene.ask("sk_demo", "POST", &lift, why.clone()).await;
    assert_eq!((first.status, &first.body["lifted"]), (202, &json!(null)), "{first:?}");
    assert_eq!(first.text("/review_id"), set.text("/review_id"));
    let proposed = |told: &Told, at: &str| {
        let said = |field| told.text(&format!("{at}/lift_proposed/{field}"));
        assert_eq!((said("by"), said("reason")), ("person_a".into(), "they settled".into()));
    };
    proposed(&first, "");
    let seen = Some(json!({"reason": "I have seen it"}));
    let lifted = scene.ask("sk_demo_b", "POST", &lift, seen).await;
    assert_eq!(lifted.status, 200, "{lifted:?}");
    assert_eq!(
        (lifted.text("/lifted/by"), lifted.text("/review_id")),
        ("person_b".to_owned(), String::new())
    );
    let twice = scene.ask("sk_demo", "POST", &lift, Some(json!({"reason": "mine"}))).await;
    assert_eq!((twice.status, twice.code()), (409, "switch.over"));
    let on = scene.ask("sk_demo", "GET", &format!("{path}?on=true"), None).await;
    assert_eq!(on.body["data"], json!([]));
    let all = scene.ask("sk_demo", "GET", path, None).await;
    assert_eq!(all.text("/data/0/lifted/reason"), "I have seen it");
    proposed(&all, "/data/0");
    let case = format!("/v1/reviews/{}", set.text("/review_id"));
    let history = scene.ask("sk_demo_b", "GET", &case, None).await.body["history"].to_string();
    assert!(history.contains("I have seen it"), "{history}");
}

#[tokio::test]
async fn a_switch_that_means_nothing_or_everything_is_refused_with_what_to_do() {
    let scene = Scene::new().await;
    let path = "/v1/routing/switches";
    let refused = [
        (json!({"reason": "all of it"}), "switch.names_nothing"),
        (json!({"psp": "nobody", "reason": "r"}), "switch.psp_unknown"),
        (
            json!({"psp": "trustly-de", "reason": "r", "until": "2020-01-01T00:00:00Z"}),
            "switch.ends_too_soon",
        ),
        (json!({"psp": "trustly-de", "reason": "r", "kind": "maintenance"}), "switch.end_missing"),
    ];
    for (body, code) in refused {
        let told = scene.ask("sk_demo", "POST", path, Some(body)).await;
        assert_eq!((told.status, told.code()), (422, code), "{told:?}");
    }
    let list = scene.ask("sk_demo", "GET", path, None).await;
    assert_eq!(list.body["data"], json!([]), "nothing of it was kept");
}

#[tokio::test]
async fn a_repeat_is_the_same_however_finely_its_times_are_told() {
    let scene = Scene::new().await;
    let body = json!({"psp": "trustly-de", "reason": "a night's work", "kind": "maintenance",
        "from": "2098-12-31T23:00:00.000000999Z", "until": "2099-01-01T00:00:00.1234567Z"});
    let ask = async || {
        scene.ask_with("sk_demo", "POST", "/v1/routing/switches", Some(body.clone()), "fine").await
    };
    let (first, again) = (ask().await, ask().await);
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(first.text("/until"), "2099-01-01T00:00:00.123456Z");
}
