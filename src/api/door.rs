//! The outermost layer: every request gets an id, a clock and an end; every answer carries both.
//!
//! Around everything else stands the catch for panics: one fails its own request alone.

use super::address::client_address;
use super::problem::Problem;
use super::rate::RateLimits;
use crate::domain::Ids;
use crate::domain::ids::SystemIds;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Where the outermost layer takes its settings from.
#[derive(Debug)]
pub struct Door {
    pub trusted_proxies: Vec<IpNet>,
    pub rates: Arc<RateLimits>,
    /// PSP accounts whose webhooks anybody could have sent.
    pub unproven: BTreeSet<String>,
    /// PSP accounts that sign theirs, and vendors as `vendors/<id>`.
    pub signed: BTreeSet<String>,
    /// Every request is answered within this time.
    pub patience: Duration,
}

/// Where vendors' webhooks arrive, in the place of an account: they sign what they send.
pub const VENDORS: &str = "vendors";

/// What tells whether the instance is well: cheap to answer, however often it is asked (one look answers all who ask
/// meanwhile).
const PROBES: [&str; 2] = ["/livez", "/readyz"];

impl Door {
    fn count(&self, method: &Method, path: &str, client: IpAddr) -> Result<(), Problem> {
        // Whoever probes from an address with traffic of its own (a balancer) would hear of that traffic, and
        // have an instance restarted that is well.
        if PROBES.contains(&path) {
            return Ok(());
        }
        let Some(webhook) = path.strip_prefix("/webhooks/") else {
            return self.rates.check_address(client);
        };
        // A PSP sends for all of its merchants' payers from few addresses: what it signs counts for its account
        // alone. An account that there is not is anybody's word, and so is an address below it that none of its
        // messages come to: both are counted as his who sent it.
        let sender = sender(method, webhook).unwrap_or_default();
        if let Some(account) = self.unproven.get(sender) {
            self.rates.check_unproven(account, client)
        } else if let Some(account) = self.signed.get(sender) {
            self.rates.check_signed(account)
        } else {
            self.rates.check_address(client)
        }
    }
}

/// Whose message comes to this place below `/webhooks/`, as [`Door::signed`] names senders. None: nobody's does.
fn sender<'p>(method: &Method, place: &'p str) -> Option<&'p str> {
    let mut pieces = place.split('/');
    let (account, rest) = (pieces.next()?, pieces.next());
    let is_place = rest.is_none_or(|rest| !rest.is_empty()) && pieces.next().is_none();
    let is_post = method == Method::POST;
    match account {
        _ if !is_place => None,
        // Each vendor by itself: none uses up what another may send.
        VENDORS => (is_post && rest.is_some()).then_some(place),
        _ => (is_post || method == Method::GET).then_some(account),
    }
}

/// The id under which a request is told, logged and traced.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// The address that a request counts for.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Put among a response's extensions by a handler that waited for a PSP.
#[derive(Debug, Clone, Copy)]
pub struct PspTime(pub Duration);

/// Names, times and finishes a request.
pub async fn finish(request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let id = request_id(request.headers());
    let method = method_name(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", request.id = %id.0, method, route);
    let mut request = request;
    request.extensions_mut().insert(id.clone());
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = running.instrument(span.clone()).await.unwrap_or_else(|_| {
        span.in_scope(|| tracing::error!("a handler panicked"));
        Problem::fault().into_response()
    });
    let mut response = render(answer, &id.0);
    let took = started_at.elapsed();
    stamp(&mut response, &id.0, took);
    let status = response.status().as_u16().to_string();
    let labels = [("method", method.to_owned()), ("route", route), ("status", status)];
    metrics::counter!("interlock_http_requests_total", &labels).increment(1);
    metrics::histogram!("interlock_http_request_duration_seconds", &labels).record(took);
    response
}

/// Counts the address, and ends what takes too long.
pub async fn admit(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if let Some(peer) = peer {
        let client = client_address(peer, request.headers(), &door.trusted_proxies);
        request.extensions_mut().insert(ClientAddress(client));
        if let Err(problem) = door.count(request.method(), request.uri().path(), client) {
            return problem.into_response();
        }
    }
    match tokio::time::timeout(door.patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out().into_response(),
    }
}

/// The method's name for spans and metrics. A method may be any word, and every word that became a label
/// would be a series for good: anybody could fill the memory with them.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [(Method, &str); 9] = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::PATCH, "PATCH"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::TRACE, "TRACE"),
        (Method::CONNECT, "CONNECT"),
    ];
    KNOWN.iter().find(|(known, _)| known == method).map_or("other", |(_, name)| name)
}

