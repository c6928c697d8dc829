//! Pix through Efí: the central bank's API for charges, and Efí's extension for sending.
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

use crate::identity;
use crate::pix;
use crate::prelude::*;
use crate::token;

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
    return_inquiry: InquiryCapability::BY_EITHER,
    // A txid has 26 to 35 letters and digits; idEnvio and the id of a return have up to 35.
    idempotency: IdempotencyCapability::refuses_for_ever(ReferenceRule {
        len_min: 26,
        len_max: 35,
        charset: Charset::Alphanumeric,
    }),
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::MutualTls,
        proof: WebhookProof::Hint,
        batch: true,
        ..WebhookCapability::SIGNED
    },
};

/// One account at Efí.
pub(crate) struct PixEfi {
    api: Api,
    token_client: token::Client,
    notify_url: String,
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
        let base_url = reader.base_url();
        let token_url = format!("{base_url}/oauth/token");
        Some(Box::new(Arc::new(Self {
            api: Api::at(base_url),
            token_client: token::Client::read(reader, token_url),
            notify_url: reader.notify_url(),
            pix_key: reader.setting("pix_key"),
            statement,
            expires_in_s,
            webhook_issuers: webhook::PinnedIssuers::read(reader),
        })))
    }
}

impl Adapter for Arc<PixEfi> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn holds(&self, currency: Currency) -> bool {
        currency == Currency::BRL
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        self.holds(currency) && pix::key_of(destination).is_some()
    }

    fn token_request(&self) -> Option<HttpRequest> {
        Some(self.token_client.basic_request())
    }

    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let request = self.charge(deposit);
        Some(Plan::about("create_deposit", request, deposit, mapping::charge_created))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        let request = self.payout(payout)?;
        Some(Plan::about("create_payout", request, payout, mapping::payout_created))
    }

    /// The charge tells which Pix paid it; that one is sent back.
    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let txid = path_word(&back.deposit_psp_reference)?.to_owned();
        let (efi, back) = (self.clone(), back.clone());
        Some(Plan::prepare("find_deposit", self.charge_by(&txid), move |response| {
            let e2eid = mapping::paid_by(response, &txid).ok_or(NotSent::PreparationFailed)?;
            let request = efi.refund(&back, &e2eid);
            Ok(Plan::about("return_deposit", request, &back, mapping::return_created))
        }))
    }

    fn inquire(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let ours = inquiry.attempt.lower();
        let named = match &inquiry.by {
            InquiryBy::OurReference => None,
            InquiryBy::PspReference(id) => Some(path_word(id)?.to_owned()),
            InquiryBy::Ledger => return None,
        };
        Some(match inquiry.subject {
            Subject::Deposit => {
                let txid = named.unwrap_or(ours);
                Plan::about("query", self.charge_by(&txid), &(txid, now), mapping::charge_state)
            }
            Subject::Payout => {
                let id = named.unwrap_or_else(|| format!("id-envio/{ours}"));
                let request = self.api.get(format!("v2/gn/pix/enviados/{id}"));
                Plan::about("query", request, inquiry, mapping::payout_state)
            }
            Subject::Return => {
                let txid = path_word(inquiry.deposit_psp_reference.as_deref()?)?.to_owned();
                Plan::about("query", self.charge_by(&txid), &(txid, ours), mapping::return_state)
            }
        })
    }

    /// By the end-to-end id of a Pix that came, or went.
    fn lookup(&self, lookup: &Lookup, _: Timestamp) -> Option<Plan> {
        let path = match lookup.subject {
            Some(Subject::Payout) => "v2/gn/pix/enviados",
            _ => "v2/pix",
        };
        let request = self.api.get(format!("{path}/{}", path_word(&lookup.psp_reference)?));
        Some(Plan::about("lookup", request, lookup, mapping::found))
    }

    fn cancel_deposit(&self, attempt: AttemptRef, psp_reference: &str) -> Option<Plan> {
        let (request, txid) = (self.cancel(attempt), path_word(psp_reference)?.to_owned());
        Some(Plan::about("cancel_deposit", request, &txid, mapping::charge_cancelled))
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }

    /// Any 2xx will do; Efí tries up to ten times otherwise.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply::ok("200")
    }
}
