//! Swish's answers in our words.

use crate::json::Json;
use psp_contract::{
    Currency, Decline, DeclineClass, HttpResponse, Inquiry, Money, NextAction, Outcome, PayerProof,
    Portable, Report, Status, Subject, Unknown,
};

fn reported(psp_reference: Option<&str>, status: Status, payer: Option<PayerProof>) -> Outcome {
    let psp_reference = psp_reference.map(str::to_owned);
    Outcome::Reported(Report { psp_reference, status, payer, attempt: None })
}

/// The definite codes of `reference/psps.md` §3.2: nothing was paid. None for everything else, DS24 and
/// FF10 among it, with which Swish itself does not know what the banks did.
fn definite(code: &str) -> Option<Decline> {
    let (class, retry_elsewhere) = match code {
        // What we sent is wrong: reference, amount's form, currency, number, message, callback.
        "FF08" | "PA02" | "AM03" | "RP01" | "RP02" | "RP03" => (DeclineClass::Configuration, true),
        "AM02" | "AM06" => (DeclineClass::Limit, true),
        "BE18" | "ACMT01" | "ACMT03" | "ACMT07" => (DeclineClass::AccountInvalid, true),
        "RP06" | "RF07" => (DeclineClass::PlayerFixable, true),
        // The payer said no.
        "BANKIDCL" => (DeclineClass::PlayerFixable, false),
        "TM01" => (DeclineClass::PspFault, true),
        _ => return None,
    };
    Some(Decline { class, code: code.to_owned(), retry_elsewhere, irreversible: false })
}

const fn undecided(status: u16) -> Unknown {
    match status {
        409 => Unknown::DuplicateReference,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ => Unknown::UnlistedCode,
    }
}

fn undecided_code(code: &str) -> Unknown {
    match code {
        // "The given instructionUUID is not available": it was used before.
        "RP09" => Unknown::DuplicateReference,
        "DS24" | "FF10" => Unknown::PspUndecided,
        _ => Unknown::UnlistedCode,
    }
}

/// The codes of `[{"errorCode", "errorMessage"}]`; empty when it is no such list.
fn codes(response: &HttpResponse) -> Vec<String> {
    let body = Json::parse(&response.body);
    let items = body.as_ref().and_then(Json::items).unwrap_or_default();
    let codes: Option<Vec<String>> = items.iter().map(|error| error.word("errorCode")).collect();
    codes.unwrap_or_default()
}

/// A request that could move money was refused. Of several codes the one that leaves most open counts.
fn refused(response: &HttpResponse) -> Outcome {
    if !matches!(response.status, 400 | 401 | 403 | 422) {
        let readable = !(200..300).contains(&response.status);
        let why = if readable { undecided(response.status) } else { Unknown::Unreadable };
        return Outcome::Unknown(why);
    }
    let codes = codes(response);
    if let Some(open) = codes.iter().find(|code| definite(code).is_none()) {
        return Outcome::Unknown(undecided_code(open));
    }
    match codes.first().and_then(|code| definite(code)) {
        Some(decline) => reported(None, Status::Declined(decline), None),
        None => Outcome::Unknown(Unknown::Unreadable),
    }
}

/// 201 without a body; the id is in `Location`.
fn created(response: &HttpResponse, id: &str) -> Result<(), Box<Outcome>> {
    if response.status != 201 {
        return Err(Box::new(refused(response)));
    }
    let location = response.header("location").unwrap_or_default();
    let name = location.rsplit('/').next().unwrap_or_default();
    let why = match name {
        "" => Unknown::Unreadable,
        name if name.eq_ignore_ascii_case(id) => return Ok(()),
        _ => Unknown::Mismatch,
    };
    Err(Box::new(Outcome::Unknown(why)))
}

