//! Trustly's side, written again from its documentation: signs what a test says.

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
