//! Trustly's signature: RSA PKCS#1 v1.5 with SHA-1 over method + UUID + the serialised data.
//!
//! Data is serialised from the raw JSON tree: keys in code-unit order, each followed by its
//! value; a null keeps its key and adds nothing (as Trustly's Java client does).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private, Public};
use openssl::sign::{Signer, Verifier};
use serde_json::Value;

pub(crate) fn serialise(data: &Value) -> String {
    let mut text = String::new();
    write(data, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => text.push_str(string),
        Value::Array(items) => items.iter().for_each(|item| write(item, text)),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            for (name, value) in fields {
                text.push_str(name);
                write(value, text);
            }
        }
    }
}

fn signed_text(method: &str, uuid: &str, data: &Value) -> String {
    format!("{method}{uuid}{}", serialise(data))
}

pub(crate) fn sign(key: &PKey<Private>, method: &str, uuid: &str, data: &Value) -> String {
    let text = signed_text(method, uuid, data);
    let signature = Signer::new(MessageDigest::sha1(), key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(text.as_bytes()));
    // A key that loaded can sign; if it cannot, the unsigned answer says so to the reader.
    signature.map(|bytes| STANDARD.encode(bytes)).unwrap_or_default()
}

pub(crate) fn verify(
    key: &PKey<Public>,
    method: &str,
    uuid: &str,
    data: &Value,
    signature: &str,
) -> bool {
    let Ok(bytes) = STANDARD.decode(signature) else {
        return false;
    };
    let text = signed_text(method, uuid, data);
    Verifier::new(MessageDigest::sha1(), key)
        .and_then(|mut verifier| verifier.verify_oneshot(&bytes, text.as_bytes()))
        .unwrap_or(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use std::path::{Path, PathBuf};

    use openssl::pkey::PKey;
    use serde_json::Value;

    use super::{serialise, verify};

    /// The published vectors, which are read in place and not part of the project.
    fn vectors() -> Option<PathBuf> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("INTERLOCK_SHARED").map_or(default, PathBuf::from);
        let folder = shared.join("vectors/trustly");
        if !folder.is_dir() {
            println!("skipped: {} is not there", folder.display());
            return None;
        }
        Some(folder)
    }

    fn read(path: &Path) -> Value {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn the_published_request_serialises_as_trustly_does() {
        let Some(folder) = vectors() else { return };
        let vector = read(&folder.join("serialisation.json"));
        assert_eq!(serialise(&vector["data"]), vector["serialised"]);
    }

    #[test]
    fn the_published_signature_verifies_and_an_altered_one_does_not() {
        let Some(folder) = vectors() else { return };
        let vector = read(&folder.join("account-response.json"));
        let pem = std::fs::read(folder.join("merchant-public.pem")).unwrap();
        let key = PKey::public_key_from_pem(&pem).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let (uuid, signature) = (text("uuid"), text("signature"));
        assert!(verify(&key, "account", &uuid, &vector["data"], &signature));
        assert!(!verify(&key, "credit", &uuid, &vector["data"], &signature));
    }

    #[test]
    fn nulls_keep_their_key_and_lists_are_joined() {
        let data: Value = serde_json::from_str(r#"{"b":[1,{"z":true}],"a":null,"B":"x"}"#).unwrap();
        assert_eq!(serialise(&data), "Bxab1ztrue");
    }
}
