//! CoinsPaid's answers in our words.

use super::CoinsPaid;
use super::webhook::payin;
use super::wire::Sides;
use crate::coins::{Coin, cut, report_of};
use crate::prelude::*;

/// Whose doing a field's fault is.
fn field_fault(field: &str) -> DeclineClass {
    match field {
        "amount" | "sender_amount" => DeclineClass::Limit,
        "address" | "tag" => DeclineClass::AccountInvalid,
        _ => DeclineClass::Unsupported,
    }
}

/// What a refusal of a request means that could have moved money. Definite by its documentation:
/// 400 with the fields at fault and 403 for our signature. But a foreign id at fault was used before.
fn refused(response: &HttpResponse) -> Stop {
    let Some(body) = Json::parse(&response.body) else {
        return nothing(response.status, false).into();
    };
    match (response.status, body.get("errors"), body.str("code")) {
        (400, Some(errors), _) if errors.get("foreign_id").is_some() => {
            Unknown::DuplicateReference.into()
        }
        (400, Some(Json::Object(fields)), _) if !fields.is_empty() => {
            let field = fields.keys().next().map_or("", String::as_str);
            decline(field_fault(field), field).into()
        }
        (403, _, Some(code @ "bad_header_signature")) => {
            decline(DeclineClass::Configuration, code).into()
        }
        (status, ..) => nothing(status, true).into(),
    }
}

/// Answers that say nothing definite. What is no JSON comes from something in between.
fn nothing(status: u16, is_json: bool) -> Unknown {
    match undecided(status) {
        Unknown::UnlistedCode if !is_json => Unknown::Unreadable,
        why => why,
    }
}

/// The `data` of an answer that accepts.
fn data(response: &HttpResponse) -> Told<Json> {
    Ok(good(response, &[200, 201], refused)?.need("data")?.clone())
}

