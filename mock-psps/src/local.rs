//! Who is served: programs of this machine, and the mocks' own pages in its browsers. The ports are on
//! loopback; a page of somebody else's reaches them all the same, by a form, or by a name that it lets
//! point here.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use http::{HeaderValue, StatusCode, header, uri::Authority};
use url::Url;

/// Refuses a foreign `Host`, and an `Origin` that is not this machine's.
pub(crate) fn only(routes: Router) -> Router {
    routes.layer(middleware::from_fn(async |request: Request, next: Next| {
        if !is_asked_for(&request) {
            return (StatusCode::FORBIDDEN, "this host is not served").into_response();
        }
        if request.headers().get(header::ORIGIN).is_some_and(|origin| !is_ours(origin)) {
            return (StatusCode::FORBIDDEN, "pages of others are not served").into_response();
        }
        next.run(request).await
    }))
}

/// Whether a request names this machine as its host: in HTTP/2 that is in the address.
pub(crate) fn is_asked_for(request: &Request) -> bool {
    let told = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = told.or_else(|| request.uri().authority().map(Authority::as_str));
    is_loopback(host.unwrap_or_default())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn is_ours(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    url.is_some_and(|url| url.host_str().is_some_and(is_loopback))
}
