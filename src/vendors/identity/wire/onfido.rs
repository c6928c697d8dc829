//! Onfido (Entrust): checks and workflow runs (its published OpenAPI document, v3.6).
//!
//! A message names a resource and where to read it; the result is nowhere else. The document has no field
//! for the client's own id of an applicant, so the casino writes the player into the tags of what it
//! starts: `player:p-1`.

use super::super::verify::Verified;
use super::{Event, Told, Unreadable, plain, rfc3339};
use crate::screening::hooks::KycStanding;
use psp_contract::HttpRequest;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

/// As whom Onfido is asked.
#[derive(Debug)]
pub struct Onfido {
    pub api_token: SecretString,
}

/// The tag that says who the player is.
const TAG: &str = "player:";
/// How a check is called where levels are given their worth; a workflow run has its workflow's id.
const CHECK: &str = "check";

#[derive(Deserialize)]
struct Message {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    resource_type: String,
    action: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    href: Option<String>,
    completed_at_iso8601: Option<String>,
    started_at_iso8601: Option<String>,
}

#[derive(Deserialize)]
struct Resource {
    id: String,
    status: String,
    result: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    workflow_id: Option<String>,
    workflow_version_id: Option<u64>,
    #[serde(default)]
    sandbox: bool,
    tags: Option<Vec<String>>,
}

/// What a message says. Where it leads is compared with where we ask.
///
/// # Errors
/// It is not what Onfido documents.
pub fn event(verified: &Verified<'_>, base_url: &str) -> Result<Event, Unreadable> {
    let message: Message = serde_json::from_slice(verified.body()).map_err(|_| Unreadable)?;
    let Payload { resource_type, action, object } = message.payload;
    let is_ours = matches!(resource_type.as_str(), "check" | "workflow_run") && plain(&object.id);
    let at = object.completed_at_iso8601.or(object.started_at_iso8601);
    Ok(Event {
        kind: action,
        leads_elsewhere: is_ours
            && !object.href.as_deref().is_some_and(|it| leads_to(it, base_url)),
        reference: is_ours.then(|| format!("{resource_type}/{}", object.id)),
        player: None,
        happened_at: at.as_deref().and_then(rfc3339),
        is_sandbox: false,
    })
}

/// Whether a link is to the host, scheme and port that we ask.
fn leads_to(href: &str, base_url: &str) -> bool {
    let same =
        |href: &Url, base: &Url| href.origin() == base.origin() && href.username().is_empty();
    Url::parse(href)
        .ok()
        .zip(Url::parse(base_url).ok())
        .is_some_and(|(href, base)| same(&href, &base))
}

impl Onfido {
    /// How a check or a run stands. The path is ours: what a message said of it was only compared.
    pub fn question(&self, base_url: &str, reference: &str) -> Option<HttpRequest> {
        let (kind, id) = reference.split_once('/')?;
        let path = match kind {
            CHECK => "checks",
            "workflow_run" => "workflow_runs",
            _ => return None,
        };
        let token = format!("Token token={}", self.api_token.expose_secret());
        let request = HttpRequest::get(format!("{base_url}/{path}/{id}"));
        Some(request.header("authorization", token))
    }
}

/// What Onfido says of a check or a run.
///
/// # Errors
/// It is not what Onfido documents: another resource, one that is complete without a result, or a word
/// that nobody knows.
pub fn told(body: &[u8], reference: &str) -> Result<Told, Unreadable> {
    let resource: Resource = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let (kind, id) = reference.split_once('/').ok_or(Unreadable)?;
    if resource.id != id {
        return Err(Unreadable);
    }
    let standing = if kind == CHECK { of_check(&resource)? } else { of_run(&resource)? };
    let level_name = match (kind, resource.workflow_id) {
        (CHECK, _) => CHECK.to_owned(),
        (_, Some(workflow)) => workflow,
        (_, None) => return Err(Unreadable),
    };
    let version = resource.workflow_version_id.map(|version| format!("v{version}"));
    // A check does not say when it was decided: the message does.
    let is_over = kind != CHECK && standing != KycStanding::Pending;
    let decided_at = resource.updated_at.as_deref().filter(|_| is_over).and_then(rfc3339);
    let tags = resource.tags.unwrap_or_default();
    Ok(Told {
        reference: reference.to_owned(),
        player: tags.iter().find_map(|tag| tag.strip_prefix(TAG)).map(str::to_owned),
        standing,
        level_name,
        begun_at: resource.created_at.as_deref().and_then(rfc3339),
        decided_at,
        is_sandbox: resource.sandbox,
        // Which version of a workflow decided is the vendor's rule reference; its reasons are free text.
        labels: version.into_iter().collect(),
    })
}

