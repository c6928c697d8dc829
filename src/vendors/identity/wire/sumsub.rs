//! Sumsub: applicants (<https://docs.sumsub.com>).
//!
//! Messages carry the applicant's id, type and time; `GET /resources/applicants/{id}/one` says how the
//! review stands. `clientComment` is for the client's own staff and is not even read.

use super::super::verify::{Verified, sign};
use super::{Event, Told, Unreadable, from_millis, labels, plain, spaced};
use crate::domain::Timestamp;
use crate::screening::hooks::KycStanding;
use psp_contract::HttpRequest;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

/// As whom Sumsub is asked.
#[derive(Debug)]
pub struct Sumsub {
    pub app_token: SecretString,
    pub secret_key: SecretString,
}

const COMPLETED: &str = "completed";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    r#type: String,
    applicant_id: Option<String>,
    external_user_id: Option<String>,
    #[serde(default)]
    sandbox_mode: bool,
    created_at_ms: Option<Moment>,
    created_at: Option<String>,
}

/// The reference writes a text, and clients have seen a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Text(String),
    Millis(i64),
}

impl Moment {
    fn read(&self) -> Option<Timestamp> {
        match self {
            Moment::Text(text) => spaced(text),
            Moment::Millis(ms) => from_millis(*ms),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applicant {
    id: String,
    external_user_id: Option<String>,
    #[serde(default)]
    sandbox_mode: bool,
    review: Review,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    review_status: String,
    level_name: String,
    create_date: Option<String>,
    review_date: Option<String>,
    review_result: Option<ReviewResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewResult {
    review_answer: Option<String>,
    review_reject_type: Option<String>,
    #[serde(default)]
    reject_labels: Vec<String>,
}

/// What a message says.
///
/// # Errors
/// It is not what Sumsub documents.
pub fn event(verified: &Verified<'_>) -> Result<Event, Unreadable> {
    let message: Message = serde_json::from_slice(verified.body()).map_err(|_| Unreadable)?;
    let at = message.created_at_ms.as_ref().and_then(Moment::read);
    Ok(Event {
        kind: message.r#type,
        reference: message.applicant_id.filter(|id| plain(id)),
        player: message.external_user_id,
        happened_at: at.or_else(|| message.created_at.as_deref().and_then(spaced)),
        is_sandbox: message.sandbox_mode,
        leads_elsewhere: false,
    })
}

impl Sumsub {
    /// How an applicant stands. The signature is over the time in seconds, the method and the path.
    pub fn question(&self, base_url: &str, id: &str, now: Timestamp) -> Option<HttpRequest> {
        let url = format!("{base_url}/resources/applicants/{id}/one");
        let path = Url::parse(&url).ok()?.path().to_owned();
        let seconds = now.unix_timestamp().to_string();
        let pieces = [seconds.as_bytes(), b"GET", path.as_bytes()];
        let signature = sign(&self.secret_key, &pieces)?;
        Some(
            HttpRequest::get(url)
                .header("x-app-token", self.app_token.expose_secret())
                .header("x-app-access-ts", seconds.clone())
                .header("x-app-access-sig", signature),
        )
    }
}

/// What Sumsub says of an applicant.
///
/// # Errors
/// It is not what Sumsub documents: another applicant, a review that is over without a result, or a word
/// that nobody knows.
pub fn told(body: &[u8], id: &str) -> Result<Told, Unreadable> {
    let Applicant { id: told_id, external_user_id, sandbox_mode, review } =
        serde_json::from_slice(body).map_err(|_| Unreadable)?;
    if told_id != id {
        return Err(Unreadable);
    }
    let standing = standing(&review)?;
    // The date of the review before may still be there while the next one is under way.
    let decided = review.review_date.as_deref().filter(|_| review.review_status == COMPLETED);
    let (begun_at, decided_at) =
        (review.create_date.as_deref().and_then(spaced), decided.and_then(spaced));
    let result = review.review_result.filter(|_| standing != KycStanding::Verified);
    Ok(Told {
        reference: told_id,
        player: external_user_id,
        standing,
        level_name: review.level_name,
        begun_at,
        decided_at,
        is_sandbox: sandbox_mode,
        labels: labels(result.map(|result| result.reject_labels).unwrap_or_default()),
    })
}

fn standing(review: &Review) -> Result<KycStanding, Unreadable> {
    match review.review_status.as_str() {
        "pending" | "prechecked" | "queued" | "onHold" | "awaitingService" => {
            return Ok(KycStanding::Pending);
        }
        // A review that was reset is one that has not begun.
        "init" | "awaitingUser" => return Ok(KycStanding::Retry),
        COMPLETED => {}
        _ => return Err(Unreadable),
    }
    let result = review.review_result.as_ref().ok_or(Unreadable)?;
    match (result.review_answer.as_deref(), result.review_reject_type.as_deref()) {
        (Some("GREEN"), _) => Ok(KycStanding::Verified),
        (Some("RED"), Some("RETRY")) => Ok(KycStanding::Retry),
        (Some("RED"), _) => Ok(KycStanding::Rejected),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use time::macros::datetime;

    fn applicant(review: &Value) -> Vec<u8> {
        json!({"id": "a1", "externalUserId": "p-1", "review": review}).to_string().into_bytes()
    }

    #[test]
    fn each_review_has_its_standing_and_one_without_a_result_has_none() {
        let completed = |result: Value| {
            json!({"reviewStatus": "completed", "levelName": "basic", "reviewResult": result,
                "createDate": "2026-11-21 07:00:00", "reviewDate": "2026-11-21 08:00:00"})
        };
        let open = |status: &str| json!({"reviewStatus": status, "levelName": "basic"});
        let red = |kind: &str| {
            json!({"reviewAnswer": "RED", "reviewRejectType": kind, "rejectLabels": ["FORGERY"],
                "clientComment": "for the staff"})
        };
        use KycStanding::{Pending, Rejected, Retry, Verified};
        for (review, expected) in [
            (completed(json!({"reviewAnswer": "GREEN"})), Some(Verified)),
            (completed(red("FINAL")), Some(Rejected)),
            (completed(red("RETRY")), Some(Retry)),
            (completed(json!({"reviewAnswer": "RED"})), Some(Rejected)),
            (completed(Value::Null), None),
            (completed(json!({"reviewAnswer": null})), None),
            (completed(json!({"reviewAnswer": "AMBER"})), None),
            (open("pending"), Some(Pending)),
            (open("onHold"), Some(Pending)),
            (open("init"), Some(Retry)),
            (open("approved"), None),
        ] {
            let found = told(&applicant(&review), "a1").ok();
            assert_eq!(found.as_ref().map(|told| told.standing), expected, "{review}");
            assert!(!format!("{found:?}").contains("for the staff"));
        }
        let green = completed(json!({"reviewAnswer": "GREEN"}));
        let found = told(&applicant(&green), "a1").unwrap();
        assert_eq!(found.decided_at, Some(datetime!(2026-11-21 8:00 UTC)));
        assert_eq!(told(&applicant(&green), "a2"), Err(Unreadable), "another applicant");
        assert_eq!(told(b"{\"id\":", "a1"), Err(Unreadable));
    }

    /// Computed with OpenSSL's command line: `printf '1700000000GET/resources/applicants/a1/one' |
    /// openssl dgst -sha256 -hmac secret-key`.
    #[test]
    fn questions_are_signed_over_time_method_and_path() {
        let sumsub = Sumsub {
            app_token: "token".to_owned().into(),
            secret_key: "secret-key".to_owned().into(),
        };
        let now = Timestamp::from_unix_timestamp(1_700_000_000).unwrap();
        let request = sumsub.question("https://api.sumsub.com", "a1", now).unwrap();
        let header = |name: &str| {
            let found = request.headers.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(header("x-app-access-ts"), "1700000000");
        assert_eq!(
            header("x-app-access-sig"),
            "f5738a945005c4c891adf235c27af9f6f5c62c2834ffe990ffc52d6bb6c2187e"
        );
    }
}
