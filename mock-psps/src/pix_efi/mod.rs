//! Pix through Efí: the central bank's API for charges (`cob`), received Pix and their returns, and
//! Efí's own extension for sending. Mutual TLS on every call, OAuth 2 on top of it.
//!
//! Notifications are batches at `{url}/pix`, sent with Efí's own certificate and not signed. Real Efí
//! decides by the amount what becomes of a payment in its test environment; the setting
//! `homologation = "true"` switches those rules on here: up to 10.00 it is confirmed, up to 20.00
//! rejected by notification, above that refused at once (a charge above 10.00 stays open).
//!
//! Reading order: `api` (who may call), `problem` (two forms of error), `br_code` (what a QR code
//! says), `cobs`, `sends`, `returns` (what is booked), `events` (notifications and their
//! registration), `hosted` (the payer's page, on the plain port of the setting `pages_port`).

mod api;
mod br_code;
mod cobs;
mod events;
mod hosted;
mod problem;
mod returns;
mod sends;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::{get, post, put};
use serde_json::Value;
use time::OffsetDateTime;

use crate::book::{Entry, Movement, Payer};
use crate::config::MockAccount;
use crate::pages;
use crate::psp::{Dialect, Notice, Outgoing, Payin, Psp, Step, Twist};
use crate::tokens::Tokens;
use crate::{clock, ids};

/// Whose a Pix key is: the CPF that it was first paid with.
const OWNERS: &str = "key_owner";
/// Where the merchant has asked to be notified, by the merchant's key; empty when nowhere.
const REGISTERED: &str = "webhook";
/// Efí's number among the participants of Pix.
const ISPB: &str = "09089356";

pub(crate) struct PixEfi {
    client_id: String,
    client_secret: String,
    /// The merchant's own Pix key.
    pix_key: String,
    merchant_name: String,
    merchant_city: String,
    currency: String,
    /// Host and port of the payer's page, without a scheme, as locations are written.
    pages_host: String,
    homologation: bool,
    /// Where notifications go; `/pix` is added to it.
    webhook_url: Mutex<String>,
    tokens: Tokens,
}

/// Settings: `client_id`, `client_secret`, `pix_key`, and if wished `merchant_name`, `merchant_city`,
/// `homologation` and `pages_port`; for TLS those of [`crate::tls::Tls::of`].
pub(crate) fn open(account: &MockAccount, base_url: String) -> anyhow::Result<Arc<dyn Dialect>> {
    let setting = |key: &str, default: &str| {
        account.settings.get(key).cloned().unwrap_or_else(|| default.to_owned())
    };
    let pages_url = setting("pages_url", &base_url);
    let pages_host = pages_url.split_once("://").map_or(&*pages_url, |(_, host)| host).to_owned();
    Ok(Arc::new(PixEfi {
        client_id: account.setting("client_id")?,
        client_secret: account.setting("client_secret")?,
        pix_key: account.setting("pix_key")?,
        merchant_name: setting("merchant_name", "Interlock Casino"),
        merchant_city: setting("merchant_city", "SAO PAULO"),
        currency: account.currency.clone(),
        pages_host,
        homologation: setting("homologation", "false") == "true",
        webhook_url: Mutex::new(account.webhook_url.clone()),
        tokens: Tokens::default(),
    }))
}

