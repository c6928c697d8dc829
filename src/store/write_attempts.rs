//! Attempts as a batch left them, as rows; [`super::write_steps`] writes them beside what else moves.

use super::written::written;
use crate::book::Attempt;
use crate::domain::Timestamp;
use uuid::Uuid;

written! {
    AttemptRow<'a> as "written_attempt" {
        attempt_id: Uuid,
        payment_id: Uuid,
        part_id: Option<Uuid>,
        number: i16,
        psp: &'a str,
        status: &'a str,
        asked: i64,
        currency: &'a str,
        error_code: Option<&'a str>,
        error_retryable: Option<bool>,
        psp_reference: Option<&'a str>,
        was_accepted: bool,
        first_sent_at: Timestamp,
        ended_at: Option<Timestamp>,
        lease_holder: Option<&'a str>,
        lease_until: Option<Timestamp>,
        due_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        inquiries: i32,
        last_inquiry_at: Option<Timestamp>,
        last_ledger_at: Option<Timestamp>,
        misses: i32,
        first_missed_at: Option<Timestamp>,
        last_missed_at: Option<Timestamp>,
        paged: bool,
        cancel: Option<&'a str>,
        kept_news: Option<&'a str>,
        completion: Option<&'a str>,
    }
}

pub(super) fn attempt_row(payment_id: Uuid, a: &Attempt) -> AttemptRow<'_> {
    AttemptRow {
        attempt_id: a.id.0,
        payment_id,
        part_id: a.part.map(|part| part.0),
        number: a.number,
        psp: &a.psp,
        status: a.status.as_str(),
        asked: a.asked.minor,
        currency: a.asked.currency.code(),
        error_code: a.error.as_ref().map(|error| &*error.code),
        error_retryable: a.error.as_ref().map(|error| error.retryable),
        psp_reference: a.psp_reference.as_deref(),
        was_accepted: a.was_accepted,
        first_sent_at: a.first_sent_at,
        ended_at: a.ended_at,
        lease_holder: a.lease.as_ref().map(|lease| &*lease.holder),
        lease_until: a.lease.as_ref().map(|lease| lease.until),
        due_at: a.due_at,
        expires_at: a.expires_at,
        inquiries: a.inquiries,
        last_inquiry_at: a.last_inquiry_at,
        last_ledger_at: a.last_ledger_at,
        misses: a.misses,
        first_missed_at: a.first_missed_at,
        last_missed_at: a.last_missed_at,
        paged: a.paged,
        cancel: a.cancel.map(|cancel| cancel.as_str()),
        kept_news: a.kept_news.as_deref(),
        completion: a.completion.map(|completion| completion.as_str()),
    }
}
