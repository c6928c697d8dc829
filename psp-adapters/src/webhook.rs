//! What comes in by webhook, before and after its signature was verified.

use crate::json::Json;
use crate::signature::{Proof, sha256};
use psp_contract::{AttemptRef, Payin, Report, Status, Subject, Timestamp};
use url::form_urlencoded;

/// What a signature that does not hold is turned away with.
pub(crate) const UNVERIFIED: WebhookRefusal =
    WebhookRefusal::Invalid("the signature does not verify");

/// The largest notification that is looked at. The PSPs here send less than 4 KiB.
pub const WEBHOOK_BYTES_MAX: usize = 256 * 1024;

/// A webhook as it came off the wire.
#[derive(Debug, Clone, Copy)]
pub struct RawWebhook<'a> {
    pub method: &'a str,
    /// The full original path and query, as the PSP sent it: some sign it.
    pub path_and_query: &'a str,
    /// Names in lower case, duplicates kept.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
    /// The client certificate of the connection, in DER, where our own listener checked one.
    pub peer_certificate: Option<&'a [u8]>,
    pub received_at: Timestamp,
}

impl<'a> RawWebhook<'a> {
    /// Path and query as they came.
    pub(crate) fn split_path(&self) -> (&'a str, Option<&'a str>) {
        match self.path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path_and_query, None),
        }
    }

    /// Whether the path is the very one that the PSP was given. A proxy may have taken a prefix off it,
    /// and nothing else.
    pub(crate) fn is_for(&self, notify_url: &str) -> bool {
        let (path, _) = self.split_path();
        path.len() > 1 && path.starts_with('/') && notify_url.ends_with(path)
    }

    /// A value of the query that must stand there exactly once.
    pub(crate) fn one_query_value(&self, name: &str) -> Option<String> {
        let query = self.split_path().1.unwrap_or_default();
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    }

    /// For PSPs that do not sign the path: nothing but a POST to the very address, without a query.
    pub(crate) fn must_be_posted_to(&self, notify_url: &str) -> Result<(), WebhookRefusal> {
        if self.method != "POST" {
            return Err(WebhookRefusal::Malformed("notifications are sent by POST"));
        }
        if !self.is_for(notify_url) || self.split_path().1.is_some() {
            return Err(WebhookRefusal::Malformed("not the address that the PSP was given"));
        }
        Ok(())
    }

    pub(crate) fn json(&self) -> Result<Json, WebhookRefusal> {
        Json::parse(self.body).ok_or(WebhookRefusal::Malformed("no strict JSON"))
    }

    /// The value of a header that carries the signature, there exactly once.
    pub(crate) fn signature(&self, name: &str) -> Result<&'a str, WebhookRefusal> {
        self.one_header(name).ok_or(WebhookRefusal::Invalid("not signed exactly once"))
    }

    /// The value of a header that must occur exactly once.
    pub(crate) fn one_header(&self, name: &str) -> Option<&'a str> {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// Something whose signature was verified.
///
/// Only this crate can make one, and only from the proof that a signature's verification returns, so a
/// path that skips verification does not compile (README, invariant 7):
///
/// ```compile_fail
/// use psp_adapters::{Verified, WebhookBatch};
/// let batch = WebhookBatch { events: Vec::new(), fresh: true };
/// let forged = Verified { value: batch };
/// ```
///
/// ```compile_fail
/// use psp_adapters::{signature::Proof, Verified};
/// let forged = Verified::new((), Proof(()));
/// ```
#[derive(Debug)]
pub struct Verified<T> {
    value: T,
}

impl<T> Verified<T> {
    pub(crate) fn new(value: T, _proof: Proof) -> Self {
        Self { value }
    }

    pub fn get(&self) -> &T {
        &self.value
    }

    pub fn into_inner(self) -> T {
        self.value
    }
}

