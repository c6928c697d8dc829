//! The door of Efí's API behind mutual TLS: a token for the client, and the fault layer around all.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::PixEfi;
use super::problem::Problem;
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::server::Connection;
use crate::tokens::LIFE_S;

pub(super) type Both = (Arc<Psp>, Arc<PixEfi>);

/// A call with a good token, under the account's faults.
pub(super) async fn admitted<F, W>(
    (psp, efi): Both,
    connection: Connection,
    call: Call,
    headers: HeaderMap,
    work: F,
) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<PixEfi>, Plan) -> W + Send + 'static,
    W: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        if !efi.knows(&headers) {
            let text = "O token informado é inválido ou expirou";
            return Problem::efi(StatusCode::UNAUTHORIZED, "nao_autorizado", text).answer();
        }
        let outcome = work(owner, efi, plan).await;
        outcome.unwrap_or_else(|problem| problem.answer())
    };
    faults::guard(psp, connection, call, work).await
}

pub(super) fn json_body(body: &Bytes) -> Result<Value, Problem> {
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or_else(|| {
        let detail = "A requisição não respeita o schema.";
        Problem::bank(StatusCode::BAD_REQUEST, "RequisicaoInvalida", "Requisição inválida.", detail)
    })
}

impl PixEfi {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        self.tokens.knows(token)
    }

    fn is_client(&self, headers: &HeaderMap) -> bool {
        let told = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let told = told.and_then(|value| value.strip_prefix("Basic "));
        let ours = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret));
        told == Some(&*ours)
    }
}

/// `POST /oauth/token`: Basic credentials and the grant in JSON.
pub(super) async fn token(
    State((psp, efi)): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if !efi.is_client(&headers) {
            let error = json!({
                "error": "invalid_client", "error_description": "Invalid or inactive credentials",
            });
            return Answer::json(StatusCode::UNAUTHORIZED, &error);
        }
        if body["grant_type"] != "client_credentials" {
            let error = json!({ "error": "unsupported_grant_type" });
            return Answer::json(StatusCode::BAD_REQUEST, &error);
        }
        Answer::json(
            StatusCode::OK,
            &json!({
                "access_token": efi.tokens.give(), "token_type": "Bearer", "expires_in": LIFE_S,
                "scope": "cob.read cob.write pix.read pix.write pix.send gn.pix.send.read",
            }),
        )
    };
    faults::guard(psp, connection, Call::Other, work).await
}
