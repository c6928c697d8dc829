//! Payouts in our words (`transaction-intents`).

use super::mapping::{Asked, attempt_of, created as good_answer, id_of, rejection, told_of, total};
use crate::answer::{Told, must_match};
use crate::json::Json;
use psp_contract::{HttpResponse, Inquiry, Money, Report, Status, Unknown};

/// The answer to a creation.
pub(super) fn created(response: &HttpResponse, (asked, attempt): Asked) -> Told {
    let body = good_answer(response)?;
    let id = id_of(&body)?;
    must_match(total(&body) == Some(asked) && attempt_of(&body) == Some(attempt))?;
    let status = match status(&body, asked)? {
        // What is more than accepted can be asked about, and is told by a webhook.
        Status::Pending => Status::ACCEPTED,
        status => status,
    };
    Ok(Report::new(&*id, status))
}

/// The answer of a GET by id: to an inquiry about an attempt, or to a lookup of whose it is.
pub(super) fn answer(response: &HttpResponse, id: &str, inquiry: Option<&Inquiry>) -> Told {
    let body = told_of(response, id)?;
    let (attempt, money) = (attempt_of(&body), total(&body));
    let ours = inquiry.is_none_or(|it| attempt == Some(it.attempt) && money == Some(it.money));
    must_match(ours)?;
    let status = status(&body, money.ok_or(Unknown::Unreadable)?)?;
    Ok(Report { attempt, ..Report::new(id, status) })
}

/// The detail of the one account that is paid.
fn detail(body: &Json) -> String {
    match body.list("transaction/to/accounts") {
        [account] => account.word("status_detail").unwrap_or_default(),
        _ => String::new(),
    }
}

/// The state of a payout, from Mercado Pago's table of a transaction's possible states. No refusal is
/// listed as irreversible: after a payout was taken, two people decide before another PSP pays.
fn status(body: &Json, money: Money) -> Result<Status, Unknown> {
    let detail = detail(body);
    Ok(match body.need_str("status")? {
        "new" => Status::ACCEPTED,
        "pending" | "in_process" | "partially_processed" => Status::Pending,
        // The bank sent a part of it back.
        "approved" if detail == "partially_refunded" => {
            let back = body.amount("transaction/refunded_amount", money.currency);
            Status::Returned { money: back.ok_or(Unknown::Unreadable)? }
        }
        "approved" => Status::Succeeded { money },
        "refunded" => Status::Returned { money },
        "rejected" if detail.is_empty() => Status::declined(rejection(""), "rejected"),
        "rejected" => Status::declined(rejection(&detail), detail),
        _ => return Err(Unknown::UnlistedCode),
    })
}
