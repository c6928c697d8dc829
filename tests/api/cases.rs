//! Cases over the API: opened, worked on and decided by people, each act under their own name.

use crate::support::{Scene, Told};
use interlock::domain::{Currency, Timestamp};
use interlock::screening::Policies;
use serde_json::{Value, json};

pub async fn post(scene: &Scene, who: &str, path: &str, body: Value) -> Told {
    scene.ask(who, "POST", path, Some(body)).await
}

pub fn credit(player: &str) -> Value {
    json!({"kind": "manual_adjustment", "player_id": player, "note": "a jackpot went astray",
           "payload": {"entry": "credit", "amount": "12.50", "currency": "EUR"}})
}

pub fn code(told: &Told) -> (u16, &str) {
    (told.status, told.code())
}

#[tokio::test]
async fn one_person_with_two_keys_is_one_person() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let opened = post(&scene, "sk_demo", "/v1/reviews", credit("p-1")).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    assert_eq!(opened.text("/subject"), "player");
    assert_eq!(opened.text("/proposals/0/payload/amount"), "12.50");
    assert_eq!(opened.text("/proposals/0/payload_sha256").len(), 64);
    let path = format!("/v1/reviews/{}", opened.text("/id"));
    let approval = json!({"proposal": opened.text("/proposals/0/id")});
    let approve = format!("{path}/approve");
    for key in ["sk_demo", "sk_demo_a2"] {
        let same = post(&scene, key, &approve, approval.clone()).await;
        assert_eq!(code(&same), (409, "review.same_person"), "{key}");
    }
    let done = post(&scene, "sk_demo_b", &approve, approval).await;
    assert_eq!((done.status, &done.body["open"]), (200, &json!(false)), "{done:?}");
    assert_eq!(done.text("/proposals/0/approvals/0/by"), "person_b");
    let wallet = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    assert_eq!(wallet.body["balances"][0]["available"], "12.50");
    let entries = scene.ask("sk_demo", "GET", "/v1/players/p-1/entries", None).await;
    assert_eq!(entries.text("/data/0/kind"), "adjustment_credited", "{entries:?}");
    let history = scene.ask("sk_demo", "GET", &path, None).await;
    let acts: Vec<&str> = history.body["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["opened", "proposed", "approved", "closed"]);
}

#[tokio::test]
async fn a_repeated_request_opens_one_case() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let ask = |body| scene.ask_with("sk_demo", "POST", "/v1/reviews", Some(body), "case-1");
    let first = ask(credit("p-1")).await;
    let again = ask(credit("p-1")).await;
    assert_eq!((again.status, again.text("/id")), (201, first.text("/id")));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let mut other = credit("p-1");
    other["payload"]["amount"] = json!("13.00");
    assert_eq!(code(&ask(other).await), (422, "idempotency.key_reused"));
    let list = scene.ask("sk_demo", "GET", "/v1/reviews?player_id=p-1", None).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

/// A retry of a proposal would else void what it proposed, with the approvals of it.
#[tokio::test]
async fn a_repeated_proposal_is_one_also_at_one_moment() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let off = json!({"psp": "trustly-de", "reason": "they are down"});
    let switch = post(&scene, "sk_demo", "/v1/routing/switches", off).await;
    let opened = post(&scene, "sk_demo", "/v1/reviews", credit("p-1")).await;
    // One is decided in the player's lane, one under its row's lock.
    for (id, outcome) in [(opened.text("/id"), "approve"), (switch.text("/review_id"), "reject")] {
        let path = format!("/v1/reviews/{id}/propose");
        let ask = |key: &'static str, note: &'static str| {
            let body = json!({"outcome": outcome, "note": note});
            let (scene, path) = (&scene, path.clone());
            async move { scene.ask_with("sk_demo", "POST", &path, Some(body), key).await }
        };
        let keys = if outcome == "approve" { ["once-a", "many-a"] } else { ["once-b", "many-b"] };
        let first = ask(keys[0], "rather so").await;
        assert_eq!(first.status, 201, "{first:?}");
        let again = ask(keys[0], "rather so").await;
        assert_eq!(again.status, 201, "{again:?}");
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.body["proposals"], first.body["proposals"]);
        assert_eq!(code(&ask(keys[0], "or so").await), (422, "idempotency.key_reused"));
        let told = futures_util::future::join_all((0..8).map(|_| ask(keys[1], "better so"))).await;
        for one in &told {
            assert_eq!(one.status, 201, "{one:?}");
        }
        let now = scene.ask("sk_demo", "GET", &format!("/v1/reviews/{id}"), None).await;
        let states: Vec<&str> = now.body["proposals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|proposal| proposal["state"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["voided", "voided", "open"], "{now:?}");
    }
}

