//! CoinsPaid's callbacks: HMAC-SHA512 over the raw body, with our own public key in a header.
//!
//! The body is verified as it came and only then read: re-writing it would lose the zeros of numbers like
//! `0.10882300` and with them the signature. A callback covers reference, amount, currency and status, so
//! it may move money; the same one is sent again at will, and its id with its status is what stays.

use super::{Inner, mapping};
use crate::json::Json;
use crate::webhook::{Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use psp_contract::{AssetAmount, AttemptRef, Payin, PayinTarget, Report, Subject};

const fn invalid<T>(why: &'static str) -> Result<T, WebhookRefusal> {
    Err(WebhookRefusal::Invalid(why))
}

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("callbacks are sent by POST"));
    }
    // The path is not signed. A proxy may have taken a prefix off it, and nothing else.
    if !inner.notify_url.ends_with(raw.path_and_query) {
        return Err(WebhookRefusal::Malformed("not the address that CoinsPaid was given"));
    }
    if raw.one_header("x-processing-key") != Some(&inner.api_key) {
        return invalid("not for this account");
    }
    let Some(signature) = raw.one_header("x-processing-signature") else {
        return invalid("not signed exactly once");
    };
    let Ok(tag) = hex::decode(signature) else {
        return invalid("no signature in hex");
    };
    let Some(proof) = inner.keys.verify_sha512(raw.body, &tag) else {
        return invalid("the signature does not verify");
    };
    let body = Json::parse(raw.body).ok_or(WebhookRefusal::Malformed("no strict JSON"))?;
    let event = event(inner, &body)
        .ok_or(WebhookRefusal::Malformed("a callback without id, type or status"))?;
    let batch = WebhookBatch { events: vec![event], fresh: false, echo: Echo::default() };
    Ok(Verified::new(batch, proof))
}

fn event(inner: &Inner, body: &Json) -> Option<WebhookEvent> {
    let (id, kind, status) = (body.word("id")?, body.str("type")?, body.str("status")?);
    let goes_out = kind.starts_with("withdrawal");
    let comes_in = kind.starts_with("deposit");
    let payin = if comes_in { payin(inner, body, &id, status) } else { None };
    let said = if goes_out { mapping::withdrawal(inner, body) } else { None };
    // Money that moved, and that we cannot read, is a reason to look.
    let final_word = status == "confirmed";
    let unread = (comes_in && !payin.as_ref().is_some_and(|payin| payin.confirmed))
        || (goes_out && said.is_none());
    let subject = if goes_out { Some(Subject::Payout) } else { None };
    let attempt = if goes_out {
        body.word("foreign_id").as_deref().and_then(AttemptRef::parse)
    } else {
        None
    };
    Some(WebhookEvent {
        event_id: format!("{id}:{status}"),
        kind: format!("{kind}.{status}"),
        attempt,
        psp_reference: Some(id.clone()),
        subject,
        report: said.map(|status| Report {
            psp_reference: Some(id),
            status,
            payer: None,
            attempt: None,
        }),
        if_deposit: None,
        payin,
        occurred_at: None,
        hint_only: final_word && unread,
    })
}

/// What arrived at a player's address: credited is what CoinsPaid received for us, before its own fee,
/// which is not the player's.
fn payin(inner: &Inner, body: &Json, id: &str, status: &str) -> Option<Payin> {
    let (money, exact) = mapping::side(inner, body.get("currency_received"), "amount")?;
    let address = body.get("crypto_address")?;
    let sent = body.get("currency_sent");
    let exchanged = sent.and_then(|sent| {
        let coin = inner.coins.by_id(sent.str("currency")?)?;
        let amount = sent.word("amount").or_else(|| sent.number("amount"))?;
        let asset = coin.asset.code().to_owned();
        (coin.asset != money.currency).then_some(AssetAmount { asset, amount })
    });
    let coin = inner.coins.by_id(address.str("currency")?)?;
    let target = match address.word("foreign_id") {
        Some(player_reference) => PayinTarget::PlayerReference(player_reference),
        None => PayinTarget::Address {
            network: coin.network.to_owned(),
            asset: coin.asset.code().to_owned(),
            address: address.str("address")?.to_owned(),
            tag: address.word("tag"),
        },
    };
    let deep_enough = confirmations(body).is_none_or(|blocks| blocks >= coin.confirmations_min);
    // Less than our books can hold is nothing to book.
    (money.minor > 0).then(|| Payin {
        target,
        psp_reference: id.to_owned(),
        money,
        asset: exchanged.or(exact),
        payer: None,
        confirmed: status == "confirmed" && deep_enough,
    })
}

/// How many blocks the chain's part has; none for transfers that never touched a chain.
fn confirmations(body: &Json) -> Option<u64> {
    let parts = body.get("transactions").and_then(Json::items)?;
    let on_chain = |part: &&Json| part.str("transaction_type") == Some("blockchain");
    parts.iter().find(on_chain)?.word("confirmations")?.parse().ok()
}
