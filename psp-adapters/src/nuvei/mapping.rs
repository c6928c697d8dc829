//! Nuvei's answers in our words. They are signed by nobody, so that only the connection speaks for them.

use crate::json::Json;
use psp_contract::{
    AttemptRef, Currency, Decline, DeclineClass, HttpResponse, Inquiry, Money, NextAction, NotSent,
    Outcome, PayerProof, Portable, Report, Status, Unknown,
};
use url::Url;

/// "No transaction details returned for the provided ID".
const NOT_FOUND: i64 = 9146;

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

fn reported(id: Option<String>, status: Status, payer: Option<PayerProof>) -> Outcome {
    Outcome::Reported(Report { psp_reference: id, status, payer, attempt: None })
}

/// The codes of Nuvei's table of API responses by which it refuses a request before it does anything.
/// `reference/psps.md` §3.8 names 1001, 1013, 1019 and 1021; the others are of the same table.
const fn definite(code: i64) -> Option<DeclineClass> {
    Some(match code {
        1001 | 1013 | 1021 | 1022 => DeclineClass::Configuration,
        1014 | 1019 | 1040 | 1041 | 1068 | 1070 => DeclineClass::Unsupported,
        1010 | 1011 | 1023 => DeclineClass::AccountInvalid,
        _ => return None,
    })
}

/// The body of an answer, once its `status` says success.
enum Said {
    Success(Json),
    /// Its code and its reason in lower case.
    Refused(i64, String),
    Unknown(Unknown),
}

fn said(response: &HttpResponse) -> Said {
    match response.status {
        200 => {}
        409 => return Said::Unknown(Unknown::PspUndecided),
        423 | 429 => return Said::Unknown(Unknown::Throttled),
        500..=599 => return Said::Unknown(Unknown::ServerError),
        _ => return Said::Unknown(Unknown::UnlistedCode),
    }
    let Some(body) = Json::parse(&response.body) else {
        return Said::Unknown(Unknown::Unreadable);
    };
    match (body.str("status"), body.int("errCode")) {
        (Some("SUCCESS"), Some(0)) => Said::Success(body),
        (Some("ERROR"), Some(code)) => {
            let reason = body.str("reason").unwrap_or_default().to_ascii_lowercase();
            Said::Refused(code, reason)
        }
        _ => Said::Unknown(Unknown::Unreadable),
    }
}

/// A refusal of a request that could have moved money.
fn refused(code: i64, reason: &str) -> Outcome {
    // Which code a repeat has is not documented; its words are all there is.
    let repeat = ["clientrequestid", "clientuniqueid", "duplicate", "idempot", "already"];
    if repeat.iter().any(|word| reason.contains(word)) {
        return Outcome::Unknown(Unknown::DuplicateReference);
    }
    match definite(code) {
        Some(class) => reported(None, Status::Declined(decline(class, &code.to_string())), None),
        None if code == 1000 => Outcome::Unknown(Unknown::PspUndecided),
        None => Outcome::Unknown(Unknown::UnlistedCode),
    }
}

fn decline(class: DeclineClass, code: &str) -> Decline {
    Decline { class, code: code.to_owned(), retry_elsewhere: true, irreversible: false }
}

/// The bank's own refusal, by the gateway's code.
fn declined(body: &Json) -> Status {
    let code = body.word("gwErrorCode").unwrap_or_else(|| "DECLINED".to_owned());
    Status::Declined(decline(DeclineClass::PlayerFixable, &code))
}

/// A session moves nothing: whatever is wrong with it, nothing was sent. What is wrong with our account is
/// told as such.
pub(super) fn session_token(response: &HttpResponse) -> Result<String, Box<Outcome>> {
    let token = match said(response) {
        Said::Success(body) => body.word("sessionToken"),
        Said::Refused(code, _) if definite(code) == Some(DeclineClass::Configuration) => {
            return Err(Box::new(refused(code, "")));
        }
        _ => None,
    };
    token.ok_or_else(|| Box::new(Outcome::NotSent(NotSent::PreparationFailed)))
}

/// The body and the transaction's id of an accepted creation. Where it repeats our reference, it must be
/// ours.
fn created(response: &HttpResponse, ours: AttemptRef) -> Result<(Json, String), Box<Outcome>> {
    let body = match said(response) {
        Said::Success(body) => body,
        Said::Refused(code, reason) => return Err(Box::new(refused(code, &reason))),
        Said::Unknown(why) => return Err(Box::new(Outcome::Unknown(why))),
    };
    let echoed = [body.str("clientUniqueId"), body.str("clientRequestId")];
    if echoed.into_iter().flatten().any(|it| !it.is_empty() && it != ours.lower()) {
        return Err(Box::new(Outcome::Unknown(Unknown::Mismatch)));
    }
    let id = body.word("transactionId").filter(|id| super::wire::is_transaction_id(id));
    match id {
        Some(id) => Ok((body, id)),
        None => Err(Box::new(Outcome::Unknown(Unknown::Unreadable))),
    }
}

