//! Transfers in our words, as answers, lists and webhooks show them.

use super::mapping::{is_about, money, refused};
use crate::prelude::*;

/// The answer to a creation: the transfer with its id, received and not yet decided.
pub(super) fn created(response: &HttpResponse, payout: &PayoutRequest) -> Told {
    let body = good(response, &[200, 202], refused)?;
    let id = need_id(&body, "id", path_id)?;
    must_match(is_about(&body, "reference", (payout.money, payout.attempt)))?;
    let status = match status(&body, payout.money)? {
        // What is more than accepted is told by the webhook as well, and can wait for it.
        Status::Pending | Status::Succeeded { .. } => Status::ACCEPTED,
        status => status,
    };
    Ok(Report::new(id, status))
}

/// The answer of a GET by id, or of a search by our reference.
pub(super) fn answer(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let body = found(response, |body| body.word("errorCode").is_some())?;
    let InquiryBy::PspReference(id) = &inquiry.by else {
        return told(only(body.need_list("data")?)?, inquiry);
    };
    must_match(body.str("id") == Some(id))?;
    told(&body, inquiry)
}

fn told(body: &Json, inquiry: &Inquiry) -> Told {
    let id = need_id(body, "id", path_id)?;
    let ours = body.str("reference") == Some(&inquiry.attempt.lower());
    must_match(ours && money(body) == Some(inquiry.money))?;
    Ok(Report::new(id, status(body, inquiry.money)?))
}

/// The state of a transfer, from the published description of `status`.
pub(super) fn status(body: &Json, money: Money) -> Result<Status, Unknown> {
    let word = body.need_str("status")?;
    Ok(match word {
        "received" => Status::ACCEPTED,
        "authorised"
        | "pending"
        | "pendingApproval"
        | "approvalPending"
        | "pendingExecution"
        | "bankTransferPending"
        | "bookingPending" => Status::Pending,
        "booked" => Status::Succeeded { money },
        "returned" => Status::Returned { money },
        "failed" | "refused" => {
            let why = refusal(word, body.str("reason").unwrap_or_default())?;
            if was_booked(body) { Status::Returned { money } } else { Status::Declined(why) }
        }
        "cancelled" => Status::Cancelled,
        _ => return Err(Unknown::UnlistedCode),
    })
}

/// Whether the money had left the balance account before.
fn was_booked(body: &Json) -> bool {
    body.list("events").iter().any(|event| event.str("status") == Some("booked"))
}

/// Definite reasons. `refused` is Adyen's own word, before anything went to a bank; `failed` is the
/// bank's. Neither is listed as irreversible: after a transfer was taken, two people decide before another
/// PSP pays.
fn refusal(status: &str, reason: &str) -> Result<Decline, Unknown> {
    let class = match reason {
        "notEnoughBalance" => DeclineClass::MerchantFunds,
        "amountLimitExceeded" => DeclineClass::Limit,
        "declinedByTransactionRule" if status == "refused" => DeclineClass::Configuration,
        "counterpartyAccountClosed"
        | "counterpartyAccountBlocked"
        | "counterpartyAccountNotFound" => DeclineClass::AccountInvalid,
        "refusedByCounterpartyBank" => DeclineClass::PspFault,
        // Of others (the bank timed out, unknown) nobody knows what the bank has done, and whether money that
        // had left is back.
        _ => return Err(Unknown::PspUndecided),
    };
    Ok(Decline::new(class, reason))
}
