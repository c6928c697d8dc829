//! Payouts in our words (`transaction-intents`).

use super::mapping::{Asked, attempt_of, created as good_answer, id_of, rejection, told};
use crate::common::{ACCEPTED, MISMATCH, UNREADABLE, reported};
use crate::json::Json;
use psp_contract::{
    Currency, Decline, DeclineClass, HttpResponse, Inquiry, Money, Outcome, Report, Status, Unknown,
};

/// The answer to a creation.
pub(super) fn created(response: &HttpResponse, (asked, attempt): Asked) -> Outcome {
    let body = match good_answer(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let Some(id) = id_of(&body) else {
        return UNREADABLE;
    };
    if total(&body) != Some(asked) || attempt_of(&body) != Some(attempt) {
        return MISMATCH;
    }
    match status(&body, asked) {
        // What is more than accepted can be asked about, and is told by a webhook.
        Ok(Status::Pending) => reported(Some(&id), ACCEPTED),
        Ok(status) => reported(Some(&id), status),
        Err(why) => Outcome::Unknown(why),
    }
}

/// The answer of a GET by id: to an inquiry about an attempt, or to a lookup of whose it is.
pub(super) fn answer(response: &HttpResponse, id: &str, inquiry: Option<&Inquiry>) -> Outcome {
    let body = match told(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let (attempt, money) = (attempt_of(&body), total(&body));
    let ours = inquiry.is_none_or(|it| attempt == Some(it.attempt) && money == Some(it.money));
    if id_of(&body).as_deref() != Some(id) || !ours {
        return MISMATCH;
    }
    let Some(money) = money else {
        return UNREADABLE;
    };
    match status(&body, money) {
        Ok(status) => {
            let psp_reference = Some(id.to_owned());
            Outcome::Reported(Report { psp_reference, status, payer: None, attempt })
        }
        Err(why) => Outcome::Unknown(why),
    }
}

/// The amount of the whole: those of the accounts are texts, with a comma in some answers.
fn total(body: &Json) -> Option<Money> {
    body.get("transaction")?.amount("total_amount", Currency::BRL)
}

/// The detail of the one account that is paid.
fn detail(body: &Json) -> String {
    let accounts = body
        .get("transaction")
        .and_then(|transaction| transaction.get("to"))
        .and_then(|to| to.get("accounts"))
        .and_then(Json::items);
    match accounts {
        Some([account]) => account.word("status_detail").unwrap_or_default(),
        _ => String::new(),
    }
}

/// The state of a payout, from Mercado Pago's table of a transaction's possible states.
fn status(body: &Json, money: Money) -> Result<Status, Unknown> {
    let word = body.str("status").ok_or(Unknown::Unreadable)?;
    Ok(match word {
        "new" => ACCEPTED,
        "pending" | "in_process" | "partially_processed" => Status::Pending,
        // The bank sent a part of it back.
        "approved" if detail(body) == "partially_refunded" => {
            let back = body.get("transaction");
            let back = back.and_then(|it| it.amount("refunded_amount", money.currency));
            Status::Returned { money: back.ok_or(Unknown::Unreadable)? }
        }
        "approved" => Status::Succeeded { money },
        "refunded" => Status::Returned { money },
        "rejected" => Status::Declined(refusal(&detail(body))),
        _ => return Err(Unknown::UnlistedCode),
    })
}

/// None of them is listed as irreversible: after a payout was taken, two people decide before another PSP
/// pays.
fn refusal(detail: &str) -> Decline {
    let class = rejection(detail);
    Decline {
        class,
        code: if detail.is_empty() { "rejected".to_owned() } else { detail.to_owned() },
        retry_elsewhere: class != DeclineClass::Compliance,
        irreversible: false,
    }
}
