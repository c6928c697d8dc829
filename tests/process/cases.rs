//! Two people decide a case on the console's pages, and nobody else does.

use super::api::{Api, Control};
use super::console::{OFFICER, OPERATOR, Person, sandbox};
use super::place::Place;
use nix::sys::signal::Signal;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// Whose the wallet is, and the account.
const NAME: &str = "Erika Mustermann";
pub const OTHER_OFFICER: (&str, &str) = ("officer.b@sandbox.test", "officer-b-sandbox");

/// What stands between two marks of a page.
pub fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before}: {page}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after}: {page}")).0
}

/// A withdrawal so large that two people are asked: its id, and its review as the API tells it.
pub async fn asked(api: &Api, player: &str) -> (String, Value) {
    let body = json!({
        "player_id": player, "amount": "1500.00", "currency": "EUR", "method": "bank_transfer",
    });
    let withdrawal = api.post("/v1/withdrawals", &body).await.fine();
    assert_eq!(withdrawal["status"], "in_review", "{withdrawal}");
    let id = withdrawal["id"].as_str().unwrap().to_owned();
    let list = api.by("sk_officer_a").get("/v1/reviews?open=true").await.fine();
    let reviews = list["data"].as_array().unwrap();
    let review = reviews.iter().find(|review| review["payment_id"] == *id).unwrap().clone();
    (id, review)
}

/// A player with so much in the wallet, and the deposit that brought it.
pub async fn rich(place: &Place, player: &str, amount: &str) -> (Api, String) {
    let (api, control) = (Api::at(place.api_url()), Control::at(place.control_url()));
    api.player(player).await;
    let deposit = api.deposit(player, amount).await;
    let attempt = &deposit["attempts"][0];
    let (psp, attempt) = (attempt["psp"].as_str().unwrap(), attempt["id"].as_str().unwrap());
    control.complete(psp, attempt, "succeeded").await;
    let id = deposit["id"].as_str().unwrap().to_owned();
    api.until_status(&id, &["succeeded"]).await;
    (api, id)
}

/// Why a form was not taken.
pub async fn fault(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    between(&answer.text().await.unwrap(), "id=\"fault\">", "</p>").to_owned()
}

