//! Webhooks signed by hand, with the sandbox's own keys or with others, the way each PSP signs.

use super::raw::Message;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use interlock::sandbox::keys::SandboxKeys;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::sha512;
use openssl::sign::Signer;
use serde_json::{Value, json};
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub type Key = PKey<Private>;

pub fn private_key(home: &Path, account: &str, name: &str) -> Key {
    let pem = std::fs::read(SandboxKeys::at(home).private(account, name)).unwrap();
    PKey::private_key_from_pem(&pem).unwrap()
}

pub fn new_rsa() -> Key {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

pub fn new_p521() -> Key {
    let group = EcGroup::from_curve_name(Nid::SECP521R1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// Keys in order, each followed by its value.
fn serialised(data: &Value) -> String {
    match data {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            names.iter().map(|name| format!("{name}{}", serialised(&fields[*name]))).collect()
        }
        Value::Array(items) => items.iter().map(serialised).collect(),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub fn trustly_signature(key: &Key, method: &str, uuid: &str, data: &Value) -> String {
    let text = format!("{method}{uuid}{}", serialised(data));
    let mut signer = Signer::new(MessageDigest::sha1(), key).unwrap();
    STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes()).unwrap())
}

/// A notification of Trustly's; `signature` none: a good one.
pub fn trustly_body(key: &Key, method: &str, data: &Value, signature: Option<&str>) -> Vec<u8> {
    let uuid = "258a2184-2842-b485-25ca-293525152425";
    let good = trustly_signature(key, method, uuid, data);
    let signature = signature.unwrap_or(&good);
    let body = json!({
        "method": method,
        "params": { "signature": signature, "uuid": uuid, "data": data },
        "version": "1.1",
    });
    body.to_string().into_bytes()
}

/// How TrueLayer signs, and what an attacker may change of it.
#[derive(Clone)]
pub struct Jws {
    pub key: Key,
    pub header: Value,
    pub stamp: String,
    pub path: String,
}

pub fn stamp(offset_s: i64) -> String {
    #[allow(clippy::disallowed_methods, reason = "webhooks are stamped with the real time")]
    let now = OffsetDateTime::from(std::time::SystemTime::now());
    let now = now.replace_nanosecond(0).unwrap() + time::Duration::seconds(offset_s);
    now.format(&Rfc3339).unwrap()
}

impl Jws {
    /// As the account's own PSP signs, now.
    pub fn of(home: &Path, account: &str, base_url: &str) -> Self {
        Self {
            key: private_key(home, account, "webhook"),
            header: json!({
                "alg": "ES512", "kid": format!("sandbox-webhook-{account}"), "tl_version": "2",
                "tl_headers": "X-Tl-Webhook-Timestamp", "jku": format!("{base_url}/.well-known/jwks"),
            }),
            stamp: stamp(0),
            path: format!("/webhooks/{account}"),
        }
    }

    pub fn saying(mut self, field: &str, value: Value) -> Self {
        self.header[field] = value;
        self
    }

    pub fn input(&self, body: &[u8]) -> (String, Vec<u8>) {
        let head = URL_SAFE_NO_PAD.encode(self.header.to_string());
        let mut payload = format!("POST {}\n", self.path).into_bytes();
        for name in self.header["tl_headers"].as_str().unwrap_or_default().split(',') {
            if name.eq_ignore_ascii_case("x-tl-webhook-timestamp") {
                payload.extend_from_slice(format!("{name}: {}\n", self.stamp).as_bytes());
            }
        }
        payload.extend_from_slice(body);
        let input = format!("{head}.{}", URL_SAFE_NO_PAD.encode(payload)).into_bytes();
        (head, input)
    }

    pub fn signature(&self, body: &[u8]) -> String {
        let (head, input) = self.input(body);
        let signed = EcdsaSig::sign(&sha512(&input), &self.key.ec_key().unwrap()).unwrap();
        format!("{head}..{}", fixed(signed.r(), signed.s()))
    }

    pub fn message(&self, body: &[u8]) -> Message {
        self.message_with(body, &self.signature(body))
    }

    pub fn message_with(&self, body: &[u8], signature: &str) -> Message {
        Message::post(&self.path, body.to_vec())
            .with("x-tl-webhook-timestamp", &self.stamp)
            .with("tl-signature", signature)
    }
}

fn fixed(r: &openssl::bn::BigNumRef, s: &openssl::bn::BigNumRef) -> String {
    let mut bytes = r.to_vec_padded(66).unwrap();
    bytes.extend(s.to_vec_padded(66).unwrap());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signatures that broken verifiers have taken.
pub fn broken_signatures(jws: &Jws, body: &[u8]) -> Vec<(&'static str, String)> {
    let (head, input) = jws.input(body);
    let zero = BigNum::new().unwrap();
    let good = jws.signature(body);
    let (_, tail) = good.split_once("..").unwrap();
    let signed = EcdsaSig::sign(&sha512(&input), &jws.key.ec_key().unwrap()).unwrap();
    let der = URL_SAFE_NO_PAD.encode(signed.to_der().unwrap());
    let public = PKey::hmac(&jws.key.public_key_to_pem().unwrap()).unwrap();
    let mut hmac = Signer::new(MessageDigest::sha512(), &public).unwrap();
    let hmac = URL_SAFE_NO_PAD.encode(hmac.sign_oneshot_to_vec(&input).unwrap());
    vec![
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("no signature", format!("{head}..")),
        ("no header", format!("..{tail}")),
        ("zeroes", format!("{head}..{}", fixed(&zero, &zero))),
        ("DER", format!("{head}..{der}")),
        ("HMAC with the public key", format!("{head}..{hmac}")),
        ("truncated", good[..good.len() - 4].to_owned()),
        ("longer", format!("{good}AAAA")),
        ("padded", format!("{good}==")),
        ("attached", good.replacen("..", ".e30.", 1)),
        ("two, joined by a comma", format!("{good}, {good}")),
        ("quoted", format!("\"{good}\"")),
        ("a tab inside", good.replacen("..", ".\t.", 1)),
        ("plain alphabet", format!("{head}..{}", tail.replace(['-', '_'], "+"))),
        ("64 KiB", format!("{good}{}", "A".repeat(65_536))),
    ]
}
