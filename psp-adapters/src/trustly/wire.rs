//! Trustly's envelope: what is signed, and what of an answer is believed.

use super::Trustly;
use crate::answer::json;
use crate::json::{Json, object};
use crate::signature::Proof;
use psp_contract::{HttpRequest, HttpResponse, Method, Unknown};
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
    serialise(data, &mut text)?;
    Some(text)
}

/// Keys in code-unit order (UTF-16, as Java compares), a null as its key with nothing behind it, lists
/// item by item (`reference/psps.md` §2.2). None for a number that is no integer: Trustly sends none, and
/// how its text would be signed is written nowhere.
fn serialise(data: &Json, out: &mut String) -> Option<()> {
    match data {
        Json::Null => {}
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Integer(number) => out.push_str(&number.to_string()),
        Json::Decimal(_) => return None,
        Json::Text(text) => out.push_str(text),
        Json::Array(items) => {
            for item in items {
                serialise(item, out)?;
            }
        }
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            for (key, value) in fields {
                out.push_str(key);
                serialise(value, out)?;
            }
        }
    }
    Some(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &str, expected: Option<&str>) {
        let data = Json::parse(data.as_bytes()).expect("the test's JSON is strict");
        let text = signed_text("m", "-u", &data);
        assert_eq!(text.as_deref().map(|text| &text[3..]), expected);
    }

    #[test]
    fn data_is_written_out_key_by_key() {
        check(r#"{"b":"2","a":"1","B":"3"}"#, Some("B3a1b2"));
        check(r#"{"a":null,"b":true,"c":false,"d":7}"#, Some("abtruecfalsed7"));
        check(r#"{"a":[{"y":"1","x":"2"},{"z":[]}],"b":{}}"#, Some("ax2y1zb"));
        check(r#"[{"b":"1","a":"2"}]"#, Some("a2b1"));
        check(r#"{"a":1.5}"#, None);
    }

    #[test]
    fn keys_are_ordered_by_code_units_and_not_by_code_points() {
        // U+1F600 begins with the unit D83D and so stands before U+FF5E; its code point is larger.
        check("{\"\u{ff5e}\":\"2\",\"\u{1f600}\":\"1\"}", Some("\u{1f600}1\u{ff5e}2"));
    }
}
