//! The JSON-RPC envelope: who may call, with which signature, and how answers are signed.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{MESSAGES, Trustly, methods, wire};
use crate::book::Entry;
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::psp::Psp;
use crate::server::Connection;

/// Trustly's documented error codes, as far as this mock gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    FunctionAccessDenied = 602,
    InvalidAmount = 615,
    InvalidCredentials = 616,
    Unknown = 620,
    InvalidCurrency = 622,
    InvalidParameters = 623,
    BadSignature = 636,
    DuplicateMessageId = 637,
    EndUserIsBlocked = 638,
}

impl Refusal {
    fn message(self) -> &'static str {
        match self {
            Self::FunctionAccessDenied => "ERROR_FUNCTION_ACCESS_DENIED",
            Self::InvalidAmount => "ERROR_INVALID_AMOUNT",
            Self::InvalidCredentials => "ERROR_INVALID_CREDENTIALS",
            Self::Unknown => "ERROR_UNKNOWN",
            Self::InvalidCurrency => "ERROR_INVALID_CURRENCY_CODE",
            Self::InvalidParameters => "ERROR_INVALID_PARAMETERS",
            Self::BadSignature => "ERROR_UNABLE_TO_VERIFY_RSA_SIGNATURE",
            Self::DuplicateMessageId => "ERROR_DUPLICATE_MESSAGE_ID",
            Self::EndUserIsBlocked => "ERROR_ENDUSER_IS_BLOCKED",
        }
    }
}

pub(super) async fn call(
    State((psp, trustly)): State<(Arc<Psp>, Arc<Trustly>)>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let call = match request["method"].as_str() {
        Some("Deposit") => Call::CreateDeposit,
        Some("AccountPayout") => Call::CreatePayout,
        Some("Refund") => Call::CreateRefund,
        Some("GetWithdrawals" | "AccountLedger") => Call::Query,
        _ => Call::Other,
    };
    let work = {
        let psp = psp.clone();
        move |plan: Plan| async move {
            plan.pause().await;
            answer(&psp, &trustly, &request, &plan).await
        }
    };
    faults::guard(psp, connection, call, work).await
}

async fn answer(psp: &Arc<Psp>, trustly: &Trustly, request: &Value, plan: &Plan) -> Answer {
    let method = request["method"].as_str().unwrap_or("null");
    let uuid = request["params"]["UUID"].as_str().unwrap_or("null");
    let outcome = match admit(trustly, request, plan) {
        Ok(()) => methods::perform(psp, trustly, method, &request["params"]["Data"], plan).await,
        Err(refusal) => Err(refusal),
    };
    let body = match outcome {
        Ok(data) => json!({ "result": trustly.signed(method, uuid, data), "version": "1.1" }),
        Err(refusal) => {
            let (code, message) = (refusal as u16, refusal.message());
            let data = json!({ "code": code, "message": message });
            json!({
                "error": {
                    "name": "JSONRPCError", "code": code, "message": message,
                    "error": trustly.signed(method, uuid, data),
                },
                "version": "1.1",
            })
        }
    };
    Answer::json(StatusCode::OK, &body)
}

/// Everything that is checked before a method is even looked at.
fn admit(trustly: &Trustly, request: &Value, plan: &Plan) -> Result<(), Refusal> {
    if !request.is_object() {
        return Err(Refusal::Unknown);
    }
    let params = &request["params"];
    let data = &params["Data"];
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Refusal::InvalidParameters);
    let (method, uuid) = (text(&request["method"])?, text(&params["UUID"])?);
    if request["version"] != "1.1" || uuid.is_empty() {
        return Err(Refusal::InvalidParameters);
    }
    let known = data["Username"] == trustly.username.as_str();
    if !known || data["Password"] != trustly.password.as_str() {
        return Err(Refusal::InvalidCredentials);
    }
    let signature = params["Signature"].as_str().unwrap_or_default();
    if !wire::verify(&trustly.merchant_key, &method, &uuid, data, signature) {
        return Err(Refusal::BadSignature);
    }
    match plan.fault {
        Some(Fault::DeclineSoft) => Err(Refusal::InvalidAmount),
        Some(Fault::DeclineHard) => Err(Refusal::EndUserIsBlocked),
        _ => Ok(()),
    }
}

impl Trustly {
    fn signed(&self, method: &str, uuid: &str, data: Value) -> Value {
        let signature = wire::sign(&self.trustly_key, method, uuid, &data);
        json!({ "signature": signature, "uuid": uuid, "method": method, "data": data })
    }
}

/// Uses up a message id. A second use is refused and does not tell which order has it.
pub(super) fn claim_message(entry: &mut Entry<'_>, message_id: &str) -> Result<(), Refusal> {
    if entry.fact(MESSAGES, message_id).is_some() {
        return Err(Refusal::DuplicateMessageId);
    }
    entry.put_fact(MESSAGES, message_id, Value::Bool(true));
    Ok(())
}
