//! Coins on chains: addresses that belong to a player for good, transfers of any amount that arrive at
//! them without having been asked for, and the blocks that confirm them.
//!
//! A transfer is booked `pending` when it is first seen and succeeds at the coin's number of
//! confirmations; a chain gives nothing back. `amount_minor` is what the books of the PSP's customer
//! hold, cut at their exponent; the chain's exact amount stays in the movement's `wire`.

mod address;
mod page;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};

use crate::book::{Book, Entry, Kind, Movement, Payer, Status};
use crate::psp::{Psp, Step};
use crate::scenario::{self, Completion, Outcome, PayinError};
use crate::{clock, ids, money, webhooks};

pub(crate) use address::Style;

/// Addresses by their text.
const ADDRESSES: &str = "address";
/// A player's address of one coin.
const OWNED: &str = "owned_address";
/// How long the first block takes for what a person sends.
const BLOCK_DELAY: Duration = Duration::from_millis(1_500);

/// A coin on one network, as a PSP names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coin {
    pub(crate) id: &'static str,
    pub(crate) asset: &'static str,
    pub(crate) network: &'static str,
    /// Of the chain's own unit; more than the books have for ETH.
    pub(crate) decimals: u32,
    pub(crate) confirmations: u32,
    pub(crate) style: Style,
    /// Of the link that a wallet opens, `bitcoin`.
    pub(crate) scheme: &'static str,
}

/// What a dialect knows of its chains.
pub(crate) trait Chain {
    fn coins(&self) -> &'static [Coin];

    /// The PSP's name for a new transfer.
    fn new_reference(&self) -> String;

    fn brand(&self) -> (&'static str, &'static str);

    /// One unit of the coin in a fiat currency, in millionths of its minor unit; for PSPs that convert.
    fn price(&self, _asset: &str, _fiat: &str) -> Option<u128> {
        None
    }
}

/// What somebody sends.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// An address, its player's reference, or a transfer that is still being confirmed.
    pub(crate) target: String,
    pub(crate) amount: String,
    /// The coin, where the address does not say.
    pub(crate) asset: Option<String>,
    pub(crate) payer: Option<Payer>,
    pub(crate) confirmations: Option<u32>,
}

/// The address of a player for a coin: made at the first question, the same for ever.
pub(crate) fn address_of(
    entry: &mut Entry<'_>,
    owner: &str,
    coin: &Coin,
    convert_to: Option<&str>,
    more: &Value,
) -> Value {
    let key = owned_key(owner, coin.id, convert_to);
    let known = entry.fact(OWNED, &key).and_then(Value::as_str).map(str::to_owned);
    if let Some(known) = known.and_then(|address| entry.fact(ADDRESSES, &address)) {
        return known.clone();
    }
    let address = coin.style.derive(&[&key]);
    let number: u64 = ids::derived_digits(&["address", &key], 9).parse().unwrap_or(1);
    let record = json!({
        "id": number, "address": address, "owner": owner, "coin": coin.id,
        "convert_to": convert_to, "more": more,
    });
    entry.put_fact(ADDRESSES, &address, record.clone());
    entry.put_fact(OWNED, &key, address.into());
    record
}

fn owned_key(owner: &str, coin: &str, convert_to: Option<&str>) -> String {
    format!("{owner} {coin} {}", convert_to.unwrap_or_default())
}

/// The record of an address.
pub(crate) fn find(book: &Book, address: &str) -> Option<Value> {
    book.fact(ADDRESSES, address)
}

/// The player's address of a coin, as far as one was given.
pub(crate) fn owned(book: &Book, owner: &str, coin: &str) -> Option<Value> {
    let address = book.fact(OWNED, &owned_key(owner, coin, None))?;
    find(book, address.as_str()?)
}

/// The last transfer to an address.
pub(crate) fn latest_at(book: &Book, address: &str) -> Option<Movement> {
    find(book, address)?;
    book.movements().into_iter().rev().find(|m| m.wire["address"]["address"] == address)
}

/// Amounts of a chain as text, exactly.
pub(crate) fn exact(text: &str, decimals: u32) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let width = usize::try_from(decimals).ok()?;
    let fits = !whole.is_empty() && fraction.len() <= width && digits(whole) && digits(fraction);
    if !fits || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    format!("{whole}{fraction:0<width$}").parse().ok()
}

/// Cuts an amount of `from` decimals to the books' minor units.
fn cut(amount: u128, from: u32, to: usize) -> Option<i64> {
    let shift = from.checked_sub(u32::try_from(to).ok()?)?;
    i64::try_from(amount / 10_u128.checked_pow(shift)?).ok()
}

/// Sends a transfer, or adds confirmations to one that was seen before.
pub(crate) fn send(
    psp: &Arc<Psp>,
    chain: &dyn Chain,
    transfer: &Transfer,
) -> Result<Movement, PayinError> {
    let seen = psp.book.find(&transfer.target).filter(|m| m.status == Status::Pending);
    if let (Some(seen), Some(confirmations)) = (seen, transfer.confirmations) {
        return confirm(psp, &seen, confirmations);
    }
    let movement = loop {
        let movement = arrival(&psp.book, chain, transfer)?;
        if announce(psp, &movement, |entry, movement| entry.add(movement)) {
            break movement;
        }
    };
    let needed = needed(&movement);
    let confirmations = transfer.confirmations.unwrap_or(needed);
    if confirmations >= needed { confirm(psp, &movement, confirmations) } else { Ok(movement) }
}

