//! Adyen: cards in, bank transfers and cards out (`reference/psps.md` §3.4).
//!
//! JSON over HTTP with an API key; the idempotency key is the attempt's id, and a repeat gives the first
//! answer again.
//!
//! - A deposit without an instrument is a payment link: Adyen's own page takes the card and carries the
//!   payer through every authentication. The link's id is none of a payment's (a link may see several
//!   authorisations), so its answer names no PSP id; the `AUTHORISATION` webhook does.
//! - A deposit with the token of a stored card is charged at once (`/payments`): it moves money by itself,
//!   so a lost answer is unknown. One that wants the payer to authenticate is refused here: it can only
//!   go on with data of an action that this answer alone carries and that is told to nobody, so it can
//!   never take place; the payer is sent to the page instead.
//! - A payout is a transfer from the balance account to a bank account or a stored card. `booked` can
//!   still be `returned`. It is found by its id and by our reference.
//! - Payments cannot be asked about: the same key again, or the webhook, tells.
//! - Two kinds of webhooks come to the same address: standard ones sign eight fields of each item, those
//!   of the balance platform the whole body. What the eight fields do not cover is not told.
//!
//! Modules: `wire` (requests), `mapping` (answers in our words), `transfer` (payouts in our words),
//! `webhook`, `report` (the settlement details report).

mod mapping;
mod report;
mod transfer;
mod webhook;
mod wire;

use crate::adapter::{Adapter, Exchange, Finished, single};
use crate::registry::Reader;
use crate::signature::{HmacKeys, WebhookKeys};
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, IdempotencyCapability,
    Inquiry, InquiryBy, InquiryCapability, Instrument, KeyReplay, NotSent, Operation, Outcome,
    PayoutCapability, Portable, ReferenceRule, StatementFault, StatementLine, Subject, Timestamp,
    WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long a payment link can be used. The answer tells it too.
const LINK_LIFE: Duration = HOUR;

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        // A stored card is charged by the request itself.
        needs_our_answer: false,
        needs_completion: false,
        can_cancel: false,
        any_amount: false,
        session_life: LINK_LIFE,
    }),
    payout: Some(PayoutCapability {
        portable_iban: true,
        portable_uk_account: true,
        portable_pix_key: false,
        portable_crypto: false,
        portable_phone: false,
        portable_email: false,
        same_owner_check: false,
        by_token: true,
        success_reversible: true,
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: InquiryCapability::NONE,
    payout_inquiry: InquiryCapability {
        by_our_reference: true,
        by_psp_reference: true,
        by_ledger: false,
        min_interval: Duration::from_secs(2),
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: Duration::from_secs(15 * 60),
    },
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Visible },
        replay: KeyReplay::SameAnswer,
        // Its pages have said 31 days and a minimum of 7: the shorter.
        key_life: Duration::from_secs(7 * 24 * 60 * 60),
        margin: HOUR,
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: true,
        reply: WebhookReplyKind::Plain,
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// Currencies whose minor units are the same at Adyen and in ISO 4217, and that its accounts here hold.
const CURRENCIES: [Currency; 10] = {
    use Currency::{BRL, CAD, CHF, DKK, EUR, GBP, NOK, PLN, SEK, USD};
    [EUR, GBP, SEK, DKK, NOK, PLN, CHF, USD, CAD, BRL]
};

/// One merchant account with its balance account.
pub struct Adyen {
    inner: Arc<Inner>,
}

struct Inner {
    checkout_url: String,
    transfers_url: String,
    notify_url: String,
    api_key: SecretString,
    transfers_api_key: SecretString,
    merchant_account: String,
    balance_account_id: String,
    /// `instant`, `fast`, `regular`: how bank transfers are sent.
    priority: String,
    statement_text: String,
    hmac_keys: HmacKeys,
    transfers_hmac_keys: HmacKeys,
}

impl fmt::Debug for Adyen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Adyen({})", self.inner.checkout_url)
    }
}