/// A caller's own id when it is plain, else a fresh one.
fn request_id(headers: &HeaderMap) -> RequestId {
    let plain = |text: &&str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        (1..=64).contains(&text.len()) && text.bytes().all(allowed)
    };
    let told = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    let fresh = || format!("req_{}", SystemIds.next().simple());
    let id = told.map_or_else(fresh, str::to_owned);
    RequestId(id.into())
}

/// Tells a problem again, now that its request has a name.
fn render(mut response: Response, id: &str) -> Response {
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => {
            // What layers in between added (CORS, vary) stays.
            let mut told = problem.respond(id);
            for (name, value) in response.headers() {
                if !told.headers().contains_key(name) && name != header::CONTENT_LENGTH {
                    told.headers_mut().append(name.clone(), value.clone());
                }
            }
            told
        }
        None => response,
    }
}

fn stamp(response: &mut Response, id: &str, took: Duration) {
    let psp = response.extensions().get::<PspTime>().copied();
    let mut timing = format!("total;dur={}", millis(took));
    if let Some(PspTime(waited)) = psp {
        timing.push_str(&format!(", psp;dur={}", millis(waited)));
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(timing) = HeaderValue::from_str(&timing) {
        headers.insert(SERVER_TIMING, timing);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // What is told of money and people belongs in nobody's cache.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Milliseconds with three decimals.
fn millis(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_request_id_is_kept_and_another_replaced() {
        let told = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            request_id(&headers).0.to_string()
        };
        assert_eq!(told("casino-42"), "casino-42");
        assert!(told("with space").starts_with("req_"));
        assert!(told(&"x".repeat(65)).starts_with("req_"));
    }

    #[test]
    fn webhooks_are_counted_where_anybody_could_have_sent_them() {
        let most = std::num::NonZeroU32::MIN;
        let door = Door {
            trusted_proxies: Vec::new(),
            rates: Arc::new(RateLimits::new(crate::api::rate::RateSettings {
                per_key: most,
                per_player: most,
                per_address: Some(most),
                loopback_is_free: false,
            })),
            unproven: ["swish-se".to_owned()].into(),
            signed: ["adyen-eu", "vendors/sumsub", "vendors/veriff"].map(str::to_owned).into(),
            patience: Duration::from_secs(1),
        };
        let client = IpAddr::from([192, 0, 2, 1]);
        let by = |method: &Method, path: &str| {
            (0..60).filter(|_| door.count(method, path, client).is_ok()).count()
        };
        let let_in = |path: &str| by(&Method::POST, path);
        let nobody = let_in("/webhooks/nobody-1") + let_in("/webhooks/nobody-2");
        assert!(nobody < 60, "no account has this name: the caller counts, {nobody}");
        assert!(let_in("/webhooks/swish-se/01") < 60);
        assert_eq!(let_in("/webhooks/adyen-eu"), 60, "it signs what it sends");
        assert_eq!(let_in("/webhooks/adyen-eu/pix") + by(&Method::GET, "/webhooks/adyen-eu"), 120);
        assert_eq!(let_in("/webhooks/vendors/sumsub"), 60, "and so do vendors");
        // What is no route is counted as his who asks.
        let below = ["adyen-eu/", "adyen-eu/a/b", "vendors", "vendors/nobody", "vendors/sumsub/1"];
        for nowhere in below {
            assert!(let_in(&format!("/webhooks/{nowhere}")) < 60, "{nowhere}");
        }
        assert!(by(&Method::PUT, "/webhooks/adyen-eu") < 60);
        assert!(by(&Method::GET, "/webhooks/vendors/sumsub") < 60);
        let once = || door.count(&Method::POST, "/webhooks/vendors/sumsub", client);
        assert!((0..1_000_000).any(|_| once().is_err()), "it has a budget of its own");
        assert_eq!(let_in("/webhooks/vendors/veriff"), 60, "each vendor has its own");
        assert!(let_in("/v1/deposits") < 60);
        for probe in PROBES {
            assert_eq!(by(&Method::GET, probe), 60, "an address over its budget may ask {probe}");
        }
        assert!(let_in("/livez/1") < 60, "and nothing beside it");
    }

    #[test]
    fn a_method_that_somebody_made_up_makes_no_series_of_its_own() {
        let told = |word: &str| method_name(&Method::from_bytes(word.as_bytes()).unwrap());
        for known in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
            assert_eq!(told(known), known);
        }
        for made_up in ["get", "PROPFIND", "X1", "X2"] {
            assert_eq!(told(made_up), "other");
        }
    }

    #[test]
    fn durations_are_told_in_milliseconds() {
        assert_eq!(millis(Duration::from_micros(12_345)), "12.345");
        assert_eq!(millis(Duration::from_micros(7)), "0.007");
    }
}
