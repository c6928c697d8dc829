//! The casino's webhook receiver: a small server on this machine that believes nothing unsigned.
//!
//! It is written as a casino would write it from the Standard Webhooks specification, without any
//! code of the service: the signature over the raw body, the age of the time stamp, each event once.

use super::client::{Api, text};
use super::timeline::Timeline;
use crate::clock::{Clock as _, SystemClock};
use crate::shutdown::Shutdown;
use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Older or farther ahead is refused, as the specification advises.
const TOLERANCE_S: u64 = 300;
/// How long the demo waits to be told.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the casino was told, by payment and sequence.
type Told = BTreeMap<(String, u64), String>;

#[derive(Debug, Default)]
struct Desk {
    /// Known once the endpoint is registered.
    secret: Vec<u8>,
    /// Events of other players of the same operator are none of the demo's.
    players: String,
    told: Told,
    refused: u32,
}

#[derive(Debug)]
struct Shared {
    desk: Mutex<Desk>,
    arrived: Notify,
    timeline: Timeline,
    /// What comes is kept and not told.
    is_quiet: AtomicBool,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The receiver at work, until its `Shutdown` is asked to stop.
#[derive(Debug)]
pub(super) struct Receiver {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Receiver {
    /// Whether what comes is told: a stream of payments that only pass by would bury the story.
    pub(super) fn set_quiet(&self, is_quiet: bool) {
        self.shared.is_quiet.store(is_quiet, Ordering::Relaxed);
    }

    /// Listens on a free port of this machine.
    pub(super) async fn open(timeline: Timeline, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("listening for webhooks")?;
        let address = listener.local_addr().context("listening for webhooks")?;
        let (desk, arrived) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { desk, arrived, timeline, is_quiet: AtomicBool::new(false) });
        let app = Router::new().route("/casino", post(receive)).with_state(shared.clone());
        let asked = shutdown.clone();
        let stop = async move { asked.requested().await };
        shutdown.spawn("demo-receiver", async move {
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stop).await {
                tracing::warn!(%error, "the demo's webhook receiver ended");
            }
        });
        Ok(Self { shared, address })
    }

    /// Makes the endpoint at the service and keeps its secret. Returns its id.
    pub(super) async fn register(&self, api: &Api) -> anyhow::Result<String> {
        let url = format!("http://{}/casino", self.address);
        let body = json!({ "url": url, "events": ["deposit.*", "withdrawal.*"] });
        let made = api.post("/v1/webhook-endpoints", &body).await?.expect(201)?;
        let secret = text(&made, "/secret").strip_prefix("whsec_").unwrap_or_default();
        let secret = STANDARD.decode(secret).context("the endpoint's secret is not base64")?;
        anyhow::ensure!(!secret.is_empty(), "the endpoint came without a secret: {made}");
        self.shared.desk().secret = secret;
        Ok(text(&made, "/id").to_owned())
    }

    /// From now on events of these players are the demo's.
    pub(super) fn listen_for(&self, players: &str) {
        players.clone_into(&mut self.shared.desk().players);
    }

