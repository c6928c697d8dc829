//! What tipping-off law forbids to tell, on every route and in every event.
//!
//! A policy gives every reason that there is, each with a mark in all of its words. Payments are blocked,
//! reviewed and held by it, reviews are decided, and then a casino's backend and the player ask every
//! route of the table. Compliance sees every mark; the others see those, and only those, that are theirs,
//! which shows that the search finds what is there to be found.

use crate::half_way::HalfWay;
use crate::isolation::body_of;
use crate::marked::{self, EFFECTS, Marked, marks_in};
use crate::support::{Scene, Told, deposit};
use axum::http::{HeaderMap, Method};
use interlock::api::routes::{Access, RULES, Rule};
use interlock::domain::ids::SystemIds;
use interlock::domain::{Audience, EndpointId, Timestamp};
use interlock::outbox::publish::publish;
use interlock::screening::Policies;
use interlock::store::incidents::{ServiceIncident, raise};
use interlock::webhooks::client::WebhookClient;
use interlock::webhooks::deliver::{Outbound, deliver};
use interlock::webhooks::guard::{Reach, SystemNames};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const OPERATOR: &str = "sk_demo_operator";
/// What officers write is for officers.
const NOTE: &str = "zq9998zq";
const INCIDENT: &str = "zq9999zq";

/// Everything that one reader was told.
#[derive(Debug, Default)]
struct Heard {
    marks: BTreeSet<String>,
    /// Which answer told a mark, for the report of a failure.
    places: BTreeMap<String, String>,
    codes: BTreeSet<String>,
    routes_read: BTreeSet<&'static str>,
}

impl Heard {
    fn hear(&mut self, place: &str, text: &str, codes: &BTreeSet<&str>) {
        for mark in marks_in(text) {
            self.places.entry(mark.clone()).or_insert_with(|| place.to_owned());
            self.marks.insert(mark);
        }
        for code in codes.iter().filter(|code| text.contains(&format!("\"{code}\""))) {
            self.codes.insert(format!("{code} on {place}"));
        }
    }

    #[track_caller]
    fn kept_to(&self, marked: &Marked, reader: Audience) {
        let (_, forbidden) = marked.split(reader);
        let leaks = self
            .places
            .iter()
            .filter(|(mark, _)| forbidden.contains(*mark) || "9998" <= mark.as_str());
        let leaks: Vec<_> = leaks.map(|(mark, place)| (marked.reasons.get(mark), place)).collect();
        assert!(leaks.is_empty(), "{reader:?} was told: {leaks:#?}");
        assert_eq!(self.codes, BTreeSet::new(), "{reader:?} was told codes of compliance");
    }
}

struct Stage {
    scene: Scene,
    marked: Marked,
    token: String,
    jti: String,
    delivered: Arc<Mutex<Vec<String>>>,
    endpoint: String,
    switch: String,
}

