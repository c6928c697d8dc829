//! The one transport: sends exactly what adapters say, once, and classifies failures for all of them.
//!
//! **What proves "not sent".** A failure before a connection stands (DNS, refused, TLS, connect timeout)
//! proves it. So does a request body that the HTTP stack never asked for: at its [`Gate`] it either leaves
//! our hands, or is said not to have left and cannot leave any more; and without its body no PSP can act on
//! a request. And so does HTTP/2 when the PSP itself says that it did not process the stream. Everything else is
//! [`Unknown`]: timeouts, resets, a pooled connection that died with a request in it.
//!
//! **A refused client certificate.** A server that refuses *our* certificate proves "not sent" only where
//! it does so inside of the handshake (TLS 1.2). With TLS 1.3 our side of the handshake is over before the
//! server has looked at the certificate, so its refusal can come when the body has left: then it is
//! unknown, as any other cut. The rules above say so without a word about certificates.
//!
//! Nothing is sent twice from here: reqwest's protocol retries are off, redirects are answers, and no
//! proxy is taken from the environment.

use crate::identity::TlsIdentity;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use psp_contract::{HttpRequest, HttpResponse, Method, NotSent, TransportFailure, Unknown};
use secrecy::ExposeSecret;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use url::{Host, Url};

/// How the transport behaves; the same for all PSPs.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    pub connect_timeout: Duration,
    /// An answer beyond this is unreadable.
    pub body_cap_bytes: usize,
    /// The same of an answer that lists days of an account.
    pub long_body_cap_bytes: usize,
    /// How long an idle connection is kept. Shorter than what PSPs keep, so that we close first.
    pub pool_idle_timeout: Duration,
    /// Sandbox: `http://` to this machine. Elsewhere only `https://` is spoken.
    pub allow_plain_http_loopback: bool,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            body_cap_bytes: 1024 * 1024,
            long_body_cap_bytes: 8 * 1024 * 1024,
            pool_idle_timeout: Duration::from_secs(20),
            allow_plain_http_loopback: false,
        }
    }
}

/// The HTTP client that all accounts share, but for those with a client certificate of their own. Cheap
/// to clone.
#[derive(Debug, Clone)]
pub struct Transport {
    client: reqwest::Client,
    config: TransportConfig,
}

impl Transport {
    /// Fails when the TLS back end cannot be set up.
    pub fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        Self::build(config, None)
    }

    /// A transport of its own that shows a client certificate, and behaves as this one does otherwise. Two
    /// accounts never share a connection that was made with the certificate of one of them.
    pub fn with_identity(&self, identity: &TlsIdentity) -> Result<Self, TransportError> {
        Self::build(&self.config, Some(identity))
    }

    fn build(
        config: &TransportConfig,
        identity: Option<&TlsIdentity>,
    ) -> Result<Self, TransportError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(config.pool_idle_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .tcp_nodelay(true)
            .user_agent("interlock");
        if let Some(identity) = identity {
            let pem = identity.identity_pem();
            let shown = reqwest::Identity::from_pem(pem.expose_secret().as_bytes());
            builder = builder.identity(shown.map_err(TransportError)?);
            if let Some(ca) = identity.ca_pem() {
                let roots = reqwest::Certificate::from_pem_bundle(ca.expose_secret().as_bytes());
                builder = builder.tls_certs_merge(roots.map_err(TransportError)?);
            }
        }
        let client = builder.build().map_err(TransportError)?;
        Ok(Self { client, config: config.clone() })
    }

    /// Whether this transport would speak to that address at all.
    pub fn may_reach(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| match url.scheme() {
            "https" => url.has_host() && url.username().is_empty(),
            "http" => self.config.allow_plain_http_loopback && is_loopback(&url),
            _ => false,
        })
    }

    /// Sends one request, once, and waits for the whole answer until `by`.
    pub async fn send(
        &self,
        request: HttpRequest,
        by: Instant,
    ) -> Result<HttpResponse, TransportFailure> {
        if Instant::now() >= by {
            return Err(TransportFailure::NotSent(NotSent::DeadlineBeforeSend));
        }
        if !self.may_reach(&request.url) {
            return Err(TransportFailure::NotSent(NotSent::NotExpressible));
        }
        let gate = Arc::new(Gate::of(&request.body));
        let tls = request.url.starts_with("https:");
        let asking = self.ask(request, gate.clone(), tls);
        match tokio::time::timeout_at(by, asking).await {
            Ok(answer) => answer,
            Err(_) if gate.keeps() => Err(TransportFailure::NotSent(NotSent::DeadlineBeforeSend)),
            Err(_) => Err(lost(Unknown::ReadTimeout)),
        }
    }

    async fn ask(
        &self,
        request: HttpRequest,
        gate: Arc<Gate>,
        tls: bool,
    ) -> Result<HttpResponse, TransportFailure> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let cap = if request.long_answer {
            self.config.long_body_cap_bytes
        } else {
            self.config.body_cap_bytes
        };
        let mut builder = self.client.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if !request.body.is_empty() {
            let body = Watched { bytes: Some(Bytes::from(request.body)), gate: gate.clone() };
            builder = builder.body(reqwest::Body::wrap(body));
        }
        let response =
            builder.send().await.map_err(|error| classify(&error, !gate.keeps(), tls))?;
        read(response, cap).await
    }
}

