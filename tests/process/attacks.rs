//! Everything that somebody may send to our webhook addresses who is not the PSP. All of it ends in
//! a refusal, moves nothing, and leaves the service well.

use super::forge::{self, Jws, broken_signatures, stamp, trustly_body, trustly_signature};
use super::raw::{Message, send, send_without_end};
use super::wait::until;
use super::world::World;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What must not change: every row about money, and every stored event.
const MONEY: &str = "select concat_ws(' ',
    (select count(*) from entry), (select count(*) from hold_move), (select count(*) from transition),
    (select count(*) from outbox_event), (select count(*) from decision),
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
struct Siege {
    world: World,
    _house: super::program::Program,
    captured: Captured,
    trustly: Value,
    truelayer: Value,
}

struct Attack {
    name: String,
    bytes: Vec<u8>,
}

fn attack(name: impl Into<String>, message: &Message) -> Attack {
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

    fn jws(&self, account: &str) -> Jws {
        let name = account.to_uppercase().replace('-', "_");
        let base = &self.world.variables[&format!("INTERLOCK__PSPS__{name}__BASE_URL")];
        Jws::of(self.world.place.home(), account, base)
    }

    /// Sends every one; tells all that were not refused.
    async fn repels(&self, attacks: &[Attack]) {
        let before = self.money().await;
        let mut bad = Vec::new();
        for attack in attacks {
            let answer = send(self.world.place.api, &attack.bytes).await;
            // No answer at all: the connection was closed.
            if answer.as_ref().is_some_and(|(status, _)| !(400..500).contains(status)) {
                bad.push(format!("{}: {answer:?}", attack.name));
            }
        }
        assert!(bad.is_empty(), "not refused:\n{}", bad.join("\n"));
        assert_eq!(self.money().await, before, "something moved");
        self.world.api.get("/readyz").await.fine();
        println!("{} attacks repelled", attacks.len());
    }

    async fn end(self) {
        self.world.proves().await;
        self.world.end().await;
    }
}

/// Every seventh byte with its lowest bit turned, up to `end`.
fn flips(message: &Message, end: usize) -> Vec<Attack> {
    let places = (0..end).step_by(7);
    places
        .map(|at| {
            let mut changed = message.clone();
            changed.body[at] ^= 1;
            attack(format!("body, byte {at} turned"), &changed)
        })
        .collect()
}

/// What is wrong with any webhook, however well it is signed.
fn misshapen(good: &Message) -> Vec<Attack> {
    let mut all = Vec::new();
    let text = String::from_utf8(good.body.clone()).unwrap();
    let depth = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (name, body) in [
        ("empty", String::new()),
        ("BOM", format!("\u{feff}{text}")),
        ("two documents", format!("{text}{text}")),
        ("a byte more", format!("{text}x")),
        ("NUL at the end", format!("{text}\0")),
        ("a byte less", text[..text.len() - 1].to_owned()),
        ("a list", format!("[{text}]")),
        ("deep", text.replacen('{', &format!("{{\"x\":{depth},"), 1)),
        ("a key twice", text.replacen('{', "{\"method\":\"x\",\"type\":\"x\",", 1)),
        ("one byte too many", format!("{text}{}", " ".repeat(262_145 - text.len()))),
    ] {
        all.push(attack(format!("body: {name}"), &good.clone().saying(body)));
    }
    for method in ["GET", "PUT", "DELETE", "PATCH", "post", "TRACE"] {
        all.push(attack(format!("method {method}"), &good.clone().by(method)));
    }
    let overridden = good.clone().by("GET").with("x-http-method-override", "POST");
    all.push(attack("method override", &overridden));
    for encoding in ["gzip", "deflate", "br", "identity, gzip"] {
        let message = good.clone().with("content-encoding", encoding);
        all.push(attack(format!("encoding {encoding}"), &message));
    }
    all.extend(paths(good));
    all.extend(framings(good));
    all
}

