//! The one map from a fault to an HTTP answer: RFC 9457 `application/problem+json`.
//!
//! The status is chosen by who must act next: 4xx the caller, 5xx we or time. What happened inside
//! us is logged here, once, and never told: a 5xx says only that it happened and what to do.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use std::error::Error;
use utoipa::ToSchema;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A fault, ready to be told.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    errors: Vec<FieldError>,
    payment_id: Option<String>,
    retry_after_s: Option<u64>,
}

/// One fault of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; for a query parameter or header its name.
    #[schema(example = "/amount")]
    pub pointer: String,
    /// Stable, `area.fact`.
    #[schema(example = "amount.too_many_decimals")]
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// The JSON of a fault, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView<'a> {
    /// Names the kind of fault: `urn:interlock:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:interlock:problem:payment.currency_not_allowed")]
    pub kind: String,
    pub title: String,
    #[schema(example = 422)]
    pub status: u16,
    pub detail: &'a str,
    /// Stable, `area.fact`: what a program decides by.
    #[schema(example = "payment.currency_not_allowed")]
    pub code: &'a str,
    pub errors: &'a [FieldError],
    /// The payment that is meant, where there is one (`idempotency.in_progress`,
    /// `payment.reference_taken`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<&'a str>,
    pub request_id: &'a str,
}

impl Problem {
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            payment_id: None,
            retry_after_s: None,
        }
    }

    pub fn bad_request(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub fn unprocessable(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// Too much at once: what is asked is fine, only later.
    pub fn too_many(retry_after_s: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "request.rate_limited",
            "Too many requests. Wait for the time in retry-after, then go on more slowly.",
        )
        .retry_after(retry_after_s)
    }

    /// As many event streams are open as one caller may hold.
    pub fn too_many_streams(most: u32, retry_after_s: u64) -> Self {
        let mut problem = Self::too_many(retry_after_s);
        problem.detail = format!(
            "{most} event streams are open, as many as one caller may hold. Close one that is not read any \
             more, wait for the time in retry-after, then open this one."
        );
        problem
    }

    /// Nothing was recorded; the same request may be sent again.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after_s)
    }

    /// Our own fault. The cause and its chain go to the log, here and nowhere else.
    pub fn internal(doing: &'static str, cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(cause), "{doing} failed");
        Self::fault()
    }

    /// As [`Problem::internal`], for what cannot be reached right now rather than broken.
    pub fn dependency(doing: &'static str, cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(cause), "{doing} failed");
        Self::unavailable(
            "server.unavailable",
            "The service cannot reach what it needs. Nothing was recorded; send the request again.",
            1,
        )
    }

    /// The answer did not come in time, or could not be read again, and what the request began may be
    /// recorded.
    pub fn timed_out() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "request.timed_out",
            "The answer did not come in time. What the request began goes on; repeat it, with the same \
             idempotency key where it has one, to learn what came of it.",
        )
        .retry_after(2)
    }

    /// The same fault, met after the request's commit: “nothing was recorded” would be untrue, and
    /// whoever believes it may begin a second payment.
    #[must_use]
    pub fn after_commit(self) -> Self {
        if self.status == StatusCode::SERVICE_UNAVAILABLE { Self::timed_out() } else { self }
    }

    /// Our own fault that was logged where it was noticed (a panic).
    pub fn fault() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server.fault",
            "The service failed. Repeat the request with the same idempotency key; if that fails \
             too, tell us the request_id.",
        )
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    #[must_use]
    pub fn payment(mut self, id: impl ToString) -> Self {
        self.payment_id = Some(id.to_string());
        self
    }

    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds one field's fault, told by the problem's own code and detail.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            code: self.code.to_string(),
            detail: self.detail.clone(),
        });
        self
    }

    /// The same fault as a 400: in a query everything but an amount is shape.
    #[must_use]
    pub fn as_bad_request(mut self) -> Self {
        self.status = StatusCode::BAD_REQUEST;
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    /// The body as it is told under a request id.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let view = ProblemView {
            kind: format!("urn:interlock:problem:{}", self.code),
            title: title(&self.code),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: &self.code,
            errors: &self.errors,
            payment_id: self.payment_id.as_deref(),
            request_id,
        };
        // A struct of texts and a number always serialises.
        serde_json::to_vec(&view).unwrap_or_default()
    }

    /// The whole response under a request id.
    pub fn respond(self, request_id: &str) -> Response {
        let mut response = Response::new(Body::from(self.body(request_id)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 wants a challenge with every 401.
            let challenge = HeaderValue::from_static("Interlock-Signature v=\"1\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    /// The request id is filled in by the outermost layer, which finds the problem among the
    /// response's extensions and renders it again.
    fn into_response(self) -> Response {
        self.respond("")
    }
}

/// `"auth.key_unknown"` → `"Key unknown"`: the same for every occurrence, as RFC 9457 wants it.
fn title(code: &str) -> String {
    let fact = code.rsplit('.').next().unwrap_or(code).replace('_', " ");
    let mut letters = fact.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Prints an error with its causes.
struct Chain<'a>(&'a (dyn Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_tells_its_code_pointer_and_request() {
        let problem = Problem::unprocessable("amount.zero", "The amount is zero.").at("/amount");
        let body: serde_json::Value = serde_json::from_slice(&problem.body("req-1")).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:interlock:problem:amount.zero",
                "title": "Zero",
                "status": 422,
                "detail": "The amount is zero.",
                "code": "amount.zero",
                "errors": [{"pointer": "/amount", "code": "amount.zero",
                            "detail": "The amount is zero."}],
                "request_id": "req-1",
            })
        );
    }

    #[test]
    fn an_internal_fault_tells_nothing_of_its_cause() {
        let cause = std::io::Error::other("relation \"secret_table\" does not exist");
        let problem = Problem::internal("reading a payment", &cause);
        let body = String::from_utf8(problem.body("req-1")).unwrap();
        assert!(!body.contains("secret_table"), "{body}");
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    #[test]
    fn after_the_commit_nobody_is_told_that_nothing_was_recorded() {
        let cause = std::io::Error::other("gone");
        let told = Problem::dependency("asking the database", &cause).after_commit();
        assert_eq!((told.status().as_u16(), told.code()), (503, "request.timed_out"));
        let body = String::from_utf8(told.body("req-1")).unwrap();
        assert!(body.contains("same idempotency key"), "{body}");
        assert!(!body.contains("othing was recorded"), "{body}");
        // What is no matter of time is told as it is.
        let running = Problem::conflict("idempotency.in_progress", "It runs.").after_commit();
        assert_eq!((running.status().as_u16(), running.code()), (409, "idempotency.in_progress"));
    }
}