/// The whole answer, at most `cap` bytes of body.
async fn read(
    mut response: reqwest::Response,
    cap: usize,
) -> Result<HttpResponse, TransportFailure> {
    let status = response.status().as_u16();
    let mut headers = Vec::with_capacity(response.headers().len());
    for (name, value) in response.headers() {
        if let Ok(value) = value.to_str() {
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
    }
    let encoded =
        headers.iter().any(|(name, value)| name == "content-encoding" && value != "identity");
    let announced = response.content_length().unwrap_or(0);
    if encoded || usize::try_from(announced).map_or(true, |bytes| bytes > cap) {
        return Err(lost(Unknown::Unreadable));
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > cap => {
                return Err(lost(Unknown::Unreadable));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => {
                return Ok(HttpResponse { status, headers, body });
            }
            Err(_) => return Err(lost(Unknown::ConnectionLost)),
        }
    }
}

/// The HTTP client could not be built.
#[derive(Debug, thiserror::Error)]
#[error("setting up the HTTP client")]
pub struct TransportError(#[source] reqwest::Error);

const fn lost(why: Unknown) -> TransportFailure {
    TransportFailure::Unknown(why)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Sorts a failure that came before any answer.
fn classify(error: &reqwest::Error, left: bool, tls: bool) -> TransportFailure {
    if error.is_dns() {
        return TransportFailure::NotSent(NotSent::Dns);
    }
    if error.is_connect() {
        let refused = chain(error).any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|io| {
                matches!(
                    io.kind(),
                    io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::HostUnreachable
                        | io::ErrorKind::NetworkUnreachable
                )
            })
        });
        return TransportFailure::NotSent(match (error.is_timeout(), refused || !tls) {
            (true, _) => NotSent::ConnectTimeout,
            (false, true) => NotSent::ConnectRefused,
            (false, false) => NotSent::Tls,
        });
    }
    if error.is_builder() {
        return TransportFailure::NotSent(NotSent::NotExpressible);
    }
    // A connection that closed before it took the request's body has refused it as surely as HTTP/2 does.
    if !left || chain(error).any(refused_by_http2) {
        return TransportFailure::NotSent(NotSent::RefusedStream);
    }
    lost(if error.is_timeout() { Unknown::ReadTimeout } else { Unknown::ConnectionLost })
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// RFC 9113 §8.7: REFUSED_STREAM, and streams above the last id of a GOAWAY, were not processed. The h2
/// crate fails only those streams with the GOAWAY itself when its reason is NO_ERROR.
fn refused_by_http2(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<h2::Error>().is_some_and(|error| {
        error.is_remote()
            && ((error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
                || (error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR)))
    })
}

/// Whether a request's body may leave our hands, and whether it has. The connection's own task asks for the
/// body, perhaps in the very moment in which we stop waiting: only one of the two comes first.
struct Gate(AtomicU8);

const OPEN: u8 = 0;
const LEFT: u8 = 1;
const SHUT: u8 = 2;

impl Gate {
    /// A request without a body is sent with its head, of which nobody tells.
    fn of(body: &[u8]) -> Self {
        Self(AtomicU8::new(if body.is_empty() { LEFT } else { OPEN }))
    }

    /// Lets the body out. False: it was said not to have left, and must not any more.
    fn opens(&self) -> bool {
        self.is_now(LEFT)
    }

    /// Keeps the body for good. False: it has left.
    fn keeps(&self) -> bool {
        self.is_now(SHUT)
    }

    fn is_now(&self, wanted: u8) -> bool {
        match self.0.compare_exchange(OPEN, wanted, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(known) => known == wanted,
        }
    }
}

/// What the HTTP stack hears that asks for a body which is kept.
#[derive(Debug, thiserror::Error)]
#[error("the request was given up before its body left")]
struct Kept;

/// A request body that passes the gate when it leaves our hands.
struct Watched {
    bytes: Option<Bytes>,
    gate: Arc<Gate>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Kept;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Kept>>> {
        if !self.gate.opens() {
            return Poll::Ready(Some(Err(Kept)));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_for(gate: &Arc<Gate>) -> Option<Result<Bytes, Kept>> {
        let bytes = Some(Bytes::from_static(b"{}"));
        let mut body = Watched { bytes, gate: gate.clone() };
        match Pin::new(&mut body).poll_frame(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(frame) => frame.map(|it| it.map(|it| it.into_data().unwrap_or_default())),
            Poll::Pending => panic!("it is there or it is not"),
        }
    }

    #[test]
    fn a_body_that_is_said_not_to_have_left_cannot_leave() {
        let gate = Arc::new(Gate::of(b"{}"));
        assert!(gate.keeps(), "nobody has asked for it");
        assert!(matches!(asked_for(&gate), Some(Err(Kept))));
        assert!(gate.keeps(), "and it is still here");
    }

    #[test]
    fn a_body_that_has_left_is_not_said_to_be_here() {
        let gate = Arc::new(Gate::of(b"{}"));
        assert!(matches!(asked_for(&gate), Some(Ok(bytes)) if *bytes == *b"{}"));
        assert!(!gate.keeps());
        assert!(gate.opens(), "what is left of it follows");
        assert!(!Gate::of(b"").keeps(), "without a body the head is the request");
    }
}
