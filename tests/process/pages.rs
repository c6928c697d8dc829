//! What the console's pages say is so: about switches, about what a list was asked for, and about what became of a
//! payment.

use super::api::{Api, Control};
use super::console::{ADMIN, OFFICER, OPERATOR, Person, sandbox};
use super::place::Place;
use super::program::run;
use nix::sys::signal::Signal;
use reqwest::{Response, StatusCode};
use serde_json::Value;

const SWITCHES: &str = "/console/routing/switches";

/// What stands between two marks of a page.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before}: {page}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after}: {page}")).0
}

/// Where a form led to.
fn led_to(answer: &Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn switches(api: &Api) -> Vec<Value> {
    api.get("/v1/routing/switches").await.json()["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_told_as_it_is_and_each_person_in_their_own_words() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let operator = Person::sign_in(&place, OPERATOR).await;
    let word = operator.form_word().await;
    let all = [("form_word", &*word), ("psp", "trustly-de"), ("reason", "their notice")];
    let times = [("from", "2098-12-01T00:00"), ("until", "2098-12-02T00:00")];
    let planned = [&all[..], &times, &[("kind", "maintenance"), ("once", "1")]].concat();
    let to = led_to(&operator.post(SWITCHES, &planned).await);
    let (_, page) = operator.get(&to).await;
    assert!(between(&page, "id=\"said\">", "</p>").contains("it is on until the time"), "{page}");
    let killed = [&all[..], &[("kind", "kill"), ("once", "2")]].concat();
    let to = led_to(&operator.post(SWITCHES, &killed).await);
    let (_, page) = operator.get(&to).await;
    assert!(between(&page, "id=\"said\">", "</p>").contains("It is switched off, here at once"));
    assert!(page.contains("<td>it is lifted</td>"), "it has no end: {page}");
    assert!(!page.contains("Proposed by"), "{page}");

    let id = between(&page, "/console/routing/switches/", "/lift").to_owned();
    let lift = format!("{SWITCHES}/{id}/lift");
    let first = [("form_word", &*word), ("reason", "they have settled")];
    led_to(&operator.post(&lift, &first).await);
    let admin = Person::sign_in(&place, ADMIN).await;
    let (_, page) = admin.get("/console/routing").await;
    let proposed = between(&page, "Proposed by ", "</p>");
    assert!(proposed.starts_with("person_operator, "), "{proposed}");
    assert!(proposed.contains(": they have settled. It is still off"), "{proposed}");
    let listed = run(place.home(), &place.variables(), &["routing", "switches"]).await;
    assert!(listed.out.contains("still off: another person lifts it too"), "{listed:?}");
    let second = [("form_word", &*admin.form_word().await), ("reason", "confirmed")];
    led_to(&admin.post(&lift, &second).await);
    let api = Api::at(place.api_url()).by("sk_operator");
    let found = switches(&api).await;
    let lifted = found.iter().find(|switch| switch["id"] == *id).unwrap();
    assert_eq!(lifted["lift_proposed"]["by"], "person_operator", "{lifted}");
    assert_eq!(lifted["lift_proposed"]["reason"], "they have settled", "{lifted}");
    assert_eq!(lifted["lifted"]["by"], "person_admin", "{lifted}");
    assert_eq!(lifted["lifted"]["reason"], "confirmed", "{lifted}");
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_found_by_every_name_it_has_and_its_page_tells_every_decision() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (api, control) = (Api::at(place.api_url()), Control::at(place.control_url()));
    api.player("p-pages").await;
    let deposit = api.deposit("p-pages", "100.00").await;
    let (id, attempt) = (deposit["id"].as_str().unwrap(), &deposit["attempts"][0]);
    let (psp, attempt) = (attempt["psp"].as_str().unwrap(), attempt["id"].as_str().unwrap());
    let reference = control.movements(psp).await[0]["reference"].as_str().unwrap().to_owned();
    let digits = attempt.trim_start_matches("att_").to_uppercase();

    let officer = Person::sign_in(&place, OFFICER).await;
    for name in [id, attempt, &digits, &reference] {
        // The field for the direction says what it says; whoever has the id means this payment.
        let list = format!("/console/payments?direction=withdrawal&reference={name}");
        let (status, page) = officer.get(&list).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        assert!(page.contains(&format!("/console/payments/{id}\"")), "{name}: {page}");
    }
    let (_, page) = officer.get("/console/payments?reference=nothing-of-ours").await;
    assert!(page.contains("There is none of these"), "{page}");
    let found = async |api: &Api, path: &str| -> usize {
        api.get(path).await.json()["data"].as_array().unwrap().len()
    };
    let other = api.by("sk_sandbox_other");
    assert_eq!(found(&api, &format!("/v1/deposits?psp_reference={reference}")).await, 1);
    let failed = format!("/v1/deposits?psp_reference={reference}&status=failed");
    assert_eq!(found(&api, &failed).await, 0);
    assert_eq!(found(&api, &format!("/v1/withdrawals?psp_reference={reference}")).await, 0);
    assert_eq!(found(&other, &format!("/v1/deposits?psp_reference={reference}")).await, 0);

    for (query, told) in [
        ("status=foo", "has the status `foo`"),
        ("status=In_Review", "has the status `In_Review`"),
        ("direction=withdrawal&status=succeeded", "has the status `succeeded`"),
        ("direction=sideways", "deposit or withdrawal"),
        ("before=zzz", "begin with the newest"),
        ("player=%C3%A5", "is no player"),
    ] {
        let (status, page) = officer.get(&format!("/console/payments?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let fault = between(&page, "id=\"fault\">", "</p>").replace("&#96;", "`");
        assert!(fault.contains(told), "{fault}");
        assert!(!page.contains("There is none of these"), "{query}: nothing was looked for");
    }
    let list =
        format!("/console/payments?status=in_review,{}", deposit["status"].as_str().unwrap());
    let (status, page) = officer.get(&list).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(id), "{page}");

    let (_, page) = officer.get(&format!("/console/payments/{id}")).await;
    let decisions = between(&page, "id=\"decisions\">", "</table>");
    assert!(decisions.contains("<td>deposit.pre</td><td>approve</td>"), "{decisions}");
    assert!(between(&page, "id=\"steps\">", "</table>").contains("action_required"), "{page}");
    assert!(between(&page, "id=\"next\">", "</p>").contains("payer must act"), "{page}");
    assert!(!page.contains("id=\"moves\""), "no money came: {page}");
    control.complete(psp, attempt, "succeeded").await;
    api.until_status(id, &["succeeded"]).await;
    control.complete(psp, attempt, "charged_back").await;
    api.until_status(id, &["reversed"]).await;
    let (_, page) = officer.get(&format!("/console/payments/{id}")).await;
    assert!(!page.contains("id=\"next\""), "it is over: {page}");
    let (_, routing) = officer.get("/console/routing").await;
    assert!(between(&routing, "id=\"rates\">", "</p>").contains("there was none"), "{routing}");
    let psps = between(&routing, "id=\"psps\">", "</table>");
    let approved = between(psps, "<p>DE bank_transfer EUR: ", "</p>");
    assert!(approved.contains(" %, known by ") && approved.ends_with(" outcomes"), "{approved}");
    let moves = between(&page, "id=\"moves\">", "</table>");
    for told in ["deposit_captured", "deposit_reversed", "-100.00 EUR"] {
        assert!(moves.contains(told), "{told}: {moves}");
    }
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_of_operators_that_there_are_and_a_wrong_code_leaves_its_secret() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let add = async |operator: &str| {
        let who = ["--person", "person_ada", "--email", "ada@casino.example", "--name", "Ada"];
        let add = ["console", "add", "--role", "viewer", "--operator", operator];
        run(place.home(), &place.variables(), &[&add[..], &who].concat()).await
    };
    add("op_demmo").await.refused_with(&["op_demmo is none of the operators", "op_demo"]);
    let added = add("op_demo").await;
    assert_eq!(added.code, Some(0), "{added:?}");

    let officer = Person::sign_in(&place, OFFICER).await;
    let (_, page) = officer.get("/console/account").await;
    let secret = between(&page, "id=\"secret\">", "<").to_owned();
    let sealed = between(&page, "name=\"sealed\" value=\"", "\"").to_owned();
    let word = officer.form_word().await;
    // No authenticator shows letters.
    let form = [("form_word", &*word), ("sealed", &*sealed), ("code", "nothing")];
    let answer = officer.post("/console/account/totp", &form).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("Nothing was changed"), "{page}");
    assert_eq!(between(&page, "id=\"secret\">", "<"), secret, "it is in an authenticator by now");
    assert_eq!(between(&page, "name=\"sealed\" value=\"", "\""), sealed);
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}
