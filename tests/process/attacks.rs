//! Everything that somebody may send to our webhook addresses who is not the PSP. All of it ends in
//! a refusal, moves nothing, and leaves the service well.

use super::forge::{self, Jws, stamp, trustly_body};
use super::forgeries::{truelayer_forgeries, truelayer_headers, trustly_forgeries};
use super::misshapen::{flips, misshapen};
use super::raw::{Message, send, send_without_end};
use super::wait::until;
use super::world::World;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What must not change: every row about money, and every stored event.
/// Of decisions those about payments: matchers answer about the sandbox's players meanwhile.
const MONEY: &str = "select concat_ws(' ',
    (select count(*) from entry), (select count(*) from hold_move), (select count(*) from transition),
    (select count(*) from outbox_event),
    (select count(*) from decision where payment_id is not null),
    (select count(*) from payment), (select count(*) from part), (select count(*) from attempt),
    (select count(*) from idempotency_key), (select count(*) from inbox),
    (select count(*) from game_entry), (select coalesce(sum(cash + held + version), 0) from wallet),
    (select coalesce(sum(balance), 0) from house_balance))";

type Captured = Arc<Mutex<Vec<Message>>>;

/// Where the PSPs send their webhooks in these tests: kept, and not passed on.
async fn recorder() -> (String, Captured) {
    let captured = Captured::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = captured.clone();
    let keep = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let mut message = Message::post(uri.path(), body.to_vec());
        for name in ["x-tl-webhook-timestamp", "tl-signature"] {
            if let Some(value) = headers.get(name) {
                message = message.with(name, value.as_bytes());
            }
        }
        kept.lock().unwrap().push(message);
        StatusCode::SERVICE_UNAVAILABLE
    };
    let router = Router::new().fallback(keep);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, captured)
}

/// A service, and a deposit at each PSP for which the payer has not paid yet.
pub struct Siege {
    pub world: World,
    _house: super::program::Program,
    captured: Captured,
    trustly: Value,
    truelayer: Value,
}

pub struct Attack {
    pub name: String,
    pub bytes: Vec<u8>,
}

pub fn attack(name: impl Into<String>, message: &Message) -> Attack {
    Attack { name: name.into(), bytes: message.bytes() }
}

impl Siege {
    async fn begin() -> Self {
        let (url, captured) = recorder().await;
        let world = World::telling(Some(url)).await;
        let house = world.serve().await;
        world.api.player("p-siege").await;
        let trustly = world.api.deposit("p-siege", "10.00").await;
        world.control.listener("trustly-de", false).await;
        let truelayer = world.api.deposit("p-siege", "10.00").await;
        world.control.listener("trustly-de", true).await;
        Self { world, _house: house, captured, trustly, truelayer }
    }

    async fn money(&self) -> String {
        sqlx::query_scalar(MONEY).fetch_one(&self.world.rows).await.unwrap()
    }

    /// The attempt's digits and the PSP's id of the deposit.
    async fn references(&self, deposit: &Value, psp: &str) -> (String, String) {
        let attempt = deposit["attempts"].as_array().unwrap().last().unwrap();
        assert_eq!(attempt["psp"], psp);
        let digits = attempt["id"].as_str().unwrap().trim_start_matches("att_").to_owned();
        let movements = self.world.control.movements(psp).await;
        let found = movements.iter().find(|m| m["client_reference"] == digits.as_str()).unwrap();
        (digits, found["reference"].as_str().unwrap().to_owned())
    }

    /// What Trustly would sign once the payer has paid.
    async fn trustly_data(&self) -> Value {
        let (digits, order) = self.references(&self.trustly, "trustly-de").await;
        json!({
            "orderid": order, "messageid": digits, "enduserid": "p", "notificationid": "990011223344",
            "timestamp": "2026-11-20 12:00:00.000000+00", "amount": "10.00", "currency": "EUR",
        })
    }

    async fn truelayer_body(&self) -> Vec<u8> {
        let (digits, payment) = self.references(&self.truelayer, "truelayer-de").await;
        let body = json!({
            "type": "payment_settled", "event_version": 1, "event_id": uuid::Uuid::new_v4(),
            "payment_id": payment, "settled_at": stamp(0),
            "payment_method": { "type": "bank_transfer" }, "metadata": { "reference": digits },
        });
        body.to_string().into_bytes()
    }

    pub fn jws(&self, account: &str) -> Jws {
        let name = account.to_uppercase().replace('-', "_");
        let base = &self.world.variables[&format!("INTERLOCK__PSPS__{name}__BASE_URL")];
        Jws::of(self.world.place.home(), account, base)
    }

    /// Sends every one; tells all that were not refused.
    async fn repels(&self, attacks: &[Attack]) {
        let before = self.money().await;
        let mut bad = Vec::new();
        let mut told = BTreeMap::new();
        for attack in attacks {
            let answer = send(self.world.place.api, &attack.bytes).await;
            // No answer at all: the connection was closed.
            *told.entry(answer.as_ref().map(|(status, _)| *status)).or_insert(0) += 1;
            if answer.as_ref().is_some_and(|(status, _)| !(400..500).contains(status)) {
                bad.push(format!("{}: {answer:?}", attack.name));
            }
        }
        assert!(bad.is_empty(), "not refused:\n{}", bad.join("\n"));
        assert_eq!(self.money().await, before, "something moved");
        self.world.api.get("/readyz").await.fine();
        println!("{} attacks repelled: {told:?}", attacks.len());
        let unanswered = told.get(&None).copied().unwrap_or(0);
        assert!(unanswered < 10, "{unanswered} got no answer: that proves little");
    }

