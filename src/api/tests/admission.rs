//! Who is let in: signatures, times, nonces, plain keys, tokens, scopes.

use super::support::*;
use std::sync::Arc;

const BODY: &str = r#"{"amount":"100.00","currency":"SEK"}"#;
const NONCE: &str = "nonce-0123456789";

#[tokio::test]
async fn a_signed_request_is_let_in_by_either_live_secret() {
    let small = Setup::default().build();
    for (nonce, secret) in [("nonce-0123456789", SECRET), ("nonce-0123456790", OLD_SECRET)] {
        let told = small.ask(signed("POST", "/v1/deposits", nonce, 0, secret, BODY)).await;
        assert_eq!(told.status, 201, "{told:?}");
        assert_eq!(told.body["money"], "100.00 SEK");
    }
    let get = small.ask(signed("GET", "/v1/deposits?limit=3", NONCE, 0, SECRET, "")).await;
    assert_eq!((get.status, &get.body["limit"]), (200, &3.into()));
}

#[tokio::test]
async fn a_wrong_signature_is_401() {
    let small = Setup::default().build();
    let wrong = "x".repeat(32);
    let told = small.ask(signed("POST", "/v1/deposits", NONCE, 0, &wrong, BODY)).await;
    assert_eq!((told.status, told.code()), (401, "auth.signature_invalid"));
    assert!(!told.header("www-authenticate").is_empty());

    let mut other_path = signed("GET", "/v1/deposits?limit=3", NONCE, 0, SECRET, "");
    *other_path.uri_mut() = "/v1/deposits?limit=4".parse().unwrap();
    assert_eq!(small.ask(other_path).await.code(), "auth.signature_invalid");
}

#[tokio::test]
async fn a_time_more_than_300_seconds_off_is_stale() {
    let small = Setup::default().build();
    for (offset_s, expected) in [(300, 200), (-300, 200), (301, 401), (-301, 401)] {
        let told = small.ask(signed("GET", "/v1/deposits", NONCE, offset_s, SECRET, "")).await;
        assert_eq!(told.status, expected, "{offset_s}");
        if expected == 401 {
            assert_eq!(told.code(), "auth.timestamp_stale");
        }
    }
}

#[tokio::test]
async fn a_nonce_works_once_for_what_writes_and_ever_for_what_reads() {
    let nonces = Arc::new(FakeNonces::default());
    let setup = |nonces: &Arc<FakeNonces>| Setup { nonces: Arc::clone(nonces), ..Setup::default() };
    let (one, two) = (setup(&nonces).build(), setup(&nonces).build());
    let post = || signed("POST", "/v1/deposits", NONCE, 0, SECRET, BODY);
    assert_eq!(one.ask(post()).await.status, 201);
    for small in [&one, &two] {
        let told = small.ask(post()).await;
        assert_eq!((told.status, told.code()), (401, "auth.nonce_replayed"));
    }
    let get = || signed("GET", "/v1/deposits", NONCE, 0, SECRET, "");
    assert_eq!(one.ask(get()).await.status, 200);
    assert_eq!(one.ask(get()).await.status, 200);
}

#[tokio::test]
async fn a_forged_request_uses_up_no_nonce() {
    let small = Setup::default().build();
    let forged = signed("POST", "/v1/deposits", NONCE, 0, &"x".repeat(32), BODY);
    assert_eq!(small.ask(forged).await.status, 401);
    let true_one = signed("POST", "/v1/deposits", NONCE, 0, SECRET, BODY);
    assert_eq!(small.ask(true_one).await.status, 201);
}

#[tokio::test]
async fn nobody_is_let_in_when_nonces_cannot_be_recorded() {
    let nonces = Arc::new(FakeNonces { broken: true, ..FakeNonces::default() });
    let small = Setup { nonces, ..Setup::default() }.build();
    let told = small.ask(signed("POST", "/v1/deposits", NONCE, 0, SECRET, BODY)).await;
    assert_eq!((told.status, told.code()), (503, "server.unavailable"));
    assert_eq!(told.header("retry-after"), "1");
}

