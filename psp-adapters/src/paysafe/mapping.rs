//! Paysafe's answers in our words.

use super::wire::PaymentType;
use crate::json::Json;
use psp_contract::{
    AttemptRef, Currency, Decline, DeclineClass, HttpResponse, Inquiry, Money, NextAction, Outcome,
    PayerProof, Portable, Report, Status, Subject, Timestamp, Unknown,
};
use url::Url;

/// Whether a record is under our reference.
fn is_reference(record: &Json, ours: AttemptRef) -> bool {
    record.str("merchantRefNum") == Some(&ours.lower())
}

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

fn reported(id: Option<String>, status: Status, payer: Option<PayerProof>) -> Outcome {
    Outcome::Reported(Report { psp_reference: id, status, payer, attempt: None })
}

fn unknown(why: Unknown) -> Box<Outcome> {
    Box::new(Outcome::Unknown(why))
}

/// The code of Paysafe's own error. Whatever has none comes from something in between.
fn code(body: &Json) -> Option<String> {
    body.get("error")?.word("code")
}

/// Codes by which Paysafe says that it has seen this before, or is still at it: 3044 and 3417 come with
/// the status of a decline.
const SEEN_BEFORE: [&str; 4] = ["5031", "5283", "3044", "3417"];

/// What a refusal of a creation means. Definite by `reference/psps.md` §3.5: 400, 401, 402 and 403, but
/// for codes that speak of a repeat, and for Paysafe's own internal errors (1000 and up).
fn refused(response: &HttpResponse) -> Outcome {
    let status = response.status;
    let code = Json::parse(&response.body).as_ref().and_then(code);
    Outcome::Unknown(match (status, code) {
        (400..=409, Some(code)) if SEEN_BEFORE.contains(&&*code) => Unknown::DuplicateReference,
        (400..=403, Some(code)) if !(code.len() == 4 && code.starts_with('1')) => {
            let class = match (status, &*code) {
                (401 | 403, _) => DeclineClass::Configuration,
                (402, "3022" | "3051" | "3052") => DeclineClass::PlayerFixable,
                (402, code) if code.starts_with('4') => DeclineClass::Compliance,
                (402, _) => DeclineClass::PlayerFixable,
                _ => DeclineClass::Unsupported,
            };
            let retry_elsewhere = class != DeclineClass::Compliance;
            let decline = Decline { class, code, retry_elsewhere, irreversible: false };
            return reported(None, Status::Declined(decline), None);
        }
        (400..=403, Some(_)) => Unknown::PspUndecided,
        (400..=403, None) => Unknown::Unreadable,
        _ => undecided(status),
    })
}

const fn undecided(status: u16) -> Unknown {
    match status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ => Unknown::UnlistedCode,
    }
}

/// The amount and currency of a record, both or none of it.
pub(super) fn money(record: &Json) -> Option<Money> {
    let currency: Currency = record.str("currencyCode")?.parse().ok()?;
    record.int("amount").filter(|minor| *minor > 0).map(|minor| Money::new(minor, currency))
}

/// Whether what a record repeats of its amount is what was asked for.
fn other_money(record: &Json, asked: Money) -> bool {
    let other_amount = record.get("amount").is_some() && record.int("amount") != Some(asked.minor);
    let told = record.get("currencyCode").is_some();
    other_amount || (told && record.str("currencyCode") != Some(asked.currency.code()))
}

/// The record that a creation has made: its reference is ours and its money what was asked for.
fn made(response: &HttpResponse, ours: AttemptRef, asked: Money) -> Result<Json, Box<Outcome>> {
    if !matches!(response.status, 200 | 201) {
        return Err(Box::new(refused(response)));
    }
    let body = Json::parse(&response.body).ok_or(unknown(Unknown::Unreadable))?;
    if body.str("id").is_none() {
        return Err(unknown(Unknown::Unreadable));
    }
    if !is_reference(&body, ours) || other_money(&body, asked) {
        return Err(unknown(Unknown::Mismatch));
    }
    Ok(body)
}

