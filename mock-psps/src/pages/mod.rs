//! The hosted pages where a payer decides: plain HTML that works without script, under a strict
//! content security policy, with their own style sheet.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use url::Url;

use crate::book::{Movement, Status};
use crate::money;
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};

const STYLE: &str = include_str!("hosted.css");
const SCRIPT: &str = include_str!("hosted.js");

/// What a payer can do on a hosted page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Approve,
    Decline,
    Expire,
    Close,
}

impl Choice {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "approve" => Some(Self::Approve),
            "decline" => Some(Self::Decline),
            "expire" => Some(Self::Expire),
            "close" => Some(Self::Close),
            _ => None,
        }
    }
}

pub(crate) struct Page<'a> {
    pub(crate) brand: &'static str,
    pub(crate) class: &'static str,
    pub(crate) movement: &'a Movement,
    /// The buttons post to `{action}/approve` and so on.
    pub(crate) action: String,
    /// Carried along in the form, where the request did not say where to go afterwards.
    pub(crate) return_to: Option<String>,
    /// Where the payer may be sent: browsers hold a form's redirects against the policy too.
    pub(crate) next: Vec<String>,
}

pub(crate) fn assets() -> Router {
    let style = || async { asset("text/css; charset=utf-8", STYLE) };
    let script = || async { asset("text/javascript; charset=utf-8", SCRIPT) };
    Router::new().route("/assets/hosted.css", get(style)).route("/assets/hosted.js", get(script))
}

/// Does to the movement what the payer chose. Choosing again what already happened is fine: it
/// is a page reloaded.
pub(crate) fn carry_out(psp: &Arc<Psp>, movement: &Movement, choice: Choice) -> Result<(), String> {
    let (outcome, status) = match choice {
        Choice::Approve => (Outcome::Succeeded, Status::Succeeded),
        Choice::Decline => (Outcome::Declined, Status::Declined),
        Choice::Expire => (Outcome::Expired, Status::Expired),
        Choice::Close => return Ok(()),
    };
    if movement.status == status {
        return Ok(());
    }
    if movement.status != Status::Pending {
        return Err("This payment has already been decided.".to_owned());
    }
    let done = Completion::plain(outcome);
    scenario::complete(psp, &movement.reference, &done).map(drop).map_err(|e| e.to_string())
}

pub(crate) fn checkout(page: &Page<'_>) -> Response {
    let m = page.movement;
    if m.status != Status::Pending {
        let text = format!("This payment is {}.", m.status.as_str().replace('_', " "));
        return message(StatusCode::OK, page.class, page.brand, &text);
    }
    let amount = money::format(m.amount_minor, money::decimals(&m.currency));
    let payer = m.payer.as_ref().map_or("Mock Payer", |payer| payer.name.as_str());
    let hidden = page.return_to.as_ref().map_or_else(String::new, |url| {
        format!(r#"<input type="hidden" name="return_uri" value="{}">"#, escape(url))
    });
    let button = |id: &str, label: &str| {
        format!(
            r#"<form method="post" action="{}/{id}">{hidden}<button id="{id}">{label}</button></form>"#,
            escape(&page.action)
        )
    };
    let body = format!(
        r#"<p class="lead">You pay</p>
<p class="amount" id="amount">{amount} {currency}</p>
<dl><dt>To</dt><dd id="payee">{payee}</dd><dt>From</dt><dd>{payer}</dd>
<dt>Reference</dt><dd class="mono">{reference}</dd></dl>
<div class="main">{approve}{decline}</div>
<p class="or">or, as payers do</p>
<div class="aside">{expire}{close}</div>"#,
        currency = escape(&m.currency),
        payee = "Interlock Casino",
        payer = escape(payer),
        reference = escape(&m.reference),
        approve = button("approve", "Approve"),
        decline = button("decline", "Decline"),
        expire = button("expire", "Let it expire"),
        close = button("close", "Close without answering"),
    );
    document(StatusCode::OK, page.class, page.brand, &body, &page.next)
}

/// The payer has gone without an answer that leads anywhere.
pub(crate) fn left(class: &str, brand: &str, choice: Choice) -> Response {
    let text = match choice {
        Choice::Expire => "The time ran out. Nothing was paid.",
        Choice::Close => "You closed the page without answering. The payment is still open.",
        Choice::Approve => "Thank you, the payment was approved.",
        Choice::Decline => "The payment was declined.",
    };
    message(StatusCode::OK, class, brand, text)
}

pub(crate) fn message(status: StatusCode, class: &str, brand: &str, text: &str) -> Response {
    let body = format!(r#"<p class="lead" id="message">{}</p>"#, escape(text));
    document(status, class, brand, &body, &[])
}

pub(crate) fn missing() -> Response {
    message(StatusCode::NOT_FOUND, "plain", "Mock PSP", "There is no such payment.")
}

/// The page that the fragment of a payment link is read on.
pub(crate) fn doorway(class: &str, brand: &str) -> Response {
    let body = r#"<p class="lead" id="message">Opening your payment …</p>
<noscript><p>This link needs a script to read its fragment. Without one, open
<span class="mono">/hosted/{payment_id}</span> on this host.</p></noscript>
<script src="/assets/hosted.js"></script>"#;
    document(StatusCode::OK, class, brand, body, &[])
}

/// Sends the payer on, to http and https addresses only.
pub(crate) fn redirect(target: &str) -> Response {
    let fine = Url::parse(target).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let (true, Ok(location)) = (fine, HeaderValue::from_str(target)) else {
        let text = "There is no page to return to.";
        return message(StatusCode::OK, "plain", "Mock PSP", text);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

pub(crate) fn document(
    status: StatusCode,
    class: &str,
    brand: &str,
    body: &str,
    next: &[String],
) -> Response {
    let html = format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{brand} (mock)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/assets/hosted.css"></head>
<body class="{class}"><main><header><span class="mark" aria-hidden="true">{mark}</span>
<span class="brand">{brand}</span><span class="badge">MOCK</span></header>
<section>{body}</section>
<footer>No money moves here: this page only plays {brand}.</footer></main></body></html>"#,
        mark = brand.chars().take(1).collect::<String>(),
    );
    let mut origins: Vec<String> = next
        .iter()
        .filter_map(|url| Url::parse(url).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.dedup();
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; \
         frame-ancestors 'self' {origins}; form-action 'self' {origins}",
        origins = origins.join(" ")
    );
    let mut response = asset("text/html; charset=utf-8", html);
    *response.status_mut() = status;
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn asset(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Nobody else hears where a payer was; the mock itself must, to know its own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