/// A request that was pushed waits in the payer's app; any other is opened there by its token.
pub(super) fn payment_created(
    response: &HttpResponse,
    id: &str,
    app_url: &str,
    return_url: &str,
    pushed: bool,
) -> Outcome {
    if let Err(outcome) = created(response, id) {
        return *outcome;
    }
    let token = response.header("paymentrequesttoken");
    let token = token.filter(|token| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    let next_action = match (token, pushed) {
        (Some(token), _) => {
            let escaped: String =
                url::form_urlencoded::byte_serialize(return_url.as_bytes()).collect();
            let url = format!("{app_url}?token={token}&callbackurl={escaped}");
            NextAction::AppLink { url, token: Some(token.to_owned()) }
        }
        (None, true) => NextAction::AppLink { url: app_url.to_owned(), token: None },
        (None, false) => return Outcome::Unknown(Unknown::Unreadable),
    };
    let status = Status::Accepted { next_action: Some(next_action), expires_at: None };
    reported(Some(id), status, None)
}

/// A payout's or a refund's.
pub(super) fn outgoing_created(response: &HttpResponse, id: &str) -> Outcome {
    match created(response, id) {
        Ok(()) => {
            let status = Status::Accepted { next_action: None, expires_at: None };
            reported(Some(id), status, None)
        }
        Err(outcome) => *outcome,
    }
}

fn inquiry_refused(response: &HttpResponse) -> Outcome {
    match response.status {
        404 if response.body.is_empty() || !codes(response).is_empty() => Outcome::NotFound,
        404 | 200..=299 => Outcome::Unknown(Unknown::Unreadable),
        status => Outcome::Unknown(undecided(status)),
    }
}

/// The bank's reference of a paid request, for its refund. Without one nothing is sent back.
pub(super) fn paid_as(response: &HttpResponse) -> Option<String> {
    let body = Json::parse(&response.body).filter(|_| response.status == 200);
    let paid = body.filter(|body| body.str("status") == Some("PAID"));
    paid.and_then(|body| body.word("paymentReference"))
}

/// The request is closed; a payment that was quicker still arrives, and is adopted.
pub(super) fn cancelled(response: &HttpResponse, id: &str) -> Outcome {
    let body = Json::parse(&response.body);
    match (response.status, body.as_ref().and_then(|body| body.str("status"))) {
        (200, Some("CANCELLED")) => reported(Some(id), Status::Cancelled, None),
        _ => inquiry_refused(response),
    }
}

/// An amount is a JSON number in answers and a text in requests; both are taken.
fn money(body: &Json) -> Option<Money> {
    let currency: Currency = body.str("currency")?.parse().ok()?;
    let text = body.number("amount").or_else(|| body.word("amount"))?;
    Money::parse(&text, currency).ok()
}

/// The answer of a GET. What it says of the amount is handed up as it is.
pub(super) fn state(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    if response.status != 200 {
        return inquiry_refused(response);
    }
    let Some(body) = Json::parse(&response.body) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let key = if inquiry.subject == Subject::Payout { "payoutInstructionUUID" } else { "id" };
    let ours = inquiry.attempt.upper();
    let (Some(id), Some(money)) = (body.str(key), money(&body)) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    if !id.eq_ignore_ascii_case(&ours) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let deposit = inquiry.subject == Subject::Deposit;
    let status = match body.str("status").unwrap_or_default() {
        // DEBITED: it has left the merchant and not arrived yet.
        "CREATED" | "INITIATED" | "VALIDATED" | "PENDING" | "DEBITED" => Status::Pending,
        "PAID" => Status::Succeeded { money },
        "CANCELLED" if deposit => Status::Cancelled,
        "DECLINED" => Status::Declined(Decline {
            class: if deposit { DeclineClass::PlayerFixable } else { DeclineClass::PspFault },
            code: "DECLINED".to_owned(),
            retry_elsewhere: !deposit,
            irreversible: false,
        }),
        "ERROR" => {
            let code = body.word("errorCode").unwrap_or_default();
            match ended(&code, deposit) {
                Ok(status) => status,
                Err(why) => return Outcome::Unknown(why),
            }
        }
        _ => return Outcome::Unknown(Unknown::UnlistedCode),
    };
    let payer = if deposit && matches!(status, Status::Succeeded { .. }) {
        body.str("payerAlias").and_then(super::wire::alias).map(payer)
    } else {
        None
    };
    reported(Some(&ours), status, payer)
}

/// What an `ERROR` says. A bank's processing error settles a deposit once Swish itself says that it ended
/// so; money that went out stays unknown, because the bank may still carry it out.
fn ended(code: &str, deposit: bool) -> Result<Status, Unknown> {
    match (code, deposit) {
        ("TM01", true) => Ok(Status::Expired),
        ("FF10", true) => Ok(Status::Declined(Decline {
            class: DeclineClass::PspFault,
            code: code.to_owned(),
            retry_elsewhere: true,
            irreversible: false,
        })),
        (code, _) => definite(code).map(Status::Declined).ok_or(undecided_code(code)),
    }
}

/// Swish tells the number that paid, and no name.
fn payer(number: String) -> PayerProof {
    let end = number.len().saturating_sub(2);
    let masked = Some(format!("+{}*******{}", &number[..2], &number[end..]));
    let portable = Some(Portable::Phone { number, holder_name: String::new() });
    PayerProof { holder_name: None, tax_id: None, portable, token: None, masked }
}
