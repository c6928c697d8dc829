//! CoinsPaid's answers in our words.

use super::Inner;
use super::wire::Sides;
use crate::coins::{Coin, cut};
use crate::json::Json;
use psp_contract::{
    AssetAmount, AttemptRef, Currency, Decline, DeclineClass, HttpResponse, Inquiry, Money,
    NextAction, Outcome, PayoutRequest, Report, Status, Unknown,
};

fn reported(id: Option<String>, status: Status) -> Outcome {
    let report = Report { psp_reference: id, status, payer: None, attempt: None };
    Outcome::Reported(report)
}

const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };

/// Whose doing a field's fault is, and whether another PSP may be asked.
fn field_fault(field: &str) -> (DeclineClass, bool) {
    match field {
        "amount" | "sender_amount" => (DeclineClass::Limit, true),
        "address" | "tag" => (DeclineClass::AccountInvalid, false),
        _ => (DeclineClass::Unsupported, true),
    }
}

/// What a refusal of a request means that could have moved money. Definite by `reference/psps.md` §3.9:
/// 400 with the fields at fault and 403 for our signature. But a foreign id at fault was used before.
fn refused(response: &HttpResponse) -> Outcome {
    let decline = |(class, retry_elsewhere), code: String| {
        let decline = Decline { class, code, retry_elsewhere, irreversible: false };
        reported(None, Status::Declined(decline))
    };
    let body = Json::parse(&response.body);
    let body = body.as_ref();
    match response.status {
        400 => match body.and_then(|body| body.get("errors")) {
            Some(errors) if errors.get("foreign_id").is_some() => {
                Outcome::Unknown(Unknown::DuplicateReference)
            }
            Some(Json::Object(fields)) if !fields.is_empty() => {
                let field = fields.keys().next().cloned().unwrap_or_default();
                decline(field_fault(&field), field)
            }
            _ => undecided(400, body),
        },
        403 => match body.and_then(|body| body.str("code")) {
            Some(code @ "bad_header_signature") => {
                decline((DeclineClass::Configuration, true), code.to_owned())
            }
            _ => undecided(403, body),
        },
        status => undecided(status, body),
    }
}

/// Answers that say nothing definite. What is no JSON comes from something in between.
fn undecided(status: u16, body: Option<&Json>) -> Outcome {
    Outcome::Unknown(match status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ if body.is_none() => Unknown::Unreadable,
        _ => Unknown::UnlistedCode,
    })
}

/// The `data` of an answer that accepts.
fn data(response: &HttpResponse) -> Result<Json, Box<Outcome>> {
    if !matches!(response.status, 200 | 201) {
        return Err(Box::new(refused(response)));
    }
    let body = Json::parse(&response.body);
    let data = body.as_ref().and_then(|body| body.get("data")).cloned();
    data.ok_or_else(|| Box::new(Outcome::Unknown(Unknown::Unreadable)))
}

