//! Paysafe's answers in our words.

use super::wire::PaymentType;
use crate::payer;
use crate::prelude::*;

/// Whether a record is under our reference.
fn is_reference(record: &Json, ours: AttemptRef) -> bool {
    record.str("merchantRefNum") == Some(&ours.lower())
}

/// Codes by which Paysafe says that it has seen this before, or is still at it: 3044 and 3417 come with
/// the status of a decline.
const SEEN_BEFORE: [&str; 4] = ["5031", "5283", "3044", "3417"];

/// What a refusal of a creation means. Definite by its documentation: 400, 401, 402 and 403, but
/// for codes that speak of a repeat, and for Paysafe's own internal errors (1000 and up). What has no code
/// comes from something in between.
fn refused(response: &HttpResponse) -> Stop {
    let status = response.status;
    let code = Json::parse(&response.body).and_then(|body| body.word("error/code"));
    let Some(code) = code else {
        let between = matches!(status, 400..=403);
        return if between { Unknown::Unreadable.into() } else { undecided(status).into() };
    };
    let class = match (status, &*code) {
        (400..=409, code) if SEEN_BEFORE.contains(&code) => {
            return Unknown::DuplicateReference.into();
        }
        (400..=403, code) if code.len() == 4 && code.starts_with('1') => {
            return Unknown::PspUndecided.into();
        }
        (401 | 403, _) => DeclineClass::Configuration,
        (402, "3022" | "3051" | "3052") => DeclineClass::PlayerFixable,
        (402, code) if code.starts_with('4') => DeclineClass::Compliance,
        (402, _) => DeclineClass::PlayerFixable,
        (400, _) => DeclineClass::Unsupported,
        _ => return undecided(status).into(),
    };
    Decline::new(class, code).into()
}

/// The amount and currency of a record, both or none of it.
pub(super) fn money(record: &Json) -> Option<Money> {
    record.minor("amount", "currencyCode").filter(|money| 0 < money.minor)
}

/// The record that a creation has made: its reference is ours and its money what was asked for.
fn made(response: &HttpResponse, ours: AttemptRef, asked: Money) -> Told<Json> {
    let body = good(response, &[200, 201], refused)?;
    body.need_str("id")?;
    must_match(is_reference(&body, ours) && repeats(&body, "amount", "currencyCode", asked))?;
    Ok(body)
}

pub(super) fn deposit_handle(
    response: &HttpResponse,
    (ours, asked): (AttemptRef, Money),
    base_url: &str,
) -> Told {
    let handle = made(response, ours, asked)?;
    let mut links = handle.list("links").iter();
    let link = links.find(|link| link.str("rel") == Some("redirect_payment"));
    let status = match handle.need_str("status")? {
        "INITIATED" | "PAYABLE" | "PROCESSING" => {
            let page = redirect(link.and_then(|link| link.str("href")), base_url)?;
            Status::next(page, expiry(&handle))
        }
        "FAILED" | "ERROR" => failed(&handle),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(handle.word("id").as_deref(), status))
}

/// A stored card's handle after it was made.
pub(super) enum CardHandle {
    Payable {
        id: String,
        token: String,
    },
    /// Its holder must be seen first, or it failed.
    Told(Report),
}

pub(super) fn card_handle(
    response: &HttpResponse,
    (ours, asked): (AttemptRef, Money),
    base_url: &str,
) -> Told<CardHandle> {
    let handle = made(response, ours, asked)?;
    if handle.str("status") != Some("PAYABLE") {
        return deposit_handle(response, (ours, asked), base_url).map(CardHandle::Told);
    }
    let token = handle.word("paymentHandleToken").filter(|token| token.len() <= 64);
    let (id, token) = handle.word("id").zip(token).ok_or(Unknown::Unreadable)?;
    Ok(CardHandle::Payable { id, token })
}

