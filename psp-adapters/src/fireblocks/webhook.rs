//! Fireblocks' webhooks: a transaction in an envelope, signed over the raw body.
//!
//! Version 2 has an id of its own and is signed by a detached JWS, RS512, whose key is published; the older
//! `Fireblocks-Signature` is base64 of RSA with SHA-512 by one key of the environment, and version 1 has no
//! id: there the body's hash stands for it. The keys are the same for every customer of Fireblocks, so an
//! event of another workspace is nobody's word about our money.

use super::{Fireblocks, Webhooks, mapping};
use crate::coins::{Arrival, masked};
use crate::prelude::*;
use crate::signature::DetachedJws;

/// The signature's parts, once its header is of the one kind that we accept.
pub(super) fn signature<'a>(raw: &RawWebhook<'a>) -> Result<DetachedJws<'a>, WebhookRefusal> {
    let jws = DetachedJws::received(raw, "fireblocks-webhook-signature", "RS512")?;
    // RFC 7797: then the payload would not be encoded, and other bytes would be signed.
    if jws.header.get("b64").is_some() {
        return Err(WebhookRefusal::Invalid("a payload that is signed otherwise"));
    }
    Ok(jws)
}

pub(super) fn verify(
    fireblocks: &Fireblocks,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
) -> Received {
    raw.must_be_posted_to(&fireblocks.notify_url)?;
    let proof = match &fireblocks.webhooks {
        Webhooks::Published { .. } => {
            let jws = signature(raw)?;
            keys.verify_rs512(&jws.key_id()?, &jws, raw.body)
        }
        Webhooks::Agreed(keys) => {
            keys.verify_sha512(raw.body, raw.signature("fireblocks-signature")?)
        }
    };
    let (proof, body) = (proof.ok_or(UNVERIFIED)?, raw.json()?);
    let workspace = body.str("workspaceId").or_else(|| body.str("tenantId"));
    if workspace != Some(&fireblocks.workspace_id) {
        return Err(WebhookRefusal::Invalid("an event of another workspace"));
    }
    let event = event(fireblocks, &body, raw.body)
        .ok_or(WebhookRefusal::Malformed("an event without a type"))?;
    Ok(Verified::new(event.into(), proof))
}

fn event(fireblocks: &Fireblocks, body: &Json, raw: &[u8]) -> Option<WebhookEvent> {
    let kind = body.str("eventType").or_else(|| body.str("type"))?;
    let event_id = body.word("id").unwrap_or_else(|| hex::encode(sha256(raw)));
    let transaction = body.get("data").filter(|_| is_about_a_transaction(kind));
    let said = transaction.map_or_else(Said::default, |it| said(fireblocks, it));
    let event = WebhookEvent {
        attempt: said.attempt,
        psp_reference: transaction.and_then(|it| it.word("id")),
        subject: said.attempt.map(|_| Subject::Payout),
        payin: said.payin,
        occurred_at: transaction.and_then(|it| from_millis(it.int("lastUpdated")?)),
        hint_only: said.unread,
        ..WebhookEvent::new(event_id, kind)
    };
    Some(event.saying(said.status))
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

/// What arrived for a player, where a transaction is about that.
pub(super) fn arrived(fireblocks: &Fireblocks, transaction: &Json) -> Option<Payin> {
    said(fireblocks, transaction).payin
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

fn said(fireblocks: &Fireblocks, transaction: &Json) -> Said {
    let end = |name: &str| {
        let text = |key: &str| transaction.word(&format!("{name}/{key}"));
        (text("type").unwrap_or_default(), text("id"), text("name"))
    };
    let (from, from_id, _) = end("source");
    let (to, to_id, to_name) = end("destination");
    let is_own = |id: &Option<String>| id.as_deref() == Some(&fireblocks.source_vault_id);
    let external = transaction.attempt("externalTxId");
    if from == "VAULT_ACCOUNT" {
        // From one of our vault accounts to another is housekeeping.
        let Some(attempt) = external.filter(|_| is_own(&from_id) && to != "VAULT_ACCOUNT") else {
            return Said::default();
        };
        let status = mapping::payout_status(fireblocks, transaction);
        return Said { attempt: Some(attempt), unread: status.is_none(), status, payin: None };
    }
    let is_transfer = transaction.str("operation").is_none_or(|it| it == "TRANSFER");
    if is_ours(&from) || to != "VAULT_ACCOUNT" || is_own(&to_id) || !is_transfer {
        return Said::default();
    }
    let payin = payin(fireblocks, transaction, to_name);
    let read = payin.as_ref().is_some_and(|payin| payin.confirmed) && is_others(&from);
    Said { payin, unread: !read && mapping::may_have_arrived(transaction), ..Said::default() }
}

/// What fills gas tanks, and what we move from accounts of ours elsewhere, is nobody's deposit.
fn is_ours(source: &str) -> bool {
    matches!(
        source,
        "INTERNAL_WALLET" | "EXCHANGE_ACCOUNT" | "FIAT_ACCOUNT" | "GAS_STATION" | "COMPOUND"
    )
}

/// Sources that are others'. What comes from a kind that is on neither list is for people to look at.
fn is_others(source: &str) -> bool {
    matches!(
        source,
        "UNKNOWN"
            | "EXTERNAL_WALLET"
            | "UNMANAGED_WALLET"
            | "CONTRACT"
            | "PROGRAM_CALL"
            | "NETWORK_CONNECTION"
            | "ONE_TIME_ADDRESS"
            | "END_USER_WALLET"
            | "MULTI_DESTINATION"
            | "OEC_PARTNER"
    )
}

/// What arrived in a player's vault account: the net amount is what we have now.
fn payin(fireblocks: &Fireblocks, transaction: &Json, vault_name: Option<String>) -> Option<Payin> {
    let coin = fireblocks.coins.by_id(transaction.str("assetId")?)?;
    let read = |name| mapping::money(fireblocks, transaction, name);
    // Shown, but no way back: what came from an exchange came from an address that is not the payer's.
    let shown = transaction.str("sourceAddress").and_then(masked);
    coin.payin(Arrival {
        id: transaction.word("id")?,
        amount: read("netAmount").or_else(|| read("amount"))?,
        player_reference: vault_name,
        address: transaction.str("destinationAddress"),
        tag: transaction.given("destinationTag").map(str::to_owned),
        hash: transaction.str("txHash"),
        blocks: transaction.int("numOfConfirmations").and_then(|it| u64::try_from(it).ok()),
        is_final: mapping::is_complete(transaction),
        payer: shown.map(|masked| PayerProof { masked: Some(masked), ..PayerProof::default() }),
    })
}