#[tokio::test]
async fn each_header_stands_exactly_once_and_is_well_formed() {
    let small = Setup::default().build();
    let names = ["x-api-key", "x-request-timestamp", "x-request-nonce", "x-request-signature"];
    for name in names {
        let mut missing = signed("GET", "/v1/deposits", NONCE, 0, SECRET, "");
        missing.headers_mut().remove(name);
        let told = small.ask(missing).await;
        assert_eq!((told.status, told.code()), (401, "auth.signature_invalid"), "{name}");

        let mut twice = signed("GET", "/v1/deposits", NONCE, 0, SECRET, "");
        let value = twice.headers()[name].clone();
        twice.headers_mut().append(name, value);
        assert_eq!(small.ask(twice).await.code(), "auth.signature_invalid", "{name} twice");
    }
    for bad in ["short", "has space in it ok", &"n".repeat(65)] {
        let told = small.ask(signed("GET", "/v1/deposits", bad, 0, SECRET, "")).await;
        assert_eq!(told.code(), "auth.signature_invalid", "{bad}");
    }
    let mut both = signed("GET", "/v1/deposits", NONCE, 0, SECRET, "");
    both.headers_mut().insert("authorization", "Bearer sk_sandbox".parse().unwrap());
    assert_eq!(small.ask(both).await.code(), "auth.signature_invalid");
    let mut unknown = signed("GET", "/v1/deposits", NONCE, 0, SECRET, "");
    unknown.headers_mut().insert("x-api-key", "sk_who".parse().unwrap());
    assert_eq!(small.ask(unknown).await.code(), "auth.key_unknown");
    let nothing = small.ask(request("GET", "/v1/deposits", &[], "")).await;
    assert_eq!((nothing.status, nothing.code()), (401, "auth.credentials_missing"));
}

#[tokio::test]
async fn a_plain_key_is_taken_in_the_sandbox_alone() {
    let sandbox = Setup::default().build();
    let production = Setup { plain_keys: false, ..Setup::default() }.build();
    for (house, says_so) in [(&sandbox, true), (&production, false)] {
        let told = house.ask(request("GET", "/v1/deposits", &[], "")).await;
        assert_eq!(told.code(), "auth.credentials_missing");
        assert_eq!(told.body["detail"].as_str().unwrap().contains("Bearer"), says_so, "{told:?}");
    }
    assert_eq!(sandbox.ask(plain("POST", "/v1/deposits", BODY)).await.status, 201);
    let unknown = [("authorization", "Bearer sk_who")];
    let told = sandbox.ask(request("GET", "/v1/deposits", &unknown, "")).await;
    assert_eq!((told.status, told.code()), (401, "auth.key_unknown"));
    let told = production.ask(plain("POST", "/v1/deposits", BODY)).await;
    assert_eq!((told.status, told.code()), (401, "auth.signature_invalid"));
}

#[tokio::test]
async fn a_scope_that_is_missing_is_403_and_so_is_a_person() {
    let small = Setup::default().build();
    let ask = |key: &str, path: &str| {
        let bearer = format!("Bearer {key}");
        request("GET", path, &[("authorization", bearer.as_str())], "")
    };
    for (key, path, expected) in [
        ("sk_sandbox", "/v1/players/p-1", (403, "auth.scope_missing")),
        ("sk_sandbox", "/v1/reviews", (403, "auth.scope_missing")),
        ("sk_nobody", "/v1/reviews", (403, "auth.person_required")),
        ("sk_officer", "/v1/reviews", (200, "")),
        ("sk_officer", "/v1/deposits", (403, "auth.scope_missing")),
    ] {
        let told = small.ask(ask(key, path)).await;
        assert_eq!((told.status, told.code()), expected, "{key} {path}");
    }
}

#[tokio::test]
async fn a_players_token_reaches_players_routes_until_its_session_ends() {
    let small = Setup::default().build();
    let bearer = format!("Bearer {}", small.token("p-1"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "k-1"),
    ];
    let told = small.ask(request("POST", "/v1/deposits", &headers, BODY)).await;
    assert_eq!((told.status, &told.body["player"]), (201, &"p-1".into()));
    assert_eq!(told.body["scope"], "POST /v1/deposits p-1");
    let told = small.ask(request("GET", "/v1/reviews", &headers, "")).await;
    assert_eq!((told.status, told.code()), (403, "auth.scope_missing"));

    small.sessions.0.lock().unwrap().clear();
    let told = small.ask(request("GET", "/v1/deposits", &headers, "")).await;
    assert_eq!((told.status, told.code()), (401, "auth.token_invalid"));
}

#[tokio::test]
async fn a_token_expires_and_is_never_read_from_the_url() {
    let small = Setup::default().build();
    let token = small.token("p-1");
    let path = format!("/v1/deposits?access_token={token}");
    assert_eq!(small.ask(request("GET", &path, &[], "")).await.status, 401);
    small.clock.advance(std::time::Duration::from_secs(900));
    let bearer = format!("Bearer {token}");
    let told = small.ask(request("GET", "/v1/deposits", &[("authorization", &bearer)], "")).await;
    assert_eq!((told.status, told.code()), (401, "auth.token_invalid"));
}

#[tokio::test]
async fn a_route_that_is_not_in_the_table_is_reached_by_nobody() {
    let small = Setup::default().build();
    let told = small.ask(plain("GET", "/v1/unlisted", "")).await;
    assert_eq!((told.status, told.code()), (500, "server.fault"));
}
