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

use crate::adapter::Adapter;
use crate::answer::Told;
use crate::pix;
use crate::plan::Plan;
use crate::registry::Reader;
use crate::signature::ed25519::Ed25519Signer;
use crate::signature::{HmacKeys, WebhookKeys};
use crate::statement::Statement;
use crate::webhook::{RawWebhook, Received};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, HttpRequest, HttpResponse,
    IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, KeyReplay, Lookup, Operation,
    PayerField, PayoutCapability, Portable, ReferenceRule, Subject, Timestamp, WebhookCapability,
    WebhookProof, minutes,
};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// How long a QR code can be paid. The answer tells it too.
const QR_LIFE: Duration = minutes(30);

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        can_cancel: true,
        ..DepositCapability::opened_by_us(QR_LIFE)
    }),
    payout: Some(PayoutCapability {
        portable_pix_key: true,
        success_reversible: true,
        ..PayoutCapability::NONE
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: InquiryCapability::BY_EITHER,
    payout_inquiry: InquiryCapability::BY_ITS_ID,
    idempotency: IdempotencyCapability {
        // Letters, digits, dashes and underscores, for payouts.
        reference: ReferenceRule { charset: Charset::Alphanumeric, ..ReferenceRule::visible(64) },
        replay: KeyReplay::SameAnswer,
        // No page says how long a key lives.
        key_life: minutes(24 * 60),
        margin: minutes(60),
    },
    webhook: WebhookCapability {
        proof: WebhookProof::Hint,
        has_timestamp: true,
        tolerance: minutes(5),
        ..WebhookCapability::SIGNED
    },
};

type Read = fn(&HttpResponse, &Inquiry) -> Told;

/// One Mercado Pago application.
pub(crate) struct MercadoPago {
    base_url: String,
    notify_url: String,
    access_token: SecretString,
    webhook_keys: HmacKeys,
    signer: Ed25519Signer,
    description: String,
}

impl MercadoPago {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let signer = reader.key("payout_private_key_pem", Ed25519Signer::from_pem);
        Some(Box::new(Arc::new(Self {
            base_url: reader.base_url(),
            // Mercado Pago adds a query of its own.
            notify_url: reader.notify_url_without_query(),
            access_token: reader.secret("access_token", 16),
            webhook_keys: reader.hmac_keys("webhook_secret", 16, |text| Ok(text.into())),
            description: reader.setting_or("description", "Casino"),
            signer: signer?,
        })))
    }

    fn inquiry(&self, inquiry: &Inquiry) -> Option<Plan> {
        let (request, read): (HttpRequest, Read) = match (inquiry.subject, &inquiry.by) {
            (Subject::Deposit, InquiryBy::OurReference) => {
                (self.search(inquiry.attempt), mapping::search_answer)
            }
            (Subject::Deposit, InquiryBy::PspReference(id)) => {
                (self.read_payment(id)?, mapping::payment_answer)
            }
            (Subject::Payout, InquiryBy::PspReference(id)) => {
                (self.read_payout(id)?, payout::answer)
            }
            (Subject::Return, InquiryBy::PspReference(id)) => {
                let payment = inquiry.deposit_psp_reference.as_deref()?;
                (self.read_refund(payment, id)?, mapping::refund_answer)
            }
            _ => return None,
        };
        Some(Plan::about("query", request, inquiry, read))
    }

    /// Which of the two it is, the id itself tells: payments have numbers, payouts a number and a ULID.
    fn lookup(&self, lookup: &Lookup) -> Option<Plan> {
        let id = &lookup.psp_reference;
        Some(match webhook::subject_of(id) {
            Subject::Deposit => {
                Plan::about("lookup", self.read_payment(id)?, lookup, mapping::payment_found)
            }
            Subject::Payout | Subject::Return => {
                Plan::about("lookup", self.read_payout(id)?, lookup, payout::found)
            }
        })
    }
}

impl Adapter for Arc<MercadoPago> {
    fn name(&self) -> &'static str {
        "mercadopago"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn plan(&self, operation: &Operation, _: Timestamp) -> Option<Plan> {
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let request = self.payment(deposit)?;
                Plan::about("create_deposit", request, deposit, mapping::payment_created)
            }
            Operation::CreatePayout(payout) => {
                Plan::about("create_payout", self.payout(payout)?, payout, payout::created)
            }
            Operation::ReturnDeposit(back) => {
                Plan::about("return_deposit", self.refund(back)?, back, mapping::refund_created)
            }
            Operation::CancelDeposit { psp_reference, .. } => {
                let (request, id) = (self.cancel(psp_reference)?, psp_reference.clone());
                Plan::last("cancel_deposit", request, move |response| {
                    mapping::cancelled(response, &id)
                })
            }
            Operation::Inquire(inquiry) => self.inquiry(inquiry)?,
            Operation::Lookup(lookup) => self.lookup(lookup)?,
            Operation::CompleteDeposit(_) => return None,
        })
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let key = match &destination.portable {
            Some(Portable::PixKey { key }) => pix::key_kind(key),
            _ => None,
        };
        currency == Currency::BRL && key.is_some()
    }

    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        match subject {
            Subject::Deposit => &[PayerField::Email],
            // The key's owner is named by the CPF.
            Subject::Payout => &[PayerField::NationalId],
            Subject::Return => &[],
        }
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw, CAPABILITIES.webhook.tolerance)
    }

    fn read_statement(&self, file: &[u8]) -> Statement {
        report::read(file)
    }
}
