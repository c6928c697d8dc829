//! Incidents over the API: read by the operator they concern, closed once by a person.

use crate::support::{Scene, deposit};
use interlock::domain::{OperatorId, Timestamp};
use interlock::evidence::close_incident::accounts_of;
use interlock::store::incidents::{ServiceIncident, count_open_of, raise};
use serde_json::{Value, json};
use uuid::Uuid;

/// An incident of a payment of op_demo's.
pub async fn of_demo(scene: &Scene) -> String {
    let id = Uuid::now_v7();
    let insert =
        "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail,
                    raised_at)
                  values ($1, 0, 1, 'op_demo', 'p-1', 'deposit.other_amount', 'look', now())";
    sqlx::query(insert).bind(id).execute(scene.flows.db.pool()).await.unwrap();
    format!("inc_{}", id.simple())
}

#[tokio::test]
async fn an_incident_is_listed_and_closed_once_with_a_note() {
    let scene = Scene::new().await;
    let pool = scene.flows.db.pool();
    let first = of_demo(&scene).await;
    let account = scene.flows.accounts[0].id.clone();
    let about = ServiceIncident { kind: "webhook.unmatched", detail: "e", psp: Some(&account) };
    raise(pool, Uuid::now_v7(), &about, Timestamp::now_utc()).await.unwrap();
    let scene = &scene;
    let ask =
        |method, path: String, body| async move { scene.ask("sk_demo", method, &path, body).await };
    let all = ask("GET", "/v1/incidents?open=true".to_owned(), None).await;
    assert_eq!(all.body["data"].as_array().unwrap().len(), 2, "{all:?}");
    assert_eq!(all.text("/data/0/psp"), account);
    assert_eq!(all.text("/data/1/id"), first);
    let page = ask("GET", "/v1/incidents?limit=1".to_owned(), None).await;
    let next = page.text("/next");
    let rest = ask("GET", format!("/v1/incidents?limit=1&after={next}"), None).await;
    assert_eq!(rest.text("/data/0/id"), first);
    let path = format!("/v1/incidents/{first}/close");
    let empty = ask("POST", path.clone(), Some(json!({"note": ""}))).await;
    assert_eq!(empty.status, 422, "{empty:?}");
    let closed = ask("POST", path.clone(), Some(json!({"note": "asked the PSP"}))).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert_eq!(closed.text("/closed/by"), "person_a");
    assert_eq!(closed.text("/closed/note"), "asked the PSP");
    let again = ask("POST", path, Some(json!({"note": "mine"}))).await;
    assert_eq!((again.status, again.code()), (409, "incident.closed"));
    let open = ask("GET", "/v1/incidents?open=true".to_owned(), None).await;
    assert_eq!(open.body["data"].as_array().unwrap().len(), 1);
    let counted = interlock::store::incidents::count_open(pool).await.unwrap();
    assert_eq!(counted, [("webhook.unmatched".to_owned(), 1)]);
}

/// Raises an incident of the service, and gives its id.
async fn of_the_service(scene: &Scene, kind: &'static str, detail: &str) -> String {
    let id = Uuid::now_v7();
    let incident = ServiceIncident { kind, detail, psp: None };
    raise(scene.flows.db.pool(), id, &incident, Timestamp::now_utc()).await.unwrap();
    format!("inc_{}", id.simple())
}

/// The menu of the console counts what the list lists.
async fn counted(scene: &Scene, key: &str, listed: usize) {
    let operator = if key == "sk_other" { "op_other" } else { "op_demo" };
    let operator = OperatorId::trusted(operator);
    let accounts = accounts_of(&scene.flows, &operator);
    let vendors = scene.flows.checks.identity_ids(&operator);
    let pool = scene.flows.db.pool();
    let count = async |most: i64| {
        count_open_of(pool, &operator, (&accounts, &vendors), most).await.unwrap()
    };
    assert_eq!(count(100).await, i64::try_from(listed).unwrap(), "{key}");
    assert_eq!(count(1).await, i64::from(listed != 0), "{key}: no more than is asked for");
}

