//! `Tl-Signature` version 2, TrueLayer's published scheme: a detached ES512 JWS over method, path, the headers
//! that its own header lists, and the body.
//!
//! The keys are found by id in the set that TrueLayer publishes. The `jku` in the signature's header must
//! be the configured address, and is never fetched itself: whoever chooses the address chooses the key.

use super::{DetachedJws, Es512Signer, Proof, WebhookKeys};
use crate::json::Json;
use crate::webhook::{RawWebhook, UNVERIFIED, WebhookRefusal};
use psp_contract::{HttpRequest, Timestamp};
use time::format_description::well_known::Rfc3339;
use url::Url;

const TIMESTAMP: &str = "X-Tl-Webhook-Timestamp";
/// More headers than TrueLayer has any reason to sign.
const SIGNED_HEADERS_MAX: usize = 16;

const fn invalid<T>(why: &'static str) -> Result<T, WebhookRefusal> {
    Err(WebhookRefusal::Invalid(why))
}

/// The key of a client, and the id by which TrueLayer knows it.
pub(crate) struct TlSigner {
    pub kid: String,
    pub key: Es512Signer,
}

impl TlSigner {
    /// A request under its idempotency key, which is signed with it. None when it cannot be signed.
    pub fn sign(&self, request: HttpRequest, key: String) -> Option<HttpRequest> {
        let path = Url::parse(&request.url).ok()?.path().to_owned();
        let headers = [("Idempotency-Key", &*key)];
        let text = signed_text(request.method.as_str(), &path, &headers, &request.body);
        let signature = self.key.detached_jws(&jws_header(&self.kid), &text)?;
        Some(request.header("idempotency-key", key).header("tl-signature", signature))
    }
}

/// The signature's header, with its fields in TrueLayer's own order: verifiers are about that write the
/// header again from what they read, and then check the signature over their own text.
fn jws_header(kid: &str) -> String {
    let kid = String::from_utf8_lossy(&Json::from(kid).to_bytes()).into_owned();
    format!(r#"{{"alg":"ES512","kid":{kid},"tl_version":"2","tl_headers":"Idempotency-Key"}}"#)
}

/// The signed text: method and path, the listed headers as they are listed, the body.
fn signed_text(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path}\n").into_bytes();
    for (name, value) in headers {
        text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    text.extend_from_slice(body);
    text
}

/// A webhook's signature, once its header is of the one kind that is accepted.
pub(crate) struct TlSignature<'a>(DetachedJws<'a>);

impl<'a> TlSignature<'a> {
    pub fn received(raw: &RawWebhook<'a>, jku: &str) -> Result<Self, WebhookRefusal> {
        let jws = DetachedJws::received(raw, "tl-signature", "ES512")?;
        if jws.header.str("tl_version") != Some("2") {
            return invalid("not version 2");
        }
        if jws.header.str("jku") != Some(jku) {
            return invalid("keys of another address");
        }
        Ok(Self(jws))
    }

    pub fn key_id(&self) -> Result<String, WebhookRefusal> {
        self.0.key_id()
    }

    /// The proof, and the time of sending, which must be among what is signed.
    pub fn verify(
        &self,
        raw: &RawWebhook<'_>,
        keys: &WebhookKeys,
    ) -> Result<(Proof, Timestamp), WebhookRefusal> {
        let headers = signed_headers(self.0.header.str("tl_headers").unwrap_or_default(), raw)?;
        let stamp = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(TIMESTAMP));
        let Some((_, stamp)) = stamp else {
            return invalid("the time stamp is not signed");
        };
        let Ok(sent_at) = Timestamp::parse(stamp, &Rfc3339) else {
            return invalid("the time stamp cannot be read");
        };
        let text = signed_text(raw.method, raw.path_and_query, &headers, raw.body);
        let proof = keys.verify_es512(&self.key_id()?, &self.0, &text);
        Ok((proof.ok_or(UNVERIFIED)?, sent_at))
    }
}

/// The headers that the signature covers: each once in the list, each once in the request.
fn signed_headers<'a>(
    list: &'a str,
    raw: &RawWebhook<'a>,
) -> Result<Vec<(&'a str, &'a str)>, WebhookRefusal> {
    let mut headers: Vec<(&str, &str)> = Vec::new();
    for name in list.split(',') {
        let twice = headers.iter().any(|(seen, _)| seen.eq_ignore_ascii_case(name));
        if twice || headers.len() == SIGNED_HEADERS_MAX {
            return invalid("a list of signed headers that nobody writes");
        }
        match raw.one_header(name) {
            Some(value) if !value.contains(['\r', '\n', '\0']) => headers.push((name, value)),
            _ => return invalid("a signed header is not there exactly once"),
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_method_path_headers_and_body_in_their_order() {
        let text = signed_text("POST", "/v3/payments", &[("Idempotency-Key", "k")], b"{}");
        assert_eq!(text, b"POST /v3/payments\nIdempotency-Key: k\n{}");
    }

    #[test]
    fn a_listed_header_is_there_exactly_once() {
        let headers = ["a", "b", "b"].map(|name| (name.to_owned(), "1".to_owned()));
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/t",
            headers: &headers,
            body: b"{}",
            peer_certificate: None,
            received_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(signed_headers("A", &raw), Ok(vec![("A", "1")]));
        for list in ["a,A", "b", "c", "", "a,"] {
            assert!(signed_headers(list, &raw).is_err(), "{list}");
        }
    }
}