/// The page that a form led to.
pub async fn led_to(person: &Person, answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
    let to = answer.headers()["location"].to_str().unwrap().to_owned();
    let (status, page) = person.get(&to).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn one_officer_proposes_and_another_approves() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (api, deposit) = rich(&place, "p-cases", "4000.00").await;
    let (payment, review) = asked(&api, "p-cases").await;
    let path = format!("/console/reviews/{}", review["id"].as_str().unwrap());
    let a = Person::sign_in(&place, OFFICER).await;
    let b = Person::sign_in(&place, OTHER_OFFICER).await;
    let (word_a, word_b) = (a.form_word().await, b.form_word().await);

    // The queue, the payment and the case lead to each other, and each says whose turn it is.
    let (_, queue) = a.get("/console/reviews").await;
    assert!(queue.contains(&format!("href=\"{path}\"")), "{queue}");
    assert!(queue.contains("nobody has proposed anything"), "{queue}");
    let (_, page) = a.get(&format!("/console/payments/{payment}")).await;
    assert!(between(&page, "id=\"cases\">", "</table>").contains(&path), "{page}");
    assert!(between(&page, "id=\"next\">", "</p>").contains("waits for two people"), "{page}");
    let (_, page) = a.get(&path).await;
    assert!(page.contains(&format!("href=\"/console/payments/{payment}\"")), "{page}");
    assert!(page.contains("two people decide about withdrawals"), "why it waits: {page}");
    let named = between(&page, "<dt>Account</dt><dd>", "</dd>");
    assert!(named.contains("**") && named.ends_with(NAME), "whose account it is: {named}");
    assert!(page.contains(&format!("name</dt><dd>{NAME}</dd>")), "beside the player's: {page}");
    assert!(page.contains("value=\"reject\"") && !page.contains("value=\"return\""), "{page}");

    let once = between(&page, "name=\"once\" value=\"", "\"").to_owned();
    let form = |outcome: &'static str, note: &'static str| {
        let once = once.clone();
        let fields = [("outcome", outcome.to_owned()), ("note", note.to_owned()), ("once", once)];
        fields.map(|(name, value)| (name, value))
    };
    let propose = async |outcome: &'static str, note: &'static str| {
        let fields = form(outcome, note);
        let mut fields: Vec<_> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        fields.push(("form_word", &word_a));
        a.post(&format!("{path}/propose"), &fields).await
    };
    assert!(fault(propose("approve", " ").await).await.contains("Say why"));
    assert!(fault(propose("return", "no").await).await.contains("Choose"));
    let page = led_to(&a, propose("approve", "the source of funds is known").await).await;
    assert!(page.contains("another person must approve it"), "{page}");
    assert!(!page.contains("id=\"approve-it\""), "nobody is offered to approve their own: {page}");
    led_to(&a, propose("approve", "the source of funds is known").await).await;
    assert!(fault(propose("reject", "otherwise").await).await.contains("sent before"));

    let (_, page) = b.get(&path).await;
    let proposal = between(&page, "name=\"proposal\" value=\"", "\"").to_owned();
    let approve = format!("{path}/approve");
    let own = [("form_word", &*word_a), ("proposal", &*proposal)];
    assert!(fault(a.post(&approve, &own).await).await.contains("another person must"));
    assert_eq!(api.until_status(&payment, &["in_review"]).await["status"], "in_review");
    let others = [("form_word", &*word_b), ("proposal", &*proposal)];
    let page = led_to(&b, b.post(&approve, &others).await).await;
    assert!(page.contains("closed</span>") && page.contains("approved by person_officer_b"));
    assert!(fault(b.post(&approve, &others).await).await.contains("closed"));
    let paid = api.until_status(&payment, &["paid"]).await;
    let attempt = &paid["attempts"][0];
    let told = format!("{} succeeded, ours {}", attempt["psp"], attempt["id"]).replace('"', "");
    assert!(b.get(&path).await.1.contains(&told), "{told}");
    let officer = api.by("sk_officer_a");
    let back = json!({ "reason": "the player asked", "amount": "10.00" });
    let back = officer.post(&format!("/v1/deposits/{deposit}/return"), &back).await.fine();
    let (_, page) = b.get(&format!("/console/payments/{}", back["id"].as_str().unwrap())).await;
    assert!(page.contains(&format!("<dt>Sends back</dt><dd>{deposit}</dd>")), "{page}");
    let id = review["id"].as_str().unwrap();
    let told = officer.get(&format!("/v1/reviews/{id}")).await.fine();
    assert_eq!(told["proposals"].as_array().unwrap().len(), 1, "the form was sent twice: {told}");
    assert_eq!(told["proposals"][0]["proposed_by"], "person_officer_a", "{told}");
    assert_eq!(told["proposals"][0]["approvals"][0]["by"], "person_officer_b", "{told}");
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_proposal_does_nothing_and_strangers_see_no_case() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let (api, _) = rich(&place, "p-cases", "2000.00").await;
    let (payment, review) = asked(&api, "p-cases").await;
    let path = format!("/console/reviews/{}", review["id"].as_str().unwrap());
    let [propose, refuse, approve] =
        ["propose", "refuse", "approve"].map(|act| format!("{path}/{act}"));
    let a = Person::sign_in(&place, OFFICER).await;
    let b = Person::sign_in(&place, OTHER_OFFICER).await;
    let (word_a, word_b) = (a.form_word().await, b.form_word().await);
    let reject = |once: &'static str, word: &str| {
        let said = [("outcome", "reject"), ("note", "not theirs"), ("once", once)];
        let said = said.map(|(name, value)| (name, value.to_owned()));
        [&said[..], &[("form_word", word.to_owned())]].concat()
    };
    let send = async |who: &Person, path: &str, fields: Vec<(&'static str, String)>| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        who.post(path, &fields).await
    };

    // Who is on call neither reads nor decides; a form of another session is nobody's.
    let operator = Person::sign_in(&place, OPERATOR).await;
    let word = operator.form_word().await;
    for page in ["/console/reviews", &path] {
        assert_eq!(operator.get(page).await.0, StatusCode::FORBIDDEN, "{page}");
    }
    let (_, page) = operator.get(&format!("/console/payments/{payment}")).await;
    assert!(!page.contains("/console/reviews"), "{page}");
    for path in [&propose, &refuse, &approve] {
        let mut fields = reject("1", &word);
        fields.push(("proposal", "prp_00000000000000000000000000000000".to_owned()));
        assert_eq!(send(&operator, path, fields.clone()).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(send(&a, path, fields).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let nowhere = "/console/reviews/rev_00000000000000000000000000000000";
    assert_eq!(a.get(nowhere).await.0, StatusCode::NOT_FOUND);
    let (status, page) = a.get("/console/reviews?kind=foo").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("No case has the kind"), "{page}");

    led_to(&a, send(&a, &propose, reject("1", &word_a)).await).await;
    let why = vec![("form_word", word_b.clone()), ("note", "the account is theirs".to_owned())];
    let page = led_to(&b, send(&b, &refuse, why).await).await;
    assert!(page.contains("refused by person_officer_b: the account is theirs"), "{page}");
    assert_eq!(api.wallet("p-cases").await, ("500.00".to_owned(), "1500.00".to_owned()));
    led_to(&a, send(&a, &propose, reject("2", &word_a)).await).await;
    let (_, page) = b.get(&path).await;
    let proposal = between(&page, "name=\"proposal\" value=\"", "\"").to_owned();
    led_to(&b, send(&b, &approve, vec![("form_word", word_b), ("proposal", proposal)]).await).await;
    api.until_status(&payment, &["rejected"]).await;
    assert_eq!(api.wallet("p-cases").await, ("2000.00".to_owned(), "0.00".to_owned()));
    let (_, queue) = a.get("/console/reviews").await;
    assert!(!queue.contains(&path), "{queue}");
    let (_, queue) = a.get("/console/reviews?which=closed").await;
    assert!(queue.contains(&path), "{queue}");
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}