/// `{id, currency, convert_to?, address, tag, foreign_id}`.
pub(super) fn address_taken(
    response: &HttpResponse,
    coin: &Coin,
    sides: Sides,
    player_reference: &str,
    asset_amount: String,
) -> Told {
    let data = data(response)?;
    let (address, tag) = (data.need_str("address")?, data.word("tag"));
    let next = coin.transfer_to(address, tag.as_deref(), asset_amount)?;
    must_match(
        data.str("currency") == Some(coin.id)
            && data.word("foreign_id").as_deref() == Some(player_reference)
            // Its newer pages repeat no conversion; another one is none of ours.
            && data.str("convert_to").is_none_or(|told| {
                sides.convert_to.map(Currency::code) == Some(told)
            }),
    )?;
    Ok(Report::new(address, Status::next(next, None)))
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

/// A currency and an amount in our words, with the exact text where our books are coarser.
pub(super) fn side(
    coinspaid: &CoinsPaid,
    told: &Json,
    (currency, amount): (&str, &str),
) -> Option<(Money, Option<AssetAmount>)> {
    let (currency, amount) = (told.str(currency)?, text(told, amount)?);
    match coinspaid.coins.by_id(currency) {
        Some(coin) => coin.amount(&amount),
        None => {
            let fiat = currency.parse().ok().filter(|fiat| Some(*fiat) == coinspaid.convert_to)?;
            Some((cut(&amount, fiat)?.0, None))
        }
    }
}

/// `{id, foreign_id, status, amount, sender_currency, …}`.
pub(super) fn withdrawal_created(
    coinspaid: &CoinsPaid,
    response: &HttpResponse,
    payout: &PayoutRequest,
    sides: Sides,
) -> Told {
    let data = data(response)?;
    let (id, state) = (data.need_word("id")?, data.need_str("status")?);
    let sent = side(coinspaid, &data, ("sender_currency", "sender_amount"));
    must_match(
        sent.map(|(money, _)| money) == Some(payout.money)
            && data.word("foreign_id").as_deref() == Some(&payout.attempt.lower())
            && data.str("receiver_currency").is_none_or(|coin| coin == sides.coin),
    )?;
    let status = match withdrawal_status(state, Some(payout.money), false) {
        // It was taken, and may have been sent: the inquiry tells what became of it.
        Some(Status::Declined(decline)) if !decline.irreversible => Status::ACCEPTED,
        status => status.ok_or(Unknown::UnlistedCode)?,
    };
    Ok(Report::new(&*id, status))
}

/// CryptoProcessing's page "Withdrawal statuses". `confirmed` is final; a withdrawal that a team member
/// declined, or that no balance covered, was never sent, as long as it has no transaction on a chain.
pub(super) fn withdrawal_status(
    state: &str,
    money: Option<Money>,
    on_chain: bool,
) -> Option<Status> {
    let (class, before_chain) = match state {
        "processing" | "pending" | "verifying" | "not_confirmed" => return Some(Status::ACCEPTED),
        "confirmed" => return money.map(|money| Status::Succeeded { money }),
        "declined" => (DeclineClass::PspFault, true),
        "failed" => (DeclineClass::MerchantFunds, true),
        "rejected" => (DeclineClass::Compliance, false),
        "cancelled" => (DeclineClass::PspFault, false),
        _ => return None,
    };
    let irreversible = before_chain && !on_chain;
    Some(Status::Declined(Decline { irreversible, ..Decline::new(class, state) }))
}

/// What was sent. Newer callbacks of a withdrawal without exchange tell it by its transactions alone.
fn sent(coinspaid: &CoinsPaid, transaction: &Json) -> Option<Money> {
    let side = |part, of| Some(side(coinspaid, part, of)?.0);
    let told = transaction.get("currency_sent").is_some();
    if told || transaction.str("type") != Some("withdrawal") {
        return side(transaction, ("currency_sent/currency", "currency_sent/amount"));
    }
    let moves = |part: &&Json| {
        let of = part.str("transaction_type");
        part.str("type") == Some("withdrawal") && matches!(of, Some("blockchain" | "internal"))
    };
    let mut parts = transaction.list("transactions").iter().filter(moves);
    let first = side(parts.next()?, ("currency", "amount"))?;
    parts.try_fold(first, |sum, part| sum.checked_add(side(part, ("currency", "amount"))?))
}

/// The status of a withdrawal as `transactions/info` and callbacks tell it.
pub(super) fn withdrawal(coinspaid: &CoinsPaid, transaction: &Json) -> Option<Status> {
    let mut parts = transaction.list("transactions").iter();
    let on_chain = parts.any(|part| part.word("txid").is_some());
    let money = sent(coinspaid, transaction);
    let status = withdrawal_status(transaction.str("status")?, money, on_chain)?;
    // Under way is nothing new.
    Some(if status == Status::ACCEPTED { Status::Pending } else { status })
}

/// The answer of a question. A refused question says nothing about the payment, and only an answer that
/// speaks of the transaction by the field that was asked says that there is none.
fn told(response: &HttpResponse) -> Told<Json> {
    good(response, &[200], |response| match (response.status, json(response)) {
        (404, Ok(body)) if body.get("errors").is_some() => Outcome::NotFound.into(),
        (status, body) => nothing(status, body.is_ok()).into(),
    })
}

pub(super) fn inquiry_answer(
    coinspaid: &CoinsPaid,
    response: &HttpResponse,
    inquiry: &Inquiry,
) -> Told {
    let body = told(response)?;
    let (id, kind) = (body.need_word("id")?, body.need_str("type")?);
    let ours = body.attempt("foreign_id") == Some(inquiry.attempt);
    must_match(kind.starts_with("withdrawal") && ours)?;
    let status = withdrawal(coinspaid, &body).ok_or(Unknown::UnlistedCode)?;
    Ok(Report::new(&*id, status))
}

/// A deposit is told as its callback tells it.
pub(super) fn arrival(coinspaid: &CoinsPaid, response: &HttpResponse, lookup: &Lookup) -> Told {
    let body = told(response)?;
    let (id, state) = (body.need_word("id")?, body.need_str("status")?);
    must_match(body.need_str("type")?.starts_with("deposit") && id == lookup.psp_reference)?;
    let payin = payin(coinspaid, &body, &id, state).ok_or(Unknown::Unreadable)?;
    Ok(report_of(&payin))
}
