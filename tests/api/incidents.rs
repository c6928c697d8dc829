//! Incidents over the API: read by the operator they concern, closed once by a person.

use crate::support::Scene;
use interlock::domain::Timestamp;
use interlock::store::incidents::{ServiceIncident, raise};
use serde_json::json;
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
