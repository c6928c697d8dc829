//! A player's token reaches that player alone, and ends at once when it must.

use crate::support::{Scene, deposit, player};
use serde_json::json;

pub async fn token(scene: &Scene, player: &str) -> (String, String) {
    let body = json!({"player_id": player, "ttl_s": 900});
    let told = scene.ask("sk_demo", "POST", "/v1/player-sessions", Some(body)).await;
    assert_eq!(told.status, 201, "{told:?}");
    (told.text("/token"), told.text("/jti"))
}

#[tokio::test]
async fn a_token_reaches_its_own_player_alone() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    scene.player("p-2").await;
    let (token, _) = token(&scene, "p-1").await;
    let own = scene.ask(&token, "GET", "/v1/players/p-1/wallet", None).await;
    assert_eq!(own.status, 200, "{own:?}");
    for (method, path, body) in [
        ("GET", "/v1/players/p-2/wallet", None),
        ("GET", "/v1/players/p-2/limits", None),
        ("GET", "/v1/deposits?player_id=p-2", None),
        ("GET", "/v1/payment-methods?player_id=p-2&direction=deposit", None),
        ("POST", "/v1/deposits", Some(deposit("p-2", "50.00"))),
    ] {
        let told = scene.ask(&token, method, path, body).await;
        assert_eq!(told.status, 404, "{method} {path} {told:?}");
    }
    let told = scene.ask(&token, "GET", "/v1/players/p-1", None).await;
    assert_eq!((told.status, told.code()), (403, "auth.scope_missing"));
    let mine = scene.ask(&token, "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    assert_eq!(mine.status, 201, "{mine:?}");
    assert!(mine.body.get("route").is_none() && !mine.body.to_string().contains("trustly"));
    let others = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-2", "50.00"))).await;
    let path = format!("/v1/deposits/{}", others.text("/id"));
    assert_eq!(scene.ask(&token, "GET", &path, None).await.status, 404);
    let list = scene.ask(&token, "GET", "/v1/deposits", None).await;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_player_names_no_new_destination() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let (token, _) = token(&scene, "p-1").await;
    let iban = json!({"type": "iban", "iban": "DE89370400440532013000", "holder_name": "E M"});
    let body = json!({"player_id": "p-1", "amount": "20.00", "currency": "EUR",
                      "method": "bank_transfer", "destination": iban});
    let told = scene.ask(&token, "POST", "/v1/withdrawals", Some(body)).await;
    assert_eq!((told.status, told.code()), (422, "destination.not_registered"));
}

/// A reference is taken for good, and whoever is refused one reads whose it is.
#[tokio::test]
async fn a_player_writes_nothing_that_is_the_casinos_own() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let (token, _) = token(&scene, "p-1").await;
    let iban = json!({"type": "iban", "iban": "DE89370400440532013000", "holder_name": "E M"});
    let withdrawal = json!({"player_id": "p-1", "amount": "20.00", "currency": "EUR",
                            "method": "bank_transfer", "destination": iban});
    for (path, body) in [("/v1/deposits", deposit("p-1", "50.00")), ("/v1/withdrawals", withdrawal)]
    {
        for (field, value) in [("reference", json!("order-7")), ("metadata", json!({"a": "b"}))] {
            let mut with = body.clone();
            with[field] = value;
            let told = scene.ask(&token, "POST", path, Some(with.clone())).await;
            assert_eq!((told.status, told.code()), (422, "payment.field_not_players"), "{told:?}");
            assert_eq!(told.text("/errors/0/pointer"), format!("/{field}"));
            // Nothing has the reference: the casino's backend may write both.
            let told = scene.ask("sk_demo", "POST", path, Some(with)).await;
            assert_ne!(told.code(), "payment.field_not_players", "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_token_ends_when_the_casino_or_a_freeze_ends_it() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let wallet = "/v1/players/p-1/wallet";
    let (first, jti) = token(&scene, "p-1").await;
    let path = format!("/v1/player-sessions/{jti}");
    assert_eq!(scene.ask("sk_other", "DELETE", &path, None).await.status, 404);
    assert_eq!(scene.ask(&first, "GET", wallet, None).await.status, 200);
    assert_eq!(scene.ask("sk_demo", "DELETE", &path, None).await.status, 204);
    let told = scene.ask(&first, "GET", wallet, None).await;
    assert_eq!((told.status, told.code()), (401, "auth.token_invalid"));

    let (second, _) = token(&scene, "p-1").await;
    let mut frozen = player();
    frozen["status"] = json!("frozen");
    let path = "/v1/players/p-1";
    assert_eq!(scene.ask("sk_demo", "PUT", path, Some(frozen)).await.status, 200);
    assert_eq!(scene.ask(&second, "GET", wallet, None).await.status, 401);
    let body = json!({"player_id": "p-1", "ttl_s": 60});
    let told = scene.ask("sk_demo", "POST", "/v1/player-sessions", Some(body)).await;
    assert_eq!((told.status, told.code()), (409, "player.not_active"));
    // Thawed within minutes, the old token stays dead.
    assert_eq!(scene.ask("sk_demo", "PUT", path, Some(player())).await.status, 200);
    assert_eq!(scene.ask(&second, "GET", wallet, None).await.status, 401);
}

#[tokio::test]
async fn a_repeat_under_its_key_is_told_the_same_token() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let open = async |ttl: u16, key: &str| {
        let body = Some(json!({"player_id": "p-1", "ttl_s": ttl}));
        scene.ask_with("sk_demo", "POST", "/v1/player-sessions", body, key).await
    };
    let (first, second) = tokio::join!(open(900, "k-1"), open(900, "k-1"));
    assert_eq!((first.status, &first.bytes), (201, &second.bytes), "{second:?}");
    let replays = [&first, &second].map(|told| told.headers.contains_key("idempotency-replayed"));
    assert!(replays[0] != replays[1], "{replays:?}");
    let other = open(60, "k-1").await;
    assert_eq!((other.status, other.code()), (422, "idempotency.key_reused"), "{other:?}");
    let another = open(900, "k-2").await;
    assert_ne!(another.text("/jti"), first.text("/jti"));
    let sessions = "select count(*) from player_session";
    let sessions: i64 =
        sqlx::query_scalar(sessions).fetch_one(scene.flows.db.pool()).await.unwrap();
    assert_eq!(sessions, 2);
    let wallet = "/v1/players/p-1/wallet";
    assert_eq!(scene.ask(&second.text("/token"), "GET", wallet, None).await.status, 200);

    // What was told stays told when it ended; a session it is no more.
    let mut frozen = player();
    frozen["status"] = json!("frozen");
    scene.ask("sk_demo", "PUT", "/v1/players/p-1", Some(frozen)).await;
    let again = open(900, "k-1").await;
    assert_eq!((again.status, &again.bytes), (201, &first.bytes), "{again:?}");
    assert_eq!(scene.ask(&again.text("/token"), "GET", wallet, None).await.status, 401);
    let refused = open(900, "k-3").await;
    assert_eq!((refused.status, refused.code()), (409, "player.not_active"));
}
