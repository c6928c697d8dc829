//! What a casino's developer does first, with a real browser as the payer.

use super::api::{Api, Control, client};
use super::browser::Browser;
use super::place::Place;
use super::program::{Program, interlock};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::time::Duration;
use thirtyfour::prelude::*;

async fn sandbox(place: &Place) -> Program {
    let mut program = Program::start(interlock(place.home(), &place.variables(), &["sandbox"]));
    program.says("Interlock sandbox is running").await;
    program
}

fn next_url(deposit: &Value) -> String {
    assert_eq!(deposit["status"], "action_required", "{deposit}");
    assert_eq!(deposit["next_action"]["type"], "redirect", "{deposit}");
    deposit["next_action"]["url"].as_str().unwrap().to_owned()
}

fn last_psp(deposit: &Value) -> &str {
    deposit["attempts"].as_array().unwrap().last().unwrap()["psp"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_approves_at_one_psp_and_declines_at_the_other() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (api, control) = (Api::at(place.api_url()), Control::at(place.control_url()));
    let browser = Browser::open().await;
    api.player("p-browser").await;

    let deposit = api.deposit("p-browser", "100.00").await;
    assert_eq!(last_psp(&deposit), "trustly-de");
    browser.page().goto(next_url(&deposit)).await.unwrap();
    assert_eq!(browser.text("amount").await, "100.00 EUR");
    browser.keep("trustly-checkout").await;
    browser.element("approve").await.click().await.unwrap();
    let id = deposit["id"].as_str().unwrap();
    let done = api.until_status(id, &["succeeded"]).await;
    assert_eq!(done["credited"]["amount"], "100.00", "{done}");
    assert_eq!(api.wallet("p-browser").await, ("100.00".to_owned(), "0.00".to_owned()));
    let landed = browser.page().current_url().await.unwrap();
    assert!(landed.as_str().starts_with(&format!("{}/livez", place.api_url())), "{landed}");

    control.listener("trustly-de", false).await;
    let deposit = api.deposit("p-browser", "55.50").await;
    assert_eq!(last_psp(&deposit), "truelayer-de");
    let url = next_url(&deposit);
    assert!(url.contains("#"), "TrueLayer's link has a fragment: {url}");
    browser.page().goto(url).await.unwrap();
    assert_eq!(browser.text("amount").await, "55.50 EUR");
    browser.keep("truelayer-checkout").await;
    browser.element("decline").await.click().await.unwrap();
    let id = deposit["id"].as_str().unwrap();
    api.until_status(id, &["failed"]).await;
    assert_eq!(api.wallet("p-browser").await, ("100.00".to_owned(), "0.00".to_owned()));
    browser.page().goto(next_url(&deposit)).await.unwrap();
    assert!(browser.text("message").await.contains("declined"));
    browser.keep("truelayer-decided").await;

    browser.close().await;
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_described_and_its_page_needs_no_other_host() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let document = client().get(format!("{}/openapi.json", place.api_url())).send().await.unwrap();
    assert_eq!(document.headers()["content-type"], "application/json");
    let document: Value = document.json().await.unwrap();
    check_document(&document);

    let docs = client().get(format!("{}/docs/", place.api_url())).send().await.unwrap();
    let policy = docs.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for word in policy.split([' ', ';']) {
        assert!(!word.contains('.') && !word.contains('*'), "another host: {policy}");
    }
    let browser = Browser::open().await;
    browser.page().goto(format!("{}/docs/", place.api_url())).await.unwrap();
    let operation = browser.page().query(By::Css(".opblock-summary-path"));
    operation.wait(Duration::from_secs(60), Duration::from_millis(100)).first().await.unwrap();
    let shown = browser.page().find_all(By::Css(".opblock")).await.unwrap().len();
    assert_eq!(shown, operations(&document).len(), "every operation has its row");
    browser.keep("docs").await;
    let asked = "return performance.getEntriesByType('resource').map(r => new URL(r.name).origin)";
    let origins = browser.page().execute(asked, Vec::new()).await.unwrap();
    for origin in origins.json().as_array().unwrap() {
        assert_eq!(origin.as_str().unwrap(), place.api_url(), "{origins:?}");
    }
    browser.close().await;
    assert_eq!(house.stop(Signal::SIGTERM).await.code(), Some(0), "{}", house.said());
}

/// Each path with each of its methods.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                let operation = item.get(*method)?;
                Some((path.clone(), (*method).to_uppercase(), operation.clone()))
            })
        })
        .collect()
}

fn check_document(document: &Value) {
    let version = document["openapi"].as_str().unwrap();
    assert!(version.starts_with("3.1."), "{version}");
    let info = &document["info"];
    assert_eq!(
        (&info["title"], &info["version"]),
        (&"Interlock".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert_eq!(info["license"]["identifier"], "Apache-2.0", "and not that of a crate");
    assert!(info["contact"].is_null(), "{info}");
    let operations = operations(document);
    let mut told: Vec<(String, String)> =
        operations.iter().map(|(path, method, _)| (method.clone(), path.clone())).collect();
    let mut served: Vec<(String, String)> = interlock::api::routes::RULES
        .iter()
        .map(|rule| (rule.method.to_string(), rule.path.to_owned()))
        .collect();
    told.sort();
    served.sort();
    assert_eq!(told, served);
    let mut names = Vec::new();
    for (path, method, operation) in &operations {
        let at = format!("{method} {path}");
        names.push(operation["operationId"].as_str().unwrap_or_else(|| panic!("{at}: no id")));
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{at}: no success");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for name in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
            let named = |p: &Value| p["name"] == name && p["in"] == "path" && p["required"] == true;
            assert!(parameters.iter().any(named), "{at}: {name} is not described");
        }
    }
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "operation ids are unique");
    check_references(document, document);
}

/// Every `$ref` leads somewhere.
fn check_references(document: &Value, value: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let pointer = target.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
            }
            fields.values().for_each(|inner| check_references(document, inner));
        }
        Value::Array(items) => items.iter().for_each(|inner| check_references(document, inner)),
        _ => {}
    }
}