impl PixEfi {
    fn webhook_url(&self) -> String {
        self.webhook_url.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A registration is kept like everything that a merchant was told yes to.
    fn notify_at(&self, psp: &Psp, url: &str) {
        psp.book.enter(|entry| entry.put_fact(REGISTERED, &self.pix_key, url.into()));
        url.clone_into(&mut self.webhook_url.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What a former run was asked, before what the configuration says.
    fn restore(&self, psp: &Psp) {
        let kept = psp.book.fact(REGISTERED, &self.pix_key);
        if let Some(url) = kept.as_ref().and_then(Value::as_str) {
            url.clone_into(&mut self.webhook_url.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Dialect for PixEfi {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        self.restore(&psp);
        let own_pages = psp.pages_url().is_none();
        let router = Router::new()
            .route("/oauth/token", post(api::token))
            .route("/v2/cob/{txid}", put(cobs::create).get(cobs::read).patch(cobs::revise))
            .route("/v2/pix/{e2eid}", get(returns::received))
            .route("/v2/pix/{e2eid}/devolucao/{id}", put(returns::create).get(returns::read))
            .route("/v3/gn/pix/{id}", put(sends::create))
            .route("/v2/gn/pix/{id}", put(sends::create))
            .route("/v2/gn/pix/enviados/id-envio/{id}", get(sends::read_by_our_id))
            .route("/v2/gn/pix/enviados/{e2eid}", get(sends::read))
            .route(
                "/v2/webhook/{key}",
                put(events::register).get(events::registered).delete(events::unregister),
            )
            .with_state((psp.clone(), self.clone()));
        if own_pages { router.merge(self.pages(psp)) } else { router }
    }

    fn pages(self: Arc<Self>, psp: Arc<Psp>) -> Router {
        Router::new()
            .route("/qr/v2/{txid}", get(hosted::show))
            .route("/qr/v2/{txid}/{choice}", post(hosted::choose))
            .with_state((psp, self))
            .merge(pages::assets())
    }

    fn paid(&self, _: &mut Entry<'_>, movement: &mut Movement) {
        let debtor = movement.wire["devedor"].clone();
        let payer = movement.payer.get_or_insert_with(|| Payer {
            name: debtor["nome"].as_str().unwrap_or("Mock Payer").to_owned(),
            ..Payer::default()
        });
        if payer.tax_id.is_none() {
            payer.tax_id = debtor["cpf"].as_str().map(str::to_owned);
        }
        if movement.text("e2eid").is_empty() {
            movement.wire["e2eid"] = end_to_end_id('E', clock::now()).into();
        }
    }

    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice> {
        events::notices(self, movement, step)
    }

    fn present(&self, movement: &Movement) -> Option<Notice> {
        events::present(self, movement)
    }

    fn sign(&self, notice: &Notice, twist: &Twist, _: OffsetDateTime) -> Outgoing {
        events::outgoing(notice, twist)
    }

    fn acknowledged(&self, _: &Outgoing, status: u16, _: &[u8]) -> bool {
        (200..300).contains(&status)
    }

    /// Money that is sent to the key without a charge is not announced by Efí.
    fn unsolicited(&self, _: &Payin) -> Option<Movement> {
        None
    }
}

/// `E` or `D`, the participant, the minute, and eleven characters: 32 in all, as the scheme wants them.
fn end_to_end_id(kind: char, at: OffsetDateTime) -> String {
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute) = (at.hour(), at.minute());
    let tail = ids::uuid().replace('-', "");
    format!("{kind}{ISPB}{year:04}{month:02}{day:02}{hour:02}{minute:02}{}", &tail[..11])
}

/// Whether the check digits of a CPF are right.
fn cpf_is_valid(cpf: &str) -> bool {
    let digits: Vec<u32> = cpf.chars().filter_map(|c| c.to_digit(10)).collect();
    if cpf.len() != 11 || digits.len() != 11 || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let check = |len: usize| {
        let weights = (2..).take(len);
        let sum: u32 = digits[..len].iter().rev().zip(weights).map(|(d, w): (_, u32)| d * w).sum();
        (sum * 10) % 11 % 10
    };
    check(9) == digits[9] && check(10) == digits[10]
}

/// Letters and digits, so many.
fn is_id(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `***.456.789-**`
fn masked_cpf(cpf: &str) -> String {
    match (cpf.get(3..6), cpf.get(6..9)) {
        (Some(middle), Some(end)) => format!("***.{middle}.{end}-**"),
        _ => String::new(),
    }
}

/// The amount of a body's field: digits, a point and two decimals.
fn amount(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    let (whole, fraction) = text.split_once('.')?;
    let fine = (1..=10).contains(&whole.len()) && fraction.len() == 2;
    crate::money::parse(text, 2).filter(|minor| fine && *minor > 0)
}

#[cfg(test)]
mod tests {
    use super::{cpf_is_valid, end_to_end_id, masked_cpf};

    #[test]
    fn a_cpf_is_known_by_its_check_digits() {
        assert!(cpf_is_valid("52998224725") && cpf_is_valid("12345678909"));
        for wrong in ["52998224724", "11111111111", "5299822472", "5299822472x", ""] {
            assert!(!cpf_is_valid(wrong), "{wrong}");
        }
        assert_eq!(masked_cpf("12345678909"), "***.456.789-**");
    }

    #[test]
    fn an_end_to_end_id_has_32_characters() {
        let id = end_to_end_id('E', time::macros::datetime!(2026-11-20 12:03 UTC));
        assert!(id.starts_with("E09089356202611201203") && id.len() == 32, "{id}");
    }
}
