//! Fireblocks' webhooks: a transaction in an envelope, signed over the raw body.
//!
//! Version 2 has an id of its own and is signed by a detached JWS, RS512, whose key is published; the older
//! `Fireblocks-Signature` is base64 of RSA with SHA-512 by one key of the environment, and version 1 has no
//! id: there the body's hash stands for it. The keys are the same for every customer of Fireblocks, so an
//! event of another workspace is nobody's word about our money.

use super::{Inner, Webhooks, mapping};
use crate::coins::masked;
use crate::json::Json;
use crate::signature::{DetachedJws, Proof, WebhookKeys, sha256};
use crate::webhook::{Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use psp_contract::{
    AttemptRef, PayerProof, Payin, PayinTarget, Report, Status, Subject, Timestamp,
};

const fn invalid<T>(why: &'static str) -> Result<T, WebhookRefusal> {
    Err(WebhookRefusal::Invalid(why))
}

/// The signature's parts, once its header is of the one kind that we accept.
fn signature<'a>(raw: &RawWebhook<'a>) -> Result<DetachedJws<'a>, WebhookRefusal> {
    let Some(text) = raw.one_header("fireblocks-webhook-signature") else {
        return invalid("not signed exactly once");
    };
    let Some(jws) = DetachedJws::parse(text) else {
        return invalid("no detached JWS");
    };
    if jws.header.str("alg") != Some("RS512") || jws.header.get("crit").is_some() {
        return invalid("not RS512");
    }
    // RFC 7797: then the payload would not be encoded, and other bytes would be signed.
    if jws.header.get("b64").is_some() {
        return invalid("a payload that is signed otherwise");
    }
    Ok(jws)
}

pub(super) fn key_id(raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
    match signature(raw)?.header.str("kid") {
        Some(kid) if !kid.is_empty() => Ok(kid.to_owned()),
        _ => invalid("no key id"),
    }
}

fn proof(inner: &Inner, raw: &RawWebhook<'_>, keys: &WebhookKeys) -> Result<Proof, WebhookRefusal> {
    let proof = match &inner.webhooks {
        Webhooks::Published { .. } => {
            let jws = signature(raw)?;
            keys.verify_rs512(&key_id(raw)?, &jws, raw.body)
        }
        Webhooks::Agreed(keys) => match raw.one_header("fireblocks-signature") {
            Some(signature) => keys.verify_sha512(raw.body, signature),
            None => return invalid("not signed exactly once"),
        },
    };
    proof.ok_or(WebhookRefusal::Invalid("the signature does not verify"))
}

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("webhooks are sent by POST"));
    }
    // The path is not signed. A proxy may have taken a prefix off it, and nothing else.
    if !inner.notify_url.ends_with(raw.path_and_query) {
        return Err(WebhookRefusal::Malformed("not the address that Fireblocks was given"));
    }
    let proof = proof(inner, raw, keys)?;
    let body = Json::parse(raw.body).ok_or(WebhookRefusal::Malformed("no strict JSON"))?;
    let workspace = body.str("workspaceId").or_else(|| body.str("tenantId"));
    if workspace != Some(&inner.workspace_id) {
        return invalid("an event of another workspace");
    }
    let event = event(inner, &body, raw.body)
        .ok_or(WebhookRefusal::Malformed("an event without a type"))?;
    let batch = WebhookBatch { events: vec![event], fresh: false, echo: Echo::default() };
    Ok(Verified::new(batch, proof))
}

fn event(inner: &Inner, body: &Json, raw: &[u8]) -> Option<WebhookEvent> {
    let kind = body.str("eventType").or_else(|| body.str("type"))?;
    let event_id = body.word("id").unwrap_or_else(|| hex::encode(sha256(raw)));
    let transaction = body.get("data").filter(|_| is_about_a_transaction(kind));
    let said = transaction.map_or_else(Said::default, |it| said(inner, it));
    let id = transaction.and_then(|it| it.word("id"));
    let updated_ms = transaction.and_then(|it| it.int("lastUpdated"));
    Some(WebhookEvent {
        event_id,
        kind: kind.to_owned(),
        attempt: said.attempt,
        psp_reference: id.clone(),
        subject: said.attempt.map(|_| Subject::Payout),
        report: said.status.map(|status| Report {
            psp_reference: id,
            status,
            payer: None,
            attempt: None,
        }),
        if_deposit: None,
        payin: said.payin,
        occurred_at: updated_ms
            .and_then(|ms| Timestamp::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()),
        hint_only: said.unread,
    })
}