/// The payment that a card's handle was spent for. A refund finds it by the handle's id.
pub(super) fn charged(
    response: &HttpResponse,
    asked: (AttemptRef, Money),
    (handle, token): (&str, &str),
) -> Told {
    let told = created(response, &asked)?;
    let paid = matches!(told.status, Status::Succeeded { .. });
    let body = json(response)?;
    let payer = payer(&body, PaymentType::Card).filter(|_| paid);
    let payer = payer.map(|payer| PayerProof { token: Some(token.to_owned()), ..payer });
    Ok(Report { psp_reference: Some(handle.to_owned()), payer, ..told })
}

/// `txnTime` and the seconds that the handle lives from then.
fn expiry(handle: &Json) -> Option<Timestamp> {
    let life = handle.int("timeToLiveSeconds").filter(|secs| (0..=86_400).contains(secs))?;
    handle.time("txnTime")?.checked_add(time::Duration::seconds(life))
}

/// The token of a payout's handle, which is payable at once.
pub(super) fn payout_handle(
    response: &HttpResponse,
    ours: AttemptRef,
    asked: Money,
) -> Told<String> {
    let handle = made(response, ours, asked)?;
    match (handle.str("status"), handle.word("paymentHandleToken")) {
        (Some("PAYABLE"), Some(token)) => Ok(token),
        (Some("FAILED" | "ERROR"), _) => {
            Err(Outcome::Reported(Report::new(None, failed(&handle))).into())
        }
        _ => Err(Unknown::UnlistedCode.into()),
    }
}

/// A record's own word for why it failed.
fn failed(record: &Json) -> Status {
    let code = record.word("error/code").or_else(|| record.word("status")).unwrap_or_default();
    Status::declined(DeclineClass::PlayerFixable, code)
}