impl Stage {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let now = scene.flows.clock.now();
        let policies = scene.flows.policies.current();
        let marked = marked::marked(policies.in_force("DE", now).unwrap());
        let delivered = Arc::default();
        let url = receiver(Arc::clone(&delivered)).await;
        scene.player("p-1").await;
        let ask = |path, body| scene.ask("sk_demo", "POST", path, Some(body));
        let win = json!({"kind": "win", "amount": "5000.00", "currency": "EUR", "reference": "w"});
        assert_eq!(ask("/v1/players/p-1/wallet-entries", win).await.status, 201);
        let body = json!({"url": url, "events": ["*"]});
        let endpoint = ask("/v1/webhook-endpoints", body).await.text("/id");
        let session = json!({"player_id": "p-1", "ttl_s": 900});
        let session = ask("/v1/player-sessions", session).await;
        let other = ask("/v1/player-sessions", json!({"player_id": "p-1", "ttl_s": 60})).await;
        let (token, jti) = (session.text("/token"), other.text("/jti"));
        let switch = crate::routing::of_demo(&scene).await;
        let under_way = HalfWay::begin(&scene).await;
        scene.flows.policies.set(Policies::new(vec![marked.policy.clone()]), now);
        under_way.go_on(&scene).await;
        Self { scene, marked, token, jti, delivered, endpoint, switch }
    }

    /// A deposit and a withdrawal under each effect, and what officers do with those that wait.
    async fn play(&self) {
        for (_, amount, _) in EFFECTS {
            for (path, body) in
                [("deposits", deposit("p-1", amount)), ("withdrawals", withdrawal(amount))]
            {
                let told =
                    self.scene.ask("sk_demo", "POST", &format!("/v1/{path}"), Some(body)).await;
                assert_eq!(told.status, 201, "{told:?}");
                assert!(["in_review", "blocked"].contains(&&*told.text("/status")), "{told:?}");
            }
        }
        let detail = format!("player op_demo/p-1 is near a list: {INCIDENT}");
        let incident = ServiceIncident { kind: "name_delta", detail: &detail, psp: None };
        let pool = self.scene.flows.db.pool();
        raise(pool, Uuid::now_v7(), &incident, Timestamp::now_utc()).await.unwrap();
    }

    /// Officers write about everything that waits, and turn it away.
    async fn officers_work(&self) {
        let list = self.scene.ask("sk_demo", "GET", "/v1/reviews?limit=200", None).await;
        let about_payments = |review: &&Value| !review["payment_id"].is_null();
        let reviews = list.body["data"].as_array().unwrap().iter().filter(about_payments);
        let open: Vec<&Value> = reviews.collect();
        // Reviewed and held, each both ways: at their begin, when their money came, before it left; and what
        // would be denied once money has moved.
        assert_eq!(open.len(), 10, "{}", list.body);
        let post = async |who: &str, path: String, body: Value| {
            let told = self.scene.ask(who, "POST", &path, Some(body)).await;
            assert!([200, 201].contains(&told.status), "{path} {told:?}");
            told
        };
        for review in open {
            let path = format!("/v1/reviews/{}", review["id"].as_str().unwrap());
            post("sk_demo", format!("{path}/notes"), json!({"text": NOTE})).await;
            // Money that came can only go back.
            let outcome = if review["kind"] == "money_in" { "return" } else { "reject" };
            let body = json!({"outcome": outcome, "note": NOTE});
            let proposed = post("sk_demo", format!("{path}/propose"), body).await;
            let body = json!({"proposal": proposed.text("/proposals/0/id")});
            post("sk_demo_b", format!("{path}/approve"), body).await;
        }
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_all(self.scene.flows.db.pool()).await.unwrap()
    }

    /// Every id there is, by the prefix of the routes that take it.
    async fn ids(&self) -> BTreeMap<&'static str, Vec<String>> {
        let of = async |prefix: &str, sql: &str| -> Vec<String> {
            let found = self.texts(sql).await;
            found.into_iter().map(|id| format!("{prefix}{}", id.replace('-', ""))).collect()
        };
        let by = |direction| {
            format!("select payment_id::text from payment where direction = '{direction}'")
        };
        let (deposits, withdrawals) =
            (of("dep_", &by("deposit")).await, of("wd_", &by("withdrawal")).await);
        let payments = [deposits.clone(), withdrawals.clone()].concat();
        BTreeMap::from([
            ("/v1/player-sessions/", vec![self.jti.clone()]),
            ("/v1/players/", vec!["p-1".to_owned()]),
            ("/v1/deposits/", deposits),
            ("/v1/withdrawals/", withdrawals),
            ("/v1/payments/", payments),
            ("/v1/webhook-endpoints/", vec![self.endpoint.clone()]),
            ("/v1/events/", of("evt_", "select event_id::text from outbox_event").await),
            ("/v1/decisions/", of("dec_", "select decision_id::text from decision").await),
            ("/v1/reviews/", of("rev_", "select review_id::text from review").await),
            ("/v1/incidents/", of("inc_", "select incident_id::text from service_incident").await),
            ("/v1/policies/", vec![self.marked.policy.version.clone()]),
            ("/v1/routing/switches/", vec![self.switch.clone()]),
            ("/webhooks/", vec!["trustly-de".to_owned()]),
            ("/webhooks/vendors/", vec!["sumsub".to_owned()]),
        ])
    }

    /// Asks every route whose method is wanted, as one reader.
    async fn sweep(&self, heard: &mut Heard, bearer: &str, wanted: &[Method]) {
        let codes = self.marked.secret_codes();
        let ids = self.ids().await;
        // What is taken away is taken away last.
        let mut rules: Vec<&'static Rule> = RULES.iter().collect();
        rules.sort_by_key(|rule| rule.method == Method::DELETE);
        for rule in rules.into_iter().filter(|rule| wanted.contains(&rule.method)) {
            for path in paths(rule, &ids) {
                let place = format!("{} {path}", rule.method);
                if rule.path == "/v1/payments/{id}/events" {
                    heard.hear(&place, &self.streamed(bearer, &path).await, &codes);
                    heard.routes_read.insert(rule.path);
                    continue;
                }
                for body in bodies(rule) {
                    let key = Uuid::new_v4().to_string();
                    // What is kept for a repeat is told again.
                    for _ in 0..if rule.method == Method::POST { 2 } else { 1 } {
                        let ask = (rule.method.as_str(), path.as_str(), body.clone());
                        let told = self.scene.ask_with(bearer, ask.0, ask.1, ask.2, &key).await;
                        heard.hear(&place, &all_of(&told), &codes);
                        if told.status == 200 {
                            heard.routes_read.insert(rule.path);
                        }
                    }
                }
            }
        }
    }

    async fn streamed(&self, bearer: &str, path: &str) -> String {
        let id = path.trim_end_matches("/events").rsplit_once('_').unwrap().1;
        let sql = format!("select event_id::text from outbox_event where payment_id = '{id}'");
        let count = self.texts(&sql).await.len();
        assert_ne!(count, 0, "{path}");
        self.scene.stream_of(bearer, path, None, count).await.join("\n")
    }

    /// Delivers every event to the casino's endpoint, and gives what arrived there.
    async fn deliver(&self) -> Vec<String> {
        let pool = self.scene.flows.db.pool();
        publish(pool, &SystemIds, self.scene.flows.clock.now()).await.unwrap();
        let patience = Duration::from_secs(15);
        let reach = Reach::PublicAndLoopback;
        let client = WebhookClient::with_timeout(Arc::new(SystemNames), reach, patience);
        let outbound = Outbound {
            pool: pool.clone(),
            client: client.unwrap(),
            clock: Arc::new(interlock::clock::SystemClock),
            ids: Arc::new(SystemIds),
            shutdown: CancellationToken::new(),
        };
        let digits = self.endpoint.trim_start_matches("whe_");
        let endpoint = EndpointId(digits.parse().unwrap());
        while deliver(&outbound, endpoint).await.unwrap().delivered > 0 {}
        self.delivered.lock().unwrap().clone()
    }
}

