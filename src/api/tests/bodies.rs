//! What a body, a query and an idempotency key must look like.

use super::support::*;

#[track_caller]
fn same(told: &Told, status: u16, code: &str, pointer: &str) {
    let pointers: Vec<_> = told.body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    assert_eq!((told.status, told.code()), (status, code), "{told:?}");
    if !pointer.is_empty() {
        assert_eq!(pointers, [pointer], "{told:?}");
    }
    assert_eq!(told.header("content-type"), "application/problem+json");
    assert_eq!(told.body["request_id"], told.header("x-request-id"));
}

#[tokio::test]
async fn a_body_of_the_wrong_shape_is_400_and_of_the_wrong_meaning_422() {
    let small = Setup::default().build();
    let cases = [
        (r#"{"amount":100,"currency":"SEK"}"#, 400, "request.invalid", "/amount"),
        (r#"{"amount":"1","currency":"SEK","x":1}"#, 400, "request.invalid", "/x"),
        (r#"{"amount":"1","amount":"2","currency":"SEK"}"#, 400, "request.invalid", "/amount"),
        (
            r#"{"amount":"1","currency":"SEK","metadata":{"a":{"b":1,"b":1}}}"#,
            400,
            "request.invalid",
            "/metadata/a/b",
        ),
        (
            r#"{"amount":"1","currency":"SEK","metadata":{"a":1e200000}}"#,
            400,
            "request.invalid",
            "/metadata/a",
        ),
        (r#"{"amount":"1\u0000","currency":"SEK"}"#, 400, "request.invalid", "/amount"),
        (r#"{"currency":"SEK"}"#, 400, "request.invalid", "/amount"),
        (r#"{"amount":"1","currency":"SEK"} x"#, 400, "request.invalid", ""),
        ("", 400, "request.invalid", ""),
        (r#"{"amount":"1.001","currency":"SEK"}"#, 422, "amount.too_many_decimals", "/amount"),
        (r#"{"amount":"0.00","currency":"SEK"}"#, 422, "amount.zero", "/amount"),
        (r#"{"amount":"1e3","currency":"SEK"}"#, 422, "amount.malformed", "/amount"),
        (r#"{"amount":"-1","currency":"SEK"}"#, 422, "amount.malformed", "/amount"),
        (r#"{"amount":"1","currency":"XXX"}"#, 422, "currency.unknown", "/currency"),
    ];
    for (body, status, code, pointer) in cases {
        let told = small.ask(plain("POST", "/v1/deposits", body)).await;
        same(&told, status, code, pointer);
    }
}

#[tokio::test]
async fn what_is_no_json_says_where_it_breaks() {
    let small = Setup::default().build();
    for (body, place) in [
        ("{\"amount\":\"1\",\n \"currency\":}", "line 2, column 13"),
        ("{\"amount\":\"1\",}", "line 1, column 15"),
        ("", "line 1, column 0"),
    ] {
        let told = small.ask(plain("POST", "/v1/deposits", body)).await;
        same(&told, 400, "request.invalid", "");
        let detail = told.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("breaks at {place}.")), "{detail}");
        assert_eq!(told.body["detail"], detail);
    }
}

#[tokio::test]
async fn a_wrong_media_type_is_415_and_a_large_body_413() {
    let small = Setup::default().build();
    let headers = [("authorization", "Bearer sk_sandbox"), ("idempotency-key", "k-1")];
    let told = small.ask(request("POST", "/v1/deposits", &headers, "{}")).await;
    same(&told, 415, "request.media_type", "");
    let large = format!(r#"{{"amount":"1","x":"{}"}}"#, "x".repeat(256 * 1024));
    same(&small.ask(plain("POST", "/v1/deposits", &large)).await, 413, "request.too_large", "");
}

#[tokio::test]
async fn the_configured_size_of_a_body_holds_both_ways() {
    let body = format!(r#"{{"amount":"1","currency":"SEK","x":"{}"}}"#, "x".repeat(2_000));
    let tight = Setup { body_bytes_max: 1_024, ..Setup::default() }.build();
    same(&tight.ask(plain("POST", "/v1/deposits", &body)).await, 413, "request.too_large", "");
    let padding = "x".repeat(256 * 1024);
    let large = format!(r#"{{"amount":"1","currency":"SEK","x":"{padding}"}}"#);
    let wide = Setup { body_bytes_max: 1 << 20, ..Setup::default() }.build();
    same(&wide.ask(plain("POST", "/v1/deposits", &large)).await, 400, "request.invalid", "/x");
}

#[tokio::test]
async fn a_cancel_takes_no_body_or_an_empty_one() {
    let small = Setup::default().build();
    let path = "/v1/deposits/dep_1/cancel";
    for body in ["", "{}"] {
        assert_eq!(small.ask(plain("POST", path, body)).await.status, 200, "{body}");
    }
    same(&small.ask(plain("POST", path, r#"{"x":1}"#)).await, 400, "request.invalid", "/x");
}

#[tokio::test]
async fn an_idempotency_key_is_needed_and_well_formed() {
    let small = Setup::default().build();
    let body = r#"{"amount":"1","currency":"SEK"}"#;
    let mut missing = plain("POST", "/v1/deposits", body);
    missing.headers_mut().remove("idempotency-key");
    same(&small.ask(missing).await, 400, "idempotency.key_missing", "");
    let long = "k".repeat(256);
    for bad in ["", "has space", long.as_str()] {
        let mut request = plain("POST", "/v1/deposits", body);
        request.headers_mut().insert("idempotency-key", bad.parse().unwrap());
        same(&small.ask(request).await, 400, "idempotency.key_malformed", "");
    }
    let mut twice = plain("POST", "/v1/deposits", body);
    twice.headers_mut().append("idempotency-key", "k-2".parse().unwrap());
    same(&small.ask(twice).await, 400, "idempotency.key_malformed", "");
}

#[tokio::test]
async fn a_query_is_as_strict_as_a_body() {
    let small = Setup::default().build();
    let told = small.ask(plain("GET", "/v1/deposits", "")).await;
    assert_eq!((told.status, &told.body["limit"]), (200, &50.into()));
    assert_eq!(small.ask(plain("GET", "/v1/deposits?limit=200", "")).await.body["limit"], 200);
    for (query, code) in [
        ("limit=0", "field.out_of_range"),
        ("limit=201", "field.out_of_range"),
        ("limit=x", "field.out_of_range"),
        ("after=x", "request.cursor_invalid"),
        ("unknown=1", "request.invalid"),
        ("limit=1&limit=2", "request.invalid"),
        ("after=%00", "request.invalid"),
        ("a%00=1", "request.invalid"),
    ] {
        let told = small.ask(plain("GET", &format!("/v1/deposits?{query}"), "")).await;
        assert_eq!((told.status, told.code()), (400, code), "{query}");
    }
}
