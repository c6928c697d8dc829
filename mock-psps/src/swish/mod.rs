//! Swish for merchants: payment requests to a Swedish mobile number or to whoever holds the token,
//! payouts with a signed payload, refunds. Mutual TLS on every call; callbacks are not signed at all.
//!
//! Swish publishes no test vectors and its developer pages were not at hand: this follows third
//! parties' clients and payment gateways, so where it and Swish differ, Swish is right.
//!
//! Reading order: `api` (answers and errors), `payments`, `payouts`, `refunds` (what is booked),
//! `view` (how it is shown, asked or called back), `hosted` (the app, on the plain port of the setting
//! `pages_port`).

mod api;
mod hosted;
mod payments;
mod payouts;
mod refunds;
mod view;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::routing::{get, post, put};
use openssl::pkey::{PKey, Public};
use time::OffsetDateTime;

use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::config::MockAccount;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};
use crate::{ids, pages};

/// Whose a mobile number is: the personal number that it was first paid with.
const OWNERS: &str = "number_owner";

pub(crate) struct Swish {
    /// The merchant's own Swish number.
    payee_alias: String,
    signing_key: PKey<Public>,
    signing_serial: String,
    currency: String,
    base_url: String,
}

/// Settings: `payee_alias`, `signing_public_key_pem` and `signing_certificate_serial` (payouts), and if
/// wished `pages_port`; for TLS those of [`crate::tls::Tls::of`].
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let key = account.setting("signing_public_key_pem")?;
    Ok(Arc::new(Swish {
        payee_alias: account.setting("payee_alias")?,
        signing_key: PKey::public_key_from_pem(key.as_bytes())
            .context("reading the merchant's signing key")?,
        signing_serial: account.setting("signing_certificate_serial")?,
        currency: account.currency.clone(),
        base_url,
    }))
}

impl Dialect for Swish {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        let own_pages = psp.pages_url().is_none();
        let payment = get(payments::read).patch(payments::cancel);
        let router = Router::new()
            .route(
                "/swish-cpcapi/api/v2/paymentrequests/{id}",
                put(payments::create).get(payments::read),
            )
            .route("/swish-cpcapi/api/v1/paymentrequests/{id}", payment)
            .route("/swish-cpcapi/api/v2/refunds/{id}", put(refunds::create))
            .route("/swish-cpcapi/api/v1/refunds/{id}", get(refunds::read))
            .route("/swish-cpcapi/api/v1/payouts", post(payouts::create))
            .route("/swish-cpcapi/api/v1/payouts/{id}", get(payouts::read))
            .with_state((psp.clone(), self.clone()));
        if own_pages { router.merge(self.pages(psp)) } else { router }
    }

    fn pages(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/paymentrequest", get(hosted::open))
            .route("/phone/{number}", get(hosted::pushed))
            .route("/app/{id}/{choice}", post(hosted::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        movement
            .payer
            .get_or_insert_with(|| Payer { name: "Mock Payer".to_owned(), ..Payer::default() });
        if movement.text("payerAlias").is_empty() {
            let digits = ids::derived_digits(&["phone", &movement.reference], 8);
            movement.wire["payerAlias"] = format!("467{digits}").into();
        }
        if movement.text("paymentReference").is_empty() {
            movement.wire["paymentReference"] = upper_uuid().into();
        }
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        // A payout that arrives is told twice: when it left the merchant, and when it is there.
        let paid_out = step.to == Status::Succeeded && movement.kind != Kind::Deposit;
        let states: &[&'static str] = match step.to {
            Status::Pending => &[],
            _ if paid_out => &["DEBITED", "PAID"],
            _ => &[""],
        };
        states.iter().map(|state| view::notice(movement, state)).collect()
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        (movement.status != Status::Pending).then(|| view::notice(movement, ""))
    }

    fn sign(&self, notice: &Notice, twist: &Twist, _: OffsetDateTime) -> Outgoing {
        view::outgoing(notice, twist)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        status == 200
    }

    /// Its payments are final: nothing in its API shows one that came back.
    fn knows(&self, _: Kind, to: Status) -> bool {
        !matches!(to, Status::Returned | Status::ChargedBack)
    }

    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}

fn upper_uuid() -> String {
    ids::uuid().replace('-', "").to_ascii_uppercase()
}

/// 32 hexadecimal digits, letters in upper case.
fn is_instruction(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
}