    async fn end(self) {
        self.world.proves().await;
        self.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_trustly_speaks_for_trustly() {
    let siege = Siege::begin().await;
    let home = siege.world.place.home().to_owned();
    let data = siege.trustly_data().await;
    let key = forge::private_key(&home, "trustly-de", "trustly");
    let good = Message::post("/webhooks/trustly-de", trustly_body(&key, "credit", &data, None));
    // What stands after the signed part is nobody's business: the version of the protocol.
    let text = String::from_utf8(good.body.clone()).unwrap();
    let signed_part = text.find("\"version\"").unwrap();
    let mut attacks = flips(&good, signed_part);
    attacks.extend(misshapen(&good));
    for (name, body) in trustly_forgeries(&home, &data) {
        attacks.push(attack(name, &good.clone().saying(body)));
    }
    attacks.push(attack("at another PSP", &good.clone().at("/webhooks/truelayer-de")));
    siege.repels(&attacks).await;
    let endless = good.bytes_framed(&[("transfer-encoding", "chunked")]);
    let header = endless.len() - good.body.len();
    send_without_end(siege.world.place.api, &[&endless[..header], b"5\r\n{\"a\":"].concat()).await;

    // The control: untouched it counts, once.
    once(&siege, "trustly-de", &siege.trustly, good).await;
    siege.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_truelayer_speaks_for_truelayer() {
    let siege = Siege::begin().await;
    let evil = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let evil_url = format!("http://{}/.well-known/jwks", evil.local_addr().unwrap());
    let jws = siege.jws("truelayer-de");
    let body = siege.truelayer_body().await;
    let good = jws.message(&body);
    let mut attacks = flips(&good, good.body.len());
    attacks.extend(misshapen(&good));
    attacks.extend(truelayer_headers(&good));
    attacks.extend(truelayer_forgeries(&siege, &jws, &body, &evil_url));
    let text = String::from_utf8(body.clone()).unwrap();
    // Rightly signed, and yet not one strict document: a PSP that was broken into.
    for (name, changed) in [
        ("a space more", format!("{text} ")),
        ("a line more", format!("{text}\r\n")),
        ("other order", text.replacen("{", "{\"z\":1,", 1)),
    ] {
        attacks.push(attack(format!("unsigned: {name}"), &good.clone().saying(changed)));
    }
    for (name, changed) in [
        ("a key twice", text.replacen("{", "{\"type\":\"payment_failed\",", 1)),
        ("BOM", format!("\u{feff}{text}")),
        ("NUL", text.replacen("payment_settled", "payment_settled\\u0000", 1)),
        ("no id", text.replacen("event_id", "event_ix", 1)),
        ("two documents", format!("{text}{text}")),
    ] {
        attacks.push(attack(format!("signed: {name}"), &jws.message(changed.as_bytes())));
    }
    siege.repels(&attacks).await;
    // Stamped at the moment of sending; one second more for what the future one takes to arrive.
    for offset_s in [-301, 302] {
        let stale = Jws { stamp: stamp(offset_s), ..jws.clone() };
        siege.repels(&[attack(format!("{offset_s} s off"), &stale.message(&body))]).await;
    }
    let called = tokio::time::timeout(std::time::Duration::ZERO, evil.accept()).await;
    assert!(called.is_err(), "a key was fetched from where the attacker said");

    // The control: TrueLayer's own word, once the payer has paid.
    let deposit = siege.truelayer.clone();
    let attempt = deposit["attempts"].as_array().unwrap().last().unwrap()["id"].clone();
    siege.world.control.complete("truelayer-de", attempt.as_str().unwrap(), "succeeded").await;
    let settled = until("TrueLayer's webhook", || async {
        let captured = siege.captured.lock().unwrap().clone();
        captured.into_iter().find(|m| String::from_utf8_lossy(&m.body).contains("payment_settled"))
    });
    let settled = settled.await;
    once(&siege, "truelayer-de", &deposit, settled).await;
    siege.end().await;
}

/// The webhook is taken, and its replay is answered the same and has no effect.
async fn once(siege: &Siege, psp: &str, deposit: &Value, good: Message) {
    let api = siege.world.place.api;
    let first = send(api, &good.bytes()).await.unwrap();
    assert_eq!(first.0, 200, "{psp}: {first:?}");
    let id = deposit["id"].as_str().unwrap();
    let done = siege.world.api.until_status(id, &["succeeded"]).await;
    assert_eq!(done["credited"]["amount"], "10.00", "{done}");
    assert_eq!(siege.world.api.wallet("p-siege").await.0, "10.00");
    let inbox = "select count(*) from inbox where state = 'new'";
    until("the inbox to be empty", || async {
        (siege.world.count(inbox).await == 0).then_some(())
    })
    .await;
    let before = siege.money().await;
    for _ in 0..5 {
        assert_eq!(send(api, &good.bytes()).await.unwrap(), first, "{psp}: a replay");
    }
    assert_eq!(siege.money().await, before, "{psp}: a replay moved something");
}
