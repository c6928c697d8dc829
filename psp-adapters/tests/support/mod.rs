//! What the tests share: keys, accounts, operations, and a driver that needs no network.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "tests may")]

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use psp_adapters::{
    Adapter, CachedToken, Input, Psp, PspAccount, Step, Transport, TransportConfig, build,
};
use psp_contract::{
    AttemptRef, Currency, DepositRequest, Destination, HttpRequest, HttpResponse, Inquiry,
    InquiryBy, Money, Operation, Outcome, Payer, PayoutRequest, ReturnRequest, Subject, Timestamp,
    TransportFailure,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

pub const KID: &str = "7a3b1c5e-0000-4000-8000-000000000001";
pub const WEBHOOK_KID: &str = "7a3b1c5e-0000-4000-8000-000000000002";
pub const MERCHANT_ACCOUNT: &str = "ab8d4058-ee8c-4a10-a996-2c1f1a0c0000";

/// A key pair in PEM.
pub struct Pair {
    pub key: PKey<Private>,
    pub private_pem: String,
    pub public_pem: String,
}

fn pair(key: PKey<Private>) -> Pair {
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    Pair {
        private_pem: text(key.private_key_to_pem_pkcs8().unwrap()),
        public_pem: text(key.public_key_to_pem().unwrap()),
        key,
    }
}

pub fn rsa() -> Pair {
    pair(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
}

pub fn p521() -> Pair {
    let group = EcGroup::from_curve_name(Nid::SECP521R1).unwrap();
    pair(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
}

pub static MERCHANT_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static TRUSTLY_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static TRUSTLY_RSA_NEXT: LazyLock<Pair> = LazyLock::new(rsa);
pub static FOREIGN_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static CLIENT_EC: LazyLock<Pair> = LazyLock::new(p521);
pub static WEBHOOK_EC: LazyLock<Pair> = LazyLock::new(p521);
pub static FOREIGN_EC: LazyLock<Pair> = LazyLock::new(p521);

pub fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretString::from(*value))).collect()
}

pub fn trustly_account(base_url: &str) -> PspAccount {
    PspAccount {
        id: "trustly-de".to_owned(),
        adapter: "trustly".to_owned(),
        method: "bank_transfer".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/trustly-de".to_owned(),
        settings: texts(&[("username", "casino")]),
        secrets: secrets(&[
            ("password", "correct horse"),
            ("merchant_private_key_pem", &MERCHANT_RSA.private_pem),
            ("trustly_public_key_pem", &TRUSTLY_RSA.public_pem),
            ("trustly_public_key_pem_next", &TRUSTLY_RSA_NEXT.public_pem),
        ]),
    }
}

pub fn truelayer_account(base_url: &str) -> PspAccount {
    PspAccount {
        id: "truelayer-gb".to_owned(),
        adapter: "truelayer".to_owned(),
        method: "bank_transfer".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/truelayer-gb".to_owned(),
        settings: texts(&[
            ("client_id", "casino"),
            ("merchant_account_id", MERCHANT_ACCOUNT),
            ("signing_kid", KID),
            ("hosted_page_url", &format!("{base_url}/payments")),
            ("webhook_jku", &format!("{base_url}/.well-known/jwks")),
        ]),
        secrets: secrets(&[
            ("client_secret", "a client secret of some length"),
            ("signing_private_key_pem", &CLIENT_EC.private_pem),
        ]),
    }
}

/// One for a test program: its TLS roots are read once.
pub fn transport() -> Transport {
    static TRANSPORT: LazyLock<Transport> = LazyLock::new(new_transport);
    TRANSPORT.clone()
}

/// One of its own, for tests with a runtime: pooled connections belong to the runtime that made them.
pub fn new_transport() -> Transport {
    Transport::new(&TransportConfig {
        connect_timeout: Duration::from_secs(2),
        allow_plain_http_loopback: true,
        ..TransportConfig::default()
    })
    .unwrap()
}