/// The ids and details that somebody is told.
async fn told(scene: &Scene, key: &str) -> Vec<(String, String)> {
    let list = scene.ask(key, "GET", "/v1/incidents?open=true", None).await;
    let lines = list.body["data"].as_array().unwrap().iter();
    counted(scene, key, lines.len()).await;
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines.map(|line| (text(line, "id"), text(line, "detail"))).collect()
}

#[tokio::test]
async fn what_is_wrong_with_the_whole_service_is_told_to_everybody_without_anybodys_player() {
    let scene = Scene::new().await;
    let place = "every wallet equals the sum of its entries: op_other p-9 SEK";
    let books = of_the_service(&scene, "ledger.broken", place).await;
    let log = of_the_service(&scene, "evidence.broken", "slot 1 seq 7 is not there").await;
    let words =
        "every wallet equals the sum of its entries: this is not so; `interlock prove` tells where";
    let expected =
        [(log.clone(), "slot 1 seq 7 is not there".to_owned()), (books.clone(), words.to_owned())];
    for key in ["sk_demo", "sk_demo_operator", "sk_other"] {
        assert_eq!(told(&scene, key).await, expected, "{key}");
    }
    let note = Some(json!({"note": "restored"}));
    for (key, id) in [("sk_demo_operator", books), ("sk_other", log)] {
        let path = format!("/v1/incidents/{id}/close");
        let closed = scene.ask(key, "POST", &path, note.clone()).await;
        assert_eq!(closed.status, 200, "{closed:?}");
    }
    assert_eq!(told(&scene, "sk_demo").await, []);
}

#[tokio::test]
async fn an_incident_of_a_vendor_or_a_deposit_is_its_operators_and_of_a_name_nobodys() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let vendors = scene.flows.checks.identity_ids(&OperatorId::trusted("op_demo"));
    let vendor = vendors.first().unwrap();
    let made = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    let details = [
        ("kyc_undecided", format!("a-1 of {vendor} is still under way at the vendor")),
        ("kyc_sandbox", format!("{vendor} sent a signed message about a-1: it had no effect")),
        (
            "reservation_unsettled",
            format!(
                "the file oasis has not taken in 20 tries what became of the deposit {}: unavailable",
                made.text("/id")
            ),
        ),
        ("row_unreadable", format!("the room of the deposit {}: x", made.text("/id"))),
        (
            "row_unreadable",
            format!("the check of the payment {}: x", made.text("/id").replace("dep_", "")),
        ),
    ];
    let mut ids = Vec::new();
    for (kind, detail) in &details {
        ids.push((of_the_service(&scene, kind, detail).await, detail.clone()));
    }
    ids.reverse();
    let hidden = [
        ("name_not_matched", "the name of player op_demo/p-1 could not be matched".to_owned()),
        ("kyc_undecided", format!("a-1 of {vendor}-of-another is still under way")),
        ("reservation_unsettled", format!("what became of the deposit dep_{}: x", "0".repeat(32))),
        ("row_unreadable", format!("the check of the payment {}: x", "0".repeat(32))),
    ];
    let mut unseen = Vec::new();
    for (kind, detail) in &hidden {
        unseen.push(of_the_service(&scene, kind, detail).await);
    }
    assert_eq!(told(&scene, "sk_demo").await, ids);
    assert_eq!(told(&scene, "sk_other").await, []);
    let close = async |key: &str, id: &str| {
        let note = Some(json!({"note": "looked"}));
        scene.ask(key, "POST", &format!("/v1/incidents/{id}/close"), note).await.status
    };
    for id in &unseen {
        assert_eq!(close("sk_demo", id).await, 404);
    }
    for (id, _) in &ids {
        assert_eq!(close("sk_other", id).await, 404);
        assert_eq!(close("sk_demo", id).await, 200);
    }
}
