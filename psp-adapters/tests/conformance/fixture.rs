//! What the suite must be told about one PSP: how its side of the wire speaks.

use crate::support::{Driven, drive, now, response};
use psp_adapters::{Psp, RawWebhook, WebhookKeys};
use psp_contract::{HttpRequest, HttpResponse, Operation, Timestamp};

/// What is asked of a PSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Deposit,
    PayoutByToken,
    PayoutToIban,
    PayoutToUkAccount,
    Return,
    Cancel,
    AskDeposit,
    AskPayout,
    AskReturn,
    AskLedger,
}

impl Act {
    pub const ALL: [Act; 10] = [
        Act::Deposit,
        Act::PayoutByToken,
        Act::PayoutToIban,
        Act::PayoutToUkAccount,
        Act::Return,
        Act::Cancel,
        Act::AskDeposit,
        Act::AskPayout,
        Act::AskReturn,
        Act::AskLedger,
    ];

    pub fn asks(self) -> bool {
        matches!(self, Act::AskDeposit | Act::AskPayout | Act::AskReturn | Act::AskLedger)
    }

    pub fn moves_money(self) -> bool {
        !self.asks() && self != Act::Cancel
    }
}

/// What the PSP answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Accepted,
    /// A code of its list of definite refusals.
    Refused,
    Unlisted,
    Duplicate,
    ServerError,
    Throttled,
    /// 200 with a page of something in between.
    Html,
    Empty,
    CutShort,
    /// Right in every way but signed by nobody or somebody else.
    Forged,
    /// About another amount.
    OtherAmount,
    NotFound,
    Pending,
    Succeeded,
    Failed,
    CameBack,
}

impl Case {
    pub const ALL: [Case; 16] = [
        Case::Accepted,
        Case::Refused,
        Case::Unlisted,
        Case::Duplicate,
        Case::ServerError,
        Case::Throttled,
        Case::Html,
        Case::Empty,
        Case::CutShort,
        Case::Forged,
        Case::OtherAmount,
        Case::NotFound,
        Case::Pending,
        Case::Succeeded,
        Case::Failed,
        Case::CameBack,
    ];
}

/// What a webhook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    DepositSucceeded,
    PayoutSucceeded,
    PayoutFailed,
}

/// A webhook that a test may change before it is received.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

impl Call {
    pub fn raw(&self) -> RawWebhook<'_> {
        RawWebhook {
            method: &self.method,
            path_and_query: &self.path,
            headers: &self.headers,
            body: &self.body,
            peer_certificate: None,
            received_at: self.received_at,
        }
    }
}

pub trait Fixture {
    fn psp(&self) -> &Psp;

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

    /// A genuine webhook, just sent.
    fn webhook(&self, news: News) -> Call;

    /// The same, signed with a key that is none of the PSP's.
    fn foreign_webhook(&self) -> Call;

    fn keys(&self) -> WebhookKeys;

    /// Where the signature is in the body, when it is there and not in a header.
    fn signature_is_in_body(&self) -> bool;
}

/// Answers that are the same for everybody.
pub fn common_answer(case: Case, good: &[u8]) -> Option<HttpResponse> {
    Some(match case {
        Case::ServerError => response(500, "{}"),
        Case::Throttled => response(429, "{}"),
        Case::Html => response(200, "<html><body>502 Bad Gateway</body></html>"),
        Case::Empty => response(200, ""),
        Case::CutShort => response(200, &good[..good.len() - 1]),
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
