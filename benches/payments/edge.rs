//! A small HTTP edge over the flows: what a casino's backend and the PSPs' webhooks reach.

use crate::casino;
use crate::roles::{Players, put_players};
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use interlock::decide::Answer;
use interlock::domain::{Method, Money};
use interlock::flows::Flows;
use interlock::payments::request_withdrawal::{
    DestinationOrder, WithdrawalOrder, request_withdrawal,
};
use interlock::payments::run_attempts::run_attempts;
use interlock::payments::start_deposit::start_deposit;
use interlock::webhooks::receive::{ReceiveError, receive};
use psp_adapters::RawWebhook;

const BODY_BYTES_MAX: usize = 262_144;

/// One payment, as the load generator asks for it.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Ask {
    pub country: String,
    pub player: usize,
    pub amount: String,
    pub currency: String,
    pub key: String,
}

pub fn router(flows: Flows) -> Router {
    Router::new()
        .route("/players", post(players))
        .route("/deposits", post(deposit))
        .route("/withdrawals", post(withdrawal))
        .route("/webhooks/{id}", any(webhook))
        .route("/webhooks/{id}/{rest}", any(webhook_with_rest))
        .with_state(flows)
}

fn fault(error: &dyn std::error::Error) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response()
}

async fn players(State(flows): State<Flows>, Json(wanted): Json<Players>) -> Response {
    match put_players(&flows, &wanted).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}

fn money(ask: &Ask) -> Option<Money> {
    Money::parse(&ask.amount, ask.currency.parse().ok()?).ok()
}

async fn deposit(State(flows): State<Flows>, Json(ask): Json<Ask>) -> Response {
    let Some(money) = money(&ask) else { return StatusCode::BAD_REQUEST.into_response() };
    let order = casino::order(casino::key(&ask.country, ask.player), money, &ask.key);
    let payment = match start_deposit(&flows, &order).await {
        Ok(Answer::Payment(payment)) => *payment,
        Ok(_) => return StatusCode::CONFLICT.into_response(),
        Err(error) => return fault(&error),
    };
    let live = payment.live_attempt(None).map(|attempt| attempt.id);
    let payment = match live {
        // A client that hangs up must not stop it half-way.
        Some(attempt) => {
            let work = flows.clone();
            let running = flows.detach(async move { run_attempts(&work, payment, attempt).await });
            match running.await {
                Ok(payment) => payment,
                Err(error) => return fault(&error),
            }
        }
        None => payment,
    };
    (StatusCode::CREATED, payment.status.as_str()).into_response()
}

async fn withdrawal(State(flows): State<Flows>, Json(ask): Json<Ask>) -> Response {
    let Some(money) = money(&ask) else { return StatusCode::BAD_REQUEST.into_response() };
    let player = casino::key(&ask.country, ask.player);
    let order = WithdrawalOrder {
        claim: casino::claim(&player, "POST /v1/withdrawals", &ask.key),
        player,
        money,
        method: Method::BankTransfer,
        reference: Some(ask.key.clone()),
        metadata: "{}".to_owned(),
        destination: DestinationOrder::ClosedLoop,
    };
    match request_withdrawal(&flows, &order).await {
        Ok(Answer::Payment(payment)) => {
            (StatusCode::CREATED, payment.status.as_str()).into_response()
        }
        Ok(_) => StatusCode::CONFLICT.into_response(),
        Err(error) => fault(&error),
    }
}

async fn webhook(State(flows): State<Flows>, Path(id): Path<String>, request: Request) -> Response {
    received(&flows, &id, request).await
}

async fn webhook_with_rest(
    State(flows): State<Flows>,
    Path((id, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    received(&flows, &id, request).await
}

async fn received(flows: &Flows, id: &str, request: Request) -> Response {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    let (method, path) = (request.method().to_string(), request.uri().to_string());
    let body: Bytes = match axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let raw = RawWebhook {
        method: &method,
        path_and_query: &path,
        headers: &headers,
        body: &body,
        received_at: flows.clock.now(),
    };
    match receive(flows, id, &raw).await {
        Ok(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
        }
        Err(ReceiveError::UnknownAccount) => StatusCode::NOT_FOUND.into_response(),
        Err(ReceiveError::Refused(refusal)) => StatusCode::from_u16(refusal.status())
            .unwrap_or(StatusCode::UNAUTHORIZED)
            .into_response(),
        Err(ReceiveError::Store(error)) => fault(&error),
    }
}