pub fn psp(account: PspAccount) -> Psp {
    build(account, &transport()).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_unix_timestamp(1_795_000_000).unwrap()
}

pub fn attempt(number: u128) -> AttemptRef {
    AttemptRef::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

pub fn payer() -> Payer {
    Payer {
        player_reference: "p-7f3a".to_owned(),
        player_uuid: Uuid::from_u128(0x6ba7_b810_9dad_51d1_80b4_00c0_4fd4_30c8),
        full_name: "Erika Mustermann".to_owned(),
        email: Some("erika@example.test".to_owned()),
        locale: Some("de-DE".to_owned()),
        ip: Some("203.0.113.7".to_owned()),
        ..Payer::default()
    }
}

pub fn deposit(attempt: AttemptRef, money: Money) -> Operation {
    Operation::CreateDeposit(DepositRequest {
        attempt,
        money,
        country: "DE".to_owned(),
        payer: payer(),
        return_url: "https://casino.test/back?x=1&y=ö".to_owned(),
        instrument: None,
    })
}

pub fn payout(attempt: AttemptRef, money: Money, destination: Destination) -> Operation {
    Operation::CreatePayout(PayoutRequest {
        attempt,
        money,
        country: "DE".to_owned(),
        payer: payer(),
        destination,
    })
}

pub fn refund(attempt: AttemptRef, money: Money, deposit: &str) -> Operation {
    Operation::ReturnDeposit(ReturnRequest {
        attempt,
        deposit_psp_reference: deposit.to_owned(),
        money,
    })
}

pub fn inquiry(subject: Subject, attempt: AttemptRef, money: Money, by: InquiryBy) -> Operation {
    Operation::Inquire(Inquiry {
        subject,
        attempt,
        by,
        money,
        first_sent_at: now(),
        deposit_psp_reference: Some("dep-1".to_owned()),
    })
}

pub fn token(value: &str) -> Destination {
    Destination { token: Some(value.to_owned()), portable: None }
}

pub const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub const fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// An answer without headers.
pub fn response(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.into() }
}

