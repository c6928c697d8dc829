//! What every answer carries, and what stops a request before its handler.

use super::support::*;

#[tokio::test]
async fn every_answer_has_an_id_and_a_time() {
    let small = Setup::default().build();
    let paths =
        ["/livez", "/v1/deposits", "/v1/deposits/dep_1", "/nowhere", "/v1/withdrawals/wd_1"];
    for path in paths {
        let told = small.ask(plain("GET", path, "")).await;
        assert!(told.header("x-request-id").starts_with("req_"), "{path} {told:?}");
        assert!(told.header("server-timing").starts_with("total;dur="), "{path} {told:?}");
        assert_eq!(told.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_callers_own_request_id_is_kept() {
    let small = Setup::default().build();
    let headers = [("x-request-id", "casino-7")];
    let told = small.ask(request("GET", "/v1/deposits", &headers, "")).await;
    assert_eq!(told.header("x-request-id"), "casino-7");
    assert_eq!(told.body["request_id"], "casino-7");
}

#[tokio::test]
async fn a_panic_fails_its_own_request_alone_and_tells_nothing() {
    let small = Setup::default().build();
    let told = small.ask(plain("GET", "/v1/deposits/dep_1", "")).await;
    assert_eq!((told.status, told.code()), (500, "server.fault"));
    assert!(!told.body.to_string().contains("on purpose"), "{told:?}");
    assert_eq!(small.ask(plain("GET", "/v1/deposits", "")).await.status, 200);
}

#[tokio::test]
async fn what_takes_too_long_is_503() {
    let small = Setup::default().build();
    let told = small.ask(plain("GET", "/v1/withdrawals/wd_1", "")).await;
    assert_eq!((told.status, told.code()), (503, "request.timed_out"));
    assert_eq!(told.header("retry-after"), "2");
}

#[tokio::test]
async fn an_unknown_address_or_method_is_a_problem_too() {
    let small = Setup::default().build();
    let told = small.ask(plain("GET", "/nowhere", "")).await;
    assert_eq!((told.status, told.code()), (404, "request.not_found"));
    assert!(told.body["detail"].as_str().unwrap().contains("/openapi.json"), "{told:?}");
    let told = small.ask(plain("DELETE", "/livez", "")).await;
    assert_eq!((told.status, told.code()), (405, "request.method_not_allowed"));
    assert!(told.header("allow").contains("GET"), "its detail names the header: {told:?}");
}

#[tokio::test]
async fn a_key_over_its_budget_is_429() {
    let small = Setup { per_second: 2, ..Setup::default() }.build();
    for expected in [200, 200, 429] {
        let told = small.ask(plain("GET", "/v1/deposits", "")).await;
        assert_eq!(told.status, expected);
        if expected == 429 {
            assert_eq!((told.code(), told.header("retry-after")), ("request.rate_limited", "1"));
        }
    }
}

#[tokio::test]
async fn an_address_over_its_budget_is_429_and_webhooks_are_exempt() {
    let small = Setup { per_second: 1, loopback_is_free: false, ..Setup::default() }.build();
    assert_eq!(small.ask(plain("GET", "/openapi.json", "")).await.status, 200);
    assert_eq!(small.ask(plain("GET", "/openapi.json", "")).await.status, 429);
    // Who asks whether the instance is well is told so, and not of the traffic of its address.
    assert_eq!(small.ask(plain("GET", "/livez", "")).await.status, 200);
    assert_eq!(small.ask(plain("GET", "/readyz", "")).await.status, 503, "it has no database");
    // Without the budget: 404, because the small router has no webhooks.
    assert_eq!(small.ask(plain("POST", "/webhooks/trustly-se", "")).await.status, 404);
    assert_eq!(small.ask(plain("POST", "/webhooks/nobody", "")).await.status, 429, "no account");
}

#[tokio::test]
async fn listed_origins_may_read_answers_and_no_other() {
    let small = Setup::default().build();
    for (origin, allowed) in [("https://casino.example", true), ("https://evil.example", false)] {
        let preflight = [("origin", origin), ("access-control-request-method", "POST")];
        let told = small.ask(request("OPTIONS", "/v1/deposits", &preflight, "")).await;
        let echoed = told.header("access-control-allow-origin") == origin;
        assert_eq!(echoed, allowed, "preflight of {origin}: {told:?}");
        let told = small.ask(request("GET", "/v1/deposits", &[("origin", origin)], "")).await;
        let echoed = told.header("access-control-allow-origin") == origin;
        assert_eq!((told.status, echoed), (401, allowed), "a problem told to {origin}: {told:?}");
        assert_eq!(told.header("access-control-allow-credentials"), "");
    }
}

#[tokio::test]
async fn health_tells_each_check_and_metrics_stay_inside() {
    let small = Setup::default().build();
    let told = small.ask(request("GET", "/readyz", &[], "")).await;
    assert_eq!((told.status, &told.body["ready"]), (503, &false.into()));
    assert_eq!(told.body["checks"][0]["name"], "database");
    assert_eq!(small.ask(request("GET", "/metrics", &[], "")).await.status, 404);
}

#[tokio::test]
async fn the_page_for_people_needs_no_other_host() {
    let small = Setup::default().build();
    let document = small.ask(request("GET", "/openapi.json", &[], "")).await;
    assert_eq!((document.status, &document.body["openapi"]), (200, &"3.1.0".into()));
    let page = small.ask(request("GET", "/docs/", &[], "")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
}
