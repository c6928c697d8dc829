//! Payments and refunds in our words.

use crate::pix;
use crate::prelude::*;

/// What a refusal of a request means that could have moved money. Definite by its documentation:
/// 400, 401 and 403 with an error of Mercado Pago's own, but for those about the key, which was used, and
/// those of too many requests, which say nothing of what was done. The cause 2001 is "Already posted the
/// same request in the last minute", whatever the error's own word.
fn refused(response: &HttpResponse) -> Stop {
    let error = |body: &Json| {
        let again = |cause: &Json| cause.word("code").as_deref() == Some("2001");
        let again = body.list("cause").iter().any(again).then(|| "duplicate_2001".to_owned());
        again.or_else(|| Some(body.word("error")?.to_ascii_lowercase()))
    };
    let says = |error: &str, words: [&str; 2]| words.iter().any(|word| error.contains(word));
    refused_by_word(response, &[400, 401, 403, 409], error, |status, error| match status {
        _ if says(error, ["idempotency", "duplicat"]) => Err(Unknown::DuplicateReference),
        _ if says(error, ["many", "rate"]) => Err(Unknown::Throttled),
        409 => Err(Unknown::PspUndecided),
        400 => Ok(DeclineClass::Unsupported),
        _ => Ok(DeclineClass::Configuration),
    })
}

/// The body of a good answer to a creation.
pub(super) fn created(response: &HttpResponse) -> Told<Json> {
    good(response, &[200, 201, 202], refused)
}

/// The body of a question's answer.
pub(super) fn told(response: &HttpResponse) -> Told<Json> {
    found(response, |body| body.word("error").is_some())
}

/// An id, which is a number in some answers and a text in others.
pub(super) fn id_of(body: &Json) -> Result<String, Unknown> {
    body.word("id").filter(|id| path_id(id).is_some()).ok_or(Unknown::Unreadable)
}

/// The body of a question's answer about this id.
pub(super) fn told_of(response: &HttpResponse, id: &str) -> Told<Json> {
    let body = told(response)?;
    must_match(id_of(&body).as_deref() == Ok(id))?;
    Ok(body)
}

/// The attempt that an answer names.
pub(super) fn attempt_of(body: &Json) -> Option<AttemptRef> {
    body.attempt("external_reference")
}

fn money(body: &Json) -> Option<Money> {
    body.amount("transaction_amount", body.currency("currency_id")?)
}

/// A payment with its QR code.
pub(super) fn payment_created(response: &HttpResponse, deposit: &DepositRequest) -> Told {
    let body = created(response)?;
    let id = id_of(&body)?;
    must_match((money(&body), attempt_of(&body)) == (Some(deposit.money), Some(deposit.attempt)))?;
    let status = payment_status(&body, deposit.money)?;
    if status != Status::ACCEPTED {
        return Ok(Report::new(&*id, status));
    }
    let payload = body.given("point_of_interaction/transaction_data/qr_code");
    let payload = payload.ok_or(Unknown::Unreadable)?.to_owned();
    let expires_at = body.time("date_of_expiration");
    let next = NextAction::QrCode { payload, expires_at };
    Ok(Report::new(&*id, Status::next(next, expires_at)))
}

/// The state of a payment, from Mercado Pago's pages on payment status and its details.
fn payment_status(body: &Json, money: Money) -> Result<Status, Unknown> {
    let detail = body.str("status_detail").unwrap_or_default();
    Ok(match body.need_str("status")? {
        "pending" => Status::ACCEPTED,
        // A dispute is decided by what follows it.
        "authorized" | "in_process" | "in_mediation" => Status::Pending,
        "approved" => Status::Succeeded { money },
        "rejected" => Status::declined(rejection(detail), detail),
        "cancelled" if detail == "expired" => Status::Expired,
        "cancelled" => Status::Cancelled,
        "refunded" => Status::Returned { money },
        "charged_back" if detail == "reimbursed" => Status::Won { money },
        "charged_back" => Status::Reversed { money },
        _ => return Err(Unknown::UnlistedCode),
    })
}

