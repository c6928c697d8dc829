//! Checkout's answers in our words, and what a refusal of either API means.

use super::CURRENCIES;
use crate::payer;
use crate::prelude::*;

/// What was asked for, to be found again in the answer.
type Asked = (Money, AttemptRef);

/// What a refusal of a request means that could have moved money. Definite by its documentation:
/// 401, 403 and 422 with an error code, but for 704, by which a key's first use is still being worked
/// on, and for errors that Adyen itself marks as passing.
pub(super) fn refused(response: &HttpResponse) -> Stop {
    let transient = response.header("transient-error") == Some("true");
    let code = |body: &Json| body.word("errorCode");
    refused_by_word(response, &[401, 403, 422], code, |status, code| match (status, code) {
        (_, "704") => Err(Unknown::DuplicateReference),
        _ if transient => Err(Unknown::PspUndecided),
        (422, _) => Ok(DeclineClass::Unsupported),
        _ => Ok(DeclineClass::Configuration),
    })
}

/// An amount as Adyen writes it, of a currency whose minor units are known to be the same.
pub(super) fn money(body: &Json) -> Option<Money> {
    let money = body.minor("amount/value", "amount/currency")?;
    CURRENCIES.contains(&money.currency).then_some(money)
}

/// Whether an answer that names an amount or a reference names ours.
pub(super) fn is_about(body: &Json, reference_key: &str, (asked, attempt): Asked) -> bool {
    let reference = body.get(reference_key);
    let same_reference = reference.is_none() || body.str(reference_key) == Some(&attempt.lower());
    same_reference && (body.get("amount").is_none() || money(body) == Some(asked))
}

/// The body of a good answer to a creation.
fn created(response: &HttpResponse, reference_key: &str, asked: Asked) -> Told<Json> {
    let body = good(response, &[200, 201], refused)?;
    must_match(is_about(&body, reference_key, asked))?;
    Ok(body)
}

/// `{id, url, expiresAt}`: the payer is sent to the URL. The id is the link's and no payment's.
pub(super) fn link_created(response: &HttpResponse, (asked, base): &(Asked, String)) -> Told {
    let body = created(response, "reference", *asked)?;
    need_id(&body, "id", path_id)?;
    let page = redirect(body.str("url"), base)?;
    Ok(Report::new(None, Status::next(page, body.time("expiresAt"))))
}

/// The answer to a charge of a stored card, with the base by whose scheme pages are judged and its token.
pub(super) fn charged(
    response: &HttpResponse,
    (asked, base, token): &(Asked, String, String),
) -> Told {
    let body = created(response, "merchantReference", *asked)?;
    let wants_payer = body.str("resultCode") == Some("RedirectShopper");
    if wants_payer && body.str("action/method") == Some("GET") {
        // The payment's own id comes with the payer's return, or by webhook.
        return Ok(Report::new(None, Status::next(redirect(body.str("action/url"), base)?, None)));
    }
    result(&body, Some(token.clone()))
}

/// The answer to what the payer brought back from the issuer's page.
///
/// That came through the payer's own hands: it may be rubbish, or of another payment. So an answer that
/// does not name ours says nothing about it, and a request that is refused refuses what was brought, not
/// the payment.
pub(super) fn details_told(response: &HttpResponse, asked: &Asked) -> Told {
    let body = good(response, &[200], |refused| undecided(refused.status).into())?;
    body.need_str("merchantReference")?;
    must_match(is_about(&body, "merchantReference", *asked))?;
    // The token that was charged is forgotten here by now; the answer names it.
    result(&body, body.word("additionalData/tokenization.storedPaymentMethodId"))
}

/// What became of a charge, and whose card it was once it has paid: by its token, with its funding where the
/// merchant account is set up to tell it.
fn result(body: &Json, token: Option<String>) -> Told {
    let id = need_id(body, "pspReference", path_id);
    let status = match body.need_str("resultCode")? {
        // Without its amount it tells of no money: the webhook does.
        "Authorised" => money(body).map_or(Status::ACCEPTED, |money| Status::Succeeded { money }),
        "Refused" => refusal(&body.word("refusalReasonCode").unwrap_or_default()),
        "Cancelled" => Status::Cancelled,
        // Adyen has it; its webhook tells the rest.
        "Pending" | "Received" => Status::ACCEPTED,
        // A form to be posted, or a component that only a page of the casino's own could run: nobody can be
        // told an address, so it can never take place. It may have no id yet either.
        "RedirectShopper" | "IdentifyShopper" | "ChallengeShopper" => {
            let why = Status::declined(DeclineClass::PlayerFixable, "authentication_required");
            return Ok(Report::new(id.ok(), why));
        }
        "Error" => return Err(Unknown::PspUndecided.into()),
        _ => return Err(Unknown::UnlistedCode.into()),
    };
    let told = |key| body.get("additionalData").and_then(|more| more.str(key));
    let card = || payer::card(token, told("cardSummary"), told("fundingSource"));
    let payer = matches!(status, Status::Succeeded { .. }).then(card);
    Ok(Report { payer, ..Report::new(id?, status) })
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

/// A refund's `{pspReference, status: received}`.
pub(super) fn refund_created(response: &HttpResponse, back: &ReturnRequest) -> Told {
    let body = created(response, "reference", (back.money, back.attempt))?;
    let id = need_id(&body, "pspReference", path_id)?;
    let received = body.str("status") == Some("received");
    received.then(|| Report::new(id, Status::ACCEPTED)).ok_or(Unknown::Unreadable.into())
}
