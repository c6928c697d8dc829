//! The pages for people, with a real browser, and with requests that no browser of ours would send.

use super::api::{Api, client};
use super::browser::Browser;
use super::place::Place;
use super::program::{Program, interlock};
use nix::sys::signal::Signal;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use thirtyfour::prelude::*;
use totp_rs::{Builder, Secret};

pub const OPERATOR: (&str, &str) = ("operator@sandbox.test", "operator-sandbox");
pub const ADMIN: (&str, &str) = ("admin@sandbox.test", "admin-sandbox-1");
pub const OFFICER: (&str, &str) = ("officer.a@sandbox.test", "officer-a-sandbox");

pub async fn sandbox(place: &Place) -> Program {
    let mut program = Program::start(interlock(place.home(), &place.variables(), &["sandbox"]));
    program.says("Interlock sandbox is running").await;
    program
}

/// Somebody who is signed in, without a browser.
pub struct Person {
    url: String,
    cookie: String,
}

impl Person {
    pub async fn sign_in(place: &Place, (email, password): (&str, &str)) -> Self {
        let answer = try_sign_in(place, email, password).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let set = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        Self { url: place.api_url(), cookie }
    }

    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = client().get(format!("{}{path}", self.url)).header("cookie", &self.cookie);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// The word that forms of this session carry.
    pub async fn form_word(&self) -> String {
        let (_, page) = self.get("/console/account").await;
        let (_, after) = page.split_once("name=\"form_word\" value=\"").expect("a form");
        after.split('"').next().unwrap().to_owned()
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = client().post(format!("{}{path}", self.url)).header("cookie", &self.cookie);
        request.form(&fields.iter().copied().collect::<BTreeMap<_, _>>()).send().await.unwrap()
    }
}

async fn try_sign_in(place: &Place, email: &str, password: &str) -> Response {
    let request = client().post(format!("{}/console/sign-in", place.api_url()));
    request.form(&[("email", email), ("password", password)]).send().await.unwrap()
}

/// The switches that are on, as the API tells them.
async fn switched_off(place: &Place) -> Vec<Value> {
    let url = format!("{}/v1/routing/switches?on=true", place.api_url());
    let request = client().get(url).header("authorization", "Bearer sk_operator");
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    list["data"].as_array().unwrap().clone()
}

pub async fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (id, text) in fields {
        browser.element(id).await.send_keys(*text).await.unwrap();
    }
}