    /// Waits until the casino was told this of a payment, and proves that nothing before it is
    /// missing.
    ///
    /// # Errors
    /// When it is not told in time, or the events have a gap.
    pub(super) async fn hears(&self, kind: &str, payment: &str) -> anyhow::Result<Vec<String>> {
        let wait = async {
            loop {
                let arrived = self.shared.arrived.notified();
                tokio::pin!(arrived);
                // Listening starts before looking, so that no arrival falls in between.
                arrived.as_mut().enable();
                let kinds = self.whole(payment);
                if kinds.last().is_some_and(|last| last == kind) {
                    return kinds;
                }
                arrived.await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, wait).await;
        told.map_err(|_| {
            let heard = self.whole(payment);
            anyhow::anyhow!("the casino was not told {kind} of {payment}; heard {heard:?}")
        })
    }

    /// The kinds of a payment's events from the first on, up to the first gap.
    fn whole(&self, payment: &str) -> Vec<String> {
        let desk = self.shared.desk();
        let numbered = (1..).map_while(|number| desk.told.get(&(payment.to_owned(), number)));
        numbered.cloned().collect()
    }

    /// How many deliveries were turned away.
    pub(super) fn refused(&self) -> u32 {
        self.shared.desk().refused
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let secret = shared.desk().secret.clone();
    let now_s = SystemClock.now().unix_timestamp();
    if !is_genuine(&secret, &headers, &body, now_s) {
        shared.desk().refused += 1;
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    note(&shared, &event);
    shared.arrived.notify_waiters();
    StatusCode::NO_CONTENT
}

/// Keeps an event of the demo's players, once: deliveries may be repeated.
fn note(shared: &Shared, event: &Value) {
    let (kind, subject) = (text(event, "/type"), text(event, "/subject"));
    let sequence: u64 = text(event, "/sequence").parse().unwrap_or_default();
    let is_new = {
        let mut desk = shared.desk();
        let players = &desk.players;
        let ours = !players.is_empty() && text(event, "/data/player_id").starts_with(players);
        let key = (subject.to_owned(), sequence);
        ours && desk.told.insert(key, kind.to_owned()).is_none()
    };
    if is_new && !shared.is_quiet.load(Ordering::Relaxed) {
        let what = format!("verified webhook #{sequence}: {} {kind}", short(subject));
        shared.timeline.tell("to casino", &what);
    }
}

/// The end of an id: enough to tell ids apart on a page.
pub(super) fn short(id: &str) -> String {
    let (prefix, digits) = id.split_once('_').unwrap_or(("", id));
    let from = digits.len().saturating_sub(6);
    format!("{prefix}_…{}", digits.get(from..).unwrap_or(digits))
}

/// One of the header's `v1` signatures is ours, over id, time and raw body, and the time is now.
fn is_genuine(secret: &[u8], headers: &HeaderMap, body: &[u8], now_s: i64) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let fresh = timestamp.parse().is_ok_and(|at: i64| now_s.abs_diff(at) <= TOLERANCE_S);
    if secret.is_empty() || id.is_empty() || !fresh {
        return false;
    }
    let tokens = header("webhook-signature").split(' ').filter_map(|it| it.strip_prefix("v1,"));
    tokens.filter_map(|token| STANDARD.decode(token).ok()).any(|token| {
        Hmac::<Sha256>::new_from_slice(secret).is_ok_and(|mut mac| {
            mac.update(id.as_bytes());
            mac.update(b".");
            mac.update(timestamp.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(&token).is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    /// The example of the specification.
    fn example() -> (Vec<u8>, HeaderMap) {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1,bm90IG91cnM= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        (secret, headers)
    }

    #[test]
    fn the_published_example_is_genuine_for_five_minutes() {
        let (secret, headers) = example();
        assert!(is_genuine(&secret, &headers, BODY, AT_S));
        assert!(is_genuine(&secret, &headers, BODY, AT_S + 300));
        assert!(!is_genuine(&secret, &headers, BODY, AT_S + 301));
        assert!(!is_genuine(&secret, &headers, BODY, AT_S - 301));
    }

    #[test]
    fn anything_changed_is_not_genuine() {
        let (secret, headers) = example();
        assert!(!is_genuine(&secret, &headers, b"{}", AT_S));
        assert!(!is_genuine(b"another secret", &headers, BODY, AT_S));
        assert!(!is_genuine(b"", &headers, BODY, AT_S));
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut changed = headers.clone();
            changed.insert(name, "1614265331".parse().unwrap());
            assert!(!is_genuine(&secret, &changed, BODY, AT_S), "{name}");
            changed.remove(name);
            assert!(!is_genuine(&secret, &changed, BODY, AT_S), "{name}");
        }
    }

    #[test]
    fn an_id_is_shortened_to_its_end() {
        assert_eq!(short("dep_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f"), "dep_…8d9e0f");
    }
}
