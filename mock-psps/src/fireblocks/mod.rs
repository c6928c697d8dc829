//! Fireblocks API v1: vault accounts with permanent addresses, transactions, signed webhooks.
//!
//! Reading order: `jwt` (each request carries a signed token over its own bytes), `api` (the door and
//! idempotency keys), `vaults` (who has which address), `transactions` (what is paid out), `view`
//! (transactions as the API shows them), `events` (webhooks, version 2).

mod api;
mod events;
mod jwt;
mod transactions;
mod vaults;
mod view;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::pkey::{PKey, Private, Public};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Status};
use crate::chain::{self, Chain, Coin, Style};
use crate::config::MockAccount;
use crate::faults::{Call, Fault};
use crate::ids;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};
use crate::statement::{self, File, PAYOUT_RETURN, Row};

/// Ids as in Fireblocks' list of supported assets.
const COINS: &[Coin] = &[
    coin("BTC", "BTC", "bitcoin", 8, 3, Style::Bitcoin),
    coin("ETH", "ETH", "ethereum", 18, 12, Style::Evm),
    coin("USDT_ERC20", "USDT", "ethereum", 6, 12, Style::Evm),
    coin("TRX_USDT_S2UZ", "USDT", "tron", 6, 20, Style::Tron),
    coin("USDC", "USDC", "ethereum", 6, 12, Style::Evm),
];

const fn coin(
    id: &'static str,
    asset: &'static str,
    network: &'static str,
    decimals: u32,
    confirmations: u32,
    style: Style,
) -> Coin {
    Coin { id, asset, network, decimals, confirmations, style, scheme: network }
}

pub(crate) struct Fireblocks {
    api_key: String,
    api_public_key: PKey<Public>,
    workspace_id: String,
    source_vault_id: String,
    webhook_kid: String,
    webhook_key: PKey<Private>,
    webhook_url: String,
    jwks: Value,
    /// How far ahead of ours a merchant's clock may be.
    token_skew_s: i64,
    /// Nonces of tokens that were used.
    nonces: Mutex<HashSet<String>>,
    /// Ids of vault accounts by name; the accounts themselves are facts of the book.
    names: Mutex<BTreeMap<String, Vec<String>>>,
}

/// Settings: `api_key`, `api_public_key_pem` (verifies tokens), `workspace_id`, `source_vault_id` (pays
/// out), `webhook_kid`, `webhook_private_key_pem`; `token_skew_s` for tests whose clock runs ahead.
pub(crate) fn open(account: &MockAccount, _: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let api_public_key = account.setting("api_public_key_pem")?;
    let webhook_key = account.setting("webhook_private_key_pem")?;
    let webhook_key =
        PKey::private_key_from_pem(webhook_key.as_bytes()).context("reading the webhook key")?;
    let webhook_kid = account.setting("webhook_kid")?;
    let rsa = webhook_key.rsa().context("the webhook key is no RSA key")?;
    let jwks = json!({ "keys": [{
        "kty": "RSA", "use": "sig", "alg": "RS512", "kid": webhook_kid,
        "n": URL_SAFE_NO_PAD.encode(rsa.n().to_vec()),
        "e": URL_SAFE_NO_PAD.encode(rsa.e().to_vec()),
    }] });
    let token_skew_s = match account.settings.get("token_skew_s") {
        Some(text) => text.parse().context("reading token_skew_s")?,
        None => jwt::SKEW_S,
    };
    Ok(Arc::new(Fireblocks {
        token_skew_s,
        api_key: account.setting("api_key")?,
        api_public_key: PKey::public_key_from_pem(api_public_key.as_bytes())
            .context("reading the API user's public key")?,
        workspace_id: account.setting("workspace_id")?,
        source_vault_id: account.setting("source_vault_id")?,
        webhook_kid,
        webhook_key,
        webhook_url: account.webhook_url.clone(),
        jwks,
        nonces: Mutex::default(),
        names: Mutex::default(),
    }))
}

fn coin_by_id(id: &str) -> Option<&'static Coin> {
    COINS.iter().find(|coin| coin.id == id)
}

async fn jwks(State((_, fireblocks)): State<api::Both>) -> Response {
    Json(fireblocks.jwks.clone()).into_response()
}

impl Chain for Fireblocks {
    fn coins(&self) -> &'static [Coin] {
        COINS
    }

    fn new_reference(&self) -> String {
        ids::uuid()
    }

    fn brand(&self) -> (&'static str, &'static str) {
        ("Fireblocks", "fireblocks")
    }
}

impl Dialect for Fireblocks {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        self.remember_vaults(&psp.book);
        Router::new()
            .route("/v1/vault/accounts", post(vaults::create))
            .route("/v1/vault/accounts_paged", get(vaults::list))
            .route("/v1/vault/accounts/{id}", get(vaults::read))
            .route("/v1/vault/accounts/{id}/{asset}", post(vaults::add_asset).get(vaults::asset))
            .route("/v1/vault/accounts/{id}/{asset}/addresses_paginated", get(vaults::addresses))
            .route("/v1/transactions", post(transactions::create))
            .route("/v1/transactions/{id}", get(transactions::read))
            .route("/v1/transactions/external_tx_id/{id}", get(transactions::read_external))
            .route("/.well-known/jwks.json", get(jwks))
            .with_state((psp.clone(), self))
            .merge(chain::routes(psp))
    }

    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        chain::paid(movement);
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        events::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        let step = Step { from: Status::Pending, to: movement.status };
        events::notices(self, movement, step).pop()
    }

    fn sign(&self, notice: &Notice, twist: &Twist, now: OffsetDateTime) -> Outgoing {
        events::sign(self, notice, twist, now)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        (200..300).contains(&status)
    }

    /// What the exchange at its end did not take has not come back to the vault.
    fn statement(&self, rows: &[Row]) -> File {
        let moved = rows.iter().filter(|row| row.kind != PAYOUT_RETURN);
        statement::plain(&moved.cloned().collect::<Vec<_>>())
    }

    /// A chain charges nothing back and returns nothing by itself. What "returned" means of a payout: the
    /// chain has it, and the exchange at its end did not take it.
    fn knows(&self, kind: Kind, to: Status) -> bool {
        match to {
            Status::ChargedBack => false,
            Status::Returned => kind == Kind::Payout,
            _ => true,
        }
    }

    /// A deposit is an address, until somebody sends something there.
    fn can_go_wrong(&self, call: Call, fault: Fault) -> bool {
        call != Call::CreateDeposit || !fault.needs_a_movement()
    }

    fn chain(&self) -> Option<&dyn Chain> {
        Some(self)
    }

    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}