fn is_about_a_transaction(kind: &str) -> bool {
    matches!(
        kind,
        "transaction.created"
            | "transaction.status.updated"
            | "TRANSACTION_CREATED"
            | "TRANSACTION_STATUS_UPDATED"
    )
}

/// What a transaction says, by the way it goes.
#[derive(Default)]
struct Said {
    attempt: Option<AttemptRef>,
    status: Option<Status>,
    payin: Option<Payin>,
    /// It is over, and we cannot read what came of it: people or an inquiry must.
    unread: bool,
}

fn said(inner: &Inner, transaction: &Json) -> Said {
    let end = |name: &str| {
        let peer = transaction.get(name);
        let text = |key: &str| peer.and_then(|peer| peer.word(key));
        (text("type").unwrap_or_default(), text("id"), text("name"))
    };
    let (from, from_id, _) = end("source");
    let (to, to_id, to_name) = end("destination");
    let is_own = |id: &Option<String>| id.as_deref() == Some(&inner.source_vault_id);
    let external = transaction.str("externalTxId").and_then(AttemptRef::parse);
    if from == "VAULT_ACCOUNT" {
        // From one of our vault accounts to another is housekeeping.
        let Some(attempt) = external.filter(|_| is_own(&from_id) && to != "VAULT_ACCOUNT") else {
            return Said::default();
        };
        let status = mapping::payout_status(inner, transaction);
        return Said { attempt: Some(attempt), unread: status.is_none(), status, payin: None };
    }
    // What fills gas tanks, and what we move from accounts of ours elsewhere, is nobody's deposit.
    let from_outside = matches!(
        from.as_str(),
        "UNKNOWN"
            | "EXTERNAL_WALLET"
            | "NETWORK_CONNECTION"
            | "ONE_TIME_ADDRESS"
            | "END_USER_WALLET"
    );
    let is_transfer = transaction.str("operation").is_none_or(|it| it == "TRANSFER");
    if !from_outside || to != "VAULT_ACCOUNT" || is_own(&to_id) || !is_transfer {
        return Said::default();
    }
    let payin = payin(inner, transaction, to_name);
    let is_over = transaction.str("status") == Some("COMPLETED");
    let unread = is_over && !payin.as_ref().is_some_and(|payin| payin.confirmed);
    Said { payin, unread, ..Said::default() }
}

/// What arrived in a player's vault account: the net amount is what we have now.
fn payin(inner: &Inner, transaction: &Json, vault_name: Option<String>) -> Option<Payin> {
    let coin = inner.coins.by_id(transaction.str("assetId")?)?;
    let read = |name| mapping::money(inner, transaction, name);
    let (money, exact) = read("netAmount").or_else(|| read("amount"))?;
    let target = match vault_name {
        Some(player_reference) => PayinTarget::PlayerReference(player_reference),
        None => PayinTarget::Address {
            network: coin.network.to_owned(),
            asset: coin.asset.code().to_owned(),
            address: transaction.str("destinationAddress")?.to_owned(),
            tag: transaction.str("destinationTag").filter(|tag| !tag.is_empty()).map(str::to_owned),
        },
    };
    let blocks = transaction.int("numOfConfirmations").and_then(|it| u64::try_from(it).ok());
    let deep_enough = blocks.is_none_or(|blocks| blocks >= coin.confirmations_min);
    // Shown, but no way back: what came from an exchange came from an address that is not the payer's.
    let payer = transaction
        .str("sourceAddress")
        .and_then(masked)
        .map(|masked| PayerProof { masked: Some(masked), ..PayerProof::default() });
    // Less than our books can hold is nothing to book.
    (money.minor > 0).then_some(Payin {
        target,
        psp_reference: transaction.word("id")?,
        money,
        asset: exact,
        payer,
        confirmed: mapping::is_complete(transaction) && deep_enough,
    })
}