fn of_check(check: &Resource) -> Result<KycStanding, Unreadable> {
    match (check.status.as_str(), check.result.as_deref()) {
        ("in_progress" | "paused" | "reopened" | "awaiting_applicant", _) => {
            Ok(KycStanding::Pending)
        }
        ("withdrawn", _) => Ok(KycStanding::Abandoned),
        ("complete", Some("clear")) => Ok(KycStanding::Verified),
        // "Consider" asks the client's people to look: it is no verification.
        ("complete", Some("consider")) => Ok(KycStanding::Rejected),
        _ => Err(Unreadable),
    }
}

fn of_run(run: &Resource) -> Result<KycStanding, Unreadable> {
    match run.status.as_str() {
        "approved" => Ok(KycStanding::Verified),
        "declined" => Ok(KycStanding::Rejected),
        "processing" | "review" => Ok(KycStanding::Pending),
        "awaiting_input" => Ok(KycStanding::Retry),
        "abandoned" => Ok(KycStanding::Abandoned),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::verify::{Keys, Scheme, sign, verify};
    use super::*;
    use serde_json::{Value, json};

    const BASE: &str = "https://api.eu.onfido.com/v3.6";

    fn message(href: &str) -> Event {
        let body = json!({"payload": {"resource_type": "check", "action": "check.completed",
            "object": {"id": "c-1", "status": "complete", "href": href,
                "completed_at_iso8601": "2026-11-21T08:00:00Z"}}});
        let body = body.to_string();
        let keys = Keys { current: "secret-of-the-tests".to_owned().into(), next: None };
        let signature = sign(&keys.current, &[body.as_bytes()]).unwrap();
        let headers = [("x-sha2-signature".to_owned(), signature)];
        let verified = verify(Scheme::Onfido, &keys, &headers, body.as_bytes()).unwrap();
        event(&verified, BASE).unwrap()
    }

    #[test]
    fn a_link_to_another_host_is_seen_and_never_followed() {
        let good = message("https://api.eu.onfido.com/v3/checks/c-1");
        assert!(!good.leads_elsewhere);
        for href in [
            "https://api.eu.onfido.com.evil.example/v3.6/checks/c-1",
            "https://api.eu.onfido.com@evil.example/v3.6/checks/c-1",
            "https://user@api.eu.onfido.com/v3.6/checks/c-1",
            "http://api.eu.onfido.com/v3.6/checks/c-1",
            "https://api.eu.onfido.com:8443/v3.6/checks/c-1",
            "/v3.6/checks/c-1",
            "",
        ] {
            assert!(message(href).leads_elsewhere, "{href}");
        }
        let onfido = Onfido { api_token: "t".to_owned().into() };
        let request = onfido.question(BASE, good.reference.as_deref().unwrap()).unwrap();
        assert_eq!(request.url, "https://api.eu.onfido.com/v3.6/checks/c-1");
    }

    #[test]
    fn each_result_has_its_standing_and_a_complete_check_without_one_has_none() {
        let check = |status: &str, result: Value| {
            json!({"id": "c-1", "status": status, "result": result, "tags": ["x", "player:p-1"],
                "created_at": "2026-11-21T07:00:00Z"})
        };
        use KycStanding::{Abandoned, Pending, Rejected, Retry, Verified};
        for (body, expected) in [
            (check("complete", json!("clear")), Some(Verified)),
            (check("complete", json!("consider")), Some(Rejected)),
            (check("complete", Value::Null), None),
            (check("complete", json!("fine")), None),
            (check("in_progress", Value::Null), Some(Pending)),
            (check("withdrawn", Value::Null), Some(Abandoned)),
            (check("done", json!("clear")), None),
        ] {
            let found = told(body.to_string().as_bytes(), "check/c-1");
            assert_eq!(found.as_ref().ok().map(|told| told.standing), expected, "{body}");
            assert!(found.is_err() || found.unwrap().player.as_deref() == Some("p-1"));
        }
        for (status, expected) in [
            ("approved", Some(Verified)),
            ("declined", Some(Rejected)),
            ("review", Some(Pending)),
            ("awaiting_input", Some(Retry)),
            ("abandoned", Some(Abandoned)),
            ("error", None),
        ] {
            let body = json!({"id": "r-1", "status": status, "workflow_id": "w-1",
                "workflow_version_id": 7});
            let found = told(body.to_string().as_bytes(), "workflow_run/r-1").ok();
            assert_eq!(found.map(|told| told.standing), expected, "{status}");
        }
        let other = check("complete", json!("clear")).to_string();
        assert_eq!(told(other.as_bytes(), "check/c-2"), Err(Unreadable));
    }
}
