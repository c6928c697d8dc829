//! Work on a case before it is decided: whose names it shows, who has it, and to whom it may be given.

use crate::cases::{code, credit, post};
use crate::support::{Scene, Told};
use interlock::access::account::{Account, Role};
use interlock::book::{CaseKind, PAYMENT_KINDS};
use interlock::domain::{OperatorId, PersonId, PlayerId, PlayerKey};
use interlock::store::console_accounts;
use interlock::store::erase::Step;
use interlock::store::erasures::Due;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

async fn has_account(scene: &Scene, person: &str) {
    let account = Account {
        id: Uuid::new_v4(),
        operator: OperatorId::trusted("op_demo"),
        person: PersonId::trusted(person),
        email: "ada@casino.example".to_owned(),
        name: "Ada".to_owned(),
        roles: vec![Role::Officer],
        has_totp: false,
        disabled_at: None,
    };
    let (pool, now) = (scene.flows.db.pool(), OffsetDateTime::now_utc());
    assert!(console_accounts::insert(pool, Uuid::new_v4(), &account, "-", now).await.unwrap());
}

/// Whoever decides whether the account is the player's reads both names; nobody else does, and no list.
#[tokio::test]
async fn the_names_that_are_compared_stand_in_the_case() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let win = json!({"kind": "win", "amount": "5000.00", "currency": "EUR", "reference": "win-1"});
    post(&scene, "sk_demo", "/v1/players/p-1/wallet-entries", win).await;
    let holder = "Jon Doe-Somebody";
    let to = json!({"type": "iban", "iban": "DE89370400440532013000", "holder_name": holder});
    let order = json!({"player_id": "p-1", "amount": "2000.00", "currency": "EUR",
                       "method": "bank_transfer", "destination": to});
    let withdrawal = post(&scene, "sk_demo", "/v1/withdrawals", order).await;
    assert_eq!(withdrawal.text("/status"), "in_review", "{withdrawal:?}");
    let list = scene.ask("sk_demo", "GET", "/v1/reviews", None).await;
    let path = format!("/v1/reviews/{}", list.text("/data/0/id"));
    let case = scene.ask("sk_demo", "GET", &path, None).await;
    let account = json!({"masked": "DE** **** 3000", "holder_name": holder});
    let both = json!({"player": "Erika Mustermann", "accounts": [account]});
    assert_eq!(case.body["names"], both, "{case:?}");
    let shown = scene.ask("sk_demo", "GET", "/v1/withdrawals?player_id=p-1", None).await;
    let own = format!("/v1/withdrawals/{}", withdrawal.text("/id"));
    let payment = scene.ask("sk_demo", "GET", &own, None).await;
    for elsewhere in [&list, &withdrawal, &payment, &shown] {
        assert!(!format!("{elsewhere:?}").contains(holder), "{elsewhere:?}");
    }
    let events = "select string_agg(data::text, '') from outbox_event";
    let events: String = sqlx::query_scalar(events).fetch_one(scene.flows.db.pool()).await.unwrap();
    assert!(!events.contains(holder) && events.contains("payee.name_differs"), "{events}");
    // A key without the scope reads no case at all.
    let refused = scene.ask("sk_demo_operator", "GET", &path, None).await;
    assert_eq!(refused.status, 403, "{refused:?}");
}

