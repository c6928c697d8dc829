//! Mercado Pago in Brazil: PIX in by QR code, PIX out to keys (`reference/psps.md` §3.7).
//!
//! JSON over HTTP with a bearer token and an idempotency key; amounts are JSON numbers in major units,
//! read and written by their text.
//!
//! - A deposit is a payment with a QR code. It is found by its id and by our reference, and can be
//!   cancelled while it waits. Once approved it names the bank account's holder and CPF.
//! - A payout goes to a PIX key, its body signed with Ed25519. It is found by its id only; after a lost
//!   answer the same key gives the first answer again.
//! - Webhooks are thin: `data.id` stands in the query, and only it, the request's id and the time are
//!   signed. Which payment it is, and what became of it, must be asked.
//!
//! Modules: `wire` (requests), `mapping` (payments and refunds in our words), `payout`, `webhook`,
//! `report`.

mod mapping;
mod payout;
mod report;
mod webhook;
mod wire;

use crate::adapter::{Adapter, Exchange, Finished, single};
use crate::registry::Reader;
use crate::signature::ed25519::Ed25519Signer;
use crate::signature::{HmacKeys, WebhookKeys};
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, IdempotencyCapability,
    Inquiry, InquiryBy, InquiryCapability, KeyReplay, Lookup, NotSent, Operation, Outcome,
    PayerField, PayoutCapability, Portable, ReferenceRule, StatementFault, StatementLine, Subject,
    Timestamp, WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// How long a QR code can be paid. The answer tells it too.
const QR_LIFE: Duration = Duration::from_secs(30 * 60);

const INQUIRY: InquiryCapability = InquiryCapability {
    by_our_reference: true,
    by_psp_reference: true,
    by_ledger: false,
    min_interval: Duration::from_secs(2),
    ledger_min_interval: Duration::ZERO,
    not_found_quiet: Duration::from_secs(15 * 60),
};

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_our_answer: true,
        needs_completion: false,
        can_cancel: true,
        any_amount: false,
        session_life: QR_LIFE,
    }),
    payout: Some(PayoutCapability {
        portable_iban: false,
        portable_uk_account: false,
        portable_pix_key: true,
        portable_crypto: false,
        portable_phone: false,
        portable_email: false,
        same_owner_check: false,
        by_token: false,
        success_reversible: true,
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: INQUIRY,
    payout_inquiry: InquiryCapability { by_our_reference: false, ..INQUIRY },
    idempotency: IdempotencyCapability {
        // Letters, digits, dashes and underscores, for payouts.
        reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Alphanumeric },
        replay: KeyReplay::SameAnswer,
        // No page says how long a key lives.
        key_life: Duration::from_secs(24 * 60 * 60),
        margin: Duration::from_secs(60 * 60),
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Hint,
        batch: false,
        reply: WebhookReplyKind::Plain,
        has_timestamp: true,
        tolerance: Duration::from_secs(5 * MINUTE.as_secs()),
    },
};

/// One Mercado Pago application.
pub struct MercadoPago {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: String,
    notify_url: String,
    access_token: SecretString,
    webhook_keys: HmacKeys,
    signer: Ed25519Signer,
    description: String,
}

impl fmt::Debug for MercadoPago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MercadoPago({})", self.inner.base_url)
    }
}

