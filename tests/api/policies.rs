//! Policy versions over the API: two people, not two keys; and one installation, whichever operator asks.

use crate::support::{Scene, deposit};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const PATH: &str = "/v1/policies";

/// Germany's next version, in force an hour from now.
fn text(version: &str, most: &str) -> String {
    let from = (OffsetDateTime::now_utc() + Duration::HOUR).format(&Rfc3339).unwrap();
    include_str!("../../config/policies/DE/DE-2026-11-21e.toml")
        .replace("DE-2026-11-21e", version)
        .replace("2026-11-21T00:00:00Z", &from)
        .replace("deposit.EUR = \"10000.00\"", &format!("deposit.EUR = \"{most}\""))
}

async fn propose(scene: &Scene, who: &str, text: &str) -> Value {
    let told = scene.ask(who, "POST", PATH, Some(json!({ "text": text }))).await;
    assert_eq!(told.status, 201, "{told:?}");
    told.body
}

#[tokio::test]
async fn a_policy_is_published_by_two_people_and_not_by_one_with_two_keys() {
    let scene = Scene::new().await;
    let proposed = propose(&scene, "sk_demo", &text("DE-next", "20.00")).await;
    assert_eq!(
        (&proposed["state"], &proposed["proposed_by"]),
        (&json!("proposed"), &json!("person_a"))
    );
    let approve = format!("{PATH}/DE-next/approve");
    let body = json!({"sha256": proposed["sha256"]});
    for key in ["sk_demo", "sk_demo_a2"] {
        let told = scene.ask(key, "POST", &approve, Some(body.clone())).await;
        assert_eq!((told.status, told.code()), (409, "policy.same_person"), "{key} {told:?}");
    }
    let other = json!({"sha256": "00".repeat(32)});
    let told = scene.ask("sk_demo_b", "POST", &approve, Some(other)).await;
    assert_eq!((told.status, told.code()), (409, "policy.other_text"), "{told:?}");
    let told = scene.ask("sk_demo_b", "POST", &approve, Some(body.clone())).await;
    assert_eq!((told.status, told.text("/state")), (200, "published".to_owned()), "{told:?}");
    assert_eq!(told.text("/ended_by"), "person_b");
    let told = scene.ask("sk_demo_b", "POST", &approve, Some(body)).await;
    assert_eq!((told.status, told.code()), (409, "policy.ended"), "{told:?}");
    // It is known here at once, and in force at its time alone.
    let policies = scene.flows.policies.current();
    let now = scene.flows.clock.now();
    let version = |at| policies.in_force("DE", at).map(|policy| policy.version.clone());
    assert_eq!(version(now).as_deref(), Some("DE-2026-11-21e"));
    assert_eq!(version(now + Duration::hours(2)).as_deref(), Some("DE-next"));
    scene.player("p-1").await;
    let told = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    assert_eq!(told.status, 201, "{told:?}");
    assert_ne!(told.text("/status"), "blocked", "{told:?}");
}

#[tokio::test]
async fn the_database_itself_refuses_one_person_and_a_version_that_comes_too_soon() {
    let scene = Scene::new().await;
    let insert = |proposed_by: &str, approved_by: &str, soon: bool| {
        let from = if soon { "now()" } else { "now() + interval '1 hour'" };
        format!(
            "with p as (insert into policy_proposal (proposal_id, version, market, sha256,
               effective_from, body, proposed_by, proposed_at) values
               (gen_random_uuid(), 'XX-1', 'XX', sha256('x'), now(), 'x', '{proposed_by}', now())
               returning *)
             insert into policy_version (version, market, sha256, effective_from, body, proposal_id,
               proposed_by, approved_by, published_at)
             select version, market, sha256, {from}, body, proposal_id, '{proposed_by}',
               '{approved_by}', now() from p"
        )
    };
    let run = async |sql: String| {
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(scene.flows.db.pool()).await;
        let error = done.err().and_then(|error| {
            error.as_database_error().and_then(|it| it.constraint().map(str::to_owned))
        });
        error.unwrap_or_default()
    };
    assert_eq!(run(insert("a", "a", false)).await, "policy_is_published_by_two_people");
    assert_eq!(run(insert("a", "b", true)).await, "policy_is_known_before_it_holds");
    assert_eq!(run(insert("a", "b", false)).await, "");
}

