//! Checkout's answers in our words, and what a refusal of either API means.

use super::CURRENCIES;
use crate::common::{ACCEPTED, MISMATCH, UNREADABLE, declined, path_id, reported, undecided};
use crate::json::Json;
use psp_contract::{
    AttemptRef, DeclineClass, HttpResponse, Money, NextAction, Outcome, PayerProof, Report, Status,
    Timestamp, Unknown,
};
use time::format_description::well_known::Rfc3339;

/// What was asked for, to be found again in the answer.
pub(super) type Asked = (Money, AttemptRef);

/// What a refusal of a request means that could have moved money. Definite by `reference/psps.md` §3.4:
/// 401, 403 and 422 with an error code, but for 704, by which a key's first use is still being worked
/// on, and for errors that Adyen itself marks as passing.
pub(super) fn refused(response: &HttpResponse) -> Outcome {
    if !matches!(response.status, 401 | 403 | 422) {
        return Outcome::Unknown(undecided(response.status));
    }
    let code = Json::parse(&response.body).and_then(|body| body.word("errorCode"));
    let transient = response.header("transient-error") == Some("true");
    match code.as_deref() {
        None => UNREADABLE,
        Some("704") => Outcome::Unknown(Unknown::DuplicateReference),
        Some(_) if transient => Outcome::Unknown(Unknown::PspUndecided),
        Some(code) => {
            let class = match response.status {
                422 => DeclineClass::Unsupported,
                _ => DeclineClass::Configuration,
            };
            reported(None, declined(class, code))
        }
    }
}

/// An amount as Adyen writes it, of a currency whose minor units are known to be the same.
pub(super) fn money(body: &Json) -> Option<Money> {
    let amount = body.get("amount")?;
    let currency = amount.str("currency")?.parse().ok()?;
    let minor = amount.int("value").filter(|minor| 0 <= *minor)?;
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
fn created(
    response: &HttpResponse,
    reference_key: &str,
    asked: Asked,
) -> Result<Json, Box<Outcome>> {
    if !matches!(response.status, 200 | 201) {
        return Err(Box::new(refused(response)));
    }
    let body = Json::parse(&response.body).ok_or(UNREADABLE)?;
    if !is_about(&body, reference_key, asked) {
        return Err(Box::new(MISMATCH));
    }
    Ok(body)
}

/// `{id, url, expiresAt}`: the payer is sent to the URL. The id is the link's and no payment's.
pub(super) fn link_created(response: &HttpResponse, asked: Asked, plain_http: bool) -> Outcome {
    let body = match created(response, "reference", asked) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let page = |url: &&str| {
        let scheme = url::Url::parse(url).map(|url| url.scheme().to_owned());
        scheme.is_ok_and(|scheme| scheme == "https" || (plain_http && scheme == "http"))
    };
    let (Some(_), Some(url)) = (body.str("id").and_then(path_id), body.str("url").filter(page))
    else {
        return UNREADABLE;
    };
    let expires_at = body.str("expiresAt").and_then(|at| Timestamp::parse(at, &Rfc3339).ok());
    let next_action = Some(NextAction::Redirect { url: url.to_owned() });
    reported(None, Status::Accepted { next_action, expires_at })
}

/// The answer to a charge of a stored card.
pub(super) fn charged(response: &HttpResponse, asked: Asked, token: &str) -> Outcome {
    let body = match created(response, "merchantReference", asked) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    let (Some(id), Some(result)) =
        (body.str("pspReference").and_then(path_id), body.str("resultCode"))
    else {
        return UNREADABLE;
    };
    let status = match result {
        "Authorised" => {
            let (money, _) = asked;
            let payer = Some(payer(&body, token));
            return Outcome::Reported(Report {
                psp_reference: Some(id.to_owned()),
                status: Status::Succeeded { money },
                payer,
                attempt: None,
            });
        }
        "Refused" => refusal(&body.word("refusalReasonCode").unwrap_or_default()),
        "Cancelled" => Status::Cancelled,
        // Adyen has it; its webhook tells the rest.
        "Pending" | "Received" => ACCEPTED,
        "RedirectShopper" | "IdentifyShopper" | "ChallengeShopper" => {
            declined(DeclineClass::PlayerFixable, "authentication_required")
        }
        "Error" => return Outcome::Unknown(Unknown::PspUndecided),
        _ => return Outcome::Unknown(Unknown::UnlistedCode),
    };
    reported(Some(id), status)
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
    declined(class, if code.is_empty() { "Refused" } else { code })
}

/// The card that was charged: our own token of it, and its last digits.
fn payer(body: &Json, token: &str) -> PayerProof {
    let digits = body.get("additionalData").and_then(|data| data.str("cardSummary"));
    let digits = digits.filter(|text| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()));
    PayerProof {
        token: Some(token.to_owned()),
        masked: digits.map(|digits| format!("**** {digits}")),
        ..PayerProof::default()
    }
}

/// A refund's `{pspReference, status: received}`.
pub(super) fn refund_created(response: &HttpResponse, asked: Asked) -> Outcome {
    let body = match created(response, "reference", asked) {
        Ok(body) => body,
        Err(outcome) => return *outcome,
    };
    match (body.str("pspReference").and_then(path_id), body.str("status")) {
        (Some(id), Some("received")) => reported(Some(id), ACCEPTED),
        _ => UNREADABLE,
    }
}