impl MercadoPago {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let secrets = reader.live_secrets("webhook_secret", 16);
        let keys = secrets.iter().map(|key| key.expose_secret().as_bytes().to_vec());
        let signer = reader.key("payout_private_key_pem", Ed25519Signer::from_pem);
        let notify_url = reader.account.notify_url.clone();
        if notify_url.contains('?') {
            reader.fault("notify_url", "must be a URL without a query (Mercado Pago adds its own)");
        }
        let inner = Inner {
            base_url: reader.base_url(),
            notify_url,
            access_token: reader.secret("access_token", 16),
            webhook_keys: HmacKeys::new(keys),
            signer: signer?,
            description: reader.setting_or("description", "Casino"),
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn start(&self, operation: &Operation) -> Option<Box<dyn Exchange>> {
        let inner = &self.inner;
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let asked = (deposit.money, deposit.attempt);
                single("create_deposit", wire::payment(inner, deposit)?, move |response| {
                    mapping::payment_created(response, asked)
                })
            }
            Operation::CreatePayout(payout) => {
                let asked = (payout.money, payout.attempt);
                single("create_payout", wire::payout(inner, payout)?, move |response| {
                    payout::created(response, asked)
                })
            }
            Operation::ReturnDeposit(back) => {
                let (money, of) = (back.money, back.deposit_psp_reference.clone());
                single("return_deposit", wire::refund(inner, back)?, move |response| {
                    mapping::refund_created(response, money, &of)
                })
            }
            Operation::CancelDeposit { psp_reference, .. } => {
                let id = psp_reference.clone();
                let request = wire::cancel(inner, psp_reference)?;
                single("cancel_deposit", request, move |response| mapping::cancelled(response, &id))
            }
            Operation::Inquire(inquiry) => self.inquiry(inquiry)?,
            Operation::Lookup(lookup) => self.lookup(lookup)?,
            Operation::CompleteDeposit(_) => return None,
        })
    }

    fn inquiry(&self, inquiry: &Inquiry) -> Option<Box<dyn Exchange>> {
        let (inner, asked) = (&self.inner, inquiry.clone());
        Some(match (&inquiry.by, inquiry.subject) {
            (InquiryBy::OurReference, Subject::Deposit) => {
                let request = wire::search(inner, inquiry.attempt);
                single("query", request, move |response| mapping::search_answer(response, &asked))
            }
            (InquiryBy::PspReference(id), subject) => {
                let id = id.clone();
                match subject {
                    Subject::Deposit => {
                        single("query", wire::read_payment(inner, &id)?, move |response| {
                            mapping::payment_answer(response, &id, Some(&asked))
                        })
                    }
                    Subject::Payout => {
                        single("query", wire::read_payout(inner, &id)?, move |response| {
                            payout::answer(response, &id, Some(&asked))
                        })
                    }
                    Subject::Return => {
                        let payment = inquiry.deposit_psp_reference.clone()?;
                        let request = wire::read_refund(inner, &payment, &id)?;
                        single("query", request, move |response| {
                            mapping::refund_answer(response, &id, asked.money)
                        })
                    }
                }
            }
            _ => return None,
        })
    }

    /// Which of the two it is, the id itself tells: payments have numbers, payouts a number and a ULID.
    fn lookup(&self, lookup: &Lookup) -> Option<Box<dyn Exchange>> {
        let id = lookup.psp_reference.clone();
        Some(match webhook::subject_of(&id) {
            Subject::Deposit => {
                let request = wire::read_payment(&self.inner, &id)?;
                single("lookup", request, move |response| {
                    mapping::payment_answer(response, &id, None)
                })
            }
            Subject::Payout | Subject::Return => {
                let request = wire::read_payout(&self.inner, &id)?;
                single("lookup", request, move |response| payout::answer(response, &id, None))
            }
        })
    }
}

impl Adapter for MercadoPago {
    fn name(&self) -> &'static str {
        "mercadopago"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, _: Timestamp) -> Box<dyn Exchange> {
        self.start(operation)
            .unwrap_or_else(|| Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))))
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        currency == Currency::BRL
            && matches!(&destination.portable, Some(Portable::PixKey { key }) if wire::is_key(key))
    }

    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        match subject {
            Subject::Deposit => &[PayerField::Email],
            // The key's owner is named by the CPF.
            Subject::Payout => &[PayerField::NationalId],
            Subject::Return => &[],
        }
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw, CAPABILITIES.webhook.tolerance)
    }

    /// 200 or 201 within 22 seconds, else it comes again every 15 minutes.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: Vec::new() }
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        report::read(file)
    }
}
