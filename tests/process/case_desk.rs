//! Work on a case from its page: it is taken, kept, handed over and noted; and whether an entry of a list is the
//! player is decided there from the beginning to the end.

use super::api::{Api, client};
use super::browser::Browser;
use super::cases::{OTHER_OFFICER, asked, between, fault, led_to, rich};
use super::console::{OFFICER, OPERATOR, Person, enter, fill, sandbox};
use super::place::Place;
use super::wait::until;
use super::world::World;
use nix::sys::signal::Signal;
use reqwest::StatusCode;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

/// The longest note, in letters that are long on their way; one more is told, and kept in its field.
async fn notes_are_kept_and_too_long_ones_stay_in_their_field(b: &Person, path: &str, word: &str) {
    let send = async |note: &str| {
        let form = [("form_word", word), ("note", note), ("once", "note-1")];
        b.post(&format!("{path}/notes"), &form).await
    };
    assert!(fault(send(" ").await).await.contains("Write what you found"));
    let longest = "\u{1f50d}".repeat(2000);
    let page = led_to(b, send(&longest).await).await;
    // A double click, and other words out of the same form.
    let again = led_to(b, send(&longest).await).await;
    assert_eq!(again.matches(&longest).count(), 1, "kept twice");
    let other = fault(send("other words").await).await;
    assert!(other.contains("sent before with other words"), "{other}");
    assert!(between(&page, "id=\"history\">", "</table>").contains(&longest), "it is not there");
    let endless = send(&longest.repeat(2)).await;
    assert_eq!(endless.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(endless.text().await.unwrap().contains("shorten it"), "it is a page");
    let answer = send(&format!("{longest}x")).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("at most 2000") && page.contains(&format!("value=\"{longest}x\"")));
}