/// Whose doing a rejection is.
pub(super) fn rejection(detail: &str) -> DeclineClass {
    match detail {
        "review_manual" | "cc_rejected_blacklist" => DeclineClass::Compliance,
        detail if detail.ends_with("high_risk") => DeclineClass::Compliance,
        "insufficient_funds" | "rejected_insufficient_data" => DeclineClass::MerchantFunds,
        "by_bank" | "rejected_by_bank" => DeclineClass::AccountInvalid,
        _ => DeclineClass::PspFault,
    }
}

/// The answer of a GET by id, about an attempt.
pub(super) fn payment_answer(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    payment_told(&told_of(response, inquiry.by.id())?, Some(inquiry))
}

/// The answer of a GET by id, which tells whose it is.
pub(super) fn payment_found(response: &HttpResponse, lookup: &Lookup) -> Told {
    payment_told(&told_of(response, &lookup.psp_reference)?, None)
}

/// The answer of a search by our reference.
pub(super) fn search_answer(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let body = told(response)?;
    payment_told(only(body.need_list("results")?)?, Some(inquiry))
}

fn payment_told(body: &Json, inquiry: Option<&Inquiry>) -> Told {
    let id = id_of(body)?;
    let attempt = attempt_of(body);
    must_match(inquiry.is_none_or(|inquiry| attempt == Some(inquiry.attempt)))?;
    let money = money(body).ok_or(Unknown::Unreadable)?;
    let status = payment_status(body, money)?;
    // Money that arrived is handed up as it arrived, taken back or not; any other answer about other money is
    // none.
    let arrived = status.tells_what_arrived();
    must_match(arrived || inquiry.is_none_or(|inquiry| money == inquiry.money))?;
    Ok(Report { payer: payer(body), attempt, ..Report::new(&*id, status) })
}

/// The holder of the account that paid, as the bank names it. A CPF's own key belongs to nobody else, so
/// it pays the same person again.
fn payer(body: &Json) -> Option<PayerProof> {
    let payer = body.get("point_of_interaction/transaction_data/bank_info/payer")?;
    let holder_name = payer.word("account_holder_name");
    let tax_id = payer.word("identification/number");
    let proof = pix::payer(holder_name, tax_id.as_deref().and_then(pix::cpf_digits));
    let known = proof.holder_name.is_some() || tax_id.is_some();
    known.then_some(PayerProof { tax_id, ..proof })
}

/// Accepted for cancelling: a success that was quicker still arrives, and is adopted.
pub(super) fn cancelled(response: &HttpResponse, id: &String) -> Told {
    match told_of(response, id)?.str("status") {
        Some("cancelled") => Ok(Report::new(&**id, Status::Cancelled)),
        _ => Err(Unknown::PspUndecided.into()),
    }
}

/// A refund has no reference of ours: it is known by its payment and its amount.
pub(super) fn refund_created(response: &HttpResponse, back: &ReturnRequest) -> Told {
    let body = created(response)?;
    id_of(&body)?;
    let payment = body.word("payment_id");
    must_match(payment.is_none_or(|it| it == back.deposit_psp_reference))?;
    refund_told(&body, back.money)
}

pub(super) fn refund_answer(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    refund_told(&told_of(response, inquiry.by.id())?, inquiry.money)
}

fn refund_told(body: &Json, money: Money) -> Told {
    let id = id_of(body)?;
    must_match(body.amount("amount", money.currency) == Some(money))?;
    let status = match body.need_str("status")? {
        "approved" => Status::Succeeded { money },
        "in_process" => Status::ACCEPTED,
        "authorized" => Status::Pending,
        "rejected" => Status::declined(DeclineClass::PspFault, "refund_rejected"),
        "cancelled" => Status::Cancelled,
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(&*id, status))
}

/// The amount of a payout's whole, in reais: those of its accounts are texts, with a comma in some answers.
pub(super) fn total(body: &Json) -> Option<Money> {
    body.amount("transaction/total_amount", Currency::BRL)
}