pub(super) fn deposit_handle(
    response: &HttpResponse,
    ours: AttemptRef,
    asked: Money,
    plain_http: bool,
) -> Outcome {
    let handle = match made(response, ours, asked) {
        Ok(handle) => handle,
        Err(outcome) => return *outcome,
    };
    let links = handle.get("links").and_then(Json::items).unwrap_or_default();
    let link = links.iter().find(|link| link.str("rel") == Some("redirect_payment"));
    let may_go = |url: &&str| {
        Url::parse(url)
            .is_ok_and(|url| url.scheme() == "https" || (plain_http && url.scheme() == "http"))
    };
    let url = link.and_then(|link| link.str("href")).filter(may_go).map(str::to_owned);
    let status = match (handle.str("status"), url) {
        (Some("INITIATED" | "PAYABLE" | "PROCESSING"), Some(url)) => {
            let expires_at = expiry(&handle);
            Status::Accepted { next_action: Some(NextAction::Redirect { url }), expires_at }
        }
        (Some("FAILED" | "ERROR"), _) => Status::Declined(failed(&handle)),
        (Some("INITIATED" | "PAYABLE" | "PROCESSING") | None, _) => {
            return Outcome::Unknown(Unknown::Unreadable);
        }
        (Some(_), _) => return Outcome::Unknown(Unknown::UnlistedCode),
    };
    reported(handle.word("id"), status, None)
}

/// `txnTime` and the seconds that the handle lives from then.
fn expiry(handle: &Json) -> Option<Timestamp> {
    let made = handle.str("txnTime")?;
    let made = Timestamp::parse(made, &time::format_description::well_known::Rfc3339).ok()?;
    let life = handle.int("timeToLiveSeconds").filter(|secs| (0..=86_400).contains(secs))?;
    made.checked_add(time::Duration::seconds(life))
}

/// The token of a payout's handle, which is payable at once.
pub(super) fn payout_handle(
    response: &HttpResponse,
    ours: AttemptRef,
    asked: Money,
) -> Result<String, Box<Outcome>> {
    let handle = made(response, ours, asked)?;
    match (handle.str("status"), handle.word("paymentHandleToken")) {
        (Some("PAYABLE"), Some(token)) => Ok(token),
        (Some("FAILED" | "ERROR"), _) => {
            Err(Box::new(reported(None, Status::Declined(failed(&handle)), None)))
        }
        _ => Err(unknown(Unknown::UnlistedCode)),
    }
}

/// A record's own word for why it failed.
fn failed(record: &Json) -> Decline {
    let code = code(record).or_else(|| record.word("status")).unwrap_or_default();
    Decline { class: DeclineClass::PlayerFixable, code, retry_elsewhere: true, irreversible: false }
}

/// A payment, a standalone credit or a refund that was just made.
pub(super) fn created(response: &HttpResponse, ours: AttemptRef, asked: Money) -> Outcome {
    let body = match made(response, ours, asked) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let status = match body.str("status") {
        Some("PENDING" | "PROCESSING" | "RECEIVED" | "INITIATED" | "HELD") => ACCEPTED,
        Some("COMPLETED") => Status::Succeeded { money: asked },
        // It is its first word, so nothing had been completed before.
        Some("FAILED" | "ERROR") => Status::Declined(failed(&body)),
        Some(_) => return Outcome::Unknown(Unknown::UnlistedCode),
        None => return Outcome::Unknown(Unknown::Unreadable),
    };
    reported(body.word("id"), status, None)
}

/// The records of a lookup by our reference; none of another reference.
fn records(
    response: &HttpResponse,
    name: &str,
    ours: AttemptRef,
) -> Result<Vec<Json>, Box<Outcome>> {
    if response.status != 200 {
        // A lookup that finds nothing is an empty list; 404 is an address that is not there.
        return Err(unknown(undecided(response.status)));
    }
    let unreadable = || unknown(Unknown::Unreadable);
    let body = Json::parse(&response.body).ok_or_else(unreadable)?;
    let records = body.get(name).and_then(Json::items).ok_or_else(unreadable)?;
    if records.iter().any(|record| !is_reference(record, ours)) {
        return Err(unknown(Unknown::Mismatch));
    }
    Ok(records.to_vec())
}

/// A payment handle as its second call needs it.
pub(super) enum Handle {
    Payable(String),
    Spent(String),
    /// Its payer has not been there yet.
    Open,
    Over(Box<Outcome>),
}

pub(super) fn handle(
    response: &HttpResponse,
    kind: &str,
    ours: AttemptRef,
    asked: Money,
) -> Result<Handle, Box<Outcome>> {
    let records = records(response, "paymentHandles", ours)?;
    let mut records = records.iter().filter(|it| it.str("transactionType") == Some(kind));
    let (handle, more) = (records.next(), records.next());
    let handle = handle.ok_or(Box::new(Outcome::NotFound))?;
    if more.is_some() || money(handle) != Some(asked) {
        return Err(unknown(Unknown::Mismatch));
    }
    let token = handle.word("paymentHandleToken").filter(|token| token.len() <= 64);
    let token = token.ok_or(unknown(Unknown::Unreadable))?;
    Ok(match handle.str("status") {
        Some("PAYABLE") => Handle::Payable(token),
        Some("COMPLETED") => Handle::Spent(token),
        Some("INITIATED" | "PROCESSING") => Handle::Open,
        Some("EXPIRED") => {
            Handle::Over(Box::new(reported(handle.word("id"), Status::Expired, None)))
        }
        Some("FAILED" | "ERROR" | "DELETED") => Handle::Over(Box::new(reported(
            handle.word("id"),
            Status::Declined(failed(handle)),
            None,
        ))),
        _ => return Err(unknown(Unknown::UnlistedCode)),
    })
}