/// What an exchange came to, with every request that it wanted.
pub struct Driven {
    pub outcome: Outcome,
    pub requests: Vec<(&'static str, HttpRequest)>,
    pub forgot_token: bool,
}

/// Drives an exchange with answers instead of a network.
pub fn drive(
    adapter: &dyn Adapter,
    operation: &Operation,
    now: Timestamp,
    token: Option<CachedToken>,
    mut answer: impl FnMut(&'static str, &HttpRequest) -> Result<HttpResponse, TransportFailure>,
) -> Driven {
    let mut exchange = adapter.exchange(operation, now);
    let mut input = Input::Start { token };
    let (mut requests, mut forgot_token) = (Vec::new(), false);
    for _ in 0..16 {
        input = match exchange.step(input) {
            Step::Send(step, request) => {
                let answered = answer(step, &request);
                requests.push((step, request));
                match answered {
                    Ok(response) => Input::Response(response),
                    Err(failure) => Input::Failed(failure),
                }
            }
            Step::Remember(_) => Input::Remembered,
            Step::Forget => {
                forgot_token = true;
                Input::Remembered
            }
            Step::Done(outcome) => {
                return Driven { outcome, requests, forgot_token };
            }
        };
    }
    panic!("an exchange without an end");
}

/// The folder of the published vectors. None, and a word about it, when it is not there.
pub fn vectors(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("INTERLOCK_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = root.join("vectors").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!(
        "skipped: the published vectors are not at {} (INTERLOCK_SHARED names the folder)",
        path.display()
    );
    None
}

/// Trustly's side, written again from its documentation: signs what a test says.
pub mod trustly_side {
    use super::{Pair, TRUSTLY_RSA};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use openssl::hash::MessageDigest;
    use openssl::sign::Signer;
    use serde_json::{Value, json};

    fn flat(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().map(flat).collect(),
            Value::Object(fields) => {
                let mut keys: Vec<_> = fields.keys().collect();
                keys.sort();
                keys.into_iter().map(|key| format!("{key}{}", flat(&fields[key]))).collect()
            }
            other => other.to_string(),
        }
    }

    pub fn sign_with(
        pair: &Pair,
        digest: MessageDigest,
        method: &str,
        uuid: &str,
        data: &Value,
    ) -> String {
        let mut signer = Signer::new(digest, &pair.key).unwrap();
        let text = format!("{method}{uuid}{}", flat(data));
        STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes()).unwrap())
    }

    pub fn sign(pair: &Pair, method: &str, uuid: &str, data: &Value) -> String {
        sign_with(pair, MessageDigest::sha1(), method, uuid, data)
    }

    /// The method and UUID of a request.
    pub fn call(body: &[u8]) -> (String, String, Value) {
        let body: Value = serde_json::from_slice(body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&body["method"]), text(&body["params"]["UUID"]), body["params"]["Data"].clone())
    }

    pub fn result(request: &[u8], data: &Value) -> Value {
        let (method, uuid, _) = call(request);
        let signature = sign(&TRUSTLY_RSA, &method, &uuid, data);
        json!({"version": "1.1", "result": {"signature": signature, "uuid": uuid, "method": method, "data": data}})
    }

    pub fn error(request: &[u8], code: u32) -> Value {
        let (method, uuid, _) = call(request);
        let data = json!({"code": code, "message": "ERROR_OF_SOME_KIND"});
        let signature = sign(&TRUSTLY_RSA, &method, &uuid, &data);
        let signed = json!({"signature": signature, "uuid": uuid, "method": method, "data": data});
        json!({"version": "1.1", "error": {"name": "JSONRPCError", "code": code, "message": "ERROR_OF_SOME_KIND", "error": signed}})
    }

    pub fn notification(pair: &Pair, method: &str, uuid: &str, data: &Value) -> Vec<u8> {
        let signature = sign(pair, method, uuid, data);
        json!({"method": method, "version": "1.1", "params": {"signature": signature, "uuid": uuid, "data": data}})
            .to_string()
            .into_bytes()
    }
}

/// TrueLayer's side, through its own signing library.
pub mod truelayer_side {
    use super::{Pair, WEBHOOK_EC, WEBHOOK_KID};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use openssl::bn::{BigNum, BigNumContext};
    use serde_json::json;

    /// The published key set with one P-521 key.
    pub fn jwks(pair: &Pair, kid: &str) -> String {
        let key = pair.key.ec_key().unwrap();
        let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
        let mut context = BigNumContext::new().unwrap();
        key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).unwrap();
        let text = |number: &BigNum| URL_SAFE_NO_PAD.encode(number.to_vec());
        json!({"keys": [{"kty": "EC", "alg": "ES512", "crv": "P-521", "kid": kid, "x": text(&x), "y": text(&y)}]})
            .to_string()
    }

    /// A webhook's `Tl-Signature`.
    pub fn sign(pair: &Pair, kid: &str, jku: &str, path: &str, stamp: &str, body: &[u8]) -> String {
        truelayer_signing::sign_with_pem(kid, pair.private_pem.as_bytes())
            .method(truelayer_signing::Method::Post)
            .path(path)
            .header("X-Tl-Webhook-Timestamp", stamp.as_bytes())
            .header("Content-Type", b"application/json")
            .jku(jku)
            .body(body)
            .build_signer()
            .sign()
            .unwrap()
    }

    pub fn headers(jku: &str, path: &str, stamp: &str, body: &[u8]) -> Vec<(String, String)> {
        vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-tl-webhook-timestamp".to_owned(), stamp.to_owned()),
            ("tl-signature".to_owned(), sign(&WEBHOOK_EC, WEBHOOK_KID, jku, path, stamp, body)),
        ]
    }
}
