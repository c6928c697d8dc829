//! CoinsPaid's callbacks: HMAC-SHA512 over the raw body, with our own public key in a header.
//!
//! The body is verified as it came and only then read: re-writing it would lose the zeros of numbers like
//! `0.10882300` and with them the signature. A callback covers reference, amount, currency and status, so
//! it may move money; the same one is sent again at will, and its id with its status is what stays.

use super::{CoinsPaid, mapping};
use crate::coins::Arrival;
use crate::prelude::*;

pub(super) fn verify(coinspaid: &CoinsPaid, raw: &RawWebhook<'_>) -> Received {
    raw.must_be_posted_to(&coinspaid.notify_url)?;
    if raw.one_header("x-processing-key") != Some(&coinspaid.api_key) {
        return Err(WebhookRefusal::Invalid("not for this account"));
    }
    let tag = hex::decode(raw.signature("x-processing-signature")?);
    let tag = tag.map_err(|_| WebhookRefusal::Invalid("no signature in hex"))?;
    let proof = coinspaid.keys.verify_sha512(raw.body, &tag).ok_or(UNVERIFIED)?;
    let event = event(coinspaid, &raw.json()?)
        .ok_or(WebhookRefusal::Malformed("a callback without id, type or status"))?;
    Ok(Verified::new(event.into(), proof))
}

fn event(coinspaid: &CoinsPaid, body: &Json) -> Option<WebhookEvent> {
    let (id, kind, status) = (body.word("id")?, body.str("type")?, body.str("status")?);
    let goes_out = kind.starts_with("withdrawal");
    let comes_in = kind.starts_with("deposit");
    let payin = if comes_in { payin(coinspaid, body, &id, status) } else { None };
    let said = if goes_out { mapping::withdrawal(coinspaid, body) } else { None };
    // Money that moved, and that we cannot read, is a reason to look.
    let unread = (comes_in && !payin.as_ref().is_some_and(|payin| payin.confirmed))
        || (goes_out && said.is_none());
    let event_id = format!("{id}:{status}");
    let event = WebhookEvent {
        attempt: body.attempt("foreign_id").filter(|_| goes_out),
        psp_reference: Some(id),
        subject: goes_out.then_some(Subject::Payout),
        payin,
        hint_only: status == "confirmed" && unread,
        ..WebhookEvent::new(event_id, format!("{kind}.{status}"))
    };
    Some(event.saying(said))
}

/// What arrived at a player's address: credited is what CoinsPaid received for us, before its own fee,
/// which is not the player's.
pub(super) fn payin(coinspaid: &CoinsPaid, body: &Json, id: &str, status: &str) -> Option<Payin> {
    let received = ("currency_received/currency", "currency_received/amount");
    let (money, exact) = mapping::side(coinspaid, body, received)?;
    let exchanged = body.str("currency_sent/currency").and_then(|currency| {
        let asset = coinspaid.coins.by_id(currency)?.asset;
        let amount = "currency_sent/amount";
        let amount = body.word(amount).or_else(|| body.number(amount))?;
        (asset != money.currency).then_some(AssetAmount { asset: asset.code().to_owned(), amount })
    });
    let address = body.get("crypto_address")?;
    // Ether may come to an address of dollars: what travelled is what was sent, and that is screened.
    let travelled = body.str("currency_sent/currency").or_else(|| address.str("currency"));
    let coin = coinspaid.coins.by_id(travelled?)?;
    let on_chain = |part: &&Json| part.str("transaction_type") == Some("blockchain");
    let on_chain = body.list("transactions").iter().find(on_chain);
    coin.payin(Arrival {
        id: id.to_owned(),
        amount: (money, exchanged.or(exact)),
        player_reference: address.word("foreign_id"),
        address: address.str("address"),
        tag: address.word("tag"),
        hash: on_chain.and_then(|part| part.str("txid")),
        blocks: on_chain.and_then(|part| part.word("confirmations")?.parse().ok()),
        is_final: status == "confirmed",
        payer: None,
    })
}
