//! Payouts in our words (`transaction-intents`).

use super::mapping::{attempt_of, created as good_answer, id_of, rejection, told_of, total};
use crate::prelude::*;

/// The answer to a creation.
pub(super) fn created(response: &HttpResponse, payout: &PayoutRequest) -> Told {
    let body = good_answer(response)?;
    let id = id_of(&body)?;
    must_match((total(&body), attempt_of(&body)) == (Some(payout.money), Some(payout.attempt)))?;
    let status = match status(&body, payout.money)? {
        // What is more than accepted can be asked about, and is told by a webhook.
        Status::Pending => Status::ACCEPTED,
        // So is an error after it was taken: only `rejected` is listed as a refusal.
        Status::Declined(_) if body.str("status") != Some("rejected") => Status::ACCEPTED,
        status => status,
    };
    Ok(Report::new(&*id, status))
}

/// The answer of a GET by id, about an attempt.
pub(super) fn answer(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let body = told_of(response, inquiry.by.id())?;
    must_match((total(&body), attempt_of(&body)) == (Some(inquiry.money), Some(inquiry.attempt)))?;
    told(&body)
}

/// The answer of a GET by id, which tells whose it is.
pub(super) fn found(response: &HttpResponse, lookup: &Lookup) -> Told {
    told(&told_of(response, &lookup.psp_reference)?)
}

fn told(body: &Json) -> Told {
    let status = status(body, total(body).ok_or(Unknown::Unreadable)?)?;
    Ok(Report { attempt: attempt_of(body), ..Report::new(&*id_of(body)?, status) })
}

/// The state of a payout, from Mercado Pago's page "Main statuses and possible errors" of payouts. It is
/// paid where its status is `success` or its account says so: `approved` alone is a transaction that was
/// created and not yet processed. No refusal is listed as irreversible: after a payout was taken, two
/// people decide before another PSP pays. Of a word that is not listed its id is kept, by which it is asked
/// about again.
fn status(body: &Json, money: Money) -> Result<Status, Unknown> {
    // Of the one account that is paid.
    let account = only(body.list("transaction/to/accounts")).ok();
    let detail = account.and_then(|account| account.word("status_detail")).unwrap_or_default();
    Ok(match (body.need_str("status")?, &*detail) {
        ("new" | "created", _) => Status::ACCEPTED,
        // The bank sent a part of it back.
        ("approved" | "processed" | "success", "partially_refunded") => {
            let back = body.amount("transaction/refunded_amount", money.currency);
            Status::Returned { money: back.ok_or(Unknown::Unreadable)? }
        }
        ("refunded", _) | ("success", "refunded") => Status::Returned { money },
        ("success", _) | ("processed", "accredited") | ("approved" | "processed", "approved") => {
            Status::Succeeded { money }
        }
        ("rejected", "") => Status::declined(rejection(""), "rejected"),
        ("rejected", detail) => Status::declined(rejection(detail), detail),
        ("error", _) => Status::declined(DeclineClass::PspFault, "error"),
        _ => Status::Pending,
    })
}
