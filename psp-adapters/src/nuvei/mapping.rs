//! Nuvei's answers in our words. They are signed by nobody, so that only the connection speaks for them.

use crate::payer;
use crate::prelude::*;

/// "No transaction details returned for the provided ID".
const NOT_FOUND: i64 = 9146;
/// Nuvei's own internal error.
const INTERNAL: i64 = 1000;

/// The codes of Nuvei's table of API responses by which it refuses a request before it does anything.
const fn definite(code: i64) -> Option<DeclineClass> {
    Some(match code {
        1001 | 1013 | 1021 | 1022 => DeclineClass::Configuration,
        1014 | 1019 | 1040 | 1041 | 1068 | 1070 => DeclineClass::Unsupported,
        1010 | 1011 | 1023 => DeclineClass::AccountInvalid,
        _ => return None,
    })
}

/// Why an answer is no success.
enum No {
    /// Its code and its reason in lower case.
    Refused(i64, String),
    Unknown(Unknown),
}

impl From<Unknown> for No {
    fn from(why: Unknown) -> Self {
        No::Unknown(why)
    }
}

/// The body of an answer, once its `status` says success.
fn success(response: &HttpResponse) -> Result<Json, No> {
    if response.status != 200 {
        return Err(undecided(response.status).into());
    }
    let body = json(response)?;
    match (body.str("status"), body.int("errCode")) {
        (Some("SUCCESS"), Some(0)) => Ok(body),
        (Some("ERROR"), Some(code)) => {
            Err(No::Refused(code, body.str("reason").unwrap_or_default().to_ascii_lowercase()))
        }
        _ => Err(Unknown::Unreadable.into()),
    }
}

/// A refusal of a request that could have moved money.
fn refused(no: No) -> Stop {
    let (code, reason) = match no {
        No::Refused(code, reason) => (code, reason),
        No::Unknown(why) => return why.into(),
    };
    // Which code a repeat has is not documented; its words are all there is.
    let repeat = ["clientrequestid", "clientuniqueid", "duplicate", "idempot", "already"];
    if repeat.iter().any(|word| reason.contains(word)) {
        return Unknown::DuplicateReference.into();
    }
    match definite(code) {
        Some(class) => Decline::new(class, code.to_string()).into(),
        None if code == INTERNAL => Unknown::PspUndecided.into(),
        None => Unknown::UnlistedCode.into(),
    }
}

/// A refused question says nothing about the payment.
fn question_refused(no: No) -> Stop {
    match no {
        No::Refused(NOT_FOUND, _) => Outcome::NotFound.into(),
        No::Refused(INTERNAL, _) => Unknown::PspUndecided.into(),
        No::Refused(..) => Unknown::UnlistedCode.into(),
        No::Unknown(why) => why.into(),
    }
}

/// A session moves nothing: whatever is wrong with it, nothing was sent. What is wrong with our account is
/// told as such.
pub(super) fn session_token(response: &HttpResponse) -> Told<String> {
    let token = match success(response) {
        Ok(body) => body.word("sessionToken"),
        Err(No::Refused(code, _)) if definite(code) == Some(DeclineClass::Configuration) => {
            return Err(refused(No::Refused(code, String::new())));
        }
        Err(_) => None,
    };
    Ok(token.ok_or(NotSent::PreparationFailed)?)
}

/// The body and the transaction's id of an accepted creation. Where it repeats our reference, it must be
/// ours.
fn created(response: &HttpResponse, ours: AttemptRef) -> Told<(Json, String)> {
    let body = success(response).map_err(refused)?;
    let echoed = [body.given("clientUniqueId"), body.given("clientRequestId")];
    must_match(echoed.into_iter().flatten().all(|it| it == ours.lower()))?;
    let id = body.word("transactionId").filter(|id| super::wire::is_transaction_id(id));
    Ok((body, id.ok_or(Unknown::Unreadable)?))
}

/// The bank's own refusal, by the gateway's code.
fn declined(body: &Json) -> Status {
    let code = body.word("gwErrorCode").unwrap_or_else(|| "DECLINED".to_owned());
    Status::declined(DeclineClass::PlayerFixable, code)
}

/// A state that says nothing, or that Nuvei's pages do not list.
fn open(word: &str) -> Stop {
    if word == "ERROR" { Unknown::PspUndecided.into() } else { Unknown::UnlistedCode.into() }
}

/// The state that a creation is answered with. How much was approved it does not tell; the inquiry does.
fn first_state(body: &Json) -> Told<Status> {
    Ok(match body.need_str("transactionStatus")? {
        "APPROVED" | "PENDING" => Status::ACCEPTED,
        "DECLINED" => declined(body),
        other => return Err(open(other)),
    })
}

pub(super) fn payment_answer(response: &HttpResponse, ours: AttemptRef, base_url: &str) -> Told {
    let (body, id) = created(response, ours)?;
    let status = match body.str("transactionStatus") {
        Some("REDIRECT") => {
            Status::next(redirect(body.str("paymentOption/redirectUrl"), base_url)?, None)
        }
        _ => first_state(&body)?,
    };
    Ok(Report::new(&*id, status))
}

/// A payout's or a refund's.
pub(super) fn outgoing_answer(response: &HttpResponse, ours: &AttemptRef) -> Told {
    let (body, id) = created(response, *ours)?;
    Ok(Report::new(&*id, first_state(&body)?))
}