impl Verified<WebhookBatch> {
    /// The events of a call that proves nothing by itself: whatever they say is taken away, and what
    /// stays is that something happened to a payment, so that the PSP is asked.
    pub(crate) fn hints(events: Vec<WebhookEvent>) -> Self {
        let events: Vec<_> = events.into_iter().map(WebhookEvent::into_hint).collect();
        Self { value: WebhookBatch::from(events) }
    }

    /// Whose time of sending was signed, too, and has to lie within the tolerance. One that does not
    /// makes us ask for what it names.
    pub(crate) fn sent_at(
        event: WebhookEvent,
        proof: Proof,
        sent_at: Timestamp,
        (raw, tolerance): (&RawWebhook<'_>, std::time::Duration),
    ) -> Result<Self, WebhookRefusal> {
        if (raw.received_at - sent_at).unsigned_abs() > tolerance {
            let WebhookEvent { attempt, psp_reference, .. } = event;
            return Err(WebhookRefusal::Stale { attempt, psp_reference });
        }
        Ok(Self::new(WebhookBatch { fresh: true, ..event.into() }, proof))
    }
}

impl From<Vec<WebhookEvent>> for WebhookBatch {
    fn from(events: Vec<WebhookEvent>) -> Self {
        Self { events, fresh: false, echo: Echo::default() }
    }
}

impl From<WebhookEvent> for WebhookBatch {
    fn from(event: WebhookEvent) -> Self {
        vec![event].into()
    }
}

/// What comes of a webhook: its events, or why it is turned away.
pub type Received = Result<Verified<WebhookBatch>, WebhookRefusal>;

/// The events of one webhook call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookBatch {
    pub events: Vec<WebhookEvent>,
    /// The signature covers a time stamp of sending, and it lies within the tolerance.
    pub fresh: bool,
    /// What the reply must repeat.
    pub(crate) echo: Echo,
}

/// What a signed reply repeats of the call that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Echo {
    pub method: String,
    pub uuid: String,
}

/// One event, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The PSP's id of the event: deduplicated by it for good.
    pub event_id: String,
    /// The PSP's own name of the event, `"credit"`, `"payment_settled"`.
    pub kind: String,
    pub attempt: Option<AttemptRef>,
    pub psp_reference: Option<String>,
    /// What kind of attempt it is about, where the event itself tells.
    pub subject: Option<Subject>,
    /// What it says; none when it says nothing about money.
    pub report: Option<Report>,
    /// What it says instead when the attempt it names is a deposit. Trustly's `credit` is a deposit's
    /// success and a payout's return, and carries the same fields in both cases.
    pub if_deposit: Option<Report>,
    /// Money that arrived without naming an attempt.
    pub payin: Option<Payin>,
    pub occurred_at: Option<Timestamp>,
    /// It does not prove enough to move money: ask the PSP first.
    pub hint_only: bool,
    /// What asking may not show. Only of a hint that says nothing itself.
    pub untold: Option<Untold>,
}

/// What an event tells and an inquiry may keep silent about: people must hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untold {
    /// A deposit's money was taken back. People hear, unless the PSP says so too when it is asked.
    TakenBack,
    /// Something that nothing here reads. People hear in any case.
    Unread,
}

