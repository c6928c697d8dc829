//! Carries a fault out around one call of a vendor.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::rules::{Fault, Operation, Plan};
use super::{Vendor, script};
use crate::faults::{Answer, gateway};
use crate::server::Connection;

/// A caller that never gives up is let go after this.
const HOLD_MAX: Duration = Duration::from_secs(120);
/// How late "late" is when nobody says: later than anybody waits.
const LATE_MS: u64 = 30_000;
const SLOW_MS: u64 = 2_000;

/// One call: who it is about, and from where it came.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) connection: Connection,
    /// Players, references; the address below belongs to them too.
    pub(super) subjects: Vec<&'a str>,
    pub(super) address: &'a str,
}

/// The value of a header that is there once.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    value.filter(|_| values.next().is_none()).unwrap_or_default()
}

/// Lets a call of somebody who was recognised through, with whatever goes wrong with it.
pub(super) async fn serve(
    vendor: &Arc<Vendor>,
    call: Call<'_>,
    refused: Answer,
    work: impl FnOnce(&Plan) -> Answer,
) -> Response {
    let mut subjects = call.subjects;
    subjects.push(call.address);
    let mut plan = vendor.rules.draw(call.operation, &subjects);
    if let (None, Some(scripted)) = (plan.fault, script::of_address(call.address).fault) {
        plan = Plan::of(scripted);
    }
    match plan.fault {
        Some(Fault::ConnectionResetBefore) => return reset(&call.connection),
        Some(Fault::TimeoutBeforeAccept) => return hold(&call.connection).await,
        Some(Fault::Http500) => return gateway(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::Http503) => return gateway(StatusCode::SERVICE_UNAVAILABLE),
        Some(Fault::Http429) => return gateway(StatusCode::TOO_MANY_REQUESTS),
        Some(Fault::BadSignature) => return refused.into_response(),
        Some(Fault::Slow) => tokio::time::sleep(plan.delay_or(SLOW_MS)).await,
        Some(Fault::Late) => tokio::time::sleep(plan.delay_or(LATE_MS)).await,
        _ => {}
    }
    let mut answer = work(&plan);
    match plan.fault {
        Some(Fault::TimeoutAfterAccept) => return hold(&call.connection).await,
        Some(Fault::MalformedBody) => {
            let half = answer.body.len() / 2;
            let cut = (0..=half).rev().find(|at| answer.body.is_char_boundary(*at));
            answer.body.truncate(cut.unwrap_or(0));
        }
        Some(Fault::EmptyBody) => answer.body.clear(),
        _ => {}
    }
    answer.into_response()
}

/// A body that is not what the vendor's documentation says.
pub(super) fn object(body: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Value>(body).ok().filter(|value| value.is_object() || value.is_array())
}

fn reset(connection: &Connection) -> Response {
    connection.cut();
    Response::new(Body::empty())
}

/// Never answers; the caller gives up.
pub(super) async fn hold(connection: &Connection) -> Response {
    tokio::time::sleep(HOLD_MAX).await;
    reset(connection)
}

/// What rate-limited vendors tell with every answer.
pub(super) fn with_rate(mut response: Response, left: u32) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("500"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(left));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
