//! TrueLayer's `Tl-Signature`: a detached JWS with ES512 over the method, the path, the listed
//! headers and the raw body.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private, Public};
use openssl::sha::sha512;
use serde_json::{Value, json};

/// Bytes of one coordinate of P-521.
const HALF: usize = 66;

/// What is signed: the request line and body, and the headers that the JWS lists.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl Signed<'_> {
    fn payload(&self, listed: &str) -> Option<Vec<u8>> {
        let mut payload = format!("{} {}\n", self.method, self.path).into_bytes();
        for name in listed.split(',').filter(|name| !name.is_empty()) {
            let value = self.headers.get(name)?;
            // The name in the signer's own casing, the value as it came.
            payload.extend_from_slice(format!("{name}: ").as_bytes());
            payload.extend_from_slice(value.as_bytes());
            payload.push(b'\n');
        }
        payload.extend_from_slice(self.body);
        Some(payload)
    }
}

/// Verifies a signature that must cover the header `required`.
pub(super) fn verify(
    key: &PKey<Public>,
    kid: &str,
    required: &str,
    signed: &Signed<'_>,
    signature: &str,
) -> Result<(), &'static str> {
    let (head, tail) = signature.split_once("..").ok_or("the signature is not detached")?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let header = decode(head).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let header = header.ok_or("the signature header is not JSON")?;
    if header["alg"] != "ES512" || header["kid"] != kid || header["tl_version"] != "2" {
        return Err("the signature has another alg, kid or version");
    }
    let listed = header["tl_headers"].as_str().unwrap_or_default();
    if !listed.split(',').any(|name| name.eq_ignore_ascii_case(required)) {
        return Err("a header that must be signed is not");
    }
    let payload = signed.payload(listed).ok_or("a signed header is missing")?;
    let bytes = decode(tail).filter(|bytes| bytes.len() == 2 * HALF);
    let bytes = bytes.ok_or("the signature has a wrong length")?;
    match check(key, head, &payload, &bytes) {
        Ok(true) => Ok(()),
        _ => Err("the signature does not match"),
    }
}

fn check(key: &PKey<Public>, head: &str, payload: &[u8], bytes: &[u8]) -> Result<bool, ErrorStack> {
    let (r, s) = bytes.split_at(HALF);
    let signature =
        EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
    let key = key.ec_key()?;
    signature.verify(&digest(head, payload), &key)
}

fn digest(head: &str, payload: &[u8]) -> [u8; 64] {
    sha512(format!("{head}.{}", URL_SAFE_NO_PAD.encode(payload)).as_bytes())
}

/// Signs a webhook: the listed headers must be in `signed`.
pub(super) fn sign(
    key: &PKey<Private>,
    kid: &str,
    jku: &str,
    listed: &str,
    signed: &Signed<'_>,
) -> anyhow::Result<String> {
    // In TrueLayer's own order: its library for Python writes the header again, in this order,
    // before it verifies.
    let (kid, names, jku) = (Value::from(kid), Value::from(listed), Value::from(jku));
    let header = format!(
        r#"{{"alg":"ES512","kid":{kid},"tl_version":"2","tl_headers":{names},"jku":{jku}}}"#
    );
    let head = URL_SAFE_NO_PAD.encode(header);
    let payload = signed.payload(listed).unwrap_or_default();
    let key = key.ec_key()?;
    let signature = EcdsaSig::sign(&digest(&head, &payload), &key)?;
    let half = i32::try_from(HALF)?;
    let mut bytes = signature.r().to_vec_padded(half)?;
    bytes.extend(signature.s().to_vec_padded(half)?);
    Ok(format!("{head}..{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The JSON Web Key Set that webhook receivers fetch from `jku`.
pub(super) fn jwks(key: &PKey<Private>, kid: &str) -> anyhow::Result<Value> {
    let key = key.ec_key()?;
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    let mut context = BigNumContext::new()?;
    key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
    let half = i32::try_from(HALF)?;
    let text = |number: &BigNum| -> Result<String, ErrorStack> {
        Ok(URL_SAFE_NO_PAD.encode(number.to_vec_padded(half)?))
    };
    Ok(json!({ "keys": [{
        "kty": "EC", "alg": "ES512", "crv": "P-521", "use": "sig", "kid": kid,
        "x": text(&x)?, "y": text(&y)?,
    }] }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use std::path::{Path, PathBuf};

    use http::HeaderMap;
    use openssl::pkey::PKey;

    use super::{Signed, verify};

    const KID: &str = "45fc75cf-5649-4134-84b3-192c2c78e990";

    /// The published vectors, which are read in place and not part of the project.
    fn vectors() -> Option<PathBuf> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("INTERLOCK_SHARED").map_or(default, PathBuf::from);
        let folder = shared.join("vectors/truelayer");
        if !folder.is_dir() {
            println!("skipped: {} is not there", folder.display());
            return None;
        }
        Some(folder)
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn the_published_request_signature_verifies() {
        let Some(folder) = vectors() else { return };
        let pem = std::fs::read(folder.join("ec512-public.pem")).unwrap();
        let key = PKey::public_key_from_pem(&pem).unwrap();
        let signature = std::fs::read_to_string(folder.join("tl-signature.txt")).unwrap();
        let headers = headers(&[("idempotency-key", "idemp-2076717c-9005-4811-a321-9e0787fa0382")]);
        let mut signed = Signed {
            method: "POST",
            path: "/merchant_accounts/a61acaef-ee05-4077-92f3-25543a11bd8d/sweeping",
            headers: &headers,
            body: br#"{"currency":"GBP","max_amount_in_minor":5000000,"name":"Foo???"}"#,
        };
        verify(&key, KID, "Idempotency-Key", &signed, signature.trim()).unwrap();
        signed.path = "/merchant_accounts";
        assert!(verify(&key, KID, "Idempotency-Key", &signed, signature.trim()).is_err());
    }

    #[test]
    fn the_published_webhook_signature_verifies() {
        let Some(folder) = vectors() else { return };
        let pem = std::fs::read(folder.join("ec512-public.pem")).unwrap();
        let key = PKey::public_key_from_pem(&pem).unwrap();
        let signature = std::fs::read_to_string(folder.join("webhook-signature.txt")).unwrap();
        let headers = headers(&[
            ("x-tl-webhook-timestamp", "2021-11-29T11:42:55Z"),
            ("content-type", "application/json"),
        ]);
        let signed = Signed {
            method: "POST",
            path: "/tl-webhook",
            headers: &headers,
            body: br#"{"event_type":"example","event_id":"18b2842b-a57b-4887-a0a6-d3c7c36f1020"}"#,
        };
        verify(&key, KID, "X-Tl-Webhook-Timestamp", &signed, signature.trim()).unwrap();
    }
}