/// What a deposit's handle tells while no payment was made of it.
pub(super) fn handle_status(response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    let found = handle(response, "PAYMENT", inquiry.attempt, inquiry.money);
    let status = match found {
        Ok(Handle::Payable(_)) => Status::AwaitsCompletion,
        // Its payment is not to be found yet.
        Ok(Handle::Spent(_)) => Status::Pending,
        Ok(Handle::Open) => ACCEPTED,
        Ok(Handle::Over(outcome)) | Err(outcome) => return *outcome,
    };
    let records = records(response, "paymentHandles", inquiry.attempt).unwrap_or_default();
    reported(records.first().and_then(|it| it.word("id")), status, None)
}

/// What is known of an attempt by the records under its reference. Failed tries may stand beside the one
/// that counts.
pub(super) fn record(
    response: &HttpResponse,
    name: &str,
    inquiry: &Inquiry,
    payment_type: PaymentType,
) -> Outcome {
    let records = match records(response, name, inquiry.attempt) {
        Ok(records) => records,
        Err(outcome) => return *outcome,
    };
    let over = |record: &Json| matches!(record.str("status"), Some("FAILED" | "ERROR"));
    let mut counting = records.iter().filter(|record| !over(record));
    let record = match (counting.next(), counting.next()) {
        (Some(record), None) => record,
        // Two of one reference should not be; which one is meant no machine knows.
        (Some(_), Some(_)) => return Outcome::Unknown(Unknown::Mismatch),
        (None, _) => match records.last() {
            Some(record) => record,
            None => return Outcome::NotFound,
        },
    };
    // A refund's record may leave its currency out: it is the settlement's.
    let asked = inquiry.money;
    let told = match inquiry.subject {
        Subject::Return if record.get("currencyCode").is_none() => {
            record.int("amount").map(|minor| Money::new(minor, asked.currency))
        }
        _ => money(record),
    };
    match (status(inquiry.subject, record, told), record.str("status")) {
        (Some(status), _) => reported(record.word("id"), status, payer(record, payment_type)),
        (None, Some("COMPLETED" | "RETURNED") | None) => Outcome::Unknown(Unknown::Unreadable),
        (None, _) => Outcome::Unknown(Unknown::UnlistedCode),
    }
}

/// A record's status in our words; none when it is no word of Paysafe's, or money without an amount.
pub(super) fn status(subject: Subject, record: &Json, money: Option<Money>) -> Option<Status> {
    let payout = subject == Subject::Payout;
    Some(match record.str("status")? {
        "PENDING" | "PROCESSING" | "RECEIVED" | "INITIATED" | "HELD" => Status::Pending,
        "COMPLETED" => Status::Succeeded { money: money? },
        "RETURNED" if subject == Subject::Deposit => Status::Reversed { money: money? },
        // See the module's own words: for a payout these come after it was made.
        "FAILED" | "CANCELLED" | "RETURNED" if payout => Status::Returned { money: money? },
        "EXPIRED" => Status::Expired,
        "CANCELLED" => Status::Cancelled,
        "FAILED" | "ERROR" => Status::Declined(failed(record)),
        _ => return None,
    })
}

/// The address that paid, which any PSP of the scheme can pay back.
pub(super) fn payer(record: &Json, payment_type: PaymentType) -> Option<PayerProof> {
    let instrument = record.get(payment_type.key())?;
    let address = instrument.word("consumerId").filter(|id| id.contains('@'))?;
    let (name, host) = address.split_once('@')?;
    let masked = name.chars().next().map(|first| format!("{first}***@{host}"));
    let portable = Some(Portable::Email { address: address.clone(), holder_name: String::new() });
    Some(PayerProof { masked, portable, ..PayerProof::default() })
}

/// The reference that a handle has, by whose id it was asked for.
pub(super) fn reference_of(response: &HttpResponse) -> Option<AttemptRef> {
    let body = Json::parse(&response.body).filter(|_| response.status == 200)?;
    AttemptRef::parse(body.str("merchantRefNum")?)
}

/// The one settlement of a deposit.
pub(super) fn settlement_of(response: &HttpResponse, deposit: AttemptRef) -> Option<String> {
    let settlements = records(response, "settlements", deposit).ok()?;
    match &settlements[..] {
        [settlement] => settlement.word("id"),
        _ => None,
    }
}
