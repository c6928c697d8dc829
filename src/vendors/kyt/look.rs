//! One look at one vendor: as many requests as its wire wants, all within one deadline.

use super::{Found, Question, Step, Wire};
use crate::domain::Timestamp;
use crate::screening::signals::{VendorResult, VendorState};
use psp_adapters::Transport;
use psp_contract::HttpResponse;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A wire that wants more than this is broken.
const REQUESTS_MAX: usize = 8;

/// A vendor as it is configured.
#[derive(Debug, Clone)]
pub struct Vendor {
    pub wire: Arc<dyn Wire>,
    pub transport: Transport,
    /// How long one look may take.
    pub call_timeout: Duration,
}

/// What one look brought.
#[derive(Debug, Clone)]
pub struct Looked {
    pub result: VendorResult,
    /// The answers' bodies, which the result's hash is of.
    pub raw: Vec<u8>,
    /// Why the result is an error, in words for people; nothing of the vendor's text.
    pub problem: Option<&'static str>,
}

/// Looks once. It never fails: what goes wrong is a result in the state `error`.
pub async fn look(
    vendor: &Vendor,
    question: &Question,
    request_id: Option<&str>,
    now: Timestamp,
) -> Looked {
    let by = Instant::now() + vendor.call_timeout;
    let mut answers: Vec<HttpResponse> = Vec::new();
    let outcome = loop {
        let request = match vendor.wire.step(question, request_id, &answers, now) {
            Step::Send(_) if answers.len() == REQUESTS_MAX => {
                break Step::Unusable("the vendor asks for too many requests");
            }
            Step::Send(request) => request,
            done => break done,
        };
        match vendor.transport.send(request, by).await {
            Ok(answer) => answers.push(answer),
            Err(_) => break Step::Unusable("the vendor could not be reached in time"),
        }
    };
    let raw = raw_of(&answers);
    let known = request_id.unwrap_or(&question.reference).to_owned();
    let mut result = VendorResult {
        vendor: vendor.wire.vendor().to_owned(),
        hook: question.hook,
        place: None,
        request_id: known,
        state: VendorState::Error,
        risk: None,
        score: None,
        signals: Vec::new(),
        raw_sha256: Sha256::digest(&raw).into(),
        version: "none".to_owned(),
        received_at: now,
    };
    let problem = match outcome {
        Step::Found(Found { request_id, risk, score, signals, version }) => {
            result.state = VendorState::Final;
            (result.request_id, result.version) = (request_id, version);
            (result.risk, result.score, result.signals) = (risk, score, signals);
            None
        }
        Step::Pending { request_id } => {
            result.state = VendorState::Pending;
            result.request_id = request_id;
            None
        }
        Step::Unusable(problem) => Some(problem),
        Step::Send(_) => Some("the look ended early"),
    };
    Looked { result, raw, problem }
}

/// The bodies as they came, each after its length, so that no two series of answers look alike.
fn raw_of(answers: &[HttpResponse]) -> Vec<u8> {
    let mut raw = Vec::new();
    for answer in answers {
        raw.extend_from_slice(format!("{} {}\n", answer.status, answer.body.len()).as_bytes());
        raw.extend_from_slice(&answer.body);
        raw.push(b'\n');
    }
    raw
}
