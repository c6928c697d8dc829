//! What a payer brings back from the issuer's page, and `/payments/details`, which must hear it before
//! anything is authorised. The same result told again gets the same answer, whoever tells it.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Adyen;
use super::api::{self, Both, invalid};
use super::checkout::charge_view;
use crate::book::{Movement, Status};
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::ids;
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;

/// What was brought back, by its text: whose payment it is about, and what the payer did there.
const RESULTS: &str = "redirect_result";

/// The payer has decided on the issuer's page, and takes this back to the merchant's.
pub(super) fn decided(psp: &Psp, m: &Movement, approved: bool) -> String {
    let word = if approved { "approved" } else { "declined" };
    let result = ids::derived_uuid(&[RESULTS, &m.reference, word]).replace('-', "");
    let fact = json!({ "reference": m.reference, "approved": approved });
    psp.book.enter(|entry| entry.put_fact(RESULTS, &result, fact));
    result
}

/// Whether a payment waits for what its payer brings back.
pub(super) fn is_awaited(m: &Movement) -> bool {
    m.wire["issuer"] == true && m.wire["heard"] != true
}

pub(super) async fn hear(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let told = told(&owner, &adyen, (&headers, &body), &plan).await;
        told.unwrap_or_else(|refusal| refusal)
    };
    faults::guard(psp, connection, Call::Other, work).await
}

async fn told(
    psp: &Arc<Psp>,
    adyen: &Adyen,
    (headers, body): (&HeaderMap, &Bytes),
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(adyen, "/payments/details", headers, body)?;
    if let Some(answer) = psp.book.enter(|entry| request.repeated(entry)) {
        return Ok(answer);
    }
    let result = request.body["details"]["redirectResult"].as_str().unwrap_or_default();
    let known = psp.book.fact(RESULTS, result);
    let known = known.ok_or_else(|| invalid("The redirectResult is invalid"))?;
    let found = psp.book.find(known["reference"].as_str().unwrap_or_default());
    let found = found.ok_or_else(|| invalid("The payment is unknown"))?;
    let approved = known["approved"] == true && !is_refused(plan);
    let m = conclude(psp, found, approved, plan).await;
    let verdict = match m.status {
        Status::Succeeded | Status::Returned | Status::ChargedBack => ("Authorised", None),
        Status::Pending => ("Received", None),
        Status::Cancelled | Status::Expired => ("Cancelled", None),
        Status::Declined => ("Refused", Some(refusal(m.code.as_deref()))),
    };
    let view = charge_view(adyen, &m, &m.client_reference, verdict);
    let answer = Answer::json(StatusCode::OK, &view);
    psp.book.enter(|entry| request.remember(entry, &answer));
    Ok(answer)
}

const fn is_refused(plan: &Plan) -> bool {
    matches!(plan.fault, Some(Fault::DeclineSoft | Fault::DeclineHard))
}

/// By Adyen's codes: 11 is that the payer was not authenticated.
fn refusal(code: Option<&str>) -> (&'static str, &'static str) {
    match code {
        Some("12") => ("12", "Not enough balance"),
        Some("20") => ("20", "FRAUD"),
        _ => ("11", "3D Not Authenticated"),
    }
}

/// Books what was heard, the first time. The webhook follows, as for every other charge.
async fn conclude(psp: &Arc<Psp>, m: Movement, approved: bool, plan: &Plan) -> Movement {
    let first = psp.book.enter(|entry| {
        let mut m = entry.movement(&m.reference).cloned()?;
        if m.status != Status::Pending || !is_awaited(&m) {
            return None;
        }
        m.wire["heard"] = Value::Bool(true);
        entry.put(m.clone());
        Some(m)
    });
    if let Some(first) = first {
        let code = match plan.fault {
            Some(Fault::DeclineSoft) => "12",
            Some(Fault::DeclineHard) => "20",
            _ => "11",
        };
        let done = if approved {
            Completion::plain(Outcome::Succeeded)
        } else {
            Completion { code: Some(code.to_owned()), ..Completion::plain(Outcome::Declined) }
        };
        match plan.fault {
            Some(Fault::WebhookBeforeResponse) => scenario::booked(psp, &first, plan).await,
            _ => drop(scenario::complete(psp, &first.reference, &done)),
        }
    }
    psp.book.find(&m.reference).unwrap_or(m)
}
