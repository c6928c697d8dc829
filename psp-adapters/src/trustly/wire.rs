//! Trustly's envelope: what is signed, and what of an answer is believed.

use super::Trustly;
use crate::prelude::*;
use crate::signature::Proof;
use crate::signature::unseparated::write_out;
use uuid::Uuid;

/// One call.
#[derive(Debug, Clone)]
pub struct Message {
    pub method: &'static str,
    /// The same for the same operation, so that a replay is the same bytes.
    pub uuid: Uuid,
    pub data: Json,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A signed error with its code.
    Error(String),
    /// Nothing that can be believed.
    Nothing(Unknown),
}

impl From<Unknown> for Refusal {
    fn from(why: Unknown) -> Self {
        Refusal::Nothing(why)
    }
}

/// The text that is signed: method, UUID, and the data written out as key after key.
pub(super) fn signed_text(method: &str, uuid: &str, data: &Json) -> Option<String> {
    let mut text = format!("{method}{uuid}");
    write_out(data, &mut text)?;
    Some(text)
}

impl Trustly {
    /// The HTTP request of a call.
    pub fn request(&self, message: &Message) -> Option<HttpRequest> {
        let uuid = message.uuid.to_string();
        let text = signed_text(message.method, &uuid, &message.data)?;
        let params = object! {
            "Signature": self.signer.sign_sha1(text.as_bytes())?,
            "UUID": uuid,
            "Data": message.data.clone(),
        };
        let body = object! { "method": message.method, "params": params, "version": "1.1" };
        Some(HttpRequest::json(Method::Post, &self.url, body.to_bytes()))
    }

    /// The verified data of a call's result.
    ///
    /// Trustly answers everything with 200, errors too; another status comes from something in between,
    /// and proves nothing. Only the signed copy of an error's code is read.
    pub fn answer(&self, message: &Message, response: &HttpResponse) -> Result<Json, Refusal> {
        match response.status {
            200 => {}
            429 => return Err(Unknown::Throttled.into()),
            _ => return Err(Unknown::ServerError.into()),
        }
        let body = json(response)?;
        let (part, is_error) = match (body.get("result"), body.get("error/error")) {
            (Some(result), None) => (result, false),
            (None, Some(error)) => (error, true),
            _ => return Err(Unknown::Unreadable.into()),
        };
        let data = self.verified_data(part, message).ok_or(Unknown::Unreadable)?;
        if is_error { Err(Refusal::Error(data.need_word("code")?)) } else { Ok(data.clone()) }
    }

    /// The `data` of a signed part, when it is an answer to this call and its signature verifies.
    fn verified_data<'a>(&self, part: &'a Json, message: &Message) -> Option<&'a Json> {
        let (method, uuid) = (message.method, message.uuid.to_string());
        let data = part.get("data")?;
        let ours = part.str("method")? == method && part.str("uuid")? == uuid;
        self.verify(part.str("signature")?, method, &uuid, data).filter(|_| ours)?;
        Some(data)
    }

    pub fn verify(&self, signature: &str, method: &str, uuid: &str, data: &Json) -> Option<Proof> {
        self.keys.verify(signed_text(method, uuid, data)?.as_bytes(), signature)
    }
}
