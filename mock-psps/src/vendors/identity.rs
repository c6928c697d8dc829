//! What vendors of identity keep: who is verified, how that stands, and what was sent about it.
//!
//! A player goes through the vendor's own pages, which no mock has: `POST /vendors/{id}/applicants` of the
//! control API stands for that. The last word of the player's name says how it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::rules::{Fault, Plan};
use super::{Vendor, onfido, sumsub, veriff};
use crate::{clock, ids};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The real ones repeat for hours.
const RETRY_AFTER_MS: [u64; 7] = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/// How a verification ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Approved,
    Rejected,
    /// The player is to show something again.
    Retry,
    Abandoned,
    /// Somebody still looks.
    Pending,
    /// It is over, and says nothing.
    Null,
}

/// With what a message is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Signing {
    #[default]
    Good,
    /// By somebody else.
    Wrong,
    /// The old way, which the vendor still offers and nobody should take.
    Weak,
}

#[derive(Clone, Debug)]
pub(super) struct Applicant {
    pub(super) reference: String,
    pub(super) player: String,
    pub(super) name: String,
    /// The vendor's level, workflow or kind of session.
    pub(super) level: String,
    pub(super) verdict: Verdict,
    pub(super) created_at: OffsetDateTime,
    pub(super) decided_at: OffsetDateTime,
    signing: Signing,
    sent: Vec<Message>,
}

/// A message as it goes out: the same bytes each time.
#[derive(Clone, Debug)]
pub(super) struct Message {
    body: String,
    headers: Vec<(&'static str, String)>,
}

/// The JSON of `POST /vendors/{id}/applicants`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicantRequest {
    player_id: String,
    full_name: String,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    signature: Signing,
    /// False: the messages are written and kept back, for `webhooks/resend` to send.
    #[serde(default = "yes")]
    send: bool,
}

/// The JSON of `POST /vendors/{id}/applicants/{reference}/complete`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeRequest {
    outcome: Verdict,
    #[serde(default = "yes")]
    send: bool,
}

/// The JSON of `POST /vendors/{id}/webhooks/resend`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendRequest {
    reference: String,
    /// The newest first.
    #[serde(default)]
    reversed: bool,
}

fn yes() -> bool {
    true
}

#[derive(Default)]
pub(crate) struct Identity(Mutex<Vec<Applicant>>);

impl Identity {
    fn lock(&self) -> MutexGuard<'_, Vec<Applicant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn find(&self, reference: &str) -> Option<Applicant> {
        self.lock().iter().find(|one| one.reference == reference).cloned()
    }

    pub(crate) fn views(&self) -> Vec<Value> {
        let view = |one: &Applicant| {
            json!({ "reference": one.reference, "player_id": one.player, "level": one.level,
                "verdict": format!("{:?}", one.verdict).to_lowercase(),
                "messages": one.sent.len() })
        };
        self.lock().iter().map(view).collect()
    }
}

fn verdict_of(name: &str) -> Verdict {
    match name.rsplit(' ').next().unwrap_or_default().to_lowercase().as_str() {
        "rejected" => Verdict::Rejected,
        "retry" => Verdict::Retry,
        "abandoned" => Verdict::Abandoned,
        "pending" => Verdict::Pending,
        "unscored" => Verdict::Null,
        _ => Verdict::Approved,
    }
}

/// What a rule of the control API says of everybody, where it says something; else the applicant's own.
pub(super) fn verdict(applicant: &Applicant, plan: &Plan) -> Verdict {
    match plan.fault {
        Some(Fault::Severe) => Verdict::Rejected,
        Some(Fault::High) => Verdict::Retry,
        Some(Fault::NullScore) => Verdict::Null,
        Some(Fault::Pending) => Verdict::Pending,
        _ => applicant.verdict,
    }
}

/// HMAC in lower hex.
pub(super) fn hmac(digest: MessageDigest, secret: &str, pieces: &[&str]) -> String {
    let sign = || {
        let key = PKey::hmac(secret.as_bytes())?;
        let mut signer = Signer::new(digest, &key)?;
        pieces.iter().try_for_each(|piece| signer.update(piece.as_bytes()))?;
        signer.sign_to_vec()
    };
    sign().map(hex::encode).unwrap_or_default()
}