/// And a form of another session is nobody's.
async fn who_is_on_call_does_none_of_it(place: &Place, a: &Person, path: &str) {
    let operator = Person::sign_in(place, OPERATOR).await;
    let word = operator.form_word().await;
    for act in ["assign", "lock", "unlock", "notes", "request-info", "info"] {
        let form = [("form_word", &*word), ("to", "person_operator"), ("note", "mine")];
        let path = format!("{path}/{act}");
        assert_eq!(operator.post(&path, &form).await.status(), StatusCode::FORBIDDEN, "{act}");
        assert_eq!(a.post(&path, &form).await.status(), StatusCode::FORBIDDEN, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_taken_kept_handed_over_and_noted() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (api, _) = rich(&place, "p-desk", "2000.00").await;
    let (_, review) = asked(&api, "p-desk").await;
    let id = review["id"].as_str().unwrap();
    let path = format!("/console/reviews/{id}");
    let a = Person::sign_in(&place, OFFICER).await;
    let b = Person::sign_in(&place, OTHER_OFFICER).await;
    let (word_a, word_b) = (a.form_word().await, b.form_word().await);
    let by_a = async |act: &str, field: (&str, &str)| {
        a.post(&format!("{path}/{act}"), &[("form_word", &*word_a), field]).await
    };
    let by_b = async |act: &str, field: (&str, &str)| {
        b.post(&format!("{path}/{act}"), &[("form_word", &*word_b), field]).await
    };
    let told = async || api.by("sk_officer_a").get(&format!("/v1/reviews/{id}")).await.fine();

    who_is_on_call_does_none_of_it(&place, &a, &path).await;
    // Nor is it given to who would never see it.
    for to in ["person_operator", "person_nobody", "%"] {
        assert!(fault(by_a("assign", ("to", to)).await).await.contains("choose somebody"), "{to}");
    }
    assert_eq!(told().await["history"].as_array().unwrap().len(), 1, "nothing was done");

    let (_, page) = a.get(&path).await;
    assert!(between(&page, "id=\"assigned\">", "</p>").contains("Nobody"), "{page}");
    let page = led_to(&a, by_a("assign", ("to", "person_officer_a")).await).await;
    assert!(between(&page, "id=\"assigned\">", "</p>").contains("it is yours"), "{page}");
    assert!(!page.contains("id=\"take\""), "{page}");
    led_to(&a, by_a("assign", ("to", "person_officer_a")).await).await;
    let page = led_to(&a, by_a("lock", ("x", "")).await).await;
    assert!(between(&page, "id=\"assigned\">", "</p>").contains("to yourself until"), "{page}");

    // Kept by one, it is read by the other, who is told why nothing is done and loses no word.
    let (_, page) = b.get(&path).await;
    assert!(
        between(&page, "id=\"kept\">", "</p>").contains("(person_officer_a) works on"),
        "{page}"
    );
    for form in ["take", "hand-over", "note-form", "ask-form", "propose"] {
        assert!(!page.contains(&format!("id=\"{form}\"")), "{form}: {page}");
    }
    let answer = by_b("notes", ("note", "I know them")).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(
        between(&page, "id=\"fault\">", "</p>").contains("person_officer_a works on this case")
    );
    assert!(between(&page, "id=\"unsent\">", "</p>").contains("I know them"), "{page}");
    for act in ["assign", "lock", "unlock"] {
        let answer = by_b(act, ("to", "person_officer_b")).await;
        assert!(fault(answer).await.contains("works on this case"), "{act}");
    }

    let page = led_to(&a, by_a("assign", ("to", "person_officer_b")).await).await;
    assert!(page.contains("(person_officer_b)"), "{page}");
    let page = led_to(&a, by_a("unlock", ("x", "")).await).await;
    assert!(page.contains("id=\"lock\"") && !page.contains("id=\"unlock\""), "{page}");
    let (_, page) = b.get(&path).await;
    assert!(between(&page, "id=\"assigned\">", "</p>").contains("it is yours"), "{page}");
    assert!(page.contains("person_officer_b is to propose"), "{page}");

    for (person, is_theirs) in [(&a, false), (&b, true)] {
        let (_, queue) = person.get("/console/reviews?which=mine").await;
        assert_eq!(queue.contains(&path), is_theirs, "{queue}");
    }
    notes_are_kept_and_too_long_ones_stay_in_their_field(&b, &path, &word_b).await;
    led_to(&b, by_b("assign", ("to", "")).await).await;

    let told = told().await;
    assert_eq!((&told["assigned_to"], &told["locked_by"]), (&Value::Null, &Value::Null));
    let acts: Vec<_> = told["history"].as_array().unwrap().iter().skip(1).collect();
    let done: Vec<&str> = acts.iter().map(|act| act["act"].as_str().unwrap()).collect();
    let expected = ["assigned", "locked", "assigned", "released", "note", "assigned"];
    assert_eq!(done, expected, "each once: {told}");
    assert_eq!(acts[0]["person_id"], "person_officer_a", "{told}");
    assert_eq!(acts[5]["person_id"], "person_officer_b", "{told}");
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

/// A player of this name, and the case that a list's entry near it opened.
async fn near_a_list(api: &Api, place: &Place, id: &str) -> [String; 2] {
    let player = json!({
        "country": "DE", "currency": "EUR", "full_name": "Erika Sanctioned", "given_name": "Erika",
        "family_name": "Sanctioned", "date_of_birth": "1990-05-01", "national_id": "L01X00T47",
        "email": "erika@casino.example", "phone": "+4915112345678", "locale": "de-DE",
        "address": "Heidestr. 17, 51147 Köln",
        "kyc": { "status": "verified", "level": 2, "verified_at": "2026-01-01T00:00:00Z" },
    });
    let put = client().put(format!("{}/v1/players/{id}", place.api_url())).json(&player);
    let put = put.header("authorization", "Bearer sk_sandbox").send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK, "{put:?}");
    let list = format!("/v1/reviews?open=true&kind=name_match&player_id={id}");
    until("two cases, one a matcher", || async {
        let found = api.by("sk_officer_a").get(&list).await.fine();
        let found = found["data"].as_array().unwrap();
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        (found.len() == 2).then(|| [id(&found[0]), id(&found[1])])
    })
    .await
}

impl World {
    /// Who read this case, and where: each once.
    async fn read(&self, case: &str) -> Vec<String> {
        let sql = "select distinct door || ' ' || person_id as who from decision_read
                   where act = 'read' and subject = $1 order by who";
        sqlx::query_scalar(sql).bind(case).fetch_all(&self.rows).await.unwrap()
    }
}

/// Of each of two cases the other is told, until that is closed.
async fn each_names_the_other(api: &Api, a: &Person, [one, other]: &[String; 2]) {
    for (case, beside) in [(one, other), (other, one)] {
        let (_, page) = a.get(&format!("/console/reviews/{case}")).await;
        let told = between(&page, "id=\"beside\">", "</p>");
        assert!(told.contains(&format!("href=\"/console/reviews/{beside}\"")), "{told}");
        assert!(!told.contains(&**case), "{told}");
        let told = api.by("sk_officer_b").get(&format!("/v1/reviews/{case}")).await.fine();
        assert_eq!(told["other_open_reviews"], json!([beside]), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_waits_for_what_is_asked_for_on_its_page() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (api, _) = rich(&place, "p-ask", "2000.00").await;
    let (_, review) = asked(&api, "p-ask").await;
    let id = review["id"].as_str().unwrap();
    let path = format!("/console/reviews/{id}");
    let b = Person::sign_in(&place, OTHER_OFFICER).await;
    let word = b.form_word().await;
    let send = async |act: &str, once: &str, note: &str, until: &str| {
        let form = [("form_word", &*word), ("once", once), ("note", note), ("until", until)];
        b.post(&format!("{path}/{act}"), &form).await
    };
    let told = async || api.by("sk_officer_a").get(&format!("/v1/reviews/{id}")).await.fine();
    let (_, page) = b.get(&path).await;
    assert!(!page.contains("id=\"info-form\""), "nothing is awaited: {page}");
    let last = between(&page, "max=\"", "\"").to_owned();
    let first = between(&page, "min=\"", "\"").to_owned();
    assert!(first < last, "{first} {last}");
    assert!(fault(send("request-info", "1", " ", "").await).await.contains("what you asked for"));
    for wrong in ["2020-01-01", "2999-01-01", "tomorrow", "2026-1-1"] {
        let answer = send("request-info", "1", "statements", wrong).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        let page = answer.text().await.unwrap();
        assert!(between(&page, "id=\"fault\">", "</p>").contains("name a day"), "{page}");
        assert!(page.contains("value=\"statements\""), "what was typed stays: {page}");
    }
    assert!(fault(send("info", "1", "they came", "").await).await.contains("no information"));
    assert_eq!(told().await["history"].as_array().unwrap().len(), 1, "nothing was done");

    led_to(&b, send("request-info", "2", "statements", &last).await).await;
    let page = led_to(&b, send("request-info", "2", "statements", &last).await).await;
    assert!(page.contains("The service tells nobody"), "{page}");
    assert!(between(&page, "id=\"stands\">", "</p>").contains("waits for information since"));
    assert!(page.contains("<dt>Waits for information since</dt>"), "{page}");
    let waits = told().await;
    assert!(waits["waiting_since"].is_string(), "{waits}");
    assert!(waits["due_at"].as_str().unwrap().starts_with(&last), "{waits}");
    // The casino is told nothing of it.
    let list = api.get("/v1/withdrawals?player_id=p-ask").await.fine();
    assert!(!list.to_string().contains("statements"), "{list}");

    led_to(&b, send("info", "3", "they came", "").await).await;
    let page = led_to(&b, send("info", "3", "they came", "").await).await;
    assert!(!page.contains("id=\"info-form\"") && page.contains("waits no longer"), "{page}");
    let told = told().await;
    assert_eq!(told["waiting_since"], Value::Null, "{told}");
    let said = |line: &Value| format!("{} {}", line["act"].as_str().unwrap(), line["text"]);
    let lines: Vec<_> = told["history"].as_array().unwrap().iter().skip(1).map(said).collect();
    assert_eq!(lines, ["info_requested \"statements\"", "info_received \"they came\""]);
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_two_people_say_that_an_entry_is_not_the_player() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let api = Api::at(place.api_url());
    let [case, _] = near_a_list(&api, &place, "p-near").await;
    let held = api.deposit("p-near", "20.00").await;
    assert_eq!(held["status"], "in_review", "{held}");
    let path = format!("{}/console/reviews/{case}", place.api_url());
    let browser = Browser::open().await;
    enter(&browser, &place, OFFICER).await;
    browser.element("payments").await;
    browser.page().goto(&path).await.unwrap();
    let record = browser.text("record").await;
    assert!(record.contains("Erika Sanctioned") && record.contains("1990-05-01"), "{record}");
    let entries = browser.text("entries").await;
    assert!(entries.contains("us_ofac/") && entries.contains("0.98"), "{entries}");
    assert_eq!(entries.matches("this case was opened for it").count(), 1, "{entries}");
    let choice = By::Css("#propose input[value^='except us_ofac/']");
    let choice = browser.page().find(choice).await.unwrap();
    let entry = choice.value().await.unwrap().unwrap().replace("except ", "");
    choice.click().await.unwrap();
    fill(&browser, &[("note", "another birth place in their passport")]).await;
    browser.keep("console-name-match").await;
    browser.element("propose-it").await.click().await.unwrap();
    assert!(browser.text("said").await.contains("Another person must approve"));
    let waits = browser.text("proposals").await;
    assert!(waits.contains(&format!("the entry {entry} is not this player")), "{waits}");

    browser.page().delete_all_cookies().await.unwrap();
    enter(&browser, &place, OTHER_OFFICER).await;
    browser.element("payments").await;
    browser.page().goto(&path).await.unwrap();
    let approve = browser.element("approve-it").await;
    let does = approve.text().await.unwrap();
    assert_eq!(does, format!("Approve: the entry {entry} is not this player"));
    approve.click().await.unwrap();
    assert!(browser.text("said").await.contains("Your approval is kept"));
    assert_eq!(browser.text("status").await, "closed");
    let excepted = browser.page().find(By::Css("#entries tr.out")).await.unwrap();
    let excepted = excepted.text().await.unwrap();
    assert!(excepted.contains(&entry) && excepted.contains("it is not this player"), "{excepted}");
    browser.keep("console-name-match-decided").await;
    browser.close().await;
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_a_list_names_is_excluded_by_two_people_and_by_no_entry_that_is_not_there() {
    let world = World::new().await;
    let mut house = world.serve().await;
    let (place, api) = (&world.place, &world.api);
    let cases = near_a_list(api, place, "p-near").await;
    let path = format!("/console/reviews/{}", cases[0]);
    let a = Person::sign_in(place, OFFICER).await;
    let b = Person::sign_in(place, OTHER_OFFICER).await;
    each_names_the_other(api, &a, &cases).await;
    assert_eq!(world.read(&cases[0]).await, ["api person_officer_b", "console person_officer_a"]);
    let (word_a, word_b) = (a.form_word().await, b.form_word().await);
    let propose = async |once: &str, outcome: &str| {
        let form =
            [("form_word", &*word_a), ("once", once), ("outcome", outcome), ("note", "passport")];
        a.post(&format!("{path}/propose"), &form).await
    };
    // What no matcher found is excepted by nobody here, and an approval says what it does.
    for outcome in ["except us_ofac/1", "except ", "approve", "exclude it"] {
        assert!(fault(propose("1", outcome).await).await.contains("Choose"), "{outcome}");
    }
    let page = propose("1", "except us_ofac/1").await.text().await.unwrap();
    assert!(page.contains("value=\"passport\""), "what was typed stays: {page}");
    led_to(&a, propose("2", "exclude").await).await;
    let (_, page) = b.get(&path).await;
    assert!(page.contains("Approve: the player is excluded without end"), "{page}");
    let proposal = between(&page, "name=\"proposal\" value=\"", "\"").to_owned();
    let refuse = [("form_word", &*word_b), ("note", "look at the photo again")];
    led_to(&b, b.post(&format!("{path}/refuse"), &refuse).await).await;
    let exclusion = async || api.get("/v1/players/p-near").await.fine()["exclusion"].clone();
    assert_eq!(exclusion().await, Value::Null);
    // What was proposed last is offered again, in words.
    let (_, page) = a.get(&path).await;
    assert!(page.contains("what was proposed last is done: the player is excluded"), "{page}");
    led_to(&a, propose("3", "approve").await).await;
    let approve =
        |proposal: &str| [("form_word", word_b.clone()), ("proposal", proposal.to_owned())];
    let send = async |proposal: &str| {
        let form = approve(proposal);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        b.post(&format!("{path}/approve"), &form).await
    };
    assert!(fault(send(&proposal).await).await.contains("not open any more"));
    let (_, page) = b.get(&path).await;
    let proposal = between(&page, "name=\"proposal\" value=\"", "\"").to_owned();
    led_to(&b, send(&proposal).await).await;
    let told = exclusion().await;
    assert_eq!((&told["source"], &told["until"]), (&json!("house"), &Value::Null), "{told}");
    let (_, page) = a.get(&format!("/console/reviews/{}", cases[1])).await;
    assert!(!page.contains("id=\"beside\""), "the other is closed: {page}");
    let read = world.read(&cases[0]).await;
    assert!(read.contains(&"console person_officer_b".to_owned()), "{read:?}");
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
    world.end().await;
}
