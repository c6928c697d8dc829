//! Checkout's answers in our words, and what a refusal of either API means.

use super::CURRENCIES;
use crate::answer::{Stop, Told, good, must_match, redirect, undecided};
use crate::common::path_id;
use crate::json::Json;
use psp_contract::{
    AttemptRef, CardFunding, Decline, DeclineClass, HttpResponse, Money, PayerProof, Report,
    ReturnRequest, Status, Unknown,
};

/// What was asked for, to be found again in the answer.
type Asked = (Money, AttemptRef);

/// What a refusal of a request means that could have moved money. Definite by `reference/psps.md` §3.4:
/// 401, 403 and 422 with an error code, but for 704, by which a key's first use is still being worked
/// on, and for errors that Adyen itself marks as passing.
pub(super) fn refused(response: &HttpResponse) -> Stop {
    let class = match response.status {
        401 | 403 => DeclineClass::Configuration,
        422 => DeclineClass::Unsupported,
        status => return undecided(status).into(),
    };
    let code = Json::parse(&response.body).and_then(|body| body.word("errorCode"));
    let transient = response.header("transient-error") == Some("true");
    match code.as_deref() {
        None => Unknown::Unreadable.into(),
        Some("704") => Unknown::DuplicateReference.into(),
        Some(_) if transient => Unknown::PspUndecided.into(),
        Some(code) => Decline::new(class, code).into(),
    }
}

/// An amount as Adyen writes it, of a currency whose minor units are known to be the same.
pub(super) fn money(body: &Json) -> Option<Money> {
    let currency = body.currency("amount/currency")?;
    let minor = body.int("amount/value").filter(|minor| 0 <= *minor)?;
    CURRENCIES.contains(&currency).then_some(Money::new(minor, currency))
}

/// Whether an answer that names an amount or a reference names ours.
pub(super) fn is_about(body: &Json, reference_key: &str, (asked, attempt): Asked) -> bool {
    let same_money = body.get("amount").is_none() || money(body) == Some(asked);
    let reference = body.get(reference_key);
    let same_reference = reference.is_none() || body.str(reference_key) == Some(&attempt.lower());
    same_money && same_reference
}

/// The body of a good answer to a creation.
fn created(response: &HttpResponse, reference_key: &str, asked: Asked) -> Told<Json> {
    let body = good(response, &[200, 201], refused)?;
    must_match(is_about(&body, reference_key, asked))?;
    Ok(body)
}

/// An id that can be asked about.
pub(super) fn id<'a>(body: &'a Json, key: &str) -> Result<&'a str, Unknown> {
    body.str(key).and_then(path_id).ok_or(Unknown::Unreadable)
}

/// `{id, url, expiresAt}`: the payer is sent to the URL. The id is the link's and no payment's.
pub(super) fn link_created(response: &HttpResponse, asked: Asked, base_url: &str) -> Told {
    let body = created(response, "reference", asked)?;
    id(&body, "id")?;
    let page = redirect(body.str("url"), base_url)?;
    Ok(Report::new(None, Status::next(page, body.time("expiresAt"))))
}

/// The answer to a charge of a stored card.
pub(super) fn charged(response: &HttpResponse, asked: Asked, token: String) -> Told {
    let body = created(response, "merchantReference", asked)?;
    let id = id(&body, "pspReference")?;
    let status = match body.need_str("resultCode")? {
        // Without its amount it tells of no money: the webhook does.
        "Authorised" => money(&body).map_or(Status::ACCEPTED, |money| Status::Succeeded { money }),
        "Refused" => refusal(&body.word("refusalReasonCode").unwrap_or_default()),
        "Cancelled" => Status::Cancelled,
        // Adyen has it; its webhook tells the rest.
        "Pending" | "Received" => Status::ACCEPTED,
        "RedirectShopper" | "IdentifyShopper" | "ChallengeShopper" => {
            Status::declined(DeclineClass::PlayerFixable, "authentication_required")
        }
        "Error" => return Err(Unknown::PspUndecided.into()),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    let paid = matches!(status, Status::Succeeded { .. });
    let payer = paid.then(|| payer(&body, token));
    Ok(Report { payer, ..Report::new(id, status) })
}

/// Why a card was refused, by the codes of Adyen's page "Refusal reasons".
fn refusal(code: &str) -> Status {
    let class = match code {
        // Acquirer fraud, fraud, fraud cancelled, issuer suspected fraud.
        "14" | "20" | "22" | "31" => DeclineClass::Compliance,
        // Acquirer error, issuer unavailable.
        "4" | "9" => DeclineClass::PspFault,
        // Not supported, transaction not permitted.
        "10" | "23" => DeclineClass::Unsupported,
        // Withdrawal amount or count exceeded.
        "28" | "29" => DeclineClass::Limit,
        // Blocked, expired, invalid, restricted card.
        "5" | "6" | "8" | "25" => DeclineClass::AccountInvalid,
        _ => DeclineClass::PlayerFixable,
    };
    Status::declined(class, if code.is_empty() { "Refused" } else { code })
}

/// The card that was charged: our own token of it, and its last digits.
fn payer(body: &Json, token: String) -> PayerProof {
    let digits = body.str("additionalData/cardSummary");
    let digits = digits.filter(|text| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()));
    let masked = digits.map(|digits| format!("**** {digits}"));
    let funding = body.str("additionalData/fundingSource").and_then(funding);
    PayerProof { token: Some(token), masked, funding, ..PayerProof::default() }
}

/// `fundingSource`, where the merchant account is set up to tell it. What the issuer lends, however soon
/// it wants it back, is credit.
fn funding(word: &str) -> Option<CardFunding> {
    match word {
        "CREDIT" | "CHARGE" | "DEFERRED_DEBIT" => Some(CardFunding::Credit),
        "DEBIT" => Some(CardFunding::Debit),
        "PREPAID" => Some(CardFunding::Prepaid),
        _ => None,
    }
}

/// A refund's `{pspReference, status: received}`.
pub(super) fn refund_created(response: &HttpResponse, back: &ReturnRequest) -> Told {
    let body = created(response, "reference", (back.money, back.attempt))?;
    match (id(&body, "pspReference")?, body.str("status")) {
        (id, Some("received")) => Ok(Report::new(id, Status::ACCEPTED)),
        _ => Err(Unknown::Unreadable.into()),
    }
}
