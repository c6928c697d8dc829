//! Transfers in our words, as answers, lists and webhooks show them.

use super::mapping::{Asked, is_about, money, refused};
use crate::common::{ACCEPTED, MISMATCH, UNREADABLE, path_id, reported, undecided};
use crate::json::Json;
use psp_contract::{Decline, DeclineClass, HttpResponse, Inquiry, Money, Outcome, Status, Unknown};

/// The answer to a creation: the transfer with its id, received and not yet decided.
pub(super) fn created(response: &HttpResponse, asked: Asked) -> Outcome {
    if !matches!(response.status, 200 | 202) {
        return refused(response);
    }
    let Some(body) = Json::parse(&response.body) else {
        return UNREADABLE;
    };
    let Some(id) = body.str("id").and_then(path_id) else {
        return UNREADABLE;
    };
    if !is_about(&body, "reference", asked) {
        return MISMATCH;
    }
    match status(&body, asked.0) {
        // What is more than accepted is told by the webhook as well, and can wait for it.
        Ok(Status::Pending | Status::Succeeded { .. }) => reported(Some(id), ACCEPTED),
        Ok(status) => reported(Some(id), status),
        Err(why) => Outcome::Unknown(why),
    }
}

/// The answer of a GET by id. A refused question says nothing about the transfer.
pub(super) fn inquiry_answer(response: &HttpResponse, inquiry: &Inquiry, id: &str) -> Outcome {
    let body = match question_answer(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    if body.str("id") != Some(id) {
        return MISMATCH;
    }
    told(&body, inquiry)
}

/// The answer of a search by our reference. Two transfers with one reference are for people.
pub(super) fn search_answer(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    let body = match question_answer(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let Some(found) = body.get("data").and_then(Json::items) else {
        return UNREADABLE;
    };
    match found {
        [] => Outcome::NotFound,
        [transfer] => told(transfer, inquiry),
        _ => MISMATCH,
    }
}

fn question_answer(response: &HttpResponse) -> Result<Json, Box<Outcome>> {
    let body = Json::parse(&response.body);
    let outcome = match (response.status, body) {
        (200, Some(body)) => return Ok(body),
        (404, Some(body)) if body.word("errorCode").is_some() => Outcome::NotFound,
        (200 | 404, _) => UNREADABLE,
        (status, _) => Outcome::Unknown(undecided(status)),
    };
    Err(Box::new(outcome))
}

fn told(body: &Json, inquiry: &Inquiry) -> Outcome {
    let Some(id) = body.str("id").and_then(path_id) else {
        return UNREADABLE;
    };
    let ours = body.str("reference") == Some(&inquiry.attempt.lower());
    if !ours || money(body) != Some(inquiry.money) {
        return MISMATCH;
    }
    match status(body, inquiry.money) {
        Ok(status) => reported(Some(id), status),
        Err(why) => Outcome::Unknown(why),
    }
}

/// The state of a transfer, from the published description of `status` and `reference/psps.md` §3.4.
pub(super) fn status(body: &Json, money: Money) -> Result<Status, Unknown> {
    let word = body.str("status").ok_or(Unknown::Unreadable)?;
    Ok(match word {
        "received" => ACCEPTED,
        "authorised"
        | "pending"
        | "pendingApproval"
        | "approvalPending"
        | "pendingExecution"
        | "bankTransferPending"
        | "bookingPending" => Status::Pending,
        "booked" => Status::Succeeded { money },
        "returned" => Status::Returned { money },
        "failed" | "refused" if was_booked(body) => Status::Returned { money },
        "failed" | "refused" => {
            let reason = body.str("reason").unwrap_or_default();
            // Of other reasons (the bank timed out, unknown) nobody knows what the bank has done.
            Status::Declined(refusal(word, reason).ok_or(Unknown::PspUndecided)?)
        }
        "cancelled" => Status::Cancelled,
        _ => return Err(Unknown::UnlistedCode),
    })
}

/// Whether the money had left the balance account before.
fn was_booked(body: &Json) -> bool {
    let events = body.get("events").and_then(Json::items).unwrap_or_default();
    events.iter().any(|event| event.str("status") == Some("booked"))
}

/// Definite reasons. `refused` is Adyen's own word, before anything went to a bank; `failed` is the
/// bank's. Neither is listed as irreversible: after a transfer was taken, two people decide before another
/// PSP pays.
fn refusal(status: &str, reason: &str) -> Option<Decline> {
    let class = match reason {
        "notEnoughBalance" => DeclineClass::MerchantFunds,
        "amountLimitExceeded" => DeclineClass::Limit,
        "declinedByTransactionRule" if status == "refused" => DeclineClass::Configuration,
        "counterpartyAccountClosed"
        | "counterpartyAccountBlocked"
        | "counterpartyAccountNotFound" => DeclineClass::AccountInvalid,
        "refusedByCounterpartyBank" => DeclineClass::PspFault,
        _ => return None,
    };
    let code = reason.to_owned();
    Some(Decline { class, code, retry_elsewhere: true, irreversible: false })
}