/// A key whose request was refused proposed nothing, and is free for another.
#[tokio::test]
async fn a_refused_proposal_leaves_its_key_free() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let opened = post(&scene, "sk_demo", "/v1/reviews", credit("p-1")).await;
    let path = format!("/v1/reviews/{}/propose", opened.text("/id"));
    let ask = |outcome: &str| {
        let body = json!({"outcome": outcome, "note": "n"});
        let (scene, path) = (&scene, path.clone());
        async move { scene.ask_with("sk_demo", "POST", &path, Some(body), "k-1").await }
    };
    assert_eq!(code(&ask("resolve_paid").await), (409, "review.conflict"));
    let proposed = ask("reject").await;
    assert_eq!(proposed.status, 201, "{proposed:?}");
    assert!(!proposed.headers.contains_key("idempotency-replayed"));
    assert_eq!(code(&ask("approve").await), (422, "idempotency.key_reused"));
}

/// No wallet is opened in a currency that the player's market does not allow: not when it is proposed, and not
/// when the policy changed before it was approved.
#[tokio::test]
async fn nothing_is_credited_in_a_currency_that_the_market_does_not_allow() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let of = |currency: &str| {
        let mut case = credit("p-1");
        case["payload"]["currency"] = json!(currency);
        case
    };
    let refused = (422, "payment.currency_not_allowed");
    let told = post(&scene, "sk_demo", "/v1/reviews", of("SEK")).await;
    assert_eq!(code(&told), refused, "{told:?}");
    let opened = post(&scene, "sk_demo", "/v1/reviews", of("EUR")).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let path = format!("/v1/reviews/{}", opened.text("/id"));
    let edit = json!({"outcome": "approve", "note": "n", "payload": of("SEK")["payload"]});
    let told = post(&scene, "sk_demo", &format!("{path}/propose"), edit).await;
    assert_eq!(code(&told), refused, "{told:?}");

    let now = Timestamp::now_utc();
    let mut policy = scene.flows.policies.current().in_force("DE", now).unwrap().clone();
    policy.currencies = vec![Currency::SEK];
    scene.flows.policies.set(Policies::new(vec![policy]), now);
    let approval = json!({"proposal": opened.text("/proposals/0/id")});
    let told = post(&scene, "sk_demo_b", &format!("{path}/approve"), approval).await;
    assert_eq!(code(&told), refused, "{told:?}");
    let wallet = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    assert!(!wallet.body.to_string().contains("12.50"), "{wallet:?}");
}

#[tokio::test]
async fn equal_requests_at_one_moment_open_one_case() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let key = "case-at-once";
    let ask = || scene.ask_with("sk_demo", "POST", "/v1/reviews", Some(credit("p-1")), key);
    let told = futures_util::future::join_all((0..12).map(|_| ask())).await;
    let first = told[0].text("/id");
    for one in &told {
        assert_eq!((one.status, one.text("/id")), (201, first.clone()), "{one:?}");
    }
    let list = scene.ask("sk_demo", "GET", "/v1/reviews?player_id=p-1", None).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_case_cannot_be_is_refused_with_the_field() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let case = |kind: &str, payload: Value| json!({"kind": kind, "player_id": "p-1", "note": "n", "payload": payload});
    let strange = [
        (case("manual_adjustment", json!({"entry": "credit"})), "review.payload_missing"),
        (case("exclusion_end", json!({"entry": "credit"})), "review.payload_strange"),
        (case("attestation", json!({"attestation": "luck"})), "attestation.kind_unknown"),
        (case("kill_switch", json!({})), "review.kind_unknown"),
        (
            case(
                "manual_adjustment",
                json!({"entry": "credit", "amount": "0.00", "currency": "EUR"}),
            ),
            "amount.zero",
        ),
    ];
    for (body, expected) in strange {
        let told = post(&scene, "sk_demo", "/v1/reviews", body).await;
        assert_eq!(code(&told), (422, expected), "{told:?}");
    }
    let nothing = post(&scene, "sk_demo", "/v1/reviews", case("player_fields", json!({}))).await;
    assert_eq!(code(&nothing), (409, "review.conflict"));
    let nobody = post(&scene, "sk_demo", "/v1/reviews", credit("p-9")).await;
    assert_eq!(code(&nobody), (404, "player.not_found"));
    let list = scene.ask("sk_demo", "GET", "/v1/reviews", None).await;
    assert_eq!(list.body["data"], json!([]), "nothing of it was kept");
}

