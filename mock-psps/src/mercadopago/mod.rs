//! Mercado Pago in Brazil: PIX by QR code, payouts to PIX keys that their sender signs, thin webhooks.
//! Written from Mercado Pago's developer pages (payments, refunds, Payouts, Webhooks, reports).
//!
//! Reading order: `api` (token, keys, errors), `payments` (PIX in, search, cancelling), `refunds`,
//! `payouts`, `events` (webhooks), `hosted` (the ticket's page), `report` (the account money report).

mod api;
mod events;
mod hosted;
mod payments;
mod payouts;
mod refunds;
mod report;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post};
use openssl::pkey::{PKey, Public};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::clock;
use crate::config::MockAccount;
use crate::ids;
use crate::pages;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};
use crate::statement::{File, Row};

/// First answers by idempotency key.
const ANSWERS: &str = "answer";

pub(crate) struct MercadoPago {
    access_token: String,
    webhook_secret: String,
    /// Verifies the merchant's payouts.
    payout_key: PKey<Public>,
    currency: String,
    webhook_url: String,
    base_url: String,
}

/// Settings: `access_token`, `webhook_secret`, `payout_public_key_pem` (Ed25519).
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let key = account.setting("payout_public_key_pem")?;
    Ok(Arc::new(MercadoPago {
        access_token: account.setting("access_token")?,
        webhook_secret: account.setting("webhook_secret")?,
        payout_key: PKey::public_key_from_pem(key.as_bytes())
            .context("reading the merchant's Ed25519 key")?,
        currency: account.currency.clone(),
        webhook_url: account.webhook_url.clone(),
        base_url,
    }))
}

struct Draft<'a> {
    kind: Kind,
    client_reference: &'a str,
    amount_minor: i64,
    payer: Option<Payer>,
    wire: Value,
}

impl MercadoPago {
    /// Payments and refunds are numbers, payouts are a number, a dash and an ULID.
    fn movement(&self, entry: &Entry<'_>, draft: Draft<'_>) -> Movement {
        let fresh = || match draft.kind {
            Kind::Payout => {
                let mut ulid = ids::uuid().replace('-', "").to_uppercase();
                ulid.truncate(26);
                format!("{}-{ulid}", ids::ten_digits())
            }
            Kind::Deposit | Kind::Refund => ids::ten_digits(),
        };
        let mut reference = fresh();
        while entry.movement(&reference).is_some() {
            reference = fresh();
        }
        let now = clock::now();
        Movement {
            reference,
            client_reference: ids::client_reference(draft.client_reference),
            kind: draft.kind,
            amount_minor: draft.amount_minor,
            currency: self.currency.clone(),
            status: Status::Pending,
            created_at: now,
            changed_at: now,
            settled_at: None,
            code: None,
            payer: draft.payer,
            wire: draft.wire,
        }
    }
}

impl Dialect for MercadoPago {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/v1/payments", post(payments::create))
            .route("/v1/payments/search", get(payments::search))
            .route("/v1/payments/{id}", get(payments::read).put(payments::update))
            .route("/v1/payments/{id}/refunds", post(refunds::create))
            .route("/v1/payments/{id}/refunds/{refund}", get(refunds::read))
            .route("/v1/transaction-intents/process", post(payouts::create))
            .route("/v1/transaction-intents/{id}", get(payouts::read))
            .route("/payments/{id}/ticket", get(hosted::show))
            .route("/payments/{id}/ticket/{choice}", post(hosted::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    /// The bank tells who paid: the payer of the request when nobody else is named.
    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        let named = movement.text("cpf").to_owned();
        let payer = movement
            .payer
            .get_or_insert_with(|| Payer { name: "Mock Payer".to_owned(), ..Payer::default() });
        if payer.tax_id.is_none() && !named.is_empty() {
            payer.tax_id = Some(named);
        }
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        events::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        // It names a payment and says nothing of it, whatever its state.
        (movement.kind != Kind::Refund).then(|| events::notice(self, movement))
    }

    fn sign(&self, notice: &Notice, twist: &Twist, now: OffsetDateTime) -> Outgoing {
        events::sign(self, notice, twist, now)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        matches!(status, 200 | 201)
    }

    fn statement(&self, rows: &[Row]) -> File {
        report::account_money(rows)
    }

    /// A PIX to the account's key, which no payment asked for.
    fn tells_of_wins(&self) -> bool {
        true
    }

    fn unsolicited(&self, payin: &Payin) -> Option<Movement> {
        let now = clock::now();
        Some(Movement {
            reference: ids::ten_digits(),
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
            wire: json!({ "external_reference": Value::Null }),
        })
    }
}
