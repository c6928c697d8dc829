//! A payment's status changes as they happen, as server-sent events.
//!
//! The stream reads the outbox from the number that its reader has, so nothing is lost between two
//! connections and nothing is told twice. What wakes it is one look for all streams together.

use super::shared::visible_payment;
use crate::api::Edge;
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, not_here};
use crate::api::open_streams::OpenStream;
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::payment_event::event_data_for_player;
use crate::domain::{OperatorId, PaymentId, PlayerKey};
use crate::outbox::event::StoredEvent;
use crate::store::db::within;
use crate::store::outbox_reads;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use uuid::Uuid;

/// Events that are read at once.
const BATCH: i64 = 50;
/// A stream looks by itself now and then, and ends after an hour: its reader connects again.
const LOOK_EVERY: Duration = Duration::from_secs(20);
const LIFE_MAX: Duration = Duration::from_secs(3_600);
/// A stream whose events cannot be read for so long ends.
const READ_MAX: Duration = Duration::from_secs(10);

/// Watch a payment
///
/// Each event's `id` is the payment's sequence number: send the last one as `Last-Event-ID` to go
/// on from there. `event` is the type (`deposit.succeeded`), `data` the payment's snapshot.
///
/// On one instance a player holds at most 8 streams open, over all sessions together, and a key at most
/// 1,000; whoever asks for more is answered 429.
#[utoipa::path(get, path = "/v1/payments/{id}/events", tag = "payments",
    params(("id" = String, Path, description = "`dep_…` or `wd_…`"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was read")),
    responses((status = 200, description = "The events from there on.", body = String,
        content_type = "text/event-stream"),
        (status = 429, description = "`request.rate_limited`: too many requests, or too many streams \
            that are open: wait for `retry-after`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn stream(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = PaymentId::parse(&id).ok_or_else(not_here)?;
    let payment = visible_payment(&edge, &caller, id).await?;
    let last = last_event(&headers)?;
    let reader = Reader {
        _counted: edge.streams.open(&caller)?,
        woken: edge.live.watch(payment.id),
        operator: payment.player.operator.clone(),
        session: session_of(&caller, &payment.player),
        edge,
        payment: payment.id,
        last,
        ready: VecDeque::new(),
        ends_at: Instant::now() + LIFE_MAX,
    };
    let events = futures_util::stream::unfold(reader, Reader::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn last_event(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let number = value.to_str().ok().and_then(|text| text.parse::<i64>().ok());
    number.filter(|number| 0 <= *number).ok_or_else(|| {
        let detail = "Last-Event-ID is the id of an event of this stream.";
        Problem::bad_request("request.last_event_id_invalid", detail)
    })
}

fn session_of(caller: &Caller, player: &PlayerKey) -> Option<(PlayerKey, Uuid)> {
    match caller {
        Caller::Player { jti, .. } => Some((player.clone(), *jti)),
        Caller::Key { .. } => None,
    }
}

struct Reader {
    edge: Edge,
    operator: OperatorId,
    payment: PaymentId,
    /// A player's stream ends with their session.
    session: Option<(PlayerKey, Uuid)>,
    last: i64,
    ready: VecDeque<StoredEvent>,
    woken: watch::Receiver<i64>,
    ends_at: Instant,
    /// Counts the stream as open until it is over or its reader has gone.
    _counted: OpenStream,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.last = event.sequence;
                let told = self.tell(&event);
                return Some((Ok(told), self));
            }
            let is_over = self.ends_at <= Instant::now() || self.edge.closing.is_requested();
            if is_over || !self.may_go_on().await {
                return None;
            }
            // Marked as seen before reading: what comes in between wakes it again.
            self.woken.mark_unchanged();
            if !self.read().await? {
                let closing = self.edge.closing.clone();
                let wake = tokio::time::timeout(LOOK_EVERY, self.woken.changed());
                tokio::select! {
                    () = closing.requested() => return None,
                    woken = wake => if let Ok(Err(_)) = woken { return None },
                }
            }
        }
    }

    /// Whether anything new was read; None ends the stream, whose reader comes back.
    async fn read(&mut self) -> Option<bool> {
        let pool = self.edge.flows.db.pool();
        let (operator, payment) = (&self.operator, self.payment);
        let reading = outbox_reads::events_of_payment(pool, operator, payment, self.last, BATCH);
        match within(READ_MAX, reading).await {
            Ok(events) => {
                self.ready = events.into();
                Some(!self.ready.is_empty())
            }
            Err(error) => {
                tracing::warn!(%error, "reading the events of a stream failed");
                None
            }
        }
    }

    async fn may_go_on(&self) -> bool {
        let Some((player, jti)) = &self.session else { return true };
        let now = self.edge.flows.clock.now();
        self.edge.sessions.is_open(player, *jti, now).await.unwrap_or(false)
    }

    fn tell(&self, event: &StoredEvent) -> Event {
        let data = match self.session {
            Some(_) => event_data_for_player(&event.data),
            None => event.data.clone(),
        };
        Event::default().id(event.sequence.to_string()).event(&event.kind).data(data)
    }
}
