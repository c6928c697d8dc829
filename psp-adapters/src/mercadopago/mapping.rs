//! Payments and refunds in our words.

use crate::common::{ACCEPTED, MISMATCH, UNREADABLE, declined, path_id, reported, undecided};
use crate::json::Json;
use psp_contract::{
    AttemptRef, Currency, DeclineClass, HttpResponse, Inquiry, Money, NextAction, Outcome,
    PayerProof, Portable, Report, Status, Timestamp, Unknown,
};
use time::format_description::well_known::Rfc3339;

pub(super) type Asked = (Money, AttemptRef);

/// What a refusal of a request means that could have moved money. Definite by `reference/psps.md` §3.7:
/// 400, 401 and 403 with an error of Mercado Pago's own, but for those about the key, which was used.
pub(super) fn refused(response: &HttpResponse) -> Outcome {
    if !matches!(response.status, 400 | 401 | 403 | 409) {
        return Outcome::Unknown(undecided(response.status));
    }
    let error = Json::parse(&response.body).and_then(|body| body.word("error"));
    let class = match (response.status, error.as_deref()) {
        (_, None) => return UNREADABLE,
        (_, Some(error)) if error.contains("idempotency") || error.contains("duplicat") => {
            return Outcome::Unknown(Unknown::DuplicateReference);
        }
        (409, _) => return Outcome::Unknown(Unknown::PspUndecided),
        (400, _) => DeclineClass::Unsupported,
        _ => DeclineClass::Configuration,
    };
    reported(None, declined(class, &error.unwrap_or_default()))
}

/// The body of a good answer to a creation.
pub(super) fn created(response: &HttpResponse) -> Result<Json, Box<Outcome>> {
    match response.status {
        200..=202 => Json::parse(&response.body).ok_or_else(|| Box::new(UNREADABLE)),
        _ => Err(Box::new(refused(response))),
    }
}

/// The body of a question's answer. A refused question says nothing about the payment.
pub(super) fn told(response: &HttpResponse) -> Result<Json, Box<Outcome>> {
    let outcome = match (response.status, Json::parse(&response.body)) {
        (200, Some(body)) => return Ok(body),
        (404, Some(body)) if body.word("error").is_some() => Outcome::NotFound,
        (200 | 404, _) => UNREADABLE,
        (status, _) => Outcome::Unknown(undecided(status)),
    };
    Err(Box::new(outcome))
}

/// An id, which is a number in some answers and a text in others.
pub(super) fn id_of(body: &Json) -> Option<String> {
    body.word("id").filter(|id| path_id(id).is_some())
}

/// The attempt that an answer names.
pub(super) fn attempt_of(body: &Json) -> Option<AttemptRef> {
    body.str("external_reference").and_then(AttemptRef::parse)
}

fn money(body: &Json) -> Option<Money> {
    let currency: Currency = body.str("currency_id")?.parse().ok()?;
    body.amount("transaction_amount", currency)
}

