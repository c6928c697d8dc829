//! A national register of excluded people. The real ones show their interfaces to licence holders only;
//! this wire is ours and stands for Spelpaus, GAMSTOP, Cruks and OASIS: one question, with a standing, a
//! reference and the register's time in the answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::Vendor;
use super::door::{Call, header_text, object, serve};
use super::people::{Person, found, is_pending};
use super::rules::Operation;
use crate::faults::Answer;
use crate::server::Connection;
use crate::{clock, ids};

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new().route("/v1/exclusions/check", post(check)).with_state(vendor)
}

fn unauthorized() -> Answer {
    Answer::json(StatusCode::UNAUTHORIZED, &json!({ "error": "unauthorized" }))
}

async fn check(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if header_text(&headers, "authorization") != format!("Bearer {}", vendor.setting("token")) {
        return unauthorized().into_response();
    }
    let request = object(&body).unwrap_or_default();
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    let (request_id, name, national_id) =
        (text("request_id"), text("full_name"), text("national_id"));
    if request_id.is_empty() || name.is_empty() || text("date_of_birth").is_empty() {
        let body = json!({ "error": "request_id, full_name and date_of_birth are required" });
        return Answer::json(StatusCode::BAD_REQUEST, &body).into_response();
    }
    let subjects = vec![national_id.as_str()];
    let call = Call { operation: Operation::Ask, connection, subjects, address: &name };
    let answered_at = clock::now();
    serve(&vendor, call, unauthorized(), |plan| {
        if is_pending(&name, plan) {
            let body = json!({ "request_id": request_id, "status": "pending" });
            return Answer::json(StatusCode::ACCEPTED, &body);
        }
        let status = match found(&name, plan, Person::Excluded, Person::Unrecognised) {
            Person::Excluded => "excluded",
            Person::Unrecognised => "unknown_person",
            // A register has no scores: a null is a standing that is none.
            Person::Unscored => "",
            _ => "not_excluded",
        };
        let reference = ids::derived_digits(&["register", &vendor.id, &request_id], 12);
        let status = if status.is_empty() { json!(null) } else { json!(status) };
        let body = json!({ "request_id": request_id, "status": status, "reference": reference,
            "answered_at": clock::millis(answered_at) });
        Answer::json(StatusCode::OK, &body)
    })
    .await
}