#[tokio::test]
async fn a_changed_proposal_is_a_new_one_and_the_approval_of_the_old_one_is_void() {
    let scene = Scene::new().await;
    let first = propose(&scene, "sk_demo", &text("DE-next", "20.00")).await;
    let second = propose(&scene, "sk_demo", &text("DE-next", "30.00")).await;
    assert_ne!(first["sha256"], second["sha256"]);
    let approve = format!("{PATH}/DE-next/approve");
    let told =
        scene.ask("sk_demo_b", "POST", &approve, Some(json!({"sha256": first["sha256"]}))).await;
    assert_eq!((told.status, told.code()), (409, "policy.other_text"), "{told:?}");
    let list = scene.ask("sk_demo", "GET", &format!("{PATH}?state=replaced"), None).await;
    assert_eq!(list.text("/data/0/sha256"), first["sha256"].as_str().unwrap());
    let refuse = format!("{PATH}/DE-next/refuse");
    let told = scene.ask("sk_demo_b", "POST", &refuse, Some(json!({"note": "too strict"}))).await;
    assert_eq!((told.status, told.text("/state")), (200, "refused".to_owned()), "{told:?}");
    let told =
        scene.ask("sk_demo_b", "POST", &approve, Some(json!({"sha256": second["sha256"]}))).await;
    assert_eq!((told.status, told.code()), (409, "policy.ended"), "{told:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_proposal_is_told_line_by_line() {
    let scene = Scene::new().await;
    let faulty = text("DE-next", "0.50").replace("[\"bank_transfer\", \"card\"]", "[\"cheque\"]");
    let told = scene.ask("sk_demo", "POST", PATH, Some(json!({ "text": faulty }))).await;
    assert_eq!((told.status, told.code()), (422, "policy.faulty"), "{told:?}");
    let errors = told.body["errors"].as_array().unwrap();
    assert!(errors[0]["detail"].as_str().unwrap().contains("cheque"), "{told:?}");
    let contradicts = text("DE-next", "0.50");
    let told = scene.ask("sk_demo", "POST", PATH, Some(json!({ "text": contradicts }))).await;
    assert_eq!((told.status, told.code()), (422, "policy.faulty"), "{told:?}");
    let published = include_str!("../../config/policies/DE/DE-2026-11-21e.toml");
    let told = scene.ask("sk_demo", "POST", PATH, Some(json!({ "text": published }))).await;
    assert_eq!((told.status, told.code()), (409, "policy.published"), "{told:?}");
    let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap();
    let soon = published.replace("DE-2026-11-21e", "DE-soon").replace("2026-11-21T00:00:00Z", &now);
    let told = scene.ask("sk_demo", "POST", PATH, Some(json!({ "text": soon }))).await;
    assert_eq!((told.status, told.code()), (422, "policy.too_soon"), "{told:?}");
}

#[tokio::test]
async fn policies_are_the_installations_and_every_operators_compliance_sees_them() {
    let scene = Scene::new().await;
    let mine = scene.ask("sk_demo", "GET", PATH, None).await;
    let theirs = scene.ask("sk_other", "GET", PATH, None).await;
    assert_eq!(mine.status, 200, "{mine:?}");
    assert_eq!(mine.body, theirs.body);
    let seeded = mine.body["data"].as_array().unwrap();
    assert!(seeded.iter().any(|one| one["version"] == "NL-2026-11-21e"), "{seeded:?}");
    assert!(seeded.iter().all(|one| one["proposed_by"] != one["ended_by"]), "{seeded:?}");
    let told = scene.ask("sk_demo", "GET", &format!("{PATH}/NL-2026-11-21e"), None).await;
    assert!(told.text("/text").contains("Netherlands"), "{told:?}");
    let told = scene.ask("sk_demo", "GET", &format!("{PATH}/nobody"), None).await;
    assert_eq!(told.status, 404);
}

/// The open case of a version, as its operator's desk lists it.
async fn case_of(scene: &Scene, version: &str) -> Option<Value> {
    let list = scene.ask("sk_demo_b", "GET", "/v1/reviews?kind=policy&open=true", None).await;
    assert_eq!(list.status, 200, "{list:?}");
    let cases = list.body["data"].as_array().unwrap();
    cases.iter().find(|case| case["policy_version"] == version).cloned()
}

#[tokio::test]
async fn a_proposed_policy_is_a_case_and_both_doors_do_the_same_thing_once() {
    let scene = Scene::new().await;
    let first = propose(&scene, "sk_demo", &text("DE-next", "20.00")).await;
    let replaced = case_of(&scene, "DE-next").await.unwrap();
    propose(&scene, "sk_demo", &text("DE-next", "30.00")).await;
    let case = case_of(&scene, "DE-next").await.unwrap();
    assert_ne!(replaced["id"], case["id"]);
    let path =
        |case: &Value, act: &str| format!("/v1/reviews/{}{act}", case["id"].as_str().unwrap());
    let old = scene.ask("sk_demo_b", "GET", &path(&replaced, ""), None).await;
    assert_eq!(old.body["open"], false, "a newer text took its place: {old:?}");
    assert!(old.text("/proposals/0/note").contains(first["sha256"].as_str().unwrap()), "{old:?}");

    // A lock at the desk holds at the other door too.
    let locked = scene.ask("sk_demo", "POST", &path(&case, "/lock"), None).await;
    assert_eq!(locked.status, 200, "{locked:?}");
    let text_now = scene.ask("sk_demo_b", "GET", &format!("{PATH}/DE-next"), None).await;
    let by_hash = json!({"sha256": text_now.body["sha256"]});
    let approve = format!("{PATH}/DE-next/approve");
    let told = scene.ask("sk_demo_b", "POST", &approve, Some(by_hash.clone())).await;
    assert_eq!((told.status, told.code()), (409, "review.locked"), "{told:?}");
    let told = scene.ask("sk_demo", "POST", &path(&case, "/unlock"), None).await;
    assert_eq!(told.status, 200, "{told:?}");

    let proposal = json!({"proposal": case["proposals"][0]["id"]});
    let told =
        scene.ask("sk_demo_a2", "POST", &path(&case, "/approve"), Some(proposal.clone())).await;
    assert_eq!((told.status, told.code()), (409, "review.same_person"), "{told:?}");
    let told =
        scene.ask("sk_demo_b", "POST", &path(&case, "/approve"), Some(proposal.clone())).await;
    assert_eq!((told.status, &told.body["open"]), (200, &json!(false)), "{told:?}");
    let told = scene.ask("sk_demo_b", "GET", &format!("{PATH}/DE-next"), None).await;
    assert_eq!(told.text("/state"), "published", "{told:?}");
    let told = scene.ask("sk_demo_b", "POST", &approve, Some(by_hash)).await;
    assert_eq!((told.status, told.code()), (409, "policy.ended"), "{told:?}");
    let told = scene.ask("sk_demo_b", "POST", &path(&case, "/approve"), Some(proposal)).await;
    assert_eq!((told.status, told.code()), (409, "review.conflict"), "{told:?}");

    // And the other way round: what is refused where policies are is decided at the desk.
    propose(&scene, "sk_demo", &text("DE-later", "20.00")).await;
    let case = case_of(&scene, "DE-later").await.unwrap();
    let refuse = format!("{PATH}/DE-later/refuse");
    let told = scene.ask("sk_demo_b", "POST", &refuse, Some(json!({"note": "not now"}))).await;
    assert_eq!((told.status, told.text("/state")), (200, "refused".to_owned()), "{told:?}");
    let told = scene.ask("sk_demo_b", "GET", &path(&case, ""), None).await;
    assert_eq!(
        (&told.body["open"], told.text("/proposals/0/state")),
        (&json!(false), "refused".to_owned())
    );
}

#[tokio::test]
async fn a_person_who_reads_decisions_is_noted_and_a_backend_is_not() {
    let scene = Scene::new().await;
    let rows = || async {
        sqlx::query_scalar::<_, String>(
            "select person_id || ' ' || act || ' ' || subject from decision_read order by read_id",
        )
        .fetch_all(scene.flows.db.pool())
        .await
        .unwrap()
    };
    let none = format!("dec_{}", "0".repeat(32));
    let told = scene.ask("sk_demo", "GET", &format!("/v1/decisions/{none}"), None).await;
    assert_eq!(told.status, 404, "{told:?}");
    let told = scene.ask("sk_demo_b", "GET", "/v1/decisions?outcome=deny", None).await;
    assert_eq!(told.status, 200, "{told:?}");
    let list = "person_b list player any, payment any, outcomes deny, policy any".to_owned();
    assert_eq!(rows().await, [format!("person_a read {none}"), list]);
}