pub(super) fn payment_answer(
    response: &HttpResponse,
    ours: AttemptRef,
    plain_http: bool,
) -> Outcome {
    let (body, id) = match created(response, ours) {
        Ok(created) => created,
        Err(outcome) => return *outcome,
    };
    let status = match body.str("transactionStatus") {
        Some("REDIRECT") => {
            let option = body.get("paymentOption");
            let url = option.and_then(|option| option.str("redirectUrl"));
            let may_go = |url: &&str| {
                Url::parse(url).is_ok_and(|url| {
                    url.scheme() == "https" || (plain_http && url.scheme() == "http")
                })
            };
            let Some(url) = url.filter(may_go).map(str::to_owned) else {
                return Outcome::Unknown(Unknown::Unreadable);
            };
            let next_action = Some(NextAction::Redirect { url });
            Status::Accepted { next_action, expires_at: None }
        }
        // How much was approved this answer does not tell; the inquiry does.
        Some("APPROVED" | "PENDING") => ACCEPTED,
        Some("DECLINED") => declined(&body),
        Some("ERROR") => return Outcome::Unknown(Unknown::PspUndecided),
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(Some(id), status, None)
}

/// A payout's or a refund's.
pub(super) fn outgoing_answer(response: &HttpResponse, ours: AttemptRef) -> Outcome {
    let (body, id) = match created(response, ours) {
        Ok(created) => created,
        Err(outcome) => return *outcome,
    };
    let status = match body.str("transactionStatus") {
        Some("APPROVED" | "PENDING") => ACCEPTED,
        Some("DECLINED") => declined(&body),
        Some("ERROR") => return Outcome::Unknown(Unknown::PspUndecided),
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(Some(id), status, None)
}

/// The answer to a question; a refused question says nothing about the payment.
fn answered(response: &HttpResponse) -> Result<Json, Box<Outcome>> {
    Err(Box::new(match said(response) {
        Said::Success(body) => return Ok(body),
        Said::Refused(NOT_FOUND, _) => Outcome::NotFound,
        Said::Refused(1000, _) => Outcome::Unknown(Unknown::PspUndecided),
        Said::Refused(..) => Outcome::Unknown(Unknown::UnlistedCode),
        Said::Unknown(why) => Outcome::Unknown(why),
    }))
}

fn money(body: &Json, amount: &str, currency: &str) -> Option<Money> {
    let currency: Currency = body.str(currency)?.parse().ok()?;
    Money::parse(&body.word(amount)?, currency).ok()
}

/// getTransactionDetails about a deposit or a refund.
pub(super) fn details(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    let body = match answered(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let Some(details) = body.get("transactionDetails") else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    if body.str("clientUniqueId") != Some(&inquiry.attempt.lower()) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let moved = money(details, "processedAmount", "processedCurrency");
    let kind = details.str("transactionType");
    let status = match (details.str("transactionStatus"), moved) {
        (Some("APPROVED"), Some(money)) if kind == Some("Chargeback") => Status::Reversed { money },
        (Some("REVERSED"), Some(money)) => Status::Returned { money },
        (Some("APPROVED"), Some(money)) => Status::Succeeded { money },
        (Some("APPROVED" | "REVERSED"), None) => return Outcome::Unknown(Unknown::Unreadable),
        (Some("REDIRECT" | "PENDING"), _) => Status::Pending,
        (Some("DECLINED"), _) => declined(details),
        (Some("EXPIRED"), _) => Status::Expired,
        (Some("CANCELED"), _) => Status::Cancelled,
        (Some("ERROR"), _) => return Outcome::Unknown(Unknown::PspUndecided),
        (Some(_), _) => return Outcome::Unknown(Unknown::UnlistedCode),
        (None, _) => return Outcome::Unknown(Unknown::Unreadable),
    };
    let payer = body.get("paymentOption").map(payer);
    reported(details.word("transactionId"), status, payer)
}

/// The id of the transaction that has this reference.
pub(super) fn transaction_of(response: &HttpResponse, ours: AttemptRef) -> Option<String> {
    let body = answered(response).ok()?;
    let found = body.str("clientUniqueId") == Some(&ours.lower());
    body.get("transactionDetails")?.word("transactionId").filter(|_| found)
}

pub(super) fn payout_status(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    let body = match answered(response) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    if body.str("clientRequestId") != Some(&inquiry.attempt.lower()) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let moved = money(&body, "amount", "currency");
    let status = match (body.str("transactionStatus"), moved) {
        (Some("APPROVED"), Some(money)) => Status::Succeeded { money },
        (Some("REVERSED"), Some(money)) => Status::Returned { money },
        (Some("APPROVED" | "REVERSED"), None) => return Outcome::Unknown(Unknown::Unreadable),
        (Some("PENDING"), _) => Status::Pending,
        (Some("DECLINED"), _) => declined(&body),
        (Some("CANCELED"), _) => Status::Cancelled,
        (Some("ERROR"), _) => return Outcome::Unknown(Unknown::PspUndecided),
        (Some(_), _) => return Outcome::Unknown(Unknown::UnlistedCode),
        (None, _) => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(body.word("transactionId"), status, None)
}

/// The payment option pays the same source again at Nuvei; the account behind it anywhere. For Interac
/// that account is an e-mail address; a card has none.
fn payer(option: &Json) -> PayerProof {
    let method = option.get("alternativePaymentMethod");
    let digits = option.get("card").and_then(|card| card.word("last4Digits"));
    let digits = digits.filter(|it| it.len() == 4 && it.bytes().all(|b| b.is_ascii_digit()));
    let account = method.and_then(|method| method.word("externalAccountID"));
    let email = account.filter(|account| account.contains('@'));
    PayerProof {
        holder_name: None,
        tax_id: None,
        masked: match digits {
            Some(digits) => Some(format!("**** {digits}")),
            None => email.as_deref().and_then(masked),
        },
        portable: email.map(|address| Portable::Email { address, holder_name: String::new() }),
        token: option.word("userPaymentOptionId"),
    }
}

/// `e***@example.test`.
fn masked(address: &str) -> Option<String> {
    let (name, host) = address.split_once('@')?;
    Some(format!("{}***@{host}", name.chars().next()?))
}
