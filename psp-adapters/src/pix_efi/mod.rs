//! Pix through Efí: the central bank's API for charges, and Efí's extension for sending
//! (`reference/psps.md` §3.6).
//!
//! Mutual TLS on every call and an OAuth 2 token on top. Our reference is in the path of every PUT, so it is
//! the idempotency key: a second use is refused, and every such refusal may mean that the first one was
//! accepted.
//!
//! - A deposit is a charge (`cob`) with a QR code; nothing moves before a payer's bank reads it. Its id at
//!   Efí is the txid, which is ours.
//! - A payout goes to a Pix key **of the same owner only**: Efí compares the key's CPF with the one that we
//!   send, the player's. (Efí's `mesma-titularidade` is for the accounts of the merchant itself.)
//! - A deposit goes back by the end-to-end id of the Pix that paid it, which the charge tells first.
//! - Notifications carry no signature: hints.
//!
//! Modules: `wire` (requests), `mapping` (answers in our words), `webhook`.

mod mapping;
mod webhook;
mod wire;

use crate::adapter::Adapter;
use crate::answer::Told;
use crate::common::path_word;
use crate::identity;
use crate::plan::Plan;
use crate::registry::Reader;
use crate::signature::WebhookKeys;
use crate::webhook::{RawWebhook, Received, Verified, WebhookBatch, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, FOR_EVER, HttpRequest,
    HttpResponse, IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent,
    Operation, PayoutCapability, Portable, ReferenceRule, ReturnRequest, Subject, Timestamp,
    WebhookAuthenticity, WebhookCapability, WebhookProof, minutes,
};
use secrecy::SecretString;
use std::sync::Arc;

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        can_cancel: true,
        ..DepositCapability::opened_by_us(minutes(60))
    }),
    payout: Some(PayoutCapability {
        portable_pix_key: true,
        same_owner_check: true,
        success_reversible: true,
        ..PayoutCapability::NONE
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: InquiryCapability::BY_EITHER,
    payout_inquiry: InquiryCapability::BY_EITHER,
    idempotency: IdempotencyCapability {
        // A txid has 26 to 35 letters and digits; idEnvio and the id of a return have up to 35.
        reference: ReferenceRule { len_min: 26, len_max: 35, charset: Charset::Alphanumeric },
        replay: KeyReplay::DuplicateError,
        key_life: FOR_EVER,
        margin: minutes(1),
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::MutualTls,
        proof: WebhookProof::Hint,
        batch: true,
        ..WebhookCapability::SIGNED
    },
};

/// One account at Efí.
pub(crate) struct PixEfi {
    base_url: String,
    notify_url: String,
    client_id: String,
    client_secret: SecretString,
    /// The merchant's own Pix key: receives, and pays.
    pix_key: String,
    statement: String,
    expires_in_s: i64,
    webhook_issuers: webhook::PinnedIssuers,
}

impl PixEfi {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        identity::require(reader);
        let statement = reader.setting_or("shopper_statement", "Casino");
        if 140 < statement.chars().count() {
            reader.fault("settings.shopper_statement", "is longer than 140 characters");
        }
        let expires_in_s = reader.setting_or("expires_in_s", "1800").parse().unwrap_or(0);
        if !(60..=86_400).contains(&expires_in_s) {
            reader.fault("settings.expires_in_s", "must be a number from 60 to 86400");
        }
        Some(Box::new(Arc::new(Self {
            base_url: reader.base_url(),
            notify_url: reader.account.notify_url.clone(),
            client_id: reader.setting("client_id"),
            client_secret: reader.secret("client_secret", 16),
            pix_key: reader.setting("pix_key"),
            statement,
            expires_in_s,
            webhook_issuers: webhook::PinnedIssuers::read(reader),
        })))
    }

    /// Every call needs a token, and most are one request.
    fn authorised<T: Clone + Send + 'static>(
        &self,
        step: &'static str,
        (request, now): (HttpRequest, Timestamp),
        asked: &T,
        read: fn(&HttpResponse, &T) -> Told,
    ) -> Plan {
        let asked = asked.clone();
        Plan::with_token(self.token_request(), now, move |token| {
            Ok(Plan::about(step, wire::bearing(request, token), &asked, read))
        })
    }

    /// The charge tells which Pix paid it; that one is sent back.
    fn give_back(self: &Arc<Self>, back: &ReturnRequest, now: Timestamp) -> Option<Plan> {
        let txid = path_word(&back.deposit_psp_reference)?.to_owned();
        let body = wire::refund(back)?;
        let (efi, back) = (self.clone(), back.clone());
        let find = self.charge_by(&txid);
        Some(Plan::with_token(self.token_request(), now, move |token| {
            let (find, token) = (wire::bearing(find, token), token.clone());
            Ok(Plan::prepare("find_deposit", find, move |response| {
                let e2eid = mapping::paid_by(response, &txid).ok_or(NotSent::PreparationFailed)?;
                let path = format!("/v2/pix/{e2eid}/devolucao/{}", back.attempt.lower());
                let request = wire::bearing(efi.put(&path, &body), &token);
                Ok(Plan::about("return_deposit", request, &back, mapping::return_created))
            }))
        }))
    }

    fn inquiry(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let ours = inquiry.attempt.lower();
        let named = match &inquiry.by {
            InquiryBy::OurReference => None,
            InquiryBy::PspReference(id) => Some(path_word(id)?.to_owned()),
            InquiryBy::Ledger => return None,
        };
        Some(match inquiry.subject {
            Subject::Deposit => {
                let txid = named.unwrap_or(ours);
                let request = self.charge_by(&txid);
                self.authorised("query", (request, now), &(txid, now), mapping::charge_state)
            }
            Subject::Payout => {
                let id = named.unwrap_or_else(|| format!("id-envio/{ours}"));
                let request = self.get(&format!("/v2/gn/pix/enviados/{id}"));
                self.authorised("query", (request, now), inquiry, mapping::payout_state)
            }
            Subject::Return => {
                let txid = path_word(inquiry.deposit_psp_reference.as_deref()?)?.to_owned();
                let (request, asked) = (self.charge_by(&txid), (txid, ours));
                self.authorised("query", (request, now), &asked, mapping::return_state)
            }
        })
    }
}

impl Adapter for Arc<PixEfi> {
    fn name(&self) -> &'static str {
        "pix_efi"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn plan(&self, operation: &Operation, now: Timestamp) -> Option<Plan> {
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let request = self.charge(deposit)?;
                self.authorised("create_deposit", (request, now), deposit, mapping::charge_created)
            }
            Operation::CreatePayout(payout) => {
                let request = self.payout(payout)?;
                self.authorised("create_payout", (request, now), payout, mapping::payout_created)
            }
            Operation::ReturnDeposit(back) => self.give_back(back, now)?,
            Operation::Inquire(inquiry) => self.inquiry(inquiry, now)?,
            Operation::CancelDeposit { attempt, psp_reference } => {
                let (request, txid) = (self.cancel(*attempt), path_word(psp_reference)?.to_owned());
                self.authorised("cancel_deposit", (request, now), &txid, |response, txid| {
                    mapping::charge_cancelled(response, txid)
                })
            }
            // A charge takes the money itself, and notifications name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
        })
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let key = matches!(&destination.portable, Some(Portable::PixKey { key })
            if (1..=77).contains(&key.len()));
        currency == Currency::BRL && key
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }

    /// Any 2xx will do; Efí tries up to ten times otherwise.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply::ok("200")
    }
}