/// As the lane leaves a player who was erased, and then what the worker takes out.
async fn erase(scene: &Scene) {
    let (pool, id) = (scene.flows.db.pool(), "p-1");
    let decided = format!(
        "update lane_slot set seq = seq + 1 where is_register;
         insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
           select slot, seq, 'decide_case', 'op_demo', '{id}', now() from lane_slot where is_register;
         insert into erasure
           select slot, seq, gen_random_uuid(), 'op_demo', '{id}', gen_random_uuid(), 'never_moved',
             null, now() from lane_slot where is_register;
         update player set version = version + 1, full_name = '', given_name = null, email = null,
           address = null, national_id = null, status = 'erased' where player_id = '{id}'"
    );
    let mut tx = pool.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(decided)).execute(&mut *tx).await.unwrap();
    let player = PlayerKey {
        operator: OperatorId::trusted("op_demo"),
        player: PlayerId::parse(id).unwrap(),
    };
    let due = Due { player, review: Uuid::nil() };
    for step in Step::ALL {
        step.run(&mut tx, &due).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The case stays, and says of nobody who they were.
#[tokio::test]
async fn after_an_erasure_a_case_has_no_names_and_tells_nothing_of_the_player() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let win = json!({"kind": "win", "amount": "5000.00", "currency": "EUR", "reference": "win-1"});
    post(&scene, "sk_demo", "/v1/players/p-1/wallet-entries", win).await;
    let holder = "Jon Doe-Somebody";
    let to = json!({"type": "iban", "iban": "DE89370400440532013000", "holder_name": holder});
    let order = json!({"player_id": "p-1", "amount": "2000.00", "currency": "EUR",
                       "method": "bank_transfer", "destination": to});
    post(&scene, "sk_demo", "/v1/withdrawals", order).await;
    let list = scene.ask("sk_demo", "GET", "/v1/reviews", None).await;
    let path = format!("/v1/reviews/{}", list.text("/data/0/id"));
    let told = json!({"text": "Erika Mustermann is not Jon Doe-Somebody"});
    post(&scene, "sk_demo", &format!("{path}/notes"), told).await;
    let reject = json!({"outcome": "reject", "note": "Mustermann is not Doe-Somebody"});
    let proposed = post(&scene, "sk_demo", &format!("{path}/propose"), reject).await;
    let proposal = json!({"proposal": proposed.text("/proposals/0/id")});
    post(&scene, "sk_demo_b", &format!("{path}/approve"), proposal).await;
    let leaks = |case: &Told| {
        let text = String::from_utf8_lossy(&case.bytes).into_owned();
        let words = ["Erika", "Mustermann", "Doe-Somebody", "DE89370400440532013000", "3000"];
        words.into_iter().filter(|word| text.contains(word)).collect::<Vec<_>>()
    };
    // The control: what is looked for is there to be found.
    let before = scene.ask("sk_demo", "GET", &path, None).await;
    assert_eq!(leaks(&before), ["Erika", "Mustermann", "Doe-Somebody", "3000"], "{before:?}");
    erase(&scene).await;
    let after = scene.ask("sk_demo", "GET", &path, None).await;
    assert_eq!(after.status, 200, "{after:?}");
    let account = json!({"masked": "", "holder_name": null});
    assert_eq!(after.body["names"], json!({"player": null, "accounts": [account]}));
    assert_eq!(leaks(&after), Vec::<&str>::new(), "{after:?}");
}

