//! What the suite must be told about one PSP: how its side of the wire speaks.

pub use crate::conformance::act::{Act, Case, News};
use crate::support::{Driven, drive, eur, now, response};
use psp_adapters::{Psp, RawWebhook, WebhookKeys};
use psp_contract::{HttpRequest, HttpResponse, Money, Operation, Timestamp};

/// What of a webhook's call its signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// Every byte of the body; the signature is in a header.
    Body,
    /// Fields inside of the body, and so is the signature: what is told may not change.
    Fields,
    /// Part of the query; the signature is in a header. The body proves nothing.
    Query,
    /// Nothing: whatever is said is a hint.
    Nothing,
}

/// A webhook that a test may change before it is received.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// Those that must be there exactly once and unchanged; others only when a signature covers them.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// In DER, for PSPs that show one.
    pub peer_certificate: Option<Vec<u8>>,
    pub received_at: Timestamp,
    pub signed: Signed,
}

impl Call {
    /// A POST that was just sent.
    pub fn post(path: &str, headers: &[(&str, &str)], body: Vec<u8>, signed: Signed) -> Self {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers: headers.iter().map(header).collect(),
            body,
            peer_certificate: None,
            received_at: now(),
            signed,
        }
    }

    pub fn raw(&self) -> RawWebhook<'_> {
        RawWebhook {
            method: &self.method,
            path_and_query: &self.path,
            headers: &self.headers,
            body: &self.body,
            peer_certificate: self.peer_certificate.as_deref(),
            received_at: self.received_at,
        }
    }

    /// Whether its signature is in its headers.
    pub fn signed_by_header(&self) -> bool {
        matches!(self.signed, Signed::Body | Signed::Query)
    }
}

pub trait Fixture: Send + Sync {
    fn psp(&self) -> &Psp;

    /// 10.50 of the account's currency: what every operation is about.
    fn money(&self) -> Money {
        eur(1050)
    }

    /// None when the PSP cannot do it.
    fn operation(&self, act: Act) -> Option<Operation>;

    /// The good answer of a preparing step, and the case's answer otherwise. None when the PSP has no such
    /// case.
    fn answer(
        &self,
        act: Act,
        case: Case,
        step: &str,
        request: &HttpRequest,
    ) -> Option<HttpResponse>;

    /// What must come out where it is not what the table says, and why the PSP's documentation makes it
    /// so.
    fn differs(&self, _: Act, _: Case) -> Option<(&'static str, &'static str)> {
        None
    }

    /// What a payer is told to do next: `redirect`, `qr code`, `app link`, `crypto transfer`, or `nothing`
    /// where the PSP itself calls the payer.
    fn next_action(&self) -> &'static str {
        "redirect"
    }

    /// Whether a request of this act could move money.
    fn moves_money(&self, act: Act) -> bool {
        act.moves_money()
    }

    /// Whether an inquiry about a payout, too, hands up another amount as it is. About a deposit every one
    /// does.
    fn tells_other_amounts(&self) -> bool {
        false
    }

    /// Whether a webhook only says that something happened to a payment, and not what.
    fn is_thin(&self) -> bool {
        false
    }

    /// A genuine webhook, just sent; none where the PSP has none of it.
    fn webhook(&self, news: News) -> Option<Call>;

    /// A genuine webhook, signed with a key that is none of the PSP's.
    fn foreign_webhook(&self) -> Option<Call>;

    fn keys(&self) -> WebhookKeys {
        WebhookKeys::default()
    }

    /// The words of this account's secrets, and whatever else may not be printed.
    fn secrets(&self) -> &'static [&'static str];
}

/// Every webhook that a PSP sends.
pub fn calls(fixture: &dyn Fixture) -> Vec<Call> {
    News::ALL.into_iter().filter_map(|news| fixture.webhook(news)).collect()
}

/// Answers that are the same for everybody. A good answer without a body cannot be cut.
pub fn common_answer(case: Case, good: &[u8]) -> Option<HttpResponse> {
    Some(match case {
        Case::ServerError => response(500, "{}"),
        Case::Throttled => response(429, "{}"),
        Case::Html => response(200, "<html><body>502 Bad Gateway</body></html>"),
        Case::Empty => response(200, ""),
        Case::CutShort if !good.is_empty() => response(200, &good[..good.len() - 1]),
        _ => return None,
    })
}

/// Performs an act against a case. None when the PSP lacks either.
pub fn perform(fixture: &dyn Fixture, act: Act, case: Case) -> Option<Driven> {
    let operation = fixture.operation(act)?;
    let mut missing = false;
    let driven = drive(fixture.psp().adapter(), &operation, now(), None, |step, request| {
        let answer = fixture.answer(act, case, step, request);
        missing |= answer.is_none();
        Ok(answer.unwrap_or_else(|| response(500, "")))
    });
    (!missing).then_some(driven)
}
