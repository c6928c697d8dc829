//! Paysafe's Payments API: JSON with HTTP Basic, payment handles that are spent by a second call, and
//! HMAC-signed webhooks. From Paysafe's documentation and third parties' code alone: its least certain
//! points are named where they are.
//!
//! An account of the payment type `CARD` is paid by cards that a script on the merchant's page has stored.
//! The card's token decides: one that begins with `CHALLENGE` sends its holder to the page, one that begins
//! with `REFUSED` is refused, `CREDIT` and `PREPAID` begin those of such cards, all others are debit cards.
//!
//! Reading order: `api` (who may call; errors), `handles`, `payments` (the second call of a deposit,
//! settlements, refunds), `credits` (payouts), `view` (resources as they are shown), `events`
//! (webhooks), `hosted` (the payer's page).

mod api;
mod credits;
mod events;
mod handles;
mod hosted;
mod payments;
mod view;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{PKey, Private};
use serde_json::Value;
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::config::MockAccount;
use crate::pages;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};
use crate::{clock, ids};

/// How long a handle can be spent. Here those of deposits do run out.
const HANDLE_LIFE: time::Duration = time::Duration::seconds(899);
/// Payment handles of payouts by merchantRefNum: the handle as it is shown.
const HANDLES: &str = "credit_handle";

pub(crate) struct Paysafe {
    /// `Basic …`, as it must be sent.
    authorization: String,
    account_id: String,
    payment_type: String,
    webhook_key: PKey<Private>,
    webhook_url: String,
    currency: String,
    base_url: String,
}

/// Settings: `api_username`, `api_password`, `account_id`, `webhook_key`; optional `payment_type`
/// (`INTERAC_ETRANSFER`) and `webhook_key_encoding` (`text`, or `base64` as older accounts have it).
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let credentials =
        format!("{}:{}", account.setting("api_username")?, account.setting("api_password")?);
    let key = account.setting("webhook_key")?;
    let key = match account.settings.get("webhook_key_encoding").map(String::as_str) {
        None | Some("text") => key.into_bytes(),
        Some("base64") => STANDARD.decode(key).context("reading webhook_key as base64")?,
        Some(_) => anyhow::bail!("webhook_key_encoding is text or base64"),
    };
    let payment_type = account.settings.get("payment_type").cloned();
    Ok(Arc::new(Paysafe {
        authorization: format!("Basic {}", STANDARD.encode(credentials)),
        account_id: account.setting("account_id")?,
        payment_type: payment_type.unwrap_or_else(|| "INTERAC_ETRANSFER".to_owned()),
        webhook_key: PKey::hmac(&key).context("reading webhook_key")?,
        webhook_url: account.webhook_url.clone(),
        currency: account.currency.clone(),
        base_url,
    }))
}

impl Paysafe {
    /// Whether this account is paid by stored cards.
    fn takes_cards(&self) -> bool {
        self.payment_type == "CARD"
    }
}

impl Dialect for Paysafe {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/paymenthub/v1/paymenthandles", post(handles::create).get(handles::list))
            .route("/paymenthub/v1/paymenthandles/{id}", get(handles::read))
            .route("/paymenthub/v1/payments", post(payments::create).get(payments::list))
            .route("/paymenthub/v1/payments/{id}", get(payments::read))
            .route("/paymenthub/v1/settlements", get(payments::settlements))
            .route("/paymenthub/v1/settlements/{id}/refunds", post(payments::refund))
            .route("/paymenthub/v1/refunds", get(payments::refunds))
            .route("/paymenthub/v1/standalonecredits", post(credits::create).get(credits::list))
            .route("/redirect/{id}", get(hosted::show))
            .route("/redirect/{id}/{choice}", post(hosted::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    /// Paysafe finishes by itself what a payer paid and no merchant asked for in time.
    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        movement
            .payer
            .get_or_insert_with(|| Payer { name: "Mock Payer".to_owned(), ..Payer::default() });
        if movement.text("payment").is_empty() {
            spend(movement);
        }
    }

    /// What an Interac payer has paid is finished; of everything else there is only the handle.
    fn has_run_out(&self, m: &Movement) -> bool {
        let is_paid = m.wire["approved"] == true && !self.takes_cards();
        let is_open = m.status == Status::Pending && m.text("payment").is_empty() && !is_paid;
        m.kind == Kind::Deposit && is_open && m.created_at + HANDLE_LIFE <= clock::now()
    }

    fn awaits_merchant(&self, m: &mut Movement, paid_minor: Option<i64>) -> Option<Vec<Notice>> {
        if !m.text("payment").is_empty() {
            return None;
        }
        if let Value::Object(wire) = &mut m.wire {
            wire.insert("payable".to_owned(), true.into());
            wire.insert("approved".to_owned(), true.into());
            wire.insert("paid_minor".to_owned(), paid_minor.into());
        }
        Some(vec![events::payable(self, m)])
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        events::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        events::present(self, movement)
    }

    fn sign(&self, notice: &Notice, twist: &Twist, _: OffsetDateTime) -> Outgoing {
        events::sign(self, notice, twist)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        (200..300).contains(&status)
    }

    /// Nobody can pay without a request.
    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}

/// Turns a deposit's handle into a payment, and its settlement.
fn spend(movement: &mut Movement) {
    if let Value::Object(wire) = &mut movement.wire {
        wire.insert("payment".to_owned(), ids::uuid().into());
        wire.insert("settlement".to_owned(), ids::uuid().into());
    }
}
