//! The door: the key, the signature over the bytes as they came, and how CoinsPaid says no.

use std::future::Future;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{CoinsPaid, callbacks};
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::server::Connection;

pub(super) type Both = (Arc<Psp>, Arc<CoinsPaid>);

/// A refusal in one of CoinsPaid's two forms.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// 400 with the field at fault.
    Field(&'static str, String),
    /// Another status with a code.
    Code(StatusCode, &'static str, &'static str),
    /// 404 with the field by which was asked.
    NotFound(&'static str),
}

impl Refusal {
    pub(super) fn field(name: &'static str, text: impl Into<String>) -> Self {
        Self::Field(name, text.into())
    }

    fn answer(&self) -> Answer {
        match self {
            Self::Field(name, text) => {
                Answer::json(StatusCode::BAD_REQUEST, &json!({ "errors": { *name: text } }))
            }
            Self::NotFound(name) => Answer::json(
                StatusCode::NOT_FOUND,
                &json!({ "errors": { *name: "Transaction is not found." } }),
            ),
            Self::Code(status, code, text) => {
                Answer::json(*status, &json!({ "error": text, "code": code }))
            }
        }
    }
}

/// A call as it came.
pub(super) struct Incoming {
    pub(super) connection: ConnectInfo<Connection>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Checks who calls, then works, all under the account's fault rules.
pub(super) async fn serve<F, W>(
    (psp, coinspaid): Both,
    call: Call,
    incoming: Incoming,
    work: F,
) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<CoinsPaid>, Value, Plan) -> W + Send + 'static,
    W: Future<Output = Result<(StatusCode, Value), Refusal>> + Send + 'static,
{
    let owner = psp.clone();
    let ConnectInfo(connection) = incoming.connection;
    let (headers, body) = (incoming.headers, incoming.body);
    let carried_out = move |plan: Plan| async move {
        let outcome = match admit(&coinspaid, &headers, &body) {
            Ok(request) => {
                plan.pause().await;
                work(owner, coinspaid, request, plan).await
            }
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok((status, view)) => Answer {
                status,
                content_type: "application/json",
                body: callbacks::with_numbers(&view.to_string()),
            },
            Err(refusal) => refusal.answer(),
        }
    };
    faults::guard(psp, connection, call, carried_out).await
}

fn admit(coinspaid: &CoinsPaid, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let text = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value.filter(|_| values.next().is_none()).unwrap_or_default()
    };
    if text("x-processing-key") != coinspaid.api_key {
        return Err(Refusal::Code(StatusCode::FORBIDDEN, "bad_header_key", "Bad key header"));
    }
    if text("x-processing-signature") != coinspaid.sign_bytes(body) {
        let code = "bad_header_signature";
        return Err(Refusal::Code(StatusCode::FORBIDDEN, code, "Bad signature header"));
    }
    let is_json = text(header::CONTENT_TYPE.as_str()).starts_with("application/json");
    let parsed = serde_json::from_slice::<Value>(body)
        .ok()
        .filter(|value| is_json && (value.is_object() || value.is_array()));
    let code = "bad_content_format";
    parsed.ok_or(Refusal::Code(StatusCode::BAD_REQUEST, code, "Bad content format"))
}
