//! The door: the token, then for a POST the idempotency key, whose first answer is given again for a
//! day.

use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::{Fireblocks, jwt};
use crate::book::Entry;
use crate::clock;
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::server::Connection;

pub(super) type Both = (Arc<Psp>, Arc<Fireblocks>);

const ANSWERS: &str = "answer";
const KEY_LIFE_S: i64 = 24 * 3_600;
const KEY_LEN_MAX: usize = 40;

/// `{message, code}`.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: i64,
    message: String,
}

impl Refusal {
    pub(super) fn bad(code: i64, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    pub(super) fn not_found(code: i64, message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, code, message: message.into() }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, code: -8, message: message.into() }
    }

    fn answer(&self) -> Answer {
        Answer::json(self.status, &json!({ "message": self.message, "code": self.code }))
    }
}

pub(super) type Answered = Result<Value, Refusal>;

/// A call as it came.
pub(super) struct Incoming {
    pub(super) connection: ConnectInfo<Connection>,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A call that was let in.
pub(super) struct Admitted {
    pub(super) body: Value,
    pub(super) plan: Plan,
    key: Option<String>,
}

impl Admitted {
    /// The first answer to this key, while it lives.
    pub(super) fn first_answer(&self, entry: &Entry<'_>) -> Option<Value> {
        let fact = entry.fact(ANSWERS, self.key.as_deref()?)?;
        let age = clock::now().unix_timestamp() - fact["at"].as_i64().unwrap_or(0);
        (age < KEY_LIFE_S).then(|| fact["answer"].clone())
    }

    /// Keeps the answer inside the booking that it answers.
    pub(super) fn remember(&self, entry: &mut Entry<'_>, answer: &Value) {
        if let Some(key) = &self.key {
            let fact = json!({ "answer": answer, "at": clock::now().unix_timestamp() });
            entry.put_fact(ANSWERS, key, fact);
        }
    }
}

pub(super) async fn serve<F, W>(
    (psp, fireblocks): Both,
    call: Call,
    incoming: Incoming,
    work: F,
) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<Fireblocks>, Admitted) -> W + Send + 'static,
    W: Future<Output = Answered> + Send + 'static,
{
    let owner = psp.clone();
    let ConnectInfo(connection) = incoming.connection.clone();
    let carried_out = move |plan: Plan| async move {
        let outcome = match admit(&fireblocks, &incoming, plan) {
            Ok(admitted) => {
                plan.pause().await;
                work(owner, fireblocks, admitted).await
            }
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(view) => Answer::json(StatusCode::OK, &view),
            Err(refusal) => refusal.answer(),
        }
    };
    faults::guard(psp, connection, call, carried_out).await
}

fn admit(fireblocks: &Fireblocks, incoming: &Incoming, plan: Plan) -> Result<Admitted, Refusal> {
    let uri = incoming.uri.path_and_query().map_or("/", |path| path.as_str());
    jwt::verify(fireblocks, uri, &incoming.headers, &incoming.body).map_err(
        |(code, message)| Refusal {
            status: StatusCode::UNAUTHORIZED,
            code,
            message: message.to_owned(),
        },
    )?;
    let key = incoming.headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    if key.is_some_and(|key| key.is_empty() || key.len() > KEY_LEN_MAX) {
        let message = "The idempotency key must have between 1 and 40 characters";
        return Err(Refusal::bad(1409, message));
    }
    let body = if incoming.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&incoming.body)
            .map_err(|_| Refusal::bad(1400, "The body is not JSON"))?
    };
    Ok(Admitted { body, plan, key: key.map(str::to_owned) })
}
