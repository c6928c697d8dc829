//! L4, the pages for people: compliance officers and the operator on call.
//!
//! Every page is made on the server and works without a script; style sheet and all stand in the binary, and
//! the content security policy lets nothing else in. Who may do what is asked for at each page by [`session`];
//! what is done goes through the same flows as the API's, in the person's own name.
//!
//! Signing in: e-mail and password, then the code of an authenticator. The browser keeps a secret in a cookie
//! that scripts and other sites cannot use; every form carries a word made of it.
//!
//! Reading order: [`session`], [`page`], [`given`], [`sign_in`], [`account`], [`payments`], [`payment`],
//! [`payment_past`], [`case_words`], [`cases`], [`name_near`],
//! [`case_page`], [`case`], [`case_desk`], [`incident_words`], [`incidents`],
//! [`incident`], [`routing`], [`accounts`].

mod account;
mod accounts;
mod case;
mod case_desk;
mod case_page;
mod case_words;
mod cases;
mod given;
mod incident;
mod incident_words;
mod incidents;
mod name_near;
mod page;
mod payment;
mod payment_past;
mod payments;
mod routing;
mod session;
mod sign_in;
mod words;

use crate::access::console_desk::ConsoleDesk;
use crate::flows::Flows;
use crate::shutdown::Shutdown;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// Forms are small: the longest note, in letters of which each is twelve bytes on its way, and what goes with it.
const FORM_BYTES_MAX: usize = 32 * 1024;

/// What the pages share.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds the whole service")]
pub struct Console {
    pub flows: Flows,
    pub desk: Arc<ConsoleDesk>,
    /// Whether the cookie may go over TLS alone. The sandbox has none.
    pub over_tls: bool,
    /// What a page began runs to its end, whatever its browser does.
    pub tasks: Shutdown,
}

/// All pages, below `/console`.
pub fn router(console: Console) -> Router {
    let pages = Router::new()
        .route("/", get(payments::home))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", post(sign_in::leave))
        .route("/account", get(account::show))
        .route("/account/totp", post(account::set_totp))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{id}/disable", post(accounts::disable))
        .route("/payments", get(payments::list))
        .route("/payments/{id}", get(payment::show))
        .route("/reviews", get(cases::list))
        .route("/reviews/{id}", get(case::show))
        .route("/reviews/{id}/propose", post(case::propose))
        .route("/reviews/{id}/approve", post(case::approve))
        .route("/reviews/{id}/refuse", post(case::refuse))
        .route("/reviews/{id}/assign", post(case_desk::assign))
        .route("/reviews/{id}/lock", post(case_desk::lock))
        .route("/reviews/{id}/unlock", post(case_desk::unlock))
        .route("/reviews/{id}/notes", post(case_desk::note))
        .route("/reviews/{id}/request-info", post(case_desk::ask))
        .route("/reviews/{id}/info", post(case_desk::info))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{id}", get(incident::show))
        .route("/incidents/{id}/close", post(incident::close))
        .route("/routing", get(routing::show))
        .route("/routing/switches", post(routing::set))
        .route("/routing/switches/{id}/lift", post(routing::lift))
        .route("/assets/console.css", get(style))
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::not_found)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(guard))
        .with_state(console);
    Router::new().nest("/console", pages)
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("assets/console.css")).into_response()
}

/// Nothing from elsewhere, in no frame, in no cache, and no address told to other sites.
async fn guard(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
        frame-ancestors 'none'; base-uri 'none'";
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, policy);
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}
