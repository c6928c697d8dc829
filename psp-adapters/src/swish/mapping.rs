//! Swish's answers in our words.

use crate::payer;
use crate::prelude::*;

/// The definite codes, as third parties describe them (docs/psps.md): nothing was paid. None for everything else, DS24 and
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
    Some(Decline { retry_elsewhere, ..Decline::new(class, code) })
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
    let codes: Option<_> = items.iter().map(|error| error.word("errorCode")).collect();
    codes.unwrap_or_default()
}

/// A request that could move money was refused. Of several codes the one that leaves most open counts.
fn refused(response: &HttpResponse) -> Stop {
    match response.status {
        400 | 401 | 403 | 422 => {}
        200..=299 => return Unknown::Unreadable.into(),
        409 => return Unknown::DuplicateReference.into(),
        status => return undecided(status).into(),
    }
    let codes = codes(response);
    if let Some(open) = codes.iter().find(|code| definite(code).is_none()) {
        return undecided_code(open).into();
    }
    let decline = codes.first().and_then(|code| definite(code));
    decline.map_or(Unknown::Unreadable.into(), Stop::from)
}

/// 201 without a body; the id is in `Location`.
fn created(response: &HttpResponse, id: &str) -> Told<()> {
    if response.status != 201 {
        return Err(refused(response));
    }
    let location = response.header("location").unwrap_or_default();
    match location.rsplit('/').next().unwrap_or_default() {
        "" => Err(Unknown::Unreadable.into()),
        name => Ok(must_match(name.eq_ignore_ascii_case(id))?),
    }
}

/// A request that was pushed waits in the payer's app; any other is opened there by its token.
pub(super) fn payment_created(
    response: &HttpResponse,
    id: &str,
    app_url: &str,
    return_url: &str,
    pushed: bool,
) -> Told {
    created(response, id)?;
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
        (None, false) => return Err(Unknown::Unreadable.into()),
    };
    Ok(Report::new(id, Status::next(next_action, None)))
}

/// A payout's or a refund's.
pub(super) fn outgoing_created(response: &HttpResponse, ours: &AttemptRef) -> Told {
    let id = ours.upper();
    created(response, &id)?;
    Ok(Report::new(&*id, Status::ACCEPTED))
}

fn inquiry_refused(response: &HttpResponse) -> Stop {
    match response.status {
        404 if response.body.is_empty() || !codes(response).is_empty() => Outcome::NotFound.into(),
        404 | 200..=299 => Unknown::Unreadable.into(),
        409 => Unknown::DuplicateReference.into(),
        status => undecided(status).into(),
    }
}

/// The bank's reference of a paid request, for its refund. Without one, or by the answer about another
/// request, nothing is sent back.
pub(super) fn paid_as(response: &HttpResponse, asked: &str) -> Option<String> {
    let body = good(response, &[200], inquiry_refused).ok()?;
    let is_asked = body.str("id").is_some_and(|id| id.eq_ignore_ascii_case(asked));
    let is_paid = body.str("status") == Some("PAID");
    body.word("paymentReference").filter(|_| is_asked && is_paid)
}

/// The request is closed; a payment that was quicker still arrives, and is adopted.
pub(super) fn cancelled(response: &HttpResponse, id: &String) -> Told {
    let body = good(response, &[200], inquiry_refused)?;
    match body.str("status") {
        Some("CANCELLED") => Ok(Report::new(&**id, Status::Cancelled)),
        _ => Err(Unknown::Unreadable.into()),
    }
}

/// An amount is a JSON number in answers and a text in requests; both are taken.
fn money(body: &Json) -> Option<Money> {
    let text = body.number("amount").or_else(|| body.word("amount"))?;
    Money::parse(&text, body.currency("currency")?).ok()
}

/// The answer of a GET. What it says of the amount is handed up as it is.
pub(super) fn state(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let body = good(response, &[200], inquiry_refused)?;
    let key = if inquiry.subject == Subject::Payout { "payoutInstructionUUID" } else { "id" };
    let ours = inquiry.attempt.upper();
    let (id, money) = (body.need_str(key)?, money(&body).ok_or(Unknown::Unreadable)?);
    must_match(id.eq_ignore_ascii_case(&ours))?;
    let deposit = inquiry.subject == Subject::Deposit;
    let status = match body.str("status").unwrap_or_default() {
        // DEBITED: it has left the merchant and not arrived yet.
        "CREATED" | "INITIATED" | "VALIDATED" | "PENDING" | "DEBITED" => Status::Pending,
        "PAID" => Status::Succeeded { money },
        "CANCELLED" if deposit => Status::Cancelled,
        // The payer said no, and would say it again.
        "DECLINED" if deposit => Status::Declined(Decline {
            retry_elsewhere: false,
            ..Decline::new(DeclineClass::PlayerFixable, "DECLINED")
        }),
        "DECLINED" => Status::declined(DeclineClass::PspFault, "DECLINED"),
        "ERROR" => ended(&body.word("errorCode").unwrap_or_default(), deposit)?,
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    // Swish tells the number that paid, and no name.
    let paid = deposit && matches!(status, Status::Succeeded { .. });
    let number = body.str("payerAlias").filter(|_| paid).and_then(super::wire::alias);
    Ok(Report { payer: number.map(payer::phone), ..Report::new(&*ours, status) })
}

/// What an `ERROR` says. A bank's processing error settles a deposit once Swish itself says that it ended
/// so; money that went out stays unknown, because the bank may still carry it out.
fn ended(code: &str, deposit: bool) -> Result<Status, Unknown> {
    match (code, deposit) {
        ("TM01", true) => Ok(Status::Expired),
        ("FF10", true) => Ok(Status::declined(DeclineClass::PspFault, code)),
        (code, _) => definite(code).map(Status::Declined).ok_or(undecided_code(code)),
    }
}