/// A casino's own receiver, which keeps all that it is sent.
async fn receiver(kept: Arc<Mutex<Vec<String>>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let take = move |headers: HeaderMap, body: String| async move {
        kept.lock().unwrap().push(format!("{headers:?}\n{body}"));
    };
    let router = axum::Router::new().route("/hook", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

pub fn withdrawal(amount: &str) -> Value {
    let iban = json!({"type": "iban", "iban": "DE89370400440532013000",
                      "holder_name": "Erika Mustermann"});
    json!({"player_id": "p-1", "amount": amount, "currency": "EUR", "method": "bank_transfer",
           "destination": iban})
}

/// Head and body.
fn all_of(told: &Told) -> String {
    format!("{:?}\n{}", told.headers, String::from_utf8_lossy(&told.bytes))
}

fn paths(rule: &Rule, ids: &BTreeMap<&'static str, Vec<String>>) -> Vec<String> {
    let Some((head, rest)) = rule.path.split_once('{') else {
        let query = match rule.path {
            "/v1/payment-methods" => "?player_id=p-1&direction=withdrawal",
            "/v1/deposits" | "/v1/withdrawals" if rule.method == Method::GET => {
                "?player_id=p-1&limit=200"
            }
            "/v1/decisions" => "?limit=200",
            _ => "",
        };
        return vec![format!("{}{query}", rule.path)];
    };
    let (_, tail) = rest.split_once('}').unwrap();
    let own = ids.get(head).unwrap_or_else(|| panic!("{} is not covered", rule.path));
    assert!(!own.is_empty(), "there is nothing to ask {} for", rule.path);
    own.iter().map(|id| format!("{head}{id}{tail}").replace("{rest}", "x")).collect()
}

fn bodies(rule: &Rule) -> Vec<Option<Value>> {
    let of_each =
        |body: fn(&str) -> Value| EFFECTS.iter().map(|(_, amount, _)| Some(body(amount))).collect();
    match (rule.method.as_str(), rule.path) {
        ("POST", "/v1/deposits") => of_each(|amount| deposit("p-1", amount)),
        ("POST", "/v1/withdrawals") => of_each(withdrawal),
        _ => vec![body_of(rule)],
    }
}

fn readable(access: Access) -> bool {
    use interlock::api::keys::Scope;
    !matches!(access, Access::Open | Access::Key(Scope::Compliance))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_compliance_may_know_reaches_nobody_else_on_any_route_or_event() {
    let stage = Stage::new().await;
    stage.play().await;
    let (mut operator, mut player, mut officer) =
        (Heard::default(), Heard::default(), Heard::default());
    let reads = [Method::GET];
    let writes = [Method::POST, Method::PUT];
    let token = stage.token.clone();
    stage.sweep(&mut operator, OPERATOR, &reads).await;
    stage.sweep(&mut player, &token, &reads).await;
    stage.officers_work().await;
    stage.sweep(&mut officer, "sk_demo", &reads).await;
    for methods in [&writes[..], &reads] {
        stage.sweep(&mut operator, OPERATOR, methods).await;
        stage.sweep(&mut player, &token, methods).await;
    }
    let delivered = stage.deliver().await;
    let codes = stage.marked.secret_codes();
    let events = stage.texts("select event_id::text from outbox_event").await.len();
    assert!(events <= delivered.len(), "{events} events, {} delivered", delivered.len());
    for one in &delivered {
        operator.hear("a webhook", one, &codes);
    }
    stage.sweep(&mut operator, OPERATOR, &[Method::DELETE]).await;
    operator.kept_to(&stage.marked, Audience::Operator);
    player.kept_to(&stage.marked, Audience::Player);

    let account = "select outcome from decision where checkpoint = 'account.event' limit 1";
    assert_eq!(
        stage.texts(account).await,
        ["review"],
        "what happens to accounts was looked at too"
    );

    // What the search would have found: it finds what each may read.
    let (all, _) = stage.marked.split(Audience::Compliance);
    let officers: BTreeSet<String> =
        officer.marks.iter().filter(|it| it.as_str() < "9000").cloned().collect();
    assert_eq!(officers, all, "compliance sees every reason");
    assert!(officer.marks.contains("9998"), "and what its own people wrote");
    let (open, _) = stage.marked.split(Audience::Operator);
    assert_eq!(operator.marks, open, "a casino sees the rest");
    assert!(!player.marks.is_empty() && player.marks.is_subset(&open));
    let unread: Vec<_> = RULES
        .iter()
        .filter(|rule| rule.method == Method::GET && readable(rule.access))
        .filter(|rule| !operator.routes_read.contains(rule.path))
        .collect();
    assert!(unread.is_empty(), "not read: {unread:?}");
    for secret in ["kyt.finding", "names.sanctions", "names.pep", "structuring.suspected"] {
        assert!(codes.contains(secret), "{secret}: {codes:?}");
    }
}
