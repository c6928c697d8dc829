//! Trustly: JSON-RPC 1.1 over `POST /api/1`, always HTTP 200, everything signed.
//!
//! Reading order: `wire` (the signature), `api` (the envelope and its checks), `methods` (what
//! each method books), `notify` (what Trustly tells the merchant), `checkout` (the payer's page).

mod api;
mod checkout;
mod methods;
mod notify;
mod wire;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post};
use openssl::pkey::{PKey, Private, Public};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Payer};
use crate::config::MockAccount;
use crate::faults::Answer;
use crate::ids;
use crate::pages;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};

/// Bank accounts by account id: `{"user","name","bank","clearinghouse","last"}`.
const ACCOUNTS: &str = "account";
/// Longer than Trustly's ten digits: these ids are derived and must not collide under load.
const ACCOUNT_ID_LEN: usize = 14;
/// Message ids that were used up.
const MESSAGES: &str = "message";

pub(crate) struct Trustly {
    username: String,
    password: String,
    merchant_key: PKey<Public>,
    trustly_key: PKey<Private>,
    currency: String,
    base_url: String,
}

/// Settings: `username`, `password`, `merchant_public_key_pem` (verifies requests and replies),
/// `trustly_private_key_pem` (signs answers and notifications).
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let merchant_key = account.setting("merchant_public_key_pem")?;
    let trustly_key = account.setting("trustly_private_key_pem")?;
    Ok(Arc::new(Trustly {
        username: account.setting("username")?,
        password: account.setting("password")?,
        merchant_key: PKey::public_key_from_pem(merchant_key.as_bytes())
            .context("reading the merchant's public key")?,
        trustly_key: PKey::private_key_from_pem(trustly_key.as_bytes())
            .context("reading Trustly's private key")?,
        currency: account.currency.clone(),
        base_url,
    }))
}

impl Dialect for Trustly {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/api/1", post(api::call))
            .route("/checkout/{order_id}", get(checkout::show))
            .route("/checkout/{order_id}/{choice}", post(checkout::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    fn paid(&self, entry: &mut Entry<'_>, movement: &mut Movement) {
        let user = movement.text("enduserid").to_owned();
        let payer = movement
            .payer
            .get_or_insert_with(|| Payer { name: "Mock Payer".to_owned(), ..Payer::default() });
        let (bank, clearinghouse) = notify::bank_of(&self.currency);
        let country = notify::country_of(&self.currency);
        let number =
            payer.iban.get_or_insert_with(|| ids::derived_iban(country, &[&user, &payer.name]));
        let account_id = ids::derived_digits(&[&user, number], ACCOUNT_ID_LEN);
        let last = last_four(number).to_owned();
        let account = json!({
            "user": user, "name": payer.name, "bank": bank, "clearinghouse": clearinghouse,
            "last": last,
        });
        entry.put_fact(ACCOUNTS, &account_id, account.clone());
        if let Value::Object(wire) = &mut movement.wire {
            wire.insert("accountid".to_owned(), account_id.into());
            wire.insert("account".to_owned(), account);
        }
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        notify::notices(movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        notify::present(movement)
    }

    fn sign(&self, notice: &Notice, twist: &Twist, now: OffsetDateTime) -> Outgoing {
        notify::sign(&self.trustly_key, notice, twist, now)
    }

    fn acknowledged(&self, sent: &Outgoing, status: u16, body: &[u8]) -> bool {
        status == 200 && notify::acknowledged(&self.merchant_key, &sent.body, body)
    }

    fn refuses(&self, answer: &Answer) -> bool {
        answer.says(|body| body["error"].is_object())
    }

    /// Trustly pulls money through its own checkout only; nobody can push it there.
    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}

/// The end of a text, whatever its letters are.
fn last_four(text: &str) -> &str {
    let start = text.char_indices().nth_back(3);
    start.map_or(text, |(at, _)| &text[at..])
}

/// Movements that leave the merchant: payouts, and refunds of deposits.
fn is_outgoing(kind: Kind) -> bool {
    kind != Kind::Deposit
}