/// What a person sends: it is seen at once and confirmed by a block a moment later, or never.
fn send_by_hand(
    psp: &Arc<Psp>,
    chain: &dyn Chain,
    target: &str,
    amount: &str,
    then: Option<Outcome>,
) -> Result<Movement, PayinError> {
    let transfer = Transfer {
        target: target.to_owned(),
        amount: amount.to_owned(),
        asset: None,
        payer: None,
        confirmations: Some(0),
    };
    let movement = send(psp, chain, &transfer)?;
    if let Some(outcome) = then {
        let done = Completion::plain(outcome);
        scenario::later(psp, movement.reference.clone(), BLOCK_DELAY, done);
    }
    Ok(movement)
}

fn arrival(book: &Book, chain: &dyn Chain, transfer: &Transfer) -> Result<Movement, PayinError> {
    let asset = transfer.asset.as_deref();
    let owned_by = |coin: &Coin| owned(book, &transfer.target, coin.id);
    let wanted = |coin: &&Coin| asset.is_none_or(|asset| asset == coin.asset);
    let record = find(book, &transfer.target)
        .or_else(|| chain.coins().iter().filter(wanted).find_map(owned_by))
        .ok_or(PayinError::NoSuchAddress)?;
    let coin = chain.coins().iter().find(|coin| record["coin"] == coin.id);
    let coin = coin.ok_or(PayinError::NoSuchAddress)?;
    if !wanted(&coin) {
        return Err(PayinError::Currency);
    }
    let amount = exact(&transfer.amount, coin.decimals).ok_or(PayinError::Amount)?;
    let fiat = record["convert_to"].as_str();
    let (currency, amount_minor) = match fiat {
        None => (coin.asset, cut(amount, coin.decimals, money::decimals(coin.asset))),
        Some(fiat) => {
            let worth = chain.price(coin.asset, fiat).and_then(|price| price.checked_mul(amount));
            (fiat, worth.and_then(|worth| cut(worth, coin.decimals + 6, 0)))
        }
    };
    let now = clock::now();
    let reference = chain.new_reference();
    Ok(Movement {
        client_reference: record["owner"].as_str().unwrap_or_default().to_owned(),
        kind: Kind::Deposit,
        amount_minor: amount_minor.ok_or(PayinError::Amount)?,
        currency: currency.to_owned(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: transfer.payer.clone(),
        wire: json!({
            "address": record, "exact": transfer.amount, "confirmations": 0,
            "needed": coin.confirmations, "asset": coin.asset, "network": coin.network,
            "coin": coin.id, "txid": transaction_hash(coin, &reference),
            "from": coin.style.derive(&["sender", &reference]),
        }),
        reference,
    })
}

pub(crate) fn transaction_hash(coin: &Coin, reference: &str) -> String {
    let hash = hex::encode(openssl::sha::sha256(reference.as_bytes()));
    if coin.network == "ethereum" { format!("0x{hash}") } else { hash }
}

fn needed(movement: &Movement) -> u32 {
    movement.wire["needed"].as_u64().and_then(|needed| u32::try_from(needed).ok()).unwrap_or(1)
}

fn confirm(psp: &Arc<Psp>, movement: &Movement, count: u32) -> Result<Movement, PayinError> {
    let mut movement = movement.clone();
    movement.wire["confirmations"] = count.into();
    movement.changed_at = clock::now();
    if count >= needed(&movement) {
        psp.book.enter(|entry| entry.put(movement.clone()));
        let done = Completion::plain(Outcome::Succeeded);
        return Ok(scenario::complete(psp, &movement.reference, &done)?.0);
    }
    announce(psp, &movement, |entry, movement| {
        entry.put(movement.clone());
        true
    });
    Ok(movement)
}

/// Books that a transfer was seen, or that it has more confirmations, and tells it; unless it was not booked.
fn announce(
    psp: &Arc<Psp>,
    movement: &Movement,
    book: impl FnOnce(&mut Entry<'_>, &Movement) -> bool,
) -> bool {
    let step = Step { from: Status::Pending, to: Status::Pending };
    let notices = psp.dialect.notices(movement, step);
    let booked = psp.book.enter(|entry| {
        let booked = book(entry, movement);
        if booked {
            webhooks::keep(psp, entry, movement.kind, &notices);
        }
        booked
    });
    if booked {
        drop(webhooks::send(psp, movement.kind, notices));
    }
    booked
}

/// For [`crate::psp::Dialect::paid`]: what was seen is now deep enough, whoever said so.
pub(crate) fn paid(movement: &mut Movement) {
    let needed = needed(movement);
    if movement.wire["confirmations"].as_u64().unwrap_or(0) < u64::from(needed) {
        movement.wire["confirmations"] = needed.into();
    }
    let books = money::decimals(&movement.currency);
    let told = movement.text("exact").to_owned();
    let same = exact(&told, 18).and_then(|amount| cut(amount, 18, books));
    let converted = movement.wire["address"]["convert_to"].is_string();
    if !converted && same != Some(movement.amount_minor) {
        movement.wire["exact"] = money::format(movement.amount_minor, books).into();
    }
}

/// The page on which a person sends coins.
pub(crate) fn routes(psp: Arc<Psp>) -> Router {
    page::routes(psp)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::{cut, exact};

    #[test]
    fn amounts_below_the_books_are_cut() {
        let wei = exact("1.234567891234567891", 18).unwrap();
        assert_eq!(cut(wei, 18, 8), Some(123_456_789));
        assert_eq!(exact("0.1234567", 6), None);
        assert_eq!(exact("1.", 6), None);
        assert_eq!(exact("-1", 6), None);
    }
}