#[tokio::test]
async fn an_emergency_off_holds_at_once_and_is_confirmed_or_lifted_by_another() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let off = json!({"psp": "trustly-de", "reason": "they are down"});
    let set = post(&scene, "sk_demo", "/v1/routing/switches", off).await;
    let path = format!("/v1/reviews/{}", set.text("/review_id"));
    let case = scene.ask("sk_demo_b", "GET", &path, None).await;
    assert_eq!(
        (case.text("/subject"), case.text("/kind")),
        ("service".into(), "kill_switch".into())
    );
    assert_eq!(case.text("/switch_id"), set.text("/id"));
    assert_eq!(case.body["priority"], json!(1));
    // Somebody does not agree: it stays off until two people want it on.
    let refuse = json!({"note": "they are not"});
    let refused = post(&scene, "sk_demo_b", &format!("{path}/refuse"), refuse).await;
    assert_eq!((refused.status, &refused.body["open"]), (200, &json!(true)), "{refused:?}");
    let on = || async {
        let list = scene.ask("sk_demo", "GET", "/v1/routing/switches?on=true", None).await;
        list.body["data"].as_array().unwrap().len()
    };
    assert_eq!(on().await, 1);
    let propose = json!({"outcome": "reject", "note": "they are well"});
    let proposed = post(&scene, "sk_demo_b", &format!("{path}/propose"), propose).await;
    let approval = json!({"proposal": proposed.text("/proposals/1/id")});
    let approve = format!("{path}/approve");
    let same = post(&scene, "sk_demo_b", &approve, approval.clone()).await;
    assert_eq!(code(&same), (409, "review.same_person"));
    let done = post(&scene, "sk_demo_d", &approve, approval).await;
    assert_eq!((done.status, &done.body["open"]), (200, &json!(false)), "{done:?}");
    assert_eq!(on().await, 0);
    let all = scene.ask("sk_demo", "GET", "/v1/routing/switches", None).await;
    let said = ["lift_proposed/by", "lift_proposed/reason", "lifted/by", "lifted/reason"];
    let said = said.map(|field| all.text(&format!("/data/0/{field}")));
    let approved = format!("approved in {}", set.text("/review_id"));
    assert_eq!(said, ["person_b", "they are well", "person_d", &*approved], "{all:?}");
}

#[tokio::test]
async fn a_confirmed_off_stays_and_takes_a_new_case_to_lift() {
    let scene = Scene::new().await;
    let off = json!({"psp": "trustly-de", "reason": "they are down"});
    let set = post(&scene, "sk_demo", "/v1/routing/switches", off).await;
    let path = format!("/v1/reviews/{}", set.text("/review_id"));
    let case = scene.ask("sk_demo_b", "GET", &path, None).await;
    let approval = json!({"proposal": case.text("/proposals/0/id")});
    let confirmed = post(&scene, "sk_demo_b", &format!("{path}/approve"), approval).await;
    assert_eq!((confirmed.status, &confirmed.body["open"]), (200, &json!(false)));
    let lift = format!("/v1/routing/switches/{}/lift", set.text("/id"));
    let first = post(&scene, "sk_demo_b", &lift, json!({"reason": "well again"})).await;
    assert_eq!(first.status, 202, "{first:?}");
    assert_ne!(first.text("/review_id"), set.text("/review_id"));
    let second = post(&scene, "sk_demo_d", &lift, json!({"reason": "yes"})).await;
    assert_eq!((second.status, second.text("/lifted/by")), (200, "person_d".to_owned()));
}

#[tokio::test]
async fn a_player_is_erased_by_two_people_and_the_id_comes_back_for_nobody() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let order = json!({"kind": "erasure", "player_id": "p-1", "note": "they asked for it"});
    let entry = json!({"kind": "win", "amount": "5.00", "currency": "EUR", "reference": "g-1"});
    // Who has money is not erased, and is told what to do about it.
    let won = post(&scene, "sk_demo", "/v1/players/p-1/wallet-entries", entry).await;
    assert_eq!(won.status, 201, "{won:?}");
    let told = post(&scene, "sk_demo", "/v1/reviews", order.clone()).await;
    assert_eq!((told.status, told.code()), (409, "erasure.refused"), "{told:?}");
    assert!(told.text("/detail").contains("wallet"), "{told:?}");

    scene.player("p-2").await;
    let order = json!({"kind": "erasure", "player_id": "p-2", "note": "they asked for it"});
    let opened = post(&scene, "sk_demo", "/v1/reviews", order).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let path = format!("/v1/reviews/{}/approve", opened.text("/id"));
    let proposal = json!({"proposal": opened.text("/proposals/0/id")});
    let told = post(&scene, "sk_demo_a2", &path, proposal.clone()).await;
    assert_eq!((told.status, told.code()), (409, "review.same_person"), "{told:?}");
    let told = post(&scene, "sk_demo_b", &path, proposal).await;
    assert_eq!((told.status, &told.body["open"]), (200, &json!(false)), "{told:?}");

    let player = scene.ask("sk_demo", "GET", "/v1/players/p-2", None).await;
    assert_eq!(player.text("/status"), "erased", "{player:?}");
    for field in ["full_name", "date_of_birth", "email", "phone", "national_id", "address"] {
        assert_eq!(player.body[field], Value::Null, "{field}");
    }
    let back = scene.ask("sk_demo", "PUT", "/v1/players/p-2", Some(crate::support::player())).await;
    assert_eq!((back.status, back.code()), (409, "player.erased"), "{back:?}");
    let paid =
        post(&scene, "sk_demo", "/v1/deposits", crate::support::deposit("p-2", "5.00")).await;
    assert_eq!((paid.status, paid.code()), (409, "player.erased"), "{paid:?}");
}