/// Somebody goes through the vendor's pages. None: this vendor verifies nobody.
pub(crate) fn submit(vendor: &Arc<Vendor>, request: ApplicantRequest) -> Option<Value> {
    let now = clock::now();
    let kind = Kind::of(vendor)?;
    let level = request.level.unwrap_or_else(|| vendor.setting("level").to_owned());
    let verdict = verdict_of(&request.full_name);
    let bad = request.full_name.to_lowercase().ends_with(" badsignature");
    let mut applicants = vendor.identity.lock();
    let count = applicants.iter().filter(|one| one.player == request.player_id).count();
    let reference = kind.reference(vendor, &request.player_id, count);
    // An applicant of Sumsub's is one for ever; the others begin anew each time.
    let sent = applicants.iter().find(|one| one.reference == reference);
    let sent = sent.map(|one| one.sent.clone()).unwrap_or_default();
    applicants.retain(|one| one.reference != reference);
    let mut applicant = Applicant {
        reference: reference.clone(),
        player: request.player_id,
        name: request.full_name,
        level,
        verdict,
        created_at: now,
        decided_at: now,
        signing: if bad { Signing::Wrong } else { request.signature },
        sent,
    };
    let mut messages = vec![kind.message(vendor, &applicant, Verdict::Pending)];
    if verdict != Verdict::Pending {
        messages.push(kind.message(vendor, &applicant, verdict));
    }
    applicant.sent.extend(messages.clone());
    applicants.push(applicant);
    drop(applicants);
    if request.send {
        carry(vendor, messages);
    }
    Some(json!({ "reference": reference }))
}

/// The vendor decides, or decides anew. None: there is no such applicant.
pub(crate) fn complete(
    vendor: &Arc<Vendor>,
    reference: &str,
    request: &OutcomeRequest,
) -> Option<Value> {
    let kind = Kind::of(vendor)?;
    let mut applicants = vendor.identity.lock();
    let applicant = applicants.iter_mut().find(|one| one.reference == reference)?;
    applicant.verdict = request.outcome;
    applicant.decided_at = clock::now();
    let message = kind.message(vendor, applicant, request.outcome);
    applicant.sent.push(message.clone());
    drop(applicants);
    if request.send {
        carry(vendor, vec![message]);
    }
    Some(json!({ "reference": reference }))
}

/// Sends every message about an applicant again, each once, and tells how it was answered. None: there is
/// no such applicant.
pub(crate) async fn resend(vendor: &Arc<Vendor>, request: &ResendRequest) -> Option<Value> {
    let mut messages = vendor.identity.find(&request.reference)?.sent;
    if request.reversed {
        messages.reverse();
    }
    let mut answers = Vec::new();
    for message in &messages {
        let status = deliver(vendor, message).await.map_or(0, |status| status.as_u16());
        answers.push(json!({ "status": status }));
    }
    Some(json!({ "answers": answers }))
}

/// Carries messages to the casino, one after the other, each until it is taken.
fn carry(vendor: &Arc<Vendor>, messages: Vec<Message>) {
    let vendor = vendor.clone();
    tokio::spawn(async move {
        for message in messages {
            for pause in RETRY_AFTER_MS {
                let answer = deliver(&vendor, &message).await;
                if answer.is_some_and(|status| status.is_success()) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    });
}

async fn deliver(vendor: &Vendor, message: &Message) -> Option<StatusCode> {
    let builder = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT);
    let client = builder.redirect(reqwest::redirect::Policy::none()).build().ok()?;
    let mut request = client.post(vendor.setting("webhook_url")).body(message.body.clone());
    request = request.header("content-type", "application/json");
    for (name, value) in &message.headers {
        request = request.header(*name, value);
    }
    request.send().await.ok().map(|answer| answer.status())
}

/// Whose shapes the messages have.
#[derive(Clone, Copy)]
enum Kind {
    Sumsub,
    Onfido,
    Veriff,
}

impl Kind {
    fn of(vendor: &Vendor) -> Option<Self> {
        match vendor.kind.as_str() {
            "sumsub" => Some(Self::Sumsub),
            "onfido" => Some(Self::Onfido),
            "veriff" => Some(Self::Veriff),
            _ => None,
        }
    }

    fn reference(self, vendor: &Vendor, player: &str, count: usize) -> String {
        match self {
            // Twenty-four hex digits, and the same for the player each time.
            Self::Sumsub => {
                let mut id = ids::derived_uuid(&[&vendor.id, player]).replace('-', "");
                id.truncate(24);
                id
            }
            Self::Onfido | Self::Veriff => {
                ids::derived_uuid(&[&vendor.id, player, &count.to_string()])
            }
        }
    }

    fn message(self, vendor: &Vendor, applicant: &Applicant, verdict: Verdict) -> Message {
        let body = match self {
            Self::Sumsub => sumsub::message(applicant, verdict),
            Self::Onfido => onfido::message(vendor, applicant, verdict),
            Self::Veriff => veriff::message(applicant, verdict),
        };
        let body = body.to_string();
        let secret = match applicant.signing {
            Signing::Wrong => "somebody else's secret",
            Signing::Good | Signing::Weak => vendor.setting("webhook_secret"),
        };
        let is_weak = applicant.signing == Signing::Weak;
        let headers = match self {
            Self::Sumsub => sumsub::signed(secret, &body, is_weak),
            Self::Onfido => onfido::signed(secret, &body, is_weak),
            Self::Veriff => veriff::signed(vendor.setting("api_key"), secret, &body, is_weak),
        };
        Message { body, headers }
    }
}
