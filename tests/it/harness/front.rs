//! Where PSPs' webhooks arrive: a small HTTP front that hands the raw message to the flow.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, Method, StatusCode, header};
use interlock::flows::Flows;
use interlock::vendors::identity::receive as identity;
use interlock::webhooks::receive::{ReceiveError, receive};
use psp_adapters::RawWebhook;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;

/// Which instances are there to take a webhook; the first one that lives does.
pub type Desk = Arc<Mutex<Vec<(String, Handle, Flows)>>>;

pub struct Front {
    pub url: String,
    pub desk: Desk,
}

impl Front {
    pub async fn open() -> Self {
        let desk = Desk::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/webhooks/{account}", any(arrive));
        let routes = routes.route("/webhooks/vendors/{vendor}", any(arrive_of_vendor));
        let routes = routes.route("/webhooks/{account}/{*rest}", any(arrive));
        let routes = routes.with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, desk }
    }
}

async fn arrive(
    State(desk): State<Desk>,
    Path(parts): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let taker =
        desk.lock().unwrap().first().map(|(_, handle, flows)| (handle.clone(), flows.clone()));
    let (Some((handle, flows)), Some(account)) = (taker, parts.get("account").cloned()) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let taken = handle.spawn(async move {
        let headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let raw = RawWebhook {
            method: method.as_str(),
            path_and_query: uri.path_and_query().unwrap().as_str(),
            headers: &headers,
            body: &body,
            peer_certificate: None,
            // As the edge stamps it: by the time the instance lives in.
            received_at: flows.clock.now(),
        };
        answer(receive(&flows, &account, &raw).await)
    });
    taken.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

/// As the edge takes a message of a vendor of identity.
async fn arrive_of_vendor(
    State(desk): State<Desk>,
    Path(vendor): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let taker =
        desk.lock().unwrap().first().map(|(_, handle, flows)| (handle.clone(), flows.clone()));
    let Some((handle, flows)) = taker else { return StatusCode::SERVICE_UNAVAILABLE };
    let taken = handle.spawn(async move {
        let headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let raw = identity::RawMessage { headers: &headers, body: &body };
        match identity::receive(&flows, &vendor, raw).await {
            Ok(()) => StatusCode::OK,
            Err(identity::ReceiveError::UnknownVendor) => StatusCode::NOT_FOUND,
            Err(identity::ReceiveError::Refused(_)) => StatusCode::UNAUTHORIZED,
            Err(identity::ReceiveError::Malformed) => StatusCode::BAD_REQUEST,
            Err(identity::ReceiveError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
        }
    });
    taken.await.unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

fn answer(received: Result<psp_adapters::WebhookReply, ReceiveError>) -> Response {
    let status = |code: u16| StatusCode::from_u16(code).unwrap();
    match received {
        Ok(reply) => {
            let kind = [(header::CONTENT_TYPE, reply.content_type)];
            (status(reply.status), kind, reply.body).into_response()
        }
        Err(ReceiveError::UnknownAccount) => StatusCode::NOT_FOUND.into_response(),
        Err(ReceiveError::Refused(refusal)) => status(refusal.status()).into_response(),
        Err(ReceiveError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