fn money(body: &Json, amount: &str, currency: &str) -> Option<Money> {
    Money::parse(&body.word(amount)?, body.currency(currency)?).ok()
}

/// What both inquiries say in the same words, with the money that moved where they tell it.
fn state(body: &Json, moved: Option<Money>) -> Told<Status> {
    let money = moved.ok_or(Unknown::Unreadable);
    Ok(match body.need_str("transactionStatus")? {
        "APPROVED" => Status::Succeeded { money: money? },
        "REVERSED" => Status::Returned { money: money? },
        "PENDING" => Status::Pending,
        "DECLINED" => declined(body),
        "CANCELED" => Status::Cancelled,
        other => return Err(open(other)),
    })
}

pub(super) fn inquiry_answer(
    response: &HttpResponse,
    (inquiry, now): &(Inquiry, Timestamp),
) -> Told {
    match inquiry.subject {
        Subject::Payout => payout_status(response, inquiry),
        Subject::Deposit | Subject::Return => details(response, inquiry, *now),
    }
}

/// Whether a transaction of this type, once approved, is the money of what was asked about. Under our
/// reference stand the steps before it, too, of which no money moves, and a `Void`, which takes back a sale or
/// a refund.
fn moves_money(subject: Subject, kind: Option<&str>) -> bool {
    match subject {
        Subject::Deposit => matches!(kind, Some("Sale" | "Settle" | "Chargeback")),
        Subject::Payout | Subject::Return => matches!(kind, Some("Credit" | "Chargeback")),
    }
}

/// A sale that was entered in the last second is told a little later.
const EXPIRY_GRACE: std::time::Duration = minutes(10);

/// The last that Nuvei knows is a step at the card's issuer. Its page stays open, after a refusal for another
/// card too; nobody comes back to it when our session is long over, and nothing else would ever say so.
fn at_the_issuer(inquiry: &Inquiry, now: Timestamp) -> Status {
    let end = inquiry.first_sent_at + super::SESSION_LIFE + EXPIRY_GRACE;
    if end < now { Status::Expired } else { Status::Pending }
}

/// getTransactionDetails about a deposit or a refund.
///
/// Each transaction under our reference has an id and a card of its own. The sale's are told and no others: a
/// return names the transaction that it sends back, and who began with one card may have paid with another.
fn details(response: &HttpResponse, inquiry: &Inquiry, now: Timestamp) -> Told {
    let body = success(response).map_err(question_refused)?;
    let details = body.need("transactionDetails")?;
    must_match(body.str("clientUniqueId") == Some(&inquiry.attempt.lower()))?;
    let moved = money(details, "processedAmount", "processedCurrency");
    let kind = details.str("transactionType");
    let status = match (details.str("transactionStatus"), kind, moved) {
        (Some("APPROVED"), Some("Chargeback"), Some(money)) => Status::Reversed { money },
        (Some("APPROVED"), Some("Void"), moved) => match inquiry.subject {
            Subject::Deposit => Status::Reversed { money: moved.ok_or(Unknown::Unreadable)? },
            // Whether the refund was voided or voids something else, people find out.
            Subject::Payout | Subject::Return => return Err(Unknown::PspUndecided.into()),
        },
        (Some("APPROVED" | "DECLINED"), Some("InitAuth3D" | "Auth3D" | "Auth"), _)
            if inquiry.subject == Subject::Deposit =>
        {
            at_the_issuer(inquiry, now)
        }
        (Some("APPROVED"), kind, _) if !moves_money(inquiry.subject, kind) => Status::Pending,
        (Some("REDIRECT"), ..) => Status::Pending,
        (Some("EXPIRED"), ..) => Status::Expired,
        _ => state(details, moved)?,
    };
    let has_moved = matches!(status, Status::Succeeded { .. });
    let id = details.word("transactionId").filter(|_| has_moved);
    let payer = body.get("paymentOption").filter(|_| has_moved).map(payer);
    Ok(Report { payer, ..Report::new(id.as_deref(), status) })
}

/// The id of the transaction that has this reference, where it is the one whose money can be sent back.
pub(super) fn transaction_of(response: &HttpResponse, ours: AttemptRef) -> Option<String> {
    let body = success(response).ok()?;
    let found = body.str("clientUniqueId") == Some(&ours.lower());
    let kind = body.str("transactionDetails/transactionType");
    let is_sale = moves_money(Subject::Deposit, kind) && kind != Some("Chargeback");
    body.word("transactionDetails/transactionId").filter(|_| found && is_sale)
}

fn payout_status(response: &HttpResponse, inquiry: &Inquiry) -> Told {
    let body = success(response).map_err(question_refused)?;
    must_match(body.str("clientRequestId") == Some(&inquiry.attempt.lower()))?;
    let status = state(&body, money(&body, "amount", "currency"))?;
    Ok(Report::new(body.word("transactionId").as_deref(), status))
}

/// The payment option pays the same source again at Nuvei; the account behind it anywhere. For Interac
/// that account is an e-mail address; a card has none.
fn payer(option: &Json) -> PayerProof {
    let account = option.word("alternativePaymentMethod/externalAccountID");
    let token = option.word("userPaymentOptionId");
    match account.as_deref().and_then(payer::email) {
        Some(proof) if option.get("card/last4Digits").is_none() => PayerProof { token, ..proof },
        _ => {
            let (digits, funding) = (option.word("card/last4Digits"), option.str("card/cardType"));
            payer::card(token, digits.as_deref(), funding)
        }
    }
}
