//! Webhooks that are not signed by whom they must be, or not over what they say.

use super::attacks::{Attack, Siege, attack};
use super::forge::{self, Jws, broken_signatures, stamp, trustly_body, trustly_signature};
use super::raw::Message;
use serde_json::{Value, json};

pub fn trustly_forgeries(home: &std::path::Path, data: &Value) -> Vec<(String, Vec<u8>)> {
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

pub fn truelayer_forgeries(siege: &Siege, jws: &Jws, body: &[u8], evil: &str) -> Vec<Attack> {
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
        stamp(-86_400),
        stamp(86_400),
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
pub fn truelayer_headers(good: &Message) -> Vec<Attack> {
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