#[tokio::test]
async fn a_case_is_locked_assigned_noted_and_found() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let opened = post(&scene, "sk_demo", "/v1/reviews", credit("p-1")).await;
    let path = format!("/v1/reviews/{}", opened.text("/id"));
    let at = |act: &str| format!("{path}/{act}");
    let locked = scene.ask("sk_demo_b", "POST", &at("lock"), None).await;
    assert_eq!((locked.status, locked.text("/locked_by")), (200, "person_b".to_owned()));
    let note = json!({"text": "I look"});
    let refused = post(&scene, "sk_demo_d", &at("notes"), note.clone()).await;
    assert_eq!(code(&refused), (409, "review.locked"), "{refused:?}");
    assert!(refused.text("/detail").starts_with("person_b works on this review until 20"));
    let noted = post(&scene, "sk_demo_b", &at("notes"), note).await;
    assert_eq!(noted.status, 200, "{noted:?}");
    let given = post(&scene, "sk_demo_b", &at("assign"), json!({"person_id": "person_d"})).await;
    assert_eq!(given.text("/assigned_to"), "person_d");
    // Neither a slip of the pen nor another casino's people.
    for nobody in ["persond", "person_c", "person_ada"] {
        let to = json!({"person_id": nobody});
        let lost = post(&scene, "sk_demo_b", &at("assign"), to).await;
        assert_eq!(code(&lost), (422, "review.person_unknown"), "{nobody}");
        assert_eq!(lost.text("/errors/0/pointer"), "/person_id");
    }
    let given = scene.ask("sk_demo_b", "GET", &path, None).await;
    assert_eq!(given.text("/assigned_to"), "person_d", "nothing was done");
    // Who has no key, and signs in at the console.
    has_account(&scene, "person_ada").await;
    let to = json!({"person_id": "person_ada"});
    let given = post(&scene, "sk_demo_b", &at("assign"), to).await;
    assert_eq!(given.text("/assigned_to"), "person_ada");
    let given = post(&scene, "sk_demo_b", &at("assign"), json!({"person_id": "person_d"})).await;
    assert_eq!(given.text("/assigned_to"), "person_d");
    let days = |count| {
        let then = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap() + Duration::days(count);
        then.format(&Rfc3339).unwrap()
    };
    // Nobody buries a case by waiting for something.
    for far in [days(31), "9999-12-31T00:00:00Z".to_owned()] {
        let ask = json!({"text": "statements", "until": far});
        let late = post(&scene, "sk_demo_b", &at("request-info"), ask).await;
        assert_eq!(code(&late), (422, "review.until_too_late"), "{late:?}");
        assert_eq!(late.text("/errors/0/pointer"), "/until");
        assert!(late.text("/detail").contains("at most 30 days"), "{late:?}");
    }
    let until = days(29);
    let ask = json!({"text": "statements", "until": until});
    let waiting = post(&scene, "sk_demo_b", &at("request-info"), ask).await;
    assert_eq!(waiting.text("/due_at"), until, "{waiting:?}");
    let info = post(&scene, "sk_demo_b", &at("info"), json!({"text": "they came"})).await;
    assert_eq!(info.body["waiting_since"], json!(null), "{info:?}");
    let freed = scene.ask("sk_demo_b", "POST", &at("unlock"), None).await;
    assert_eq!(freed.body["locked_by"], json!(null));
    let found = |query: &'static str| {
        let scene = &scene;
        async move {
            let path = format!("/v1/reviews?{query}");
            let told = scene.ask("sk_demo", "GET", &path, None).await;
            told.body["data"].as_array().unwrap_or_else(|| panic!("{told:?}")).len()
        }
    };
    assert_eq!(found("assigned_to=person_d&open=true").await, 1);
    assert_eq!(found("assigned_to=person_a").await, 0);
    assert_eq!(found("kind=manual_adjustment&player_id=p-1").await, 1);
    assert_eq!(found("kind=withdrawal_review").await, 0);
    let unknown = scene.ask("sk_demo", "GET", "/v1/reviews?kind=dual_approval", None).await;
    assert_eq!((unknown.status, unknown.code()), (400, "review.kind_unknown"), "{unknown:?}");
    for kind in PAYMENT_KINDS.into_iter().chain(CaseKind::ALL.map(CaseKind::as_str)) {
        assert!(unknown.body.to_string().contains(kind), "{kind} is not named: {unknown:?}");
        let path = format!("/v1/reviews?kind={kind}");
        assert_eq!(scene.ask("sk_demo", "GET", &path, None).await.status, 200, "{kind}");
    }
    assert_eq!(found("due_before=2098-01-01T00:00:00Z").await, 1);
    assert_eq!(found("due_before=2020-01-01T00:00:00Z").await, 0);
}