pub async fn enter(browser: &Browser, place: &Place, (email, password): (&str, &str)) {
    browser.page().goto(format!("{}/console", place.api_url())).await.unwrap();
    fill(browser, &[("email", email), ("password", password)]).await;
    browser.element("submit").await.click().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_on_call_sees_a_payments_route_and_switches_a_psp_off() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let api = Api::at(place.api_url());
    api.player("p-console").await;
    let deposit = api.deposit("p-console", "100.00").await;
    let id = deposit["id"].as_str().unwrap();
    let browser = Browser::open().await;

    enter(&browser, &place, (OPERATOR.0, "a wrong password")).await;
    assert!(browser.text("fault").await.contains("is wrong"));
    browser.keep("console-refused").await;
    enter(&browser, &place, OPERATOR).await;
    assert!(browser.text("payments").await.contains("p-console"));
    browser.keep("console-payments").await;

    // The payment's own page tells of every PSP why it was chosen or left out.
    browser.page().find(By::LinkText(id)).await.unwrap().click().await.unwrap();
    assert_eq!(browser.text("status").await, deposit["status"].as_str().unwrap());
    let page = browser.page().source().await.unwrap();
    let candidates = deposit["route"]["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2, "{deposit}");
    for candidate in candidates {
        let reason = candidate["reason"].as_str().unwrap();
        assert!(page.contains(candidate["psp"].as_str().unwrap()), "{candidate}");
        assert!(page.contains(&reason.replace('&', "&amp;")), "{candidate}");
    }
    browser.keep("console-payment").await;

    browser.page().find(By::LinkText("Routing")).await.unwrap().click().await.unwrap();
    let kill = browser.page().find(By::Css("input[value=kill]")).await.unwrap();
    kill.click().await.unwrap();
    fill(&browser, &[("psp", "trustly-de"), ("reason", "settlements are late")]).await;
    browser.element("submit").await.click().await.unwrap();
    assert!(browser.text("said").await.contains("switched off"));
    assert!(browser.text("psps").await.contains("switched off: settlements are late"));
    browser.keep("console-routing").await;
    let off = switched_off(&place).await;
    assert_eq!(off.len(), 1, "{off:?}");
    assert_eq!(off[0]["psp"], "trustly-de");
    assert_eq!(off[0]["set_by"], "person_operator");
    let deposit = api.deposit("p-console", "55.00").await;
    assert_eq!(deposit["attempts"][0]["psp"], "truelayer-de", "{deposit}");
    let path = format!("/console/payments/{}", deposit["id"].as_str().unwrap());
    browser.page().goto(format!("{}{path}", place.api_url())).await.unwrap();
    let out = browser.page().find(By::Css("table.route tr.out")).await.unwrap();
    let told = out.text().await.unwrap();
    assert!(told.contains("trustly-de") && told.contains("settlements are late"), "{told}");
    browser.keep("console-payment-kept-away").await;

    // One person alone does not lift it; a second one does.
    for (who, said) in [(OPERATOR, "another person must"), (ADMIN, "It is lifted")] {
        let page = browser.page();
        page.delete_all_cookies().await.unwrap();
        enter(&browser, &place, who).await;
        browser.element("payments").await;
        page.goto(format!("{}/console/routing", place.api_url())).await.unwrap();
        let reason = page.find(By::Css("#switches input[name=reason]")).await.unwrap();
        reason.send_keys("they caught up").await.unwrap();
        page.find(By::Css("#switches button")).await.unwrap().click().await.unwrap();
        assert!(browser.text("said").await.contains(said));
    }
    assert_eq!(switched_off(&place).await, Vec::<Value>::new());
    browser.element("sign-out").await.click().await.unwrap();
    browser.element("email").await;
    browser.close().await;
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_strangers_and_of_people_without_the_role_change_nothing() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let api = Api::at(place.api_url());
    api.player("p-console").await;
    let deposit = api.deposit("p-console", "100.00").await;
    let payment = format!("/console/payments/{}", deposit["id"].as_str().unwrap());

    // Without a session every page leads to the sign-in, and tells nothing.
    for path in ["/console", &payment, "/console/routing", "/console/account"] {
        let answer = client().get(format!("{}{path}", place.api_url())).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.headers()["location"], "/console/sign-in");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
    }
    let unknown = try_sign_in(&place, "nobody@sandbox.test", "operator-sandbox").await;
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    assert!(unknown.headers().get("set-cookie").is_none());

    let (operator, officer) =
        (Person::sign_in(&place, OPERATOR).await, Person::sign_in(&place, OFFICER).await);
    let (operators, officers) = (operator.form_word().await, officer.form_word().await);
    let switch = |word: &str| {
        [
            ("form_word", word.to_owned()),
            ("once", "1".to_owned()),
            ("kind", "kill".to_owned()),
            ("psp", "trustly-de".to_owned()),
            ("reason", "because".to_owned()),
        ]
    };
    let send = async |who: &Person, word: &str, path: &str| {
        let fields = switch(word);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        who.post(path, &fields).await.status()
    };
    let set = "/console/routing/switches";
    assert_eq!(send(&operator, &officers, set).await, StatusCode::FORBIDDEN, "another's word");
    assert_eq!(send(&operator, "", set).await, StatusCode::FORBIDDEN, "no word");
    assert_eq!(send(&officer, &officers, set).await, StatusCode::FORBIDDEN, "no role");
    assert_eq!(switched_off(&place).await, Vec::<Value>::new());
    let (_, page) = officer.get("/console/routing").await;
    assert!(!page.contains("Switch off</button>"), "an officer is offered no switch");

    // What is sent twice is one switch; what names nothing is none.
    for _ in 0..2 {
        assert_eq!(send(&operator, &operators, set).await, StatusCode::SEE_OTHER);
    }
    assert_eq!(switched_off(&place).await.len(), 1);
    let nothing = [("form_word", &*operators), ("once", "2"), ("kind", "kill"), ("reason", "<b>x")];
    let answer = operator.post(set, &nothing).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("it would stop everything"), "{page}");
    assert!(page.contains("&#60;b&#62;x") && !page.contains("<b>x"), "{page}");
    let lift = format!("{set}/{}/lift", switched_off(&place).await[0]["id"].as_str().unwrap());
    assert_eq!(send(&officer, &officers, &lift).await, StatusCode::FORBIDDEN);

    let (found, _) = operator.get(&payment).await;
    assert_eq!(found, StatusCode::OK);
    for path in ["/console/payments/dep_00000000000000000000000000000000", "/console/x"] {
        let (status, page) = operator.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(page.contains("There is no such page"), "{page}");
    }
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_turned_away_before_the_database_sees_them() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (unknown, nul) = (
        try_sign_in(&place, "x", "a password").await,
        try_sign_in(&place, "\0", "a password").await,
    );
    assert_eq!(
        (unknown.status(), nul.status()),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    let page = |text: String, email: &str| text.replace(&format!("value=\"{email}\""), "");
    let (unknown, nul) = (unknown.text().await.unwrap(), nul.text().await.unwrap());
    assert_eq!(page(nul, "\0"), page(unknown, "x"), "one answer");

    let operator = Person::sign_in(&place, OPERATOR).await;
    let list = "/console/payments";
    for path in [&*format!("{list}?reference=%00"), &format!("{list}?status=%00")] {
        let (status, page) = operator.get(path).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(page.contains("cannot be seen"), "{page}");
    }
    let word = operator.form_word().await;
    let switch = [("form_word", &*word), ("once", "1"), ("kind", "kill"), ("psp", "trustly-de")];
    let set = "/console/routing/switches";
    for reason in ["\0", "late\nsettlements"] {
        let answer = operator.post(set, &[&switch[..], &[("reason", reason)]].concat()).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{reason:?}");
    }
    assert_eq!(switched_off(&place).await, Vec::<Value>::new());
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_set_up_and_then_wanted() {
    let place = Place::new();
    let mut variables = place.variables();
    variables.insert("INTERLOCK__CONSOLE__TOTP_REQUIRED".to_owned(), "true".to_owned());
    let mut house = Program::start(interlock(place.home(), &variables, &["sandbox"]));
    house.says("Interlock sandbox is running").await;
    let browser = Browser::open().await;

    // Nothing but the account's own page is there before it is set up.
    enter(&browser, &place, OFFICER).await;
    let secret = browser.text("secret").await;
    browser.keep("console-second-factor").await;
    browser.page().goto(format!("{}/console/payments", place.api_url())).await.unwrap();
    let secret = {
        let shown = browser.text("secret").await;
        assert_ne!(shown, secret, "each time another one is offered");
        shown
    };
    let totp = Builder::new().with_secret(Secret::try_from_base32(&secret).unwrap());
    let totp = totp.with_account_name("officer").build().unwrap();
    fill(&browser, &[("code", &totp.generate_current().to_string())]).await;
    browser.element("submit").await.click().await.unwrap();
    assert!(browser.text("totp").await.contains("takes a code"));
    browser.page().goto(format!("{}/console/payments", place.api_url())).await.unwrap();
    assert!(browser.text("empty").await.contains("none"));

    let without = try_sign_in(&place, OFFICER.0, OFFICER.1).await;
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    browser.close().await;
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}
