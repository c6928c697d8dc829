//! Carries a drawn fault out around one API call.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::{Call, Fault, Plan};
use crate::psp::Psp;
use crate::server::Connection;

/// A caller that never gives up is let go after this.
const HOLD_MAX: Duration = Duration::from_secs(120);

/// A PSP's answer before the fault layer has had its way with it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string() }
    }

    /// What only the body tells of a PSP whose every answer has status 200.
    pub(crate) fn says(&self, what: impl FnOnce(&Value) -> bool) -> bool {
        serde_json::from_str(&self.body).is_ok_and(|body| what(&body))
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let content_type = HeaderValue::from_static(self.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}

/// Runs one API call under the account's fault rules.
///
/// The work runs in a task of its own: a PSP does not stop booking because its caller hung up.
pub(crate) async fn guard<F, W>(
    psp: Arc<Psp>,
    connection: Connection,
    call: Call,
    work: F,
) -> Response
where
    F: FnOnce(Plan) -> W,
    W: Future<Output = Answer> + Send + 'static,
{
    let plan = psp.faults.draw_for_call(call, |call, fault| psp.dialect.can_go_wrong(call, fault));
    match plan.fault {
        Some(Fault::ConnectionResetBefore) => return reset(&connection),
        Some(Fault::TimeoutBeforeAccept) => return hold(&connection).await,
        Some(Fault::Http500) => return gateway(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::Http503) => return gateway(StatusCode::SERVICE_UNAVAILABLE),
        Some(Fault::Http429) => return gateway(StatusCode::TOO_MANY_REQUESTS),
        _ => {}
    }
    let Ok(mut answer) = psp.unhurried(work(plan)).await else {
        return gateway(StatusCode::INTERNAL_SERVER_ERROR);
    };
    if plan.fault.is_some_and(Fault::is_after_acceptance) && psp.dialect.refuses(&answer) {
        // Nothing was accepted that the fault could come after.
        psp.faults.give_back(&plan);
        return answer.into_response();
    }
    match plan.fault {
        Some(Fault::ConnectionResetAfterAccept) => return reset(&connection),
        Some(Fault::TimeoutAfterAccept) => return hold(&connection).await,
        Some(Fault::Http500AfterAccept) => return gateway(StatusCode::INTERNAL_SERVER_ERROR),
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

/// The connection dies with a TCP reset; the response is never written.
fn reset(connection: &Connection) -> Response {
    connection.cut();
    Response::new(Body::empty())
}

async fn hold(connection: &Connection) -> Response {
    tokio::time::sleep(HOLD_MAX).await;
    reset(connection)
}

/// What stands in front of the PSP answers such errors, so they are not in the PSP's own format.
pub(crate) fn gateway(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let body = format!("<html><head><title>{reason}</title></head><body>{reason}</body></html>");
    let answer = Answer { status, content_type: "text/html; charset=utf-8", body };
    let mut response = answer.into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