/// Of a person nobody reads what is not on record: the case by itself, its answer to an act, or a list.
#[tokio::test]
async fn whoever_reads_a_case_of_a_person_is_noted_first() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let opened = post(&scene, "sk_demo", "/v1/reviews", credit("p-1")).await;
    let (id, other) = (opened.text("/id"), format!("rev_{}", "0".repeat(32)));
    let path = format!("/v1/reviews/{id}");
    assert_eq!(scene.ask("sk_demo_b", "GET", &path, None).await.status, 200);
    assert_eq!(scene.ask("sk_demo_operator", "GET", &path, None).await.status, 403);
    let none = scene.ask("sk_demo_b", "GET", &format!("/v1/reviews/{other}"), None).await;
    assert_eq!(none.status, 404, "{none:?}");
    post(&scene, "sk_demo_d", &format!("{path}/notes"), json!({"text": "I look"})).await;
    let list = "/v1/reviews?open=true&kind=manual_adjustment&player_id=p-1";
    assert_eq!(scene.ask("sk_demo_b", "GET", list, None).await.status, 200);
    // A case of the service is about nobody.
    let kill = json!({"country": "DE", "reason": "a fire"});
    post(&scene, "sk_demo", "/v1/routing/switches", kill).await;
    let found = scene.ask("sk_demo_b", "GET", "/v1/reviews?kind=kill_switch", None).await;
    let switch = format!("/v1/reviews/{}", found.text("/data/0/id"));
    assert_eq!(scene.ask("sk_demo_b", "GET", &switch, None).await.status, 200);
    let rows = "select door || ': ' || person_id || ' ' || act || ' ' || subject from decision_read
                order by read_id";
    let rows: Vec<String> =
        sqlx::query_scalar(rows).fetch_all(scene.flows.db.pool()).await.unwrap();
    let listed = |of: &str| format!("api: person_b list reviews of {of}");
    let expected = [
        format!("api: person_a read {id}"),
        format!("api: person_b read {id}"),
        format!("api: person_d read {id}"),
        listed("player p-1, kind manual_adjustment, assigned to anybody, open"),
        listed("player any, kind kill_switch, assigned to anybody, open or closed"),
    ];
    assert_eq!(rows, expected);
}

/// What was done in the case with words, as `act: text`.
async fn words(scene: &Scene, path: &str) -> Vec<String> {
    let told = scene.ask("sk_demo", "GET", path, None).await;
    let lines = told.body["history"].as_array().unwrap_or_else(|| panic!("{told:?}")).iter();
    let said = lines.filter_map(|line| Some((line["act"].as_str()?, line["text"].as_str()?)));
    said.map(|(act, text)| format!("{act}: {text}")).collect()
}

#[tokio::test]
async fn what_is_written_in_a_case_is_kept_once_for_its_key() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let opened = post(&scene, "sk_demo", "/v1/reviews", credit("p-1")).await;
    let path = format!("/v1/reviews/{}", opened.text("/id"));
    let write = async |act: &str, text: &str, key: &str| {
        let body = Some(json!({"text": text}));
        scene.ask_with("sk_demo_b", "POST", &format!("{path}/{act}"), body, key).await
    };
    let is_replay = |told: &Told| told.headers.contains_key("idempotency-replayed");
    // Who is refused has used no key.
    scene.ask("sk_demo_d", "POST", &format!("{path}/lock"), None).await;
    assert_eq!(code(&write("notes", "I look", "k-1").await), (409, "review.locked"));
    scene.ask("sk_demo_d", "POST", &format!("{path}/unlock"), None).await;
    let both = tokio::join!(write("notes", "I look", "k-1"), write("notes", "I look", "k-1"));
    assert_eq!((both.0.status, both.1.status), (200, 200), "{both:?}");
    assert!(is_replay(&both.0) != is_replay(&both.1), "one of them is the first: {both:?}");
    let reused = write("notes", "I look again", "k-1").await;
    assert_eq!(code(&reused), (422, "idempotency.key_reused"), "{reused:?}");
    // The same words under another key are another note; a key is one route's.
    for (act, text, key) in [
        ("notes", "I look", "k-2"),
        ("request-info", "statements", "k-1"),
        ("info", "they came", "k-1"),
    ] {
        let (first, again) = (write(act, text, key).await, write(act, text, key).await);
        assert_eq!((first.status, again.status), (200, 200), "{act}: {first:?} {again:?}");
        assert_eq!((is_replay(&first), is_replay(&again)), (false, true), "{act}");
    }
    let kept = ["note: I look", "note: I look", "info_requested: statements"];
    assert_eq!(words(&scene, &path).await, [&kept[..], &["info_received: they came"]].concat());
    // A repeat is told of it also when nothing can be written any more.
    let approve = json!({"proposal": opened.text("/proposals/0/id")});
    let closed = post(&scene, "sk_demo_b", &format!("{path}/approve"), approve).await;
    assert_eq!(closed.body["open"], json!(false), "{closed:?}");
    let again = write("notes", "I look", "k-2").await;
    assert!(again.status == 200 && is_replay(&again), "{again:?}");
    assert_eq!(code(&write("notes", "too late", "k-3").await), (409, "review.conflict"));
}