fn paths(good: &Message) -> Vec<Attack> {
    let account = good.target.strip_prefix("/webhooks/").unwrap();
    let (first, rest) = account.split_at(1);
    let encoded = format!("%{:02x}{rest}", first.as_bytes()[0]);
    let spellings = [
        format!("//webhooks/{account}"),
        format!("/webhooks//{account}"),
        format!("/webhooks/{account}/"),
        format!("/webhooks/{account}/more"),
        format!("/webhooks/{account};x"),
        format!("/webhooks/{account}."),
        format!("/webhooks/{account}?x=1"),
        format!("/webhooks/{account}?"),
        format!("/webhooks/{account}%00"),
        format!("/webhooks/{account}%2f"),
        format!("/webhooks/{encoded}"),
        format!("/webhooks/%25{}", &encoded[1..]),
        format!("/webhooks/../webhooks/{account}"),
        format!("/webhooks/./{account}"),
        format!("/%77ebhooks/{account}"),
        format!("/WEBHOOKS/{account}"),
        format!("/webhooks/{}", account.to_uppercase()),
        "/webhooks/".to_owned(),
        "/webhooks/nobody".to_owned(),
        "/webhooks/trustly-gb".to_owned(),
        "/webhooks/truelayer-gb".to_owned(),
    ];
    spellings.iter().map(|path| attack(format!("path {path}"), &good.clone().at(path))).collect()
}

/// Lies about where the body ends.
fn framings(good: &Message) -> Vec<Attack> {
    let honest = good.body.len();
    let (short, long) = ((honest - 5).to_string(), (honest + 5).to_string());
    let honest = honest.to_string();
    let lies: [&[(&str, &str)]; 9] = [
        &[("content-length", &short)],
        &[("content-length", &long)],
        &[("content-length", "-1")],
        &[("content-length", "1e3")],
        &[("content-length", "99999999999999999999")],
        &[("content-length", "1073741824")],
        &[("content-length", &honest), ("content-length", "0")],
        &[("content-length", &honest), ("transfer-encoding", "chunked")],
        &[("transfer-encoding", "gzip, chunked")],
    ];
    let lie = |framing: &&[(&str, &str)]| Attack {
        name: format!("framing {framing:?}"),
        bytes: good.bytes_framed(framing),
    };
    lies.iter().map(lie).collect()
}

