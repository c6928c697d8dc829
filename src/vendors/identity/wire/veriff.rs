//! Veriff: sessions and their decisions (<https://devdocs.veriff.com>).
//!
//! There are two kinds of messages, events (`action`) and decisions (`verification`); both name a session.
//! `GET /v1/sessions/{id}/decision` is signed over the session's id and says how it stands; before there
//! is a decision its `verification` is null.

use super::super::verify::{Keys, Scheme, Verified, sign, verify};
use super::{Event, Told, Unreadable, plain, rfc3339};
use crate::screening::hooks::KycStanding;
use psp_contract::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// As whom Veriff is asked. It signs its messages with the secret that questions are signed with.
#[derive(Debug)]
pub struct Veriff {
    pub api_key: SecretString,
}

/// How a session is called where levels are given their worth.
pub const SESSION: &str = "session";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: Option<String>,
    action: Option<String>,
    vendor_data: Option<String>,
    verification: Option<Decision>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    id: String,
    code: Option<u32>,
    status: Option<String>,
    vendor_data: Option<String>,
    reason_code: Option<u32>,
    decision_time: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    verification: Option<Decision>,
}

/// What a message says.
///
/// # Errors
/// It is not what Veriff documents.
pub fn event(verified: &Verified<'_>) -> Result<Event, Unreadable> {
    let message: Message = serde_json::from_slice(verified.body()).map_err(|_| Unreadable)?;
    let event = |kind: String, id: Option<String>, player, at: Option<String>| Event {
        kind,
        reference: id.filter(|id| plain(id)),
        player,
        happened_at: at.as_deref().and_then(rfc3339),
        is_sandbox: false,
        leads_elsewhere: false,
    };
    match (message.verification, message.action) {
        (Some(decision), _) => {
            let Decision { id, vendor_data, decision_time, .. } = decision;
            Ok(event("decision".to_owned(), Some(id), vendor_data, decision_time))
        }
        (None, Some(action)) => Ok(event(action, message.id, message.vendor_data, None)),
        (None, None) => Err(Unreadable),
    }
}

impl Veriff {
    /// How a session stands.
    pub fn question(&self, base_url: &str, id: &str, secret: &SecretString) -> Option<HttpRequest> {
        let signature = sign(secret, &[id.as_bytes()])?;
        Some(
            HttpRequest::get(format!("{base_url}/v1/sessions/{id}/decision"))
                .header("x-auth-client", self.api_key.expose_secret())
                .header("x-hmac-signature", signature),
        )
    }
}

/// What Veriff says of a session. An answer that carries a signature must carry a good one.
///
/// # Errors
/// It is not what Veriff documents: another session, a bad signature, or a code and a word that do not
/// belong together.
pub fn told(answer: &HttpResponse, id: &str, keys: &Keys) -> Result<Told, Unreadable> {
    if answer.header("x-hmac-signature").is_some() {
        let signed = verify(Scheme::Veriff, keys, &answer.headers, &answer.body);
        signed.map_err(|_| Unreadable)?;
    }
    let Answer { status, verification } =
        serde_json::from_slice(&answer.body).map_err(|_| Unreadable)?;
    if status != "success" {
        return Err(Unreadable);
    }
    let told = |standing, decision: Option<Decision>| Told {
        reference: id.to_owned(),
        player: decision.as_ref().and_then(|decision| decision.vendor_data.clone()),
        standing,
        level_name: SESSION.to_owned(),
        begun_at: None,
        decided_at: decision.as_ref().and_then(|it| it.decision_time.as_deref()).and_then(rfc3339),
        is_sandbox: false,
        labels: decision
            .and_then(|it| it.reason_code)
            .map(|code| code.to_string())
            .into_iter()
            .collect(),
    };
    let Some(decision) = verification else { return Ok(told(KycStanding::Pending, None)) };
    if decision.id != id {
        return Err(Unreadable);
    }
    let standing = match (decision.code, decision.status.as_deref()) {
        (Some(9001), Some("approved")) => KycStanding::Verified,
        (Some(9102), Some("declined")) => KycStanding::Rejected,
        (Some(9103), Some("resubmission_requested")) => KycStanding::Retry,
        (Some(9104 | 9121), Some("expired" | "abandoned")) => KycStanding::Abandoned,
        (Some(_), Some("review" | "started" | "submitted")) => KycStanding::Pending,
        _ => return Err(Unreadable),
    };
    Ok(told(standing, Some(decision)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn keys() -> Keys {
        Keys { current: "secret-of-the-tests".to_owned().into(), next: None }
    }

    fn answer(verification: &Value) -> HttpResponse {
        let body = json!({"status": "success", "verification": verification}).to_string();
        HttpResponse { status: 200, headers: Vec::new(), body: body.into_bytes() }
    }

    #[test]
    fn code_and_word_must_belong_together() {
        let decision = |code: Value, status: Value| {
            json!({"id": "s-1", "code": code, "status": status, "vendorData": "p-1",
                "decisionTime": "2026-11-21T08:00:00.000Z"})
        };
        use KycStanding::{Abandoned, Pending, Rejected, Retry, Verified};
        for (verification, expected) in [
            (decision(json!(9001), json!("approved")), Some(Verified)),
            (decision(json!(9102), json!("declined")), Some(Rejected)),
            (decision(json!(9103), json!("resubmission_requested")), Some(Retry)),
            (decision(json!(9104), json!("expired")), Some(Abandoned)),
            (decision(json!(9121), json!("abandoned")), Some(Abandoned)),
            (decision(json!(9121), json!("review")), Some(Pending)),
            (Value::Null, Some(Pending)),
            (decision(json!(9102), json!("approved")), None),
            (decision(json!(9001), json!("declined")), None),
            (decision(Value::Null, json!("approved")), None),
            (decision(json!(9001), Value::Null), None),
        ] {
            let found = told(&answer(&verification), "s-1", &keys()).ok();
            assert_eq!(found.map(|told| told.standing), expected, "{verification}");
        }
        let approved = decision(json!(9001), json!("approved"));
        assert_eq!(told(&answer(&approved), "s-2", &keys()), Err(Unreadable), "another session");
    }

    #[test]
    fn an_answer_with_a_signature_must_have_a_good_one() {
        let mut answer = answer(&Value::Null);
        let good = sign(&keys().current, &[&answer.body]).unwrap();
        answer.headers.push(("x-hmac-signature".to_owned(), good));
        assert!(told(&answer, "s-1", &keys()).is_ok());
        answer.body.push(b' ');
        assert_eq!(told(&answer, "s-1", &keys()), Err(Unreadable));
    }
}