impl Adyen {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let base_url = reader.base_url();
        let transfers_base_url = reader.setting_or("transfers_base_url", &base_url);
        reader.reachable("settings.transfers_base_url", &transfers_base_url);
        let api_key = reader.secret("api_key", 16);
        let transfers_api_key = if reader.has_secret("transfers_api_key") {
            reader.secret("transfers_api_key", 16)
        } else {
            api_key.clone()
        };
        let inner = Inner {
            checkout_url: format!("{base_url}/v71"),
            transfers_url: format!("{}/btl/v4", transfers_base_url.trim_end_matches('/')),
            notify_url: reader.account.notify_url.clone(),
            api_key,
            transfers_api_key,
            merchant_account: reader.setting("merchant_account"),
            balance_account_id: reader.setting("balance_account_id"),
            priority: reader.setting_or("priority", "instant"),
            statement_text: reader.setting_or("statement_text", "Casino"),
            hmac_keys: hex_keys(reader, "hmac_key"),
            transfers_hmac_keys: hex_keys(reader, "transfers_hmac_key"),
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn start(&self, operation: &Operation, now: Timestamp) -> Option<Box<dyn Exchange>> {
        let inner = &self.inner;
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let asked = (deposit.money, deposit.attempt);
                match &deposit.instrument {
                    None => {
                        let request = wire::payment_link(inner, deposit)?;
                        let plain_http = inner.checkout_url.starts_with("http:");
                        single("create_deposit", request, move |response| {
                            mapping::link_created(response, asked, plain_http)
                        })
                    }
                    Some(Instrument::CardToken(token)) => {
                        let request = wire::card_charge(inner, deposit, token)?;
                        let token = token.clone();
                        single("create_deposit", request, move |response| {
                            mapping::charged(response, asked, &token)
                        })
                    }
                    Some(Instrument::Crypto { .. }) => return None,
                }
            }
            Operation::CreatePayout(payout) => {
                let request = wire::transfer(inner, payout)?;
                let asked = (payout.money, payout.attempt);
                single("create_payout", request, move |response| transfer::created(response, asked))
            }
            Operation::ReturnDeposit(back) => {
                let request = wire::refund(inner, back)?;
                let asked = (back.money, back.attempt);
                single("return_deposit", request, move |response| {
                    mapping::refund_created(response, asked)
                })
            }
            Operation::Inquire(inquiry) => self.inquiry(inquiry, now)?,
            // Its page takes the money itself, its events name our reference, and a link's id is not kept.
            Operation::CompleteDeposit(_)
            | Operation::Lookup(_)
            | Operation::CancelDeposit { .. } => return None,
        })
    }

    /// Only transfers can be asked about.
    fn inquiry(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Box<dyn Exchange>> {
        if inquiry.subject != Subject::Payout {
            return None;
        }
        let (request, asked) = (wire::find_transfer(&self.inner, inquiry, now)?, inquiry.clone());
        Some(match &inquiry.by {
            InquiryBy::PspReference(id) => {
                let id = id.clone();
                single("query", request, move |response| {
                    transfer::inquiry_answer(response, &asked, &id)
                })
            }
            InquiryBy::OurReference => {
                single("query", request, move |response| transfer::search_answer(response, &asked))
            }
            InquiryBy::Ledger => return None,
        })
    }
}

/// Adyen shows its keys in hex; what signs is the bytes behind it.
fn hex_keys(reader: &mut Reader<'_>, key: &str) -> HmacKeys {
    let mut keys = Vec::new();
    for secret in reader.live_secrets(key, 64) {
        match hex::decode(secret.expose_secret()) {
            Ok(bytes) => keys.push(bytes),
            Err(_) => reader.fault(format!("secrets.{key}"), "is no text of hex digits"),
        }
    }
    HmacKeys::new(keys)
}

impl Adapter for Adyen {
    fn name(&self) -> &'static str {
        "adyen"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange> {
        self.start(operation, now)
            .unwrap_or_else(|| Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))))
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let portable = match destination.portable {
            Some(Portable::Iban { .. }) => currency != Currency::GBP,
            Some(Portable::UkAccount { .. }) => currency == Currency::GBP,
            _ => false,
        };
        CURRENCIES.contains(&currency) && (destination.token.is_some() || portable)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw)
    }

    /// The word that standard webhooks want; those of the balance platform take any 2xx.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: b"[accepted]".to_vec() }
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        report::read(file, &self.inner.merchant_account)
    }
}
