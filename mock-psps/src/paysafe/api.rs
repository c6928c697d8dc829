//! The door of Paysafe's API: HTTP Basic, strict bodies, and errors in Paysafe's form.

use std::future::Future;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::Paysafe;
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::server::Connection;

pub(super) type Both = (Arc<Psp>, Arc<Paysafe>);

/// An error as Paysafe gives it: a status and a code of its own.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    field: Option<&'static str>,
}

impl Problem {
    pub(super) const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, field: None }
    }

    pub(super) const fn field(field: &'static str) -> Self {
        let problem = Self::new(StatusCode::BAD_REQUEST, "5068", "Field error(s)");
        Self { field: Some(field), ..problem }
    }

    /// The merchantRefNum was used on this resource within 90 days.
    pub(super) const fn duplicate() -> Self {
        let message = "The transaction you have submitted has already been processed.";
        Self::new(StatusCode::CONFLICT, "5031", message)
    }

    /// A handle that was spent, or that its payer has not made payable.
    pub(super) const fn not_payable() -> Self {
        let message = "The payment handle is not payable.";
        Self::new(StatusCode::BAD_REQUEST, "5283", message)
    }

    pub(super) const fn declined() -> Self {
        let message = "The transaction has been declined due to insufficient funds.";
        Self::new(StatusCode::PAYMENT_REQUIRED, "3022", message)
    }

    pub(super) const fn forbidden() -> Self {
        let message = "The credentials provided do not have permission to access the data.";
        Self::new(StatusCode::FORBIDDEN, "5270", message)
    }

    pub(super) const fn not_found() -> Self {
        let message =
            "The ID(s) specified in the URL do not correspond to the values in the system.";
        Self::new(StatusCode::NOT_FOUND, "5269", message)
    }

    fn answer(&self) -> Answer {
        let mut error = json!({ "code": self.code, "message": self.message, "details": [] });
        if let Some(field) = self.field {
            error["fieldErrors"] =
                json!([{ "field": field, "error": "Either invalid or no value provided" }]);
        }
        Answer::json(self.status, &json!({ "error": error }))
    }
}

/// What a request is, beside its handler.
pub(super) struct Incoming {
    pub(super) connection: Connection,
    pub(super) call: Call,
    pub(super) headers: HeaderMap,
    /// None for a GET.
    pub(super) body: Option<Bytes>,
}

/// One call; `work` gets the parsed body, null for a GET.
pub(super) async fn call<F, W>((psp, paysafe): Both, incoming: Incoming, work: F) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<Paysafe>, Value, Plan) -> W + Send + 'static,
    W: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let owner = psp.clone();
    let (connection, call) = (incoming.connection.clone(), incoming.call);
    let handled = move |plan: Plan| async move {
        plan.pause().await;
        let outcome = match admit(&paysafe, &incoming) {
            Ok(body) => work(owner, paysafe, body, plan).await,
            Err(problem) => Err(problem),
        };
        outcome.unwrap_or_else(|problem| problem.answer())
    };
    faults::guard(psp, connection, call, handled).await
}

fn admit(paysafe: &Paysafe, incoming: &Incoming) -> Result<Value, Problem> {
    let told = incoming.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if told != Some(paysafe.authorization.as_str()) {
        let message = "The authentication credentials are invalid.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "5279", message));
    }
    let Some(body) = &incoming.body else {
        return Ok(Value::Null);
    };
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if !body.is_object() {
        let message = "You submitted a request that is not parseable.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "5023", message));
    }
    Ok(body)
}

/// A text that must be there.
pub(super) fn needed(body: &Value, field: &'static str) -> Result<String, Problem> {
    let text = body[field].as_str().filter(|text| !text.is_empty() && text.len() <= 255);
    text.map(str::to_owned).ok_or(Problem::field(field))
}

/// Minor units in the account's currency.
pub(super) fn amount(paysafe: &Paysafe, body: &Value) -> Result<i64, Problem> {
    if body["currencyCode"] != paysafe.currency.as_str() {
        return Err(Problem::field("currencyCode"));
    }
    body["amount"].as_i64().filter(|minor| *minor > 0).ok_or(Problem::field("amount"))
}

/// The records under one merchantRefNum, in Paysafe's envelope.
pub(super) fn records(name: &str, records: Vec<Value>) -> Answer {
    let count = records.len();
    let mut body = json!({ "meta": { "numberOfRecords": count, "limit": 10, "page": 1 } });
    body[name] = Value::Array(records);
    Answer::json(StatusCode::OK, &body)
}

/// The query of a lookup.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ByReference {
    #[serde(default, rename = "merchantRefNum")]
    pub(super) merchant_ref_num: String,
}

impl ByReference {
    pub(super) fn needed(self) -> Result<String, Problem> {
        let reference = self.merchant_ref_num;
        if reference.is_empty() { Err(Problem::field("merchantRefNum")) } else { Ok(reference) }
    }
}
