//! What people on call look at, on the console's pages; and who else has an account.

use super::browser::Browser;
use super::cases::{asked, between, fault, led_to, rich};
use super::console::{ADMIN, OFFICER, OPERATOR, Person, enter, sandbox};
use super::place::Place;
use super::program::{Program, run};
use super::world::World;
use nix::sys::signal::Signal;
use reqwest::StatusCode;
use sqlx::AssertSqlSafe;
use thirtyfour::prelude::*;
use uuid::Uuid;

const LIST: &str = "/console/incidents";

impl World {
    /// The service, with the people of the sandbox.
    async fn opened(&self) -> Program {
        let mut house = self.serve().await;
        house.says("Interlock sandbox is running").await;
        house
    }

    async fn write(&self, sql: String) {
        sqlx::query(AssertSqlSafe(sql)).execute(&self.rows).await.unwrap();
    }

    /// An incident of an operator's payment, or of none. What it is called.
    async fn incident(&self, operator: &str, kind: &str, payment: Option<&str>) -> String {
        let id = Uuid::now_v7();
        let payment =
            payment.map_or("null".to_owned(), |it| format!("'{}'", it.rsplit('_').next().unwrap()));
        self.write(format!(
            "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, payment_id, detail,
               raised_at)
             values ('{id}', 0, 1, '{operator}', 'p-1', '{kind}', {payment}, 'words of {operator}', now())"
        ))
        .await;
        format!("inc_{}", id.simple())
    }

    /// An incident of the service itself.
    async fn of_service(&self, kind: &str, detail: &str, psp: &str) -> String {
        let id = Uuid::now_v7();
        self.write(format!(
            "insert into service_incident (incident_id, kind, detail, psp, raised_at)
             values ('{id}', '{kind}', '{detail}', {psp}, now())"
        ))
        .await;
        format!("inc_{}", id.simple())
    }

    /// Somebody with this role, who has just been added.
    async fn added(&self, role: &str) -> Person {
        let email = format!("{role}@casino.example");
        let person = format!("person_{role}");
        let who = ["--email", &*email, "--person", &*person, "--name", role];
        let add = ["console", "add", "--operator", "op_demo", "--role", role];
        let said = run(self.place.home(), &self.variables, &[&add[..], &who].concat()).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        let password = said.out.lines().last().unwrap().trim().to_owned();
        Person::sign_in(&self.place, (&email, &password)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_what_is_theirs_and_what_it_means() {
    let world = World::new().await;
    let mut house = world.opened().await;
    world.api.player("p-1").await;
    let deposit = world.api.deposit("p-1", "100.00").await;
    let deposit = deposit["id"].as_str().unwrap();
    let viewer = world.added("viewer").await;
    let (_, page) = viewer.get(LIST).await;
    assert!(page.contains("No incident is open") && !page.contains("id=\"open-incidents\""));

    let first = world.incident("op_demo", "deposit.other_amount", Some(deposit)).await;
    let named = format!("the room of the deposit {deposit}: x");
    let second = world.of_service("row_unreadable", &named, "null").await;
    let third = world.of_service("webhook.unmatched", "event <b>9</b>", "'trustly-de'").await;
    let newer = world.incident("op_demo", "payout.of_a_newer_release", None).await;
    // Another casino's, and what an operator's people must not learn of.
    let others = world.incident("op_other", "deposit.unknown", None).await;
    let name = world.of_service("name_not_matched", "player op_demo/p-1", "null").await;

    let operator = Person::sign_in(&world.place, OPERATOR).await;
    let officer = Person::sign_in(&world.place, OFFICER).await;
    for person in [&viewer, &operator, &officer] {
        let (status, page) = person.get(LIST).await;
        assert_eq!(status, StatusCode::OK);
        let rows: Vec<&str> = page.split("<li>").skip(1).collect();
        assert_eq!(rows.len(), 4, "{page}");
        for (row, id) in rows.iter().zip([&newer, &third, &second, &first]) {
            assert!(row.contains(&format!("href=\"{LIST}/{id}\"")), "the newest first: {row}");
            assert!(row.contains("What to do:"), "{row}");
        }
        assert!(rows[0].contains("a newer one raised it"), "{}", rows[0]);
        assert!(rows[1].contains("PSP trustly-de") && rows[1].contains("matches no attempt"));
        assert!(rows[1].contains("&#60;b&#62;9"), "{}", rows[1]);
        let payment = format!("href=\"/console/payments/{deposit}\"");
        assert!(
            rows[3].contains(&payment) && rows[3].contains("Its review decides"),
            "{}",
            rows[3]
        );
        assert_eq!(between(&page, "id=\"open-incidents\">", "<"), "4");
        // What the words name is found too.
        let (_, page) = person.get(&format!("{LIST}/{second}")).await;
        assert!(page.contains(&payment) && page.contains("a way that this release cannot read"));
        for id in [&others, &name] {
            assert_eq!(person.get(&format!("{LIST}/{id}")).await.0, StatusCode::NOT_FOUND);
        }
    }
    for (query, told) in [
        ("kind=foo", "No incident has the kind"),
        ("kind=name_not_matched", "No incident has the kind"),
        ("which=some", "open, closed or all"),
        ("before=zzz", "begin with the newest"),
    ] {
        let (status, page) = operator.get(&format!("{LIST}?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(between(&page, "id=\"fault\">", "</p>").contains(told), "{page}");
    }
    let (_, page) = operator.get(&format!("{LIST}?kind=webhook.unmatched")).await;
    assert!(page.contains(&third) && !page.contains(&first), "{page}");
    let (_, page) = operator.get(&format!("{LIST}?which=closed")).await;
    assert!(page.contains("There is none of these"), "{page}");
    assert_eq!(house.stop(Signal::SIGTERM).await.code(), Some(0), "{}", house.said());
    world.end().await;
}

/// The kind of a case says what a screening found.
#[tokio::test(flavor = "multi_thread")]
async fn cases_about_an_incidents_payment_are_told_to_compliance_alone() {
    let world = World::new().await;
    let mut house = world.opened().await;
    let (api, _) = rich(&world.place, "p-1", "2000.00").await;
    let (payment, review) = asked(&api, "p-1").await;
    let review = format!("/console/reviews/{}", review["id"].as_str().unwrap());
    let id = world.incident("op_demo", "withdrawal.due_soon", Some(&payment)).await;
    let pages = [LIST.to_owned(), format!("{LIST}/{id}")];
    let officer = Person::sign_in(&world.place, OFFICER).await;
    let others = [Person::sign_in(&world.place, OPERATOR).await, world.added("viewer").await];
    for path in &pages {
        let (_, page) = officer.get(path).await;
        assert!(page.contains(&review), "{page}");
        for person in &others {
            let (_, page) = person.get(path).await;
            assert!(page.contains(&payment) && !page.contains("rev_"), "{page}");
            assert!(page.contains("Reviews are decided by the roles"), "{page}");
        }
    }
    assert_eq!(house.stop(Signal::SIGTERM).await.code(), Some(0), "{}", house.said());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_incidents_are_told_page_after_page_each_once() {
    let world = World::new().await;
    let mut house = world.opened().await;
    let operator = Person::sign_in(&world.place, OPERATOR).await;
    // More than the menu counts are not counted.
    world
        .write(
            "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
             select gen_random_uuid(), 0, 1, 'op_demo', 'p-1', 'payout.unknown', 'many', now()
             from generate_series(1, 110)"
                .to_owned(),
        )
        .await;
    let (mut path, mut seen) = (format!("{LIST}?which=all&kind=payout.unknown"), Vec::new());
    loop {
        let (_, page) = operator.get(&path).await;
        assert_eq!(between(&page, "id=\"open-incidents\">", "<"), "99+");
        let row = format!("<h2><a href=\"{LIST}/");
        let rows = page.split(&row).skip(1);
        seen.extend(rows.map(|row| row.split('"').next().unwrap().to_owned()));
        let Some((_, after)) = page.split_once("rel=\"next\" href=\"") else { break };
        path = after.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 110);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 110, "each once");
    assert_eq!(house.stop(Signal::SIGTERM).await.code(), Some(0), "{}", house.said());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_closed_once_by_who_is_on_call() {
    let world = World::new().await;
    let mut house = world.opened().await;
    let id = world.incident("op_demo", "payout.unknown", None).await;
    let others = world.incident("op_other", "payout.unknown", None).await;
    let page_of = |id: &str| format!("{LIST}/{id}");
    let close_of = |id: &str| format!("{LIST}/{id}/close");
    let operator = Person::sign_in(&world.place, OPERATOR).await;
    let word = operator.form_word().await;

    let officer = Person::sign_in(&world.place, OFFICER).await;
    let viewer = world.added("viewer").await;
    for person in [&officer, &viewer] {
        let (_, page) = person.get(&page_of(&id)).await;
        assert!(page.contains("takes the role operator or admin"), "{page}");
        assert!(!page.contains("id=\"close\""), "{page}");
        let own = person.form_word().await;
        for word in [&own, &word] {
            let form = [("form_word", &**word), ("note", "mine")];
            let answer = person.post(&close_of(&id), &form).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        }
    }
    let send = async |id: &str, note: &str| {
        operator.post(&close_of(id), &[("form_word", &*word), ("note", note)]).await
    };
    assert_eq!(send(&others, "theirs").await.status(), StatusCode::NOT_FOUND);
    assert!(fault(send(&id, "  ").await).await.contains("Say what you found"));
    let long = "a word ".repeat(286);
    let answer = send(&id, &long).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("at most 2000 characters"), "{page}");
    assert!(page.contains(&format!("value=\"{long}\"")), "what was typed stays: {page}");
    assert_eq!(send(&id, "a\tword").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let (_, page) = operator.get(LIST).await;
    assert!(page.contains(&id), "it is still open");

    let page = led_to(&operator, send(&id, "the PSP <i>has</i> it").await).await;
    assert!(between(&page, "id=\"said\">", "</p>").contains("It is closed"), "{page}");
    assert!(between(&page, "id=\"closed\">", "</p>").contains("the PSP &#60;i&#62;has"), "{page}");
    assert!(!page.contains("id=\"close\"") && !page.contains("id=\"open-incidents\""), "{page}");
    // The form was sent twice; then somebody else, with other words.
    led_to(&operator, send(&id, "the PSP <i>has</i> it").await).await;
    let admin = Person::sign_in(&world.place, ADMIN).await;
    let again = [("form_word", &*admin.form_word().await), ("note", "otherwise")];
    let answer = admin.post(&close_of(&id), &again).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("somebody has closed it before"), "{page}");
    assert!(page.contains("it was not kept: otherwise"), "{page}");
    let api = world.api.by("sk_operator");
    let closed = api.get("/v1/incidents?open=false").await.fine();
    assert_eq!(closed["data"].as_array().unwrap().len(), 1, "{closed}");
    assert_eq!(closed["data"][0]["closed"]["by"], "person_operator", "{closed}");
    assert_eq!(closed["data"][0]["closed"]["note"], "the PSP <i>has</i> it", "{closed}");
    let (_, page) = viewer.get(&format!("{LIST}?which=closed")).await;
    assert!(page.contains(&id) && page.contains("Closed by person_operator"), "{page}");
    assert_eq!(house.stop(Signal::SIGTERM).await.code(), Some(0), "{}", house.said());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_an_incident_is_found_and_closed() {
    let world = World::new().await;
    let mut house = world.opened().await;
    world.api.player("p-1").await;
    let deposit = world.api.deposit("p-1", "100.00").await;
    let deposit = deposit["id"].as_str().unwrap();
    world.incident("op_demo", "deposit.second_success", Some(deposit)).await;
    world
        .of_service("webhook.unmatched", "event 9 of trustly-de: no attempt", "'trustly-de'")
        .await;
    let browser = Browser::open().await;
    enter(&browser, &world.place, OPERATOR).await;
    let open = browser.element("open-incidents").await.text().await.unwrap();
    assert!(open.starts_with('2'), "{open}");
    let link = browser.page().find(By::Css("nav a[href='/console/incidents']")).await.unwrap();
    link.click().await.unwrap();
    browser.element("incidents").await;
    browser.keep("console-incidents").await;
    let row = By::LinkText("deposit.second_success");
    browser.page().find(row).await.unwrap().click().await.unwrap();
    assert!(browser.text("means").await.contains("Two PSPs were paid"));
    // With the keyboard alone.
    let note = browser.element("note").await;
    note.send_keys("the return was opened" + Key::Enter).await.unwrap();
    assert!(browser.text("said").await.contains("It is closed"));
    assert_eq!(browser.text("status").await, "closed");
    browser.keep("console-incident").await;
    browser.page().find(By::LinkText(deposit)).await.unwrap().click().await.unwrap();
    browser.element("steps").await;
    browser.close().await;
    assert_eq!(house.stop(Signal::SIGTERM).await.code(), Some(0), "{}", house.said());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_read_by_who_looks_after_them_alone() {
    let place = Place::new();
    let mut house = sandbox(&place).await;
    let page_of = async |who| Person::sign_in(&place, who).await.get("/console/accounts").await;
    for who in [OFFICER, OPERATOR] {
        let (status, page) = page_of(who).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
        assert!(!page.contains("officer.b@sandbox.test"), "{page}");
    }
    let gone = ["console", "disable", "--email", "officer.b@sandbox.test"];
    let said = run(place.home(), &place.variables(), &gone).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let (status, page) = page_of(ADMIN).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let rows: Vec<&str> = page.split("<tr").filter(|row| row.contains("@sandbox.test")).collect();
    let row = |email: &str| *rows.iter().find(|row| row.contains(email)).unwrap();
    assert!(row(OFFICER.0).contains("person_officer_a") && row(OFFICER.0).contains("officer, "));
    assert!(row(OFFICER.0).contains("in use since") && !row(OFFICER.0).contains("never"));
    let other = row("officer.b@sandbox.test");
    assert!(other.contains("never") && other.contains("disabled "), "{other}");
    assert!(page.contains("id=\"alone\""), "one person is left who could decide: {page}");
    assert!(between(&page, "id=\"elsewhere\">", "</p>").contains("interlock console add"));
    assert!(!row(ADMIN.0).contains("/disable"), "nobody disables their own: {page}");
    assert!(!other.contains("/disable"), "it is disabled: {other}");

    let (admin, officer) =
        (Person::sign_in(&place, ADMIN).await, Person::sign_in(&place, OFFICER).await);
    let path = format!("/console/accounts/{}", between(row(OFFICER.0), "/console/accounts/", "\""));
    let own = officer.form_word().await;
    let refused = officer.post(&path, &[("form_word", &own), ("reason", "mine")]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
    let word = admin.form_word().await;
    let send = async |path: &str, word: &str, reason: &str| {
        admin.post(path, &[("form_word", word), ("reason", reason)]).await
    };
    assert_eq!(send(&path, &own, "x").await.status(), StatusCode::FORBIDDEN, "another's form");
    assert!(fault(send(&path, &word, " ").await).await.contains("Say why"));
    let nobody = format!("/console/accounts/{}/disable", Uuid::nil().simple());
    assert_eq!(send(&nobody, &word, "x").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(officer.get("/console/reviews").await.0, StatusCode::OK);
    let page = led_to(&admin, send(&path, &word, "left the house").await).await;
    assert!(page.contains("id=\"said\""), "{page}");
    let said = "by person_admin: left the house";
    let again = led_to(&admin, send(&path, &word, "left the house").await).await;
    assert!(page.contains(said) && again.matches(said).count() == 1, "{again}");
    assert_ne!(officer.get("/console/reviews").await.0, StatusCode::OK, "the session ended");
    let enable = ["console", "enable", "--email", OFFICER.0];
    let said = run(place.home(), &place.variables(), &enable).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_ne!(officer.get("/console/reviews").await.0, StatusCode::OK, "it stays ended");
    Person::sign_in(&place, OFFICER).await;
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0), "{}", house.said());
}