/// A payment that was just made.
pub(super) fn created(response: &HttpResponse, &(ours, asked): &(AttemptRef, Money)) -> Told {
    let body = made(response, ours, asked)?;
    let status = match body.need_str("status")? {
        "PENDING" | "PROCESSING" | "RECEIVED" | "INITIATED" | "HELD" => Status::ACCEPTED,
        "COMPLETED" if body.int("amount").is_some() => Status::Succeeded { money: asked },
        // Without its amount it tells of no money: an inquiry does.
        "COMPLETED" => Status::ACCEPTED,
        // It is its first word, so nothing had been completed before.
        "FAILED" | "ERROR" => failed(&body),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    Ok(Report::new(body.word("id").as_deref(), status))
}

/// Money that leaves, just made. It is in Paysafe's books, and no list of theirs says that a credit which
/// failed there was never paid: it is no licence to pay elsewhere, and the inquiry tells what became of it.
pub(super) fn sent(response: &HttpResponse, asked: &(AttemptRef, Money)) -> Told {
    let told = created(response, asked)?;
    let refused = matches!(told.status, Status::Declined(_));
    Ok(if refused { Report { status: Status::ACCEPTED, ..told } } else { told })
}

/// The records of a lookup by our reference; none of another reference.
fn records(response: &HttpResponse, name: &str, ours: AttemptRef) -> Told<Vec<Json>> {
    if response.status != 200 {
        // A lookup that finds nothing is an empty list; 404 is an address that is not there.
        return Err(undecided(response.status).into());
    }
    let body = json(response)?;
    let records = body.need_list(name)?;
    must_match(records.iter().all(|record| is_reference(record, ours)))?;
    Ok(records.to_vec())
}

/// A payment handle as its second call needs it.
pub(super) enum Handle {
    Payable(String),
    Spent(String),
    /// Its payer has not been there yet.
    Open,
    Over(Report),
}

pub(super) fn handle(
    response: &HttpResponse,
    kind: &str,
    ours: AttemptRef,
    asked: Money,
) -> Told<Handle> {
    let records = records(response, "paymentHandles", ours)?;
    let mut records = records.iter().filter(|it| it.str("transactionType") == Some(kind));
    let (handle, more) = (records.next(), records.next());
    let handle = handle.ok_or(Outcome::NotFound)?;
    must_match(more.is_none() && money(handle) == Some(asked))?;
    let token = handle.word("paymentHandleToken").filter(|token| token.len() <= 64);
    let token = token.ok_or(Unknown::Unreadable)?;
    let over = |status| Handle::Over(Report::new(handle.word("id").as_deref(), status));
    Ok(match handle.str("status") {
        Some("PAYABLE") => Handle::Payable(token),
        Some("COMPLETED") => Handle::Spent(token),
        Some("INITIATED" | "PROCESSING") => Handle::Open,
        Some("EXPIRED") => over(Status::Expired),
        Some("FAILED" | "ERROR" | "DELETED") => over(failed(handle)),
        _ => return Err(Unknown::UnlistedCode.into()),
    })
}

/// What a deposit's handle tells while no payment was made of it.
pub(super) fn handle_status(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let status = match handle(response, "PAYMENT", inquiry.attempt, inquiry.money)? {
        Handle::Payable(_) => Status::AwaitsCompletion,
        // Its payment is not to be found yet.
        Handle::Spent(_) => Status::Pending,
        Handle::Open => Status::ACCEPTED,
        Handle::Over(report) => return Ok(report),
    };
    let records = records(response, "paymentHandles", inquiry.attempt)?;
    let id = records.first().and_then(|it| it.word("id"));
    Ok(Report::new(id.as_deref(), status))
}

/// What is known of an attempt by the records under its reference. Failed tries may stand beside the one
/// that counts.
pub(super) fn record(
    response: &HttpResponse,
    name: &str,
    inquiry: &Inquiry,
    payment_type: PaymentType,
) -> Told {
    let records = records(response, name, inquiry.attempt)?;
    let over = |record: &Json| matches!(record.str("status"), Some("FAILED" | "ERROR"));
    let mut counting = records.iter().filter(|record| !over(record));
    let (first, second) = (counting.next(), counting.next());
    // Two of one reference should not be; which one is meant no machine knows.
    must_match(second.is_none())?;
    let record = first.or(records.last()).ok_or(Outcome::NotFound)?;
    // A refund's record may leave its currency out: it is the settlement's.
    let told = match inquiry.subject {
        Subject::Return if record.get("currencyCode").is_none() => {
            record.int("amount").map(|minor| Money::new(minor, inquiry.money.currency))
        }
        _ => money(record),
    };
    let Some(status) = status(inquiry.subject, record, told) else {
        return Err(match record.str("status") {
            Some("COMPLETED" | "RETURNED") | None => Unknown::Unreadable.into(),
            Some(_) => Unknown::UnlistedCode.into(),
        });
    };
    let payer = payer(record, payment_type);
    Ok(Report { payer, ..Report::new(record.word("id").as_deref(), status) })
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
        "FAILED" | "ERROR" => failed(record),
        _ => return None,
    })
}

/// The address that paid, which any PSP of the scheme can pay back, or the card with whose money it spends.
pub(super) fn payer(record: &Json, payment_type: PaymentType) -> Option<PayerProof> {
    if payment_type == PaymentType::Card {
        let card = record.get("card")?;
        let token = record.word("paymentHandleTokenFrom");
        return Some(payer::card(token, card.str("lastDigits"), card.str("cardCategory")));
    }
    payer::email(&record.get(payment_type.key())?.word("consumerId")?)
}

/// The reference that a handle or a payment has, by whose id it was asked for.
pub(super) fn reference_of(response: &HttpResponse) -> Option<AttemptRef> {
    Json::parse(&response.body).filter(|_| response.status == 200)?.attempt("merchantRefNum")
}

/// The one settlement of a deposit.
pub(super) fn settlement_of(response: &HttpResponse, deposit: AttemptRef) -> Option<String> {
    match &records(response, "settlements", deposit).ok()?[..] {
        [settlement] => settlement.word("id"),
        _ => None,
    }
}