/// `{id, currency, convert_to?, address, tag, foreign_id}`. What is not an address of the coin, with its
/// check sum, is shown to nobody.
pub(super) fn address_taken(
    response: &HttpResponse,
    coin: &Coin,
    sides: Sides,
    player_reference: &str,
    asset_amount: &str,
) -> Outcome {
    let data = match data(response) {
        Ok(data) => data,
        Err(outcome) => return *outcome,
    };
    let (Some(address), tag) = (data.str("address"), data.word("tag")) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    if !coin.accepts(address, tag.as_deref()) {
        return Outcome::Unknown(Unknown::Unreadable);
    }
    let same = data.str("currency") == Some(coin.id)
        && data.word("foreign_id").as_deref() == Some(player_reference)
        && data.str("convert_to") == sides.convert_to.map(Currency::code);
    if !same {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    let next_action = NextAction::CryptoTransfer {
        address: address.to_owned(),
        network: coin.network.to_owned(),
        asset: coin.asset.code().to_owned(),
        asset_amount: asset_amount.to_owned(),
        expires_at: None,
    };
    let status = Status::Accepted { next_action: Some(next_action), expires_at: None };
    reported(Some(address.to_owned()), status)
}

/// The amount of coins that a quote names. Only told to the payer, never computed with.
pub(super) fn quoted(response: &HttpResponse, coin: &Coin) -> Option<String> {
    let data = data(response).ok()?;
    let amount = text(&data, "sender_amount")?;
    let (money, _) = cut(&amount, coin.asset)?;
    (money.minor > 0 && data.str("sender_currency") == Some(coin.id)).then_some(amount)
}

/// An amount as CoinsPaid writes them: a text, and now and then a number.
fn text(data: &Json, key: &str) -> Option<String> {
    data.str(key).map(str::to_owned).or_else(|| data.number(key))
}

/// `{currency, amount}` in our words, with the exact text where our books are coarser.
pub(super) fn side(
    inner: &Inner,
    side: Option<&Json>,
    amount: &str,
) -> Option<(Money, Option<AssetAmount>)> {
    let (side, currency) = (side?, side?.str("currency")?);
    let amount = text(side, amount)?;
    match inner.coins.by_id(currency) {
        Some(coin) => coin.amount(&amount),
        None => {
            let fiat = currency.parse().ok().filter(|fiat| Some(*fiat) == inner.convert_to)?;
            Some((cut(&amount, fiat)?.0, None))
        }
    }
}

/// `{id, foreign_id, status, amount, sender_currency, …}`.
pub(super) fn withdrawal_created(
    inner: &Inner,
    response: &HttpResponse,
    payout: &PayoutRequest,
    sides: Sides,
) -> Outcome {
    let data = match data(response) {
        Ok(data) => data,
        Err(outcome) => return *outcome,
    };
    let (Some(id), Some(state)) = (data.word("id"), data.str("status")) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let sender = Json::object([
        ("currency", data.get("sender_currency").cloned().unwrap_or(Json::Null)),
        ("amount", data.get("sender_amount").cloned().unwrap_or(Json::Null)),
    ]);
    let same = side(inner, Some(&sender), "amount").map(|(money, _)| money) == Some(payout.money)
        && data.word("foreign_id").as_deref() == Some(&payout.attempt.lower())
        && data.str("receiver_currency").is_none_or(|coin| coin == sides.coin);
    if !same {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    match withdrawal_status(state, Some(payout.money), false) {
        Some(status) => reported(Some(id), status),
        None => Outcome::Unknown(Unknown::UnlistedCode),
    }
}

/// CryptoProcessing's page "Withdrawal statuses". `confirmed` is final; a withdrawal that a team member
/// declined, or that no balance covered, was never sent, as long as it has no transaction on a chain.
pub(super) fn withdrawal_status(
    state: &str,
    money: Option<Money>,
    on_chain: bool,
) -> Option<Status> {
    let (class, retry_elsewhere, before_chain) = match state {
        "processing" | "pending" | "verifying" | "not_confirmed" => return Some(ACCEPTED),
        "confirmed" => return money.map(|money| Status::Succeeded { money }),
        "declined" => (DeclineClass::PspFault, true, true),
        "failed" => (DeclineClass::MerchantFunds, true, true),
        "rejected" => (DeclineClass::Compliance, false, false),
        "cancelled" => (DeclineClass::PspFault, true, false),
        _ => return None,
    };
    Some(Status::Declined(Decline {
        class,
        code: state.to_owned(),
        retry_elsewhere,
        irreversible: before_chain && !on_chain,
    }))
}

/// Whether one of a transaction's parts is on a chain already.
pub(super) fn on_chain(transaction: &Json) -> bool {
    let parts = transaction.get("transactions").and_then(Json::items).unwrap_or_default();
    parts.iter().any(|part| part.word("txid").is_some())
}

/// The status of a withdrawal as `transactions/info` and callbacks tell it.
pub(super) fn withdrawal(inner: &Inner, transaction: &Json) -> Option<Status> {
    let sent = side(inner, transaction.get("currency_sent"), "amount").map(|(money, _)| money);
    let status = withdrawal_status(transaction.str("status")?, sent, on_chain(transaction))?;
    // Under way is nothing new.
    Some(if status == ACCEPTED { Status::Pending } else { status })
}

/// The answer of a question. A refused question says nothing about the payment, and only an answer that
/// speaks of the transaction by the field that was asked says that there is none.
pub(super) fn inquiry_answer(inner: &Inner, response: &HttpResponse, inquiry: &Inquiry) -> Outcome {
    let body = Json::parse(&response.body);
    match response.status {
        200 => {}
        404 if body.as_ref().is_some_and(|body| body.get("errors").is_some()) => {
            return Outcome::NotFound;
        }
        status => return undecided(status, body.as_ref()),
    }
    let Some(body) = body else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let (Some(id), Some(kind)) = (body.word("id"), body.str("type")) else {
        return Outcome::Unknown(Unknown::Unreadable);
    };
    let ours = body.word("foreign_id").as_deref().and_then(AttemptRef::parse);
    if !kind.starts_with("withdrawal") || ours != Some(inquiry.attempt) {
        return Outcome::Unknown(Unknown::Mismatch);
    }
    match withdrawal(inner, &body) {
        Some(status) => reported(Some(id), status),
        None => Outcome::Unknown(Unknown::UnlistedCode),
    }
}
