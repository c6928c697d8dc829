//! TrueLayer Payments v3: OAuth2 client credentials, signed and idempotent POSTs, signed
//! webhooks.
//!
//! Reading order: `jws` (the signature), `api` (who may call; idempotency), `payments`, `payouts`
//! and `refunds` (what is booked), `view` (resources as GET shows them), `events` (webhooks),
//! `hosted` (the payer's page).

mod api;
mod events;
mod hosted;
mod jws;
mod payments;
mod payouts;
mod problem;
mod refunds;
mod view;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post};
use openssl::pkey::{PKey, Private, Public};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::config::MockAccount;
use crate::pages;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};
use crate::tokens::Tokens;
use crate::{clock, ids};

/// First answers by idempotency key: `{"hash","status","type","body","at"}`.
const ANSWERS: &str = "answer";
/// The `code` of a reversal that a GET of its payment keeps silent about.
const NOT_SHOWN: &str = "not_shown";
/// Known bank accounts of users, by payment source id.
const SOURCES: &str = "payment_source";

pub(crate) struct TrueLayer {
    client_id: String,
    client_secret: String,
    merchant_account_id: String,
    signing_kid: String,
    signing_key: PKey<Public>,
    webhook_kid: String,
    webhook_key: PKey<Private>,
    webhook_url: String,
    jwks: Value,
    currency: String,
    base_url: String,
    tokens: Tokens,
    /// Idempotency keys whose first request is still being worked on.
    in_progress: Mutex<HashSet<String>>,
}

/// Settings: `client_id`, `client_secret`, `merchant_account_id`, `signing_kid`,
/// `signing_public_key_pem` (verifies requests), `webhook_kid`, `webhook_private_key_pem`.
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let signing_key = account.setting("signing_public_key_pem")?;
    let webhook_key = account.setting("webhook_private_key_pem")?;
    let webhook_key =
        PKey::private_key_from_pem(webhook_key.as_bytes()).context("reading the webhook key")?;
    let webhook_kid = account.setting("webhook_kid")?;
    let jwks = jws::jwks(&webhook_key, &webhook_kid)?;
    Ok(Arc::new(TrueLayer {
        client_id: account.setting("client_id")?,
        client_secret: account.setting("client_secret")?,
        merchant_account_id: account.setting("merchant_account_id")?,
        signing_kid: account.setting("signing_kid")?,
        signing_key: PKey::public_key_from_pem(signing_key.as_bytes())
            .context("reading the client's signing key")?,
        webhook_kid,
        webhook_key,
        webhook_url: account.webhook_url.clone(),
        jwks,
        currency: account.currency.clone(),
        base_url,
        tokens: Tokens::default(),
        in_progress: Mutex::default(),
    }))
}

impl TrueLayer {
    /// The scheme that moves this currency.
    fn scheme(&self) -> &'static str {
        match self.currency.as_str() {
            "GBP" => "faster_payments_service",
            "EUR" => "sepa_credit_transfer_instant",
            "PLN" => "polish_domestic_express",
            _ => "norwegian_domestic_credit_transfer",
        }
    }

    /// The identifiers of a payer's account: an IBAN, and for pounds a sort code as well.
    fn identifiers(&self, user: &str, payer: &Payer) -> Value {
        if self.currency == "GBP" && payer.iban.is_none() {
            let digits = ids::derived_digits(&[user, &payer.name], 14);
            let (sort_code, account_number) = digits.split_at(6);
            let iban = ids::iban("GB", &format!("MOCK{sort_code}{account_number}"));
            return json!([
                { "type": "sort_code_account_number", "sort_code": sort_code,
                  "account_number": account_number },
                { "type": "iban", "iban": iban },
            ]);
        }
        let country = match self.currency.as_str() {
            "GBP" => "GB",
            "PLN" => "PL",
            "NOK" => "NO",
            _ => "DE",
        };
        let iban =
            payer.iban.clone().unwrap_or_else(|| ids::derived_iban(country, &[user, &payer.name]));
        json!([{ "type": "iban", "iban": iban }])
    }
}

impl Dialect for TrueLayer {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/connect/token", post(api::token))
            .route("/v3/payments", post(payments::create))
            .route("/v3/payments/{id}", get(payments::read))
            .route("/v3/payments/{id}/actions/cancel", post(payments::cancel))
            .route("/v3/payments/{id}/refunds", post(refunds::create).get(refunds::list))
            .route("/v3/payments/{id}/refunds/{refund}", get(refunds::read))
            .route("/v3/payouts", post(payouts::create))
            .route("/v3/payouts/{id}", get(payouts::read))
            .route("/.well-known/jwks", get(hosted::jwks))
            .route("/payments", get(hosted::doorway))
            .route("/hosted/{id}", get(hosted::show))
            .route("/hosted/{id}/{choice}", post(hosted::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    fn paid(&self, entry: &mut Entry<'_>, movement: &mut Movement) {
        let user = movement.text("user_id").to_owned();
        let payer = movement
            .payer
            .get_or_insert_with(|| Payer { name: "Mock Payer".to_owned(), ..Payer::default() });
        let identifiers = self.identifiers(&user, payer);
        let id = ids::derived_uuid(&["source", &user, &identifiers.to_string()]);
        let source = json!({
            "id": id, "user_id": user, "account_identifiers": identifiers,
            "account_holder_name": payer.name,
        });
        entry.put_fact(SOURCES, &id, source.clone());
        if let Value::Object(wire) = &mut movement.wire {
            wire.insert("payment_source".to_owned(), source);
        }
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        events::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        events::present(self, movement)
    }

    fn sign(&self, notice: &Notice, twist: &Twist, now: OffsetDateTime) -> Outgoing {
        events::sign(self, notice, twist, now)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        (200..300).contains(&status)
    }

    /// Money can be pushed to the merchant account's IBAN by anyone.
    fn unsolicited(&self, payin: &Payin) -> Option<Movement> {
        let now = clock::now();
        Some(Movement {
            reference: ids::uuid(),
            client_reference: payin.target.clone(),
            kind: Kind::Deposit,
            amount_minor: payin.amount_minor,
            currency: payin.currency.clone(),
            status: Status::Succeeded,
            created_at: now,
            changed_at: now,
            settled_at: Some(now),
            code: None,
            payer: Some(payin.payer.clone()),
            wire: json!({ "external": true, "user_id": "", "reference": payin.target }),
        })
    }
}