/// A payment with its QR code.
pub(super) fn payment_created(response: &HttpResponse, (asked, attempt): Asked) -> Outcome {
    let body = match created(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let Some(id) = id_of(&body) else {
        return UNREADABLE;
    };
    if money(&body) != Some(asked) || attempt_of(&body) != Some(attempt) {
        return MISMATCH;
    }
    match body.str("status") {
        Some("pending") => {}
        Some(status) => {
            let status = payment_status(&body, status, asked);
            return status
                .map_or(Outcome::Unknown(Unknown::UnlistedCode), |it| reported(Some(&id), it));
        }
        None => return UNREADABLE,
    }
    let data = body.get("point_of_interaction").and_then(|point| point.get("transaction_data"));
    let Some(payload) = data.and_then(|data| data.str("qr_code")).filter(|code| !code.is_empty())
    else {
        return UNREADABLE;
    };
    let expires_at =
        body.str("date_of_expiration").and_then(|at| Timestamp::parse(at, &Rfc3339).ok());
    let next_action = Some(NextAction::QrCode { payload: payload.to_owned(), expires_at });
    reported(Some(&id), Status::Accepted { next_action, expires_at })
}

/// The state of a payment, from Mercado Pago's pages on payment status and its details.
fn payment_status(body: &Json, status: &str, money: Money) -> Option<Status> {
    let detail = body.str("status_detail").unwrap_or_default();
    Some(match status {
        "pending" => ACCEPTED,
        // A dispute is decided by what follows it.
        "authorized" | "in_process" | "in_mediation" => Status::Pending,
        "approved" => Status::Succeeded { money },
        "rejected" => declined(rejection(detail), detail),
        "cancelled" if detail == "expired" => Status::Expired,
        "cancelled" => Status::Cancelled,
        "refunded" => Status::Returned { money },
        "charged_back" if detail == "reimbursed" => Status::Succeeded { money },
        "charged_back" => Status::Reversed { money },
        _ => return None,
    })
}

/// Whose doing a rejection is.
pub(super) fn rejection(detail: &str) -> DeclineClass {
    match detail {
        "high_risk"
        | "review_manual"
        | "cc_rejected_high_risk"
        | "cc_rejected_blacklist"
        | "rejected_high_risk" => DeclineClass::Compliance,
        "insufficient_funds" | "rejected_insufficient_data" => DeclineClass::MerchantFunds,
        "by_bank" | "rejected_by_bank" => DeclineClass::AccountInvalid,
        _ => DeclineClass::PspFault,
    }
}

/// The answer of a GET by id: to an inquiry about an attempt, or to a lookup of whose it is.
pub(super) fn payment_answer(
    response: &HttpResponse,
    id: &str,
    inquiry: Option<&Inquiry>,
) -> Outcome {
    match told(response) {
        Ok(body) if id_of(&body).as_deref() == Some(id) => payment_told(&body, id, inquiry),
        Ok(_) => MISMATCH,
        Err(outcome) => *outcome,
    }
}

/// The answer of a search by our reference. Two payments with one reference are for people.
pub(super) fn search_answer(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    let body = match told(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let Some(found) = body.get("results").and_then(Json::items) else {
        return UNREADABLE;
    };
    match found {
        [] => Outcome::NotFound,
        [payment] => match id_of(payment) {
            Some(id) => payment_told(payment, &id, Some(inquiry)),
            None => UNREADABLE,
        },
        _ => MISMATCH,
    }
}

fn payment_told(body: &Json, id: &str, inquiry: Option<&Inquiry>) -> Outcome {
    let attempt = attempt_of(body);
    if inquiry.is_some_and(|inquiry| attempt != Some(inquiry.attempt)) {
        return MISMATCH;
    }
    let (Some(money), Some(word)) = (money(body), body.str("status")) else {
        return UNREADABLE;
    };
    let Some(status) = payment_status(body, word, money) else {
        return Outcome::Unknown(Unknown::UnlistedCode);
    };
    // Money that arrived is handed up as it arrived; any other answer about other money is none.
    let arrived = matches!(status, Status::Succeeded { .. });
    if inquiry.is_some_and(|inquiry| money != inquiry.money) && !arrived {
        return MISMATCH;
    }
    let psp_reference = Some(id.to_owned());
    Outcome::Reported(Report { psp_reference, status, payer: payer(body), attempt })
}

/// The holder of the account that paid, as the bank names it. A CPF's own key belongs to nobody else, so
/// it pays the same person again.
fn payer(body: &Json) -> Option<PayerProof> {
    let data = body.get("point_of_interaction")?.get("transaction_data")?;
    let payer = data.get("bank_info")?.get("payer")?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let holder_name = given(payer.word("account_holder_name"));
    let identification = payer.get("identification");
    let tax_id = given(identification.and_then(|it| it.word("number")));
    let is_cpf =
        |digits: &&String| digits.len() == 11 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let cpf = tax_id.as_ref().filter(is_cpf);
    let portable = cpf.map(|cpf| Portable::PixKey { key: cpf.clone() });
    let masked = cpf.map(|cpf| format!("***.{}.{}-**", &cpf[3..6], &cpf[6..9]));
    (holder_name.is_some() || tax_id.is_some()).then_some(PayerProof {
        holder_name,
        tax_id,
        portable,
        token: None,
        masked,
    })
}

/// Accepted for cancelling: a success that was quicker still arrives, and is adopted.
pub(super) fn cancelled(response: &HttpResponse, id: &str) -> Outcome {
    match told(response) {
        Ok(body) if id_of(&body).as_deref() != Some(id) => MISMATCH,
        Ok(body) if body.str("status") == Some("cancelled") => {
            reported(Some(id), Status::Cancelled)
        }
        Ok(_) => Outcome::Unknown(Unknown::PspUndecided),
        Err(outcome) => *outcome,
    }
}

/// A refund has no reference of ours: it is known by its payment and its amount.
pub(super) fn refund_created(response: &HttpResponse, money: Money, payment: &str) -> Outcome {
    let body = match created(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let Some(id) = id_of(&body) else {
        return UNREADABLE;
    };
    if body.word("payment_id").is_some_and(|it| it != payment) {
        return MISMATCH;
    }
    refund_told(&body, &id, money)
}

pub(super) fn refund_answer(response: &HttpResponse, id: &str, money: Money) -> Outcome {
    match told(response) {
        Ok(body) if id_of(&body).as_deref() == Some(id) => refund_told(&body, id, money),
        Ok(_) => MISMATCH,
        Err(outcome) => *outcome,
    }
}

fn refund_told(body: &Json, id: &str, money: Money) -> Outcome {
    if body.amount("amount", money.currency) != Some(money) {
        return MISMATCH;
    }
    let status = match body.str("status") {
        Some("approved") => Status::Succeeded { money },
        Some("in_process") => ACCEPTED,
        Some("authorized") => Status::Pending,
        Some("rejected") => declined(DeclineClass::PspFault, "refund_rejected"),
        Some("cancelled") => Status::Cancelled,
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return UNREADABLE,
    };
    reported(Some(id), status)
}