fn trustly_forgeries(home: &std::path::Path, data: &Value) -> Vec<(String, Vec<u8>)> {
    let key = forge::private_key(home, "trustly-de", "trustly");
    let good = String::from_utf8(trustly_body(&key, "credit", data, None)).unwrap();
    let signature = trustly_signature(&key, "credit", "258a2184-2842-b485-25ca-293525152425", data);
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, body: Vec<u8>| all.push((name.to_owned(), body));
    for (name, key) in [
        ("a retired key", forge::new_rsa()),
        ("the merchant's key", forge::private_key(home, "trustly-de", "merchant")),
        ("another account's key", forge::private_key(home, "trustly-gb", "trustly")),
    ] {
        add(name, trustly_body(&key, "credit", data, None));
    }
    for bad in [
        "".to_owned(),
        "AA==".to_owned(),
        signature[..signature.len() - 4].to_owned(),
        format!("{signature} "),
        format!("\n{signature}"),
        format!("{signature}AAAA"),
        signature.replace(['+', '/'], "-"),
        signature.trim_end_matches('=').to_owned(),
        format!("alg=none;{signature}"),
        format!("alg=HS256;{signature}"),
        format!("alg=RS256;{signature}"),
        format!("alg=;{signature}"),
        "alg=none;".to_owned(),
    ] {
        if bad != signature {
            add(&format!("signature {bad:.20}"), trustly_body(&key, "credit", data, Some(&bad)));
        }
    }
    let amount = "\"amount\":\"10.00\"";
    assert!(good.contains(amount));
    for (name, from, to) in [
        ("another method", "\"credit\"", "\"debit\""),
        ("another uuid", "258a2184", "258a2185"),
        ("more money", amount, "\"amount\":\"1000.00\""),
        ("a number as amount", amount, "\"amount\":10.00"),
        ("an exponent as amount", amount, "\"amount\":1e1"),
        ("a huge amount", amount, "\"amount\":1e400"),
        ("twice an amount", amount, "\"amount\":\"10.00\",\"amount\":\"1000.00\""),
        ("another currency", "\"EUR\"", "\"SEK\""),
        ("NUL", "\"EUR\"", "\"EUR\\u0000\""),
        ("a lone surrogate", "\"EUR\"", "\"\\ud800\""),
        ("a zero-width space", "\"EUR\"", "\"EUR\u{200b}\""),
        ("a null more", amount, "\"amount\":\"10.00\",\"b\":null"),
        ("data twice", "\"uuid\"", "\"data\":{},\"uuid\""),
        ("no signature", "\"signature\"", "\"signaturf\""),
        ("a list as data", "\"data\":", "\"data\":[],\"dat\":"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{name}");
        add(name, changed.into_bytes());
    }
    all
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

fn truelayer_forgeries(siege: &Siege, jws: &Jws, body: &[u8], evil: &str) -> Vec<Attack> {
    let mut all = Vec::new();
    for (name, signature) in broken_signatures(jws, body) {
        all.push(attack(format!("signature: {name}"), &jws.message_with(body, &signature)));
    }
    let other = siege.jws("truelayer-gb");
    for (field, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("HS512")),
        ("alg", json!("ES256")),
        ("alg", json!("es512")),
        ("alg", Value::Null),
        ("kid", json!("another")),
        ("kid", json!("")),
        ("kid", json!("../../../dev/null")),
        ("kid", other.header["kid"].clone()),
        ("kid", json!("x".repeat(2_000))),
        ("jku", json!(evil)),
        ("jku", other.header["jku"].clone()),
        ("jku", Value::Null),
        ("crit", json!(["b64"])),
        ("tl_version", json!("1")),
        ("tl_headers", json!("")),
        ("tl_headers", json!("content-type")),
        ("tl_headers", json!("X-Tl-Webhook-Timestamp,x-tl-webhook-timestamp")),
    ] {
        let changed = jws.clone().saying(field, value.clone());
        all.push(attack(format!("{field} = {value:.60}"), &changed.message(body)));
    }
    let retired = Jws { key: forge::new_p521(), ..jws.clone() };
    all.push(attack("a retired key", &retired.message(body)));
    let merchant = forge::private_key(siege.world.place.home(), "truelayer-de", "signing");
    all.push(attack("our own key", &Jws { key: merchant, ..jws.clone() }.message(body)));
    let elsewhere = Jws { path: "/webhooks/truelayer-gb".to_owned(), ..jws.clone() };
    all.push(attack("signed for another account", &elsewhere.message(body)));
    let here = other.message(body).at("/webhooks/truelayer-de");
    all.push(attack("another account's webhook", &here));
    let mut posing = other.clone();
    posing.path.clone_from(&jws.path);
    all.push(attack("another account's key for our path", &posing.message(body)));
    for when in [
        stamp(-301),
        stamp(301),
        stamp(-86_400),
        "1e9".to_owned(),
        "1763640000".to_owned(),
        "-1".to_owned(),
        format!("+{}", stamp(0)),
        format!("{}x", stamp(0)),
        stamp(0).replace('T', " T"),
        stamp(0).replace('2', "٢"),
        String::new(),
    ] {
        let changed = Jws { stamp: when.clone(), ..jws.clone() };
        all.push(attack(format!("stamped {when}"), &changed.message(body)));
    }
    all
}

/// Headers that are missing, there twice, or changed in every seventh byte.
fn truelayer_headers(good: &Message) -> Vec<Attack> {
    let mut all = Vec::new();
    for name in ["tl-signature", "x-tl-webhook-timestamp"] {
        let value = good.header(name);
        all.push(attack(format!("no {name}"), &good.clone().without(name)));
        all.push(attack(format!("{name} twice"), &good.clone().with(name, &value)));
        let upper = good.clone().with(&name.to_uppercase(), "other");
        all.push(attack(format!("{name} twice, in capitals"), &upper));
        for at in (0..value.len()).step_by(7) {
            let mut bytes = value.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = good.clone().replacing(name, &bytes);
            all.push(attack(format!("{name}, byte {at} turned"), &changed));
        }
        for (left, right) in [("", "\0"), ("\0", ""), ("", "\r\n x"), ("\r\n ", ""), ("", "\rx")] {
            let changed = good.clone().replacing(name, format!("{left}{value}{right}"));
            all.push(attack(format!("{name} with {left:?} and {right:?}"), &changed));
        }
    }
    all
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
    let inbox = "select count(*) from inbox where done_at is null";
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
