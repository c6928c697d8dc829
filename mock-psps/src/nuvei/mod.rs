//! Nuvei's REST API 1.0: JSON calls that carry a SHA-256 checksum over a list of fields of their own,
//! always answered with 200 and an `errCode`, and form-encoded notifications (DMNs).
//!
//! An account for cards has a payment page instead of payments: its payer opens an address that the
//! merchant has made, and gives the card there.
//!
//! Reading order: `api` (who may call; the envelope of answers), `payments` (deposits, refunds and
//! what can be asked about them), `cashier` (orders that begin with their page), `payouts`, `dmn`
//! (notifications), `hosted` (the payer's page).

mod api;
mod cashier;
mod dmn;
mod hosted;
mod payments;
mod payouts;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;
use time::OffsetDateTime;

use crate::book::{Entry, Movement, Payer};
use crate::config::MockAccount;
use crate::faults::{Answer, Call, Fault};
use crate::ids;
use crate::pages;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};

/// `clientRequestId`s that were used: a second use is refused.
const REQUESTS: &str = "client_request";
/// The payment method of an account for cards.
const CARDS: &str = "cc_card";
/// Payment options of users (UPOs) by id: `{"user","email","card"}`.
const OPTIONS: &str = "payment_option";

pub(crate) struct Nuvei {
    merchant_id: String,
    merchant_site_id: String,
    secret: String,
    /// The one payment method of this account: an alternative one, or `cc_card`.
    payment_method: String,
    /// Payouts are announced before they are made, and the announcement wants a decision.
    asks_before_paying: bool,
    /// Payouts are told by a payment's notification, too.
    tells_payouts_twice: bool,
    /// Chargebacks are told by an event of the Control Panel, too.
    tells_panel_events: bool,
    webhook_url: String,
    currency: String,
    base_url: String,
    /// Session tokens die with the process.
    sessions: Mutex<HashSet<String>>,
}

/// Settings: `merchant_id`, `merchant_site_id`, `merchant_secret_key`; optional `payment_method`
/// (`apmgw_Interac_eTransfer`; `cc_card` for cards), `asks_before_paying`, `tells_payouts_twice` and
/// `tells_panel_events` (`true`).
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let method = account.settings.get("payment_method").cloned();
    let is_on = |name: &str| account.settings.get(name).is_some_and(|word| word == "true");
    Ok(Arc::new(Nuvei {
        merchant_id: account.setting("merchant_id")?,
        merchant_site_id: account.setting("merchant_site_id")?,
        secret: account.setting("merchant_secret_key")?,
        payment_method: method.unwrap_or_else(|| "apmgw_Interac_eTransfer".to_owned()),
        asks_before_paying: is_on("asks_before_paying"),
        tells_payouts_twice: is_on("tells_payouts_twice"),
        tells_panel_events: is_on("tells_panel_events"),
        webhook_url: account.webhook_url.clone(),
        currency: account.currency.clone(),
        base_url,
        sessions: Mutex::default(),
    }))
}

impl Nuvei {
    fn takes_cards(&self) -> bool {
        self.payment_method == CARDS
    }
}

impl Dialect for Nuvei {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        let mut router = Router::new();
        // Nuvei's own examples call each method with and without the suffix.
        for suffix in ["", ".do"] {
            let path = |name: &str| format!("/ppp/api/v1/{name}{suffix}");
            router = router
                .route(&path("getSessionToken"), post(payments::session))
                .route(&path("payment"), post(payments::create))
                .route(&path("getPaymentStatus"), post(payments::status))
                .route(&path("getTransactionDetails"), post(payments::details))
                .route(&path("refundTransaction"), post(payments::refund))
                .route(&path("payout"), post(payouts::create))
                .route(&path("getPayoutStatus"), post(payouts::status));
        }
        router
            .route("/ppp/purchase.do", get(cashier::open))
            .route("/ppp/redirect/{id}", get(hosted::show))
            .route("/ppp/redirect/{id}/{choice}", post(hosted::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    /// The payer's e-mail or card becomes a payment option that can be paid again.
    fn paid(&self, entry: &mut Entry<'_>, movement: &mut Movement) {
        movement
            .payer
            .get_or_insert_with(|| Payer { name: "Mock Payer".to_owned(), ..Payer::default() });
        let (user, email) = (movement.text("user").to_owned(), movement.text("email").to_owned());
        let card = movement.text("card").to_owned();
        let option = ids::derived_digits(&["upo", &user, &email, &card], 8);
        let kept = serde_json::json!({ "user": user, "email": email, "card": card });
        entry.put_fact(OPTIONS, &option, kept);
        if let Value::Object(wire) = &mut movement.wire {
            wire.insert("option".to_owned(), option.into());
        }
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        dmn::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        dmn::present(self, movement)
    }

    fn sign(&self, notice: &Notice, twist: &Twist, _: OffsetDateTime) -> Outgoing {
        dmn::sign(self, notice, twist)
    }

    fn acknowledged(&self, sent: &Outgoing, status: u16, body: &[u8]) -> bool {
        status == 200 && (!dmn::wants_a_decision(&sent.body) || dmn::is_decision(body))
    }

    /// A deposit by card is a session, until its payer opens the page.
    fn can_go_wrong(&self, call: Call, fault: Fault) -> bool {
        let is_session = self.takes_cards() && call == Call::CreateDeposit;
        !is_session || !fault.needs_a_movement()
    }

    fn refuses(&self, answer: &Answer) -> bool {
        answer.says(|body| body["status"] == "ERROR")
    }

    /// Nobody can pay without a request.
    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}
