//! Adyen: Checkout v71 (pay by link, charges of stored cards, their details, refunds), Transfers v4, and its two kinds
//! of webhooks. Written from Adyen's published OpenAPI files and its pages on webhooks.
//!
//! Reading order: `api` (API key, idempotency, errors), `checkout` (links, charges, refunds),
//! `details` (what a payer brings back from the issuer's page), `transfers` (payouts), `events` (webhooks and their two signatures), `hosted` (the payer's page),
//! `report` (the settlement details report).
//!
//! A stored card's token decides what becomes of a charge, as Adyen's test cards do: one that begins with
//! `REFUSED` is refused, one that begins with `CHALLENGE` sends the payer to the issuer's page (its payment
//! waits until `/payments/details` has heard what came back); `CREDIT` and `PREPAID` begin those of such
//! cards, all others are debit cards.

mod api;
mod checkout;
mod details;
mod events;
mod hosted;
mod report;
mod transfers;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post};
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

pub(crate) struct Adyen {
    merchant_account: String,
    balance_account_id: String,
    api_key: String,
    hmac_key: Vec<u8>,
    transfers_hmac_key: Vec<u8>,
    currency: String,
    webhook_url: String,
    base_url: String,
}

/// Settings: `merchant_account`, `balance_account_id`, `api_key`, and in hex `hmac_key` (standard
/// webhooks) and `transfers_hmac_key` (webhooks of the balance platform).
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let key = |name: &str| {
        hex::decode(account.setting(name)?).with_context(|| format!("reading {name} as hex"))
    };
    Ok(Arc::new(Adyen {
        merchant_account: account.setting("merchant_account")?,
        balance_account_id: account.setting("balance_account_id")?,
        api_key: account.setting("api_key")?,
        hmac_key: key("hmac_key")?,
        transfers_hmac_key: key("transfers_hmac_key")?,
        currency: account.currency.clone(),
        webhook_url: account.webhook_url.clone(),
        base_url,
    }))
}

/// Adyen's form of an id: 16 letters and digits.
fn fresh_reference() -> String {
    let mut digits = ids::uuid().replace('-', "").to_uppercase();
    digits.truncate(16);
    digits
}

struct Draft<'a> {
    kind: Kind,
    client_reference: &'a str,
    amount_minor: i64,
    payer: Option<Payer>,
    wire: Value,
}

impl Adyen {
    fn movement(&self, draft: Draft<'_>) -> Movement {
        let now = clock::now();
        Movement {
            reference: fresh_reference(),
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

impl Dialect for Adyen {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/v71/payments", post(checkout::charge))
            .route("/v71/payments/details", post(details::hear))
            .route("/v71/payments/{payment}/refunds", post(checkout::refund))
            .route("/v71/paymentLinks", post(checkout::create_link))
            .route("/v71/paymentLinks/{id}", get(checkout::read_link).patch(checkout::expire_link))
            .route("/btl/v4/transfers", post(transfers::create).get(transfers::list))
            .route("/btl/v4/transfers/{id}", get(transfers::read))
            .route("/pay/{id}", get(hosted::show))
            .route("/pay/{id}/{choice}", post(hosted::choose))
            .route("/issuer/{id}", get(hosted::show_issuer))
            .route("/issuer/{id}/{choice}", post(hosted::choose_at_issuer))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        let payer = movement.payer.get_or_insert_with(Payer::default);
        if payer.name.is_empty() {
            payer.name = "Mock Payer".to_owned();
        }
        if let Value::Object(wire) = &mut movement.wire {
            wire.entry("card").or_insert_with(|| json!("1111"));
        }
    }

    /// What was approved on the issuer's page is authorised once the merchant has told what came back.
    fn awaits_merchant(&self, movement: &mut Movement, _: Option<i64>) -> Option<Vec<Notice>> {
        details::is_awaited(movement).then(Vec::new)
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

    /// Standard webhooks want the word as well.
    fn acknowledged(&self, sent: &Outgoing, status: u16, body: &[u8]) -> bool {
        let transfer = sent.headers.iter().any(|(name, _)| *name == "hmacsignature");
        let word = body.windows(10).any(|part| part == b"[accepted]");
        (200..300).contains(&status) && (transfer || word)
    }

    fn statement(&self, rows: &[Row]) -> File {
        report::settlement(&self.merchant_account, rows)
    }

    /// A card cannot pay by itself.
    fn tells_of_wins(&self) -> bool {
        true
    }

    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}