impl WebhookEvent {
    /// An event that says nothing yet.
    pub(crate) fn new(event_id: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            event_id: event_id.into(),
            kind: kind.into(),
            attempt: None,
            psp_reference: None,
            subject: None,
            report: None,
            if_deposit: None,
            payin: None,
            occurred_at: None,
            hint_only: false,
            untold: None,
        }
    }

    /// What it says of the payment whose id it names.
    pub(crate) fn saying(mut self, status: Option<Status>) -> Self {
        let id = self.psp_reference.as_deref();
        self.report = status.map(|status| Report::new(id, status));
        self
    }

    /// As [`WebhookEvent::saying`], where what it says may be about money whose amount it does not tell so
    /// that it can be read: that is a hint.
    pub(crate) fn saying_of_money(self, said: Option<Option<Status>>) -> Self {
        let unread = matches!(said, Some(None));
        let event = self.saying(said.map(|status| status.unwrap_or(Status::Pending)));
        Self { hint_only: event.hint_only || unread, ..event }
    }

    /// As [`WebhookEvent::saying_of_money`], of what was signed with this text. The same said again so that it can
    /// be read is news: what cannot be read does not take its id.
    pub(crate) fn saying_of_signed(self, said: Option<Option<Status>>, text: &str) -> Self {
        let unread = matches!(said, Some(None));
        let mut event = self.saying_of_money(said);
        if unread {
            let of_text = hex::encode(sha256(text.as_bytes()));
            event.event_id = format!("{}:unread:{of_text}", event.event_id);
        }
        event
    }

    fn into_hint(self) -> Self {
        Self { report: None, if_deposit: None, hint_only: true, ..self }
    }

    /// What the event says of an attempt of this kind; none when it cannot be about one.
    ///
    /// Trustly's refunds have no message id of their own: their notifications name the *deposit's*
    /// attempt. So a `payoutconfirmation` says nothing of a deposit, and whoever finds a deposit behind
    /// the attempt it names looks for the return of that deposit with `psp_reference`.
    /// A `credit` says of a deposit that it came; where that was told before, it may be about a return
    /// that bounced, which only the deposit's history tells.
    pub fn report_for(&self, subject: Subject) -> Option<&Report> {
        let goes_out = |subject| matches!(subject, Subject::Payout | Subject::Return);
        match self.subject {
            Some(told) if goes_out(told) != goes_out(subject) => None,
            Some(_) => self.report.as_ref(),
            None if subject == Subject::Deposit => {
                self.if_deposit.as_ref().or(self.report.as_ref())
            }
            None => self.report.as_ref(),
        }
    }
}

/// Why a webhook is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookRefusal {
    /// Not signed, or not by whom it must be. 401; nothing of it is kept.
    Invalid(&'static str),
    /// Rightly signed, but too old or too far ahead. 401; one inquiry for what it names is due at once.
    Stale { attempt: Option<AttemptRef>, psp_reference: Option<String> },
    /// Beyond [`WEBHOOK_BYTES_MAX`]. 413.
    TooLarge,
    /// Nothing that this PSP sends. 400.
    Malformed(&'static str),
    /// The PSP's public keys cannot be had right now. 503, so that the PSP sends it again.
    KeysUnavailable,
}

impl WebhookRefusal {
    pub const fn status(&self) -> u16 {
        match self {
            WebhookRefusal::Invalid(_) | WebhookRefusal::Stale { .. } => 401,
            WebhookRefusal::TooLarge => 413,
            WebhookRefusal::Malformed(_) => 400,
            WebhookRefusal::KeysUnavailable => 503,
        }
    }
}

/// What the PSP expects to hear once the webhook is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookReply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl WebhookReply {
    /// 200 with a word, or with nothing.
    pub(crate) fn ok(word: impl Into<String>) -> Self {
        Self { status: 200, content_type: "text/plain", body: word.into().into_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_query_stands_there_once() {
        let value = |path_and_query| {
            let (headers, body) = (&[], &b""[..]);
            let (peer_certificate, received_at) = (None, Timestamp::UNIX_EPOCH);
            let method = "POST";
            let raw =
                RawWebhook { method, path_and_query, headers, body, peer_certificate, received_at };
            raw.one_query_value("data.id")
        };
        assert_eq!(value("/w?data.id=77&type=payment").as_deref(), Some("77"));
        assert_eq!(value("/w?data.id=7%2E7").as_deref(), Some("7.7"));
        for none in ["/w", "/w?id=77", "/w?data.id=77&data.id=78"] {
            assert_eq!(value(none), None, "{none}");
        }
    }
}
