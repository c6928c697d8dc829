//! Attempts as a batch left them, as columns; [`super::write_steps`] writes them beside what else moves.

use crate::book::Attempt;
use crate::domain::Timestamp;
use uuid::Uuid;

#[derive(Default)]
pub(super) struct AttemptColumns {
    pub id: Vec<Uuid>,
    pub payment: Vec<Uuid>,
    pub part: Vec<Option<Uuid>>,
    pub number: Vec<i16>,
    pub psp: Vec<String>,
    pub status: Vec<String>,
    pub asked: Vec<i64>,
    pub currency: Vec<String>,
    pub error: Vec<Option<String>>,
    pub retryable: Vec<Option<bool>>,
    pub psp_reference: Vec<Option<String>>,
    pub was_accepted: Vec<bool>,
    pub sent: Vec<Timestamp>,
    pub ended: Vec<Option<Timestamp>>,
    pub holder: Vec<Option<String>>,
    pub until: Vec<Option<Timestamp>>,
    pub due: Vec<Option<Timestamp>>,
    pub expires: Vec<Option<Timestamp>>,
    pub inquiries: Vec<i32>,
    pub inquired: Vec<Option<Timestamp>>,
    pub ledger: Vec<Option<Timestamp>>,
    pub misses: Vec<i32>,
    pub first_missed: Vec<Option<Timestamp>>,
    pub last_missed: Vec<Option<Timestamp>>,
    pub paged: Vec<bool>,
    pub cancel: Vec<Option<String>>,
    pub kept: Vec<Option<String>>,
    pub completion: Vec<Option<String>>,
}

pub(super) fn attempt_columns(attempts: &[(Uuid, &Attempt)]) -> AttemptColumns {
    let mut c = AttemptColumns::default();
    for (payment, a) in attempts {
        c.id.push(a.id.0);
        c.payment.push(*payment);
        c.part.push(a.part.map(|part| part.0));
        c.number.push(a.number);
        c.psp.push(a.psp.clone());
        c.status.push(a.status.as_str().to_owned());
        c.asked.push(a.asked.minor);
        c.currency.push(a.asked.currency.code().to_owned());
        c.error.push(a.error.as_ref().map(|error| error.code.clone()));
        c.retryable.push(a.error.as_ref().map(|error| error.retryable));
        c.psp_reference.push(a.psp_reference.clone());
        c.was_accepted.push(a.was_accepted);
        c.sent.push(a.first_sent_at);
        c.ended.push(a.ended_at);
        c.holder.push(a.lease.as_ref().map(|lease| lease.holder.clone()));
        c.until.push(a.lease.as_ref().map(|lease| lease.until));
        c.due.push(a.due_at);
        c.expires.push(a.expires_at);
        c.inquiries.push(a.inquiries);
        c.inquired.push(a.last_inquiry_at);
        c.ledger.push(a.last_ledger_at);
        c.misses.push(a.misses);
        c.first_missed.push(a.first_missed_at);
        c.last_missed.push(a.last_missed_at);
        c.paged.push(a.paged);
        c.cancel.push(a.cancel.map(|cancel| cancel.as_str().to_owned()));
        c.kept.push(a.kept_news.clone());
        c.completion.push(a.completion.map(|completion| completion.as_str().to_owned()));
    }
    c
}
