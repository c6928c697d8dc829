//! The HTTP client of deliveries: one POST, no redirects, no proxy, no resending by the transport,
//! names resolved by the guard alone, and of the answer no more than a few kilobytes.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, StatusCode, redirect, retry};

use super::guard::{CheckedUrl, GuardedNames, NameRefused, Names, Reach};

const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The status decides; a receiver that dawdles over its body is not waited for much longer.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
const BODY_BYTES_MAX: usize = 4 * 1024;
const EXCERPT_BYTES_MAX: usize = 256;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT_TEXT: &str = concat!("interlock/", env!("CARGO_PKG_VERSION"));

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const CLOUD_EVENT: HeaderValue = HeaderValue::from_static("application/cloudevents+json");

/// Sends signed requests to checked places. Connections are kept open for half a minute: they were
/// opened to checked addresses, so reusing one cannot lead elsewhere.
#[derive(Debug, Clone)]
pub struct WebhookClient {
    http: Client,
    reach: Reach,
    timeout: Duration,
}

/// One signed request.
#[derive(Debug)]
pub struct SignedRequest {
    pub url: CheckedUrl,
    pub event_id: String,
    pub timestamp: i64,
    pub signature: String,
    pub body: Vec<u8>,
}

/// The receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    /// `Retry-After` in its form of seconds; the form with a date is not read.
    pub retry_after: Option<Duration>,
    /// The beginning of its body, printable, at most 256 bytes.
    pub excerpt: Option<String>,
}

/// Why there was no answer, in the words of the delivery log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The guard refused the URL or an address of its host.
    AddressRefused,
    /// The host name did not resolve.
    NameUnresolved,
    /// No connection, or no TLS session.
    ConnectFailed,
    Timeout,
    /// The connection ended before a whole answer.
    ConnectionLost,
    /// Nothing was sent: the outbox's row cannot be told. A fault of ours.
    EventUnreadable,
}

impl NoAnswer {
    pub const fn as_str(self) -> &'static str {
        match self {
            NoAnswer::AddressRefused => "address_refused",
            NoAnswer::NameUnresolved => "name_unresolved",
            NoAnswer::ConnectFailed => "connect_failed",
            NoAnswer::Timeout => "timeout",
            NoAnswer::ConnectionLost => "connection_lost",
            NoAnswer::EventUnreadable => "event_unreadable",
        }
    }
}

impl WebhookClient {
    pub fn new(names: Arc<dyn Names>, reach: Reach) -> reqwest::Result<Self> {
        Self::with_timeout(names, reach, TIMEOUT)
    }

    /// For tests of what a timeout does.
    pub fn with_timeout(
        names: Arc<dyn Names>,
        reach: Reach,
        timeout: Duration,
    ) -> reqwest::Result<Self> {
        let http = Client::builder()
            .dns_resolver(GuardedNames::new(names, reach))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .http1_only()
            .https_only(reach == Reach::Public)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()?;
        Ok(Self { http, reach, timeout })
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The longest that one request can take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub async fn post(&self, request: SignedRequest) -> Result<Answer, NoAnswer> {
        let headers = headers(&request).ok_or(NoAnswer::AddressRefused)?;
        let sent = self
            .http
            .post(request.url.url().clone())
            .headers(headers)
            .body(request.body)
            .send()
            .await;
        let mut response = sent.map_err(|error| classify(&error))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(seconds);
        let read = tokio::time::timeout(BODY_TIMEOUT, read_excerpt(&mut response)).await;
        Ok(Answer { status, retry_after, excerpt: read.unwrap_or(None) })
    }
}

/// `None` for values that are no header text; ids, numbers and base64 always are.
fn headers(request: &SignedRequest) -> Option<HeaderMap> {
    let text = |value: &str| HeaderValue::from_str(value).ok();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, CLOUD_EVENT);
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
    headers.insert(WEBHOOK_ID, text(&request.event_id)?);
    headers.insert(WEBHOOK_TIMESTAMP, text(&request.timestamp.to_string())?);
    headers.insert(WEBHOOK_SIGNATURE, text(&request.signature)?);
    Some(headers)
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    text.parse().ok().map(Duration::from_secs)
}

/// Reads at most 4 KiB, whatever the receiver sends; the rest is dropped with the connection.
async fn read_excerpt(response: &mut reqwest::Response) -> Option<String> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = BODY_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == BODY_BYTES_MAX {
            break;
        }
    }
    printable(&body)
}

/// Printable ASCII, other bytes as `.`, white space as one space.
fn printable(body: &[u8]) -> Option<String> {
    let text: String = body
        .iter()
        .take(EXCERPT_BYTES_MAX)
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            b'\t' | b'\r' | b'\n' => ' ',
            _ => '.',
        })
        .collect();
    (!text.is_empty()).then_some(text)
}

fn classify(error: &reqwest::Error) -> NoAnswer {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        match error.downcast_ref::<NameRefused>() {
            Some(NameRefused::AddressDenied { .. }) => return NoAnswer::AddressRefused,
            Some(NameRefused::Unresolved(_)) => return NoAnswer::NameUnresolved,
            None => cause = error.source(),
        }
    }
    if error.is_timeout() {
        NoAnswer::Timeout
    } else if error.is_connect() {
        NoAnswer::ConnectFailed
    } else if error.is_builder() {
        // The client itself refused: plain http where only https may be.
        NoAnswer::AddressRefused
    } else {
        NoAnswer::ConnectionLost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_printable() {
        assert_eq!(printable(b""), None);
        assert_eq!(printable(b"no\r\n\x1b[31m\xff").unwrap(), "no  .[31m.");
        assert_eq!(printable(&[b'x'; 9_000]).unwrap().len(), EXCERPT_BYTES_MAX);
    }

    #[test]
    fn a_retry_after_is_read_in_seconds_only() {
        let read = |text: &'static str| seconds(&HeaderValue::from_static(text));
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("-1"), None);
        assert_eq!(read("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
