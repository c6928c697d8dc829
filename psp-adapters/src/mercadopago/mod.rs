//! Mercado Pago in Brazil: PIX in by QR code, PIX out to keys.
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

use crate::pix;
use crate::prelude::*;
use crate::signature::ed25519::Ed25519Signer;
use crate::statement::Statement;
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
    return_inquiry: InquiryCapability::BY_ITS_ID,
    idempotency: IdempotencyCapability::answers_again(
        // Letters, digits, dashes and underscores, for payouts.
        ReferenceRule { charset: Charset::Alphanumeric, ..ReferenceRule::visible(64) },
        // No page says how long a key lives. One hour of replays, since the margin takes the other, bridges a
        // broken line; after it nothing is sent again, and a webhook's id is what finds the payout.
        minutes(120),
    ),
    webhook: WebhookCapability::signed_hint(minutes(5)),
};

/// One Mercado Pago application.
pub(crate) struct MercadoPago {
    api: Api,
    notify_url: String,
    webhook_keys: HmacKeys,
    signer: Ed25519Signer,
    description: String,
}

fn payment_path(id: &str) -> Option<String> {
    Some(format!("payments/{}", path_id(id)?))
}

fn payout_path(id: &str) -> Option<String> {
    Some(format!("transaction-intents/{}", path_id(id)?))
}

impl MercadoPago {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let signer = reader.key("payout_private_key_pem", Ed25519Signer::from_pem);
        let bearer = format!("Bearer {}", reader.secret("access_token", 16).expose_secret());
        let api = Api::at(format!("{}/v1", reader.base_url())).keyed("x-idempotency-key");
        Some(Box::new(Arc::new(Self {
            api: api.with("authorization", SecretString::from(bearer)),
            // Mercado Pago adds a query of its own.
            notify_url: reader.notify_url_without_query(),
            webhook_keys: reader.hmac_keys("webhook_secret", 16, Written::Plainly),
            description: reader.setting_or("description", "Casino"),
            signer: signer?,
        })))
    }
}

impl Adapter for Arc<MercadoPago> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    /// It collects in its own country only.
    fn holds(&self, currency: Currency) -> bool {
        currency == Currency::BRL
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        self.holds(currency) && pix::key_of(destination).and_then(pix::key_kind).is_some()
    }

    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let request = self.payment(deposit)?;
        Some(Plan::about("create_deposit", request, deposit, mapping::payment_created))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        Some(Plan::about("create_payout", self.payout(payout)?, payout, payout::created))
    }

    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let path = format!("payments/{}/refunds", path_id(&back.deposit_psp_reference)?);
        let body = object! { "amount": Json::major(back.money) };
        let request = self.api.create(path, back.attempt, &body);
        // Without it a refund that Pix has not answered yet is told by a 400, as a refused one is.
        let request = request.header("x-render-in-process-refunds", "true");
        Some(Plan::about("return_deposit", request, back, mapping::refund_created))
    }

    fn cancel_deposit(&self, _: AttemptRef, id: &str) -> Option<Plan> {
        let (path, body) = (payment_path(id)?, object! { "status": "cancelled" });
        let request = self.api.send(Method::Put, path, &body);
        Some(Plan::about("cancel_deposit", request, &id.to_owned(), mapping::cancelled))
    }

    fn inquire(&self, inquiry: &Inquiry, _: Timestamp) -> Option<Plan> {
        let (path, read): (_, Reads<Inquiry>) = match (inquiry.subject, &inquiry.by) {
            (Subject::Deposit, InquiryBy::OurReference) => {
                let ours = inquiry.attempt.lower();
                (format!("payments/search?external_reference={ours}"), mapping::search_answer)
            }
            (Subject::Deposit, InquiryBy::PspReference(id)) => {
                (payment_path(id)?, mapping::payment_answer)
            }
            (Subject::Payout, InquiryBy::PspReference(id)) => (payout_path(id)?, payout::answer),
            (Subject::Return, InquiryBy::PspReference(id)) => {
                let payment = payment_path(inquiry.deposit_psp_reference.as_deref()?)?;
                (format!("{payment}/refunds/{}", path_id(id)?), mapping::refund_answer)
            }
            _ => return None,
        };
        Some(Plan::about("query", self.api.get(path), inquiry, read))
    }

    /// Which of the two it is, the id itself tells: payments have numbers, payouts a number and a ULID.
    fn lookup(&self, lookup: &Lookup, _: Timestamp) -> Option<Plan> {
        let id = &lookup.psp_reference;
        let (path, read): (_, Reads<Lookup>) = match webhook::subject_of(id) {
            Subject::Deposit => (payment_path(id)?, mapping::payment_found),
            Subject::Payout | Subject::Return => (payout_path(id)?, payout::found),
        };
        Some(Plan::about("lookup", self.api.get(path), lookup, read))
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
