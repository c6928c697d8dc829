//! Swish: Swedish mobile payments in, payouts to mobile numbers (`reference/psps.md` §3.2).
//!
//! **Lower confidence.** Swish publishes no vectors and no library of its own; this adapter rests on the
//! descriptions and the code of third parties alone. Before real money goes through it, its sandbox must
//! have confirmed each call.
//!
//! Mutual TLS on every call. Our reference is the instruction's id, in the path or in the signed payload; a
//! second use is refused (RP09), and may mean that the first one was accepted: it is looked up.
//!
//! - A deposit is a payment request. Pushed to the payer's number (setting `flow = "push"`) it can move money
//!   without us; otherwise it is opened in the app by a token that only we were given (`flow = "link"`).
//! - A payout is signed over the payload's bytes, hashed twice, and names the payee's personal number, which
//!   Swish compares with the owner of the mobile number.
//! - A refund needs the bank's reference of the payment, which is asked for first.
//! - Callbacks are unsigned: hints. DS24 and FF10 say that the banks have not answered: unknown.
//!
//! Modules: `wire` (requests), `mapping` (answers in our words), `webhook`.

mod mapping;
mod webhook;
mod wire;

use crate::adapter::Adapter;
use crate::common::path_id;
use crate::identity;
use crate::plan::Plan;
use crate::registry::Reader;
use crate::signature::{RsaSigner, WebhookKeys};
use crate::webhook::{RawWebhook, Received};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, FOR_EVER, HttpRequest,
    IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation,
    PayoutCapability, Portable, ReferenceRule, ReturnRequest, Subject, Timestamp,
    WebhookAuthenticity, WebhookCapability, WebhookProof, minutes,
};
use std::sync::Arc;

/// `needs_our_answer` is the account's: only a token leaves everything in our hands.
const fn capabilities(needs_our_answer: bool) -> Capabilities {
    Capabilities {
        deposit: Some(DepositCapability {
            needs_our_answer,
            can_cancel: true,
            // Swish gives the payer three minutes.
            ..DepositCapability::opened_by_us(minutes(3))
        }),
        payout: Some(PayoutCapability {
            portable_phone: true,
            same_owner_check: true,
            ..PayoutCapability::NONE
        }),
        return_deposit: true,
        unsolicited_deposits: false,
        deposit_inquiry: InquiryCapability::BY_EITHER,
        payout_inquiry: InquiryCapability::BY_EITHER,
        idempotency: IdempotencyCapability {
            reference: ReferenceRule { len_min: 32, len_max: 32, charset: Charset::UpperHex },
            replay: KeyReplay::DuplicateError,
            key_life: FOR_EVER,
            margin: minutes(1),
        },
        webhook: WebhookCapability {
            authenticity: WebhookAuthenticity::Unsigned,
            proof: WebhookProof::Hint,
            ..WebhookCapability::SIGNED
        },
    }
}

static LINK: Capabilities = capabilities(true);
static PUSH: Capabilities = capabilities(false);

/// One merchant's Swish number.
pub(crate) struct Swish {
    base_url: String,
    notify_url: String,
    /// The merchant's own number: is paid, and pays.
    payee_alias: String,
    message: String,
    /// Where the app's links lead.
    app_url: String,
    pushes: bool,
    signer: RsaSigner,
    signing_serial: String,
}

impl Swish {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        identity::require(reader);
        let signer = reader.key("signing_private_key_pem", RsaSigner::from_pem);
        let message = reader.setting_or("message", "Deposit");
        let plain = |c: char| c.is_alphanumeric() || " :;.,?!()-".contains(c);
        if 50 < message.chars().count() || !message.chars().all(plain) {
            reader.fault("settings.message", "must be at most 50 letters, digits and plain marks");
        }
        let flow = reader.setting_or("flow", "link");
        if !matches!(flow.as_str(), "link" | "push") {
            reader.fault("settings.flow", "must be `link` or `push`");
        }
        let notify_url = reader.account.notify_url.clone();
        reader.reachable("notify_url", &notify_url);
        Some(Box::new(Arc::new(Self {
            base_url: reader.base_url(),
            notify_url,
            payee_alias: reader.setting("payee_alias"),
            message,
            app_url: reader.setting_or("app_url", "swish://paymentrequest"),
            pushes: flow == "push",
            signing_serial: reader.setting("signing_certificate_serial"),
            signer: signer?,
        })))
    }

    fn inquiry(&self, inquiry: &Inquiry) -> Option<HttpRequest> {
        let id = match &inquiry.by {
            InquiryBy::OurReference => inquiry.attempt.upper(),
            InquiryBy::PspReference(id) => path_id(id)?.to_owned(),
            InquiryBy::Ledger => return None,
        };
        let kind = match inquiry.subject {
            Subject::Deposit => "paymentrequests",
            Subject::Payout => "payouts",
            Subject::Return => "refunds",
        };
        Some(self.get(&format!("v1/{kind}/{id}")))
    }

    /// The payment is asked for its bank reference, and then sent back by it. Nothing is asked for a
    /// refund that could not be expressed afterwards.
    fn give_back(self: &Arc<Self>, back: &ReturnRequest) -> Option<Plan> {
        self.refund(back, "")?;
        let id = path_id(&back.deposit_psp_reference)?;
        let question = self.get(&format!("v1/paymentrequests/{id}"));
        let (swish, back) = (self.clone(), back.clone());
        Some(Plan::prepare("find_deposit", question, move |response| {
            let payment = mapping::paid_as(response).ok_or(NotSent::PreparationFailed)?;
            let request = swish.refund(&back, &payment).ok_or(NotSent::PreparationFailed)?;
            let ours = &back.attempt;
            Ok(Plan::about("return_deposit", request, ours, mapping::outgoing_created))
        }))
    }
}

impl Adapter for Arc<Swish> {
    fn name(&self) -> &'static str {
        "swish"
    }

    fn capabilities(&self) -> &Capabilities {
        if self.pushes { &PUSH } else { &LINK }
    }

    fn plan(&self, operation: &Operation, _: Timestamp) -> Option<Plan> {
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let (request, swish) = (self.payment_request(deposit)?, self.clone());
                let pushed = self.pushed_to(deposit).is_some();
                let (id, back) = (deposit.attempt.upper(), deposit.return_url.clone());
                Plan::last("create_deposit", request, move |response| {
                    mapping::payment_created(response, &id, &swish.app_url, &back, pushed)
                })
            }
            Operation::CreatePayout(payout) => {
                let request = self.payout(payout)?;
                Plan::about("create_payout", request, &payout.attempt, mapping::outgoing_created)
            }
            Operation::ReturnDeposit(back) => self.give_back(back)?,
            Operation::Inquire(inquiry) => {
                Plan::about("query", self.inquiry(inquiry)?, inquiry, mapping::state)
            }
            Operation::CancelDeposit { psp_reference, .. } => {
                let (request, id) = (self.cancel(psp_reference)?, psp_reference.clone());
                Plan::last("cancel_deposit", request, move |response| {
                    mapping::cancelled(response, &id)
                })
            }
            // The payer's app completes, and callbacks name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
        })
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let alias = match &destination.portable {
            Some(Portable::Phone { number, .. }) => wire::alias(number),
            _ => None,
        };
        currency == Currency::SEK && alias.is_some()
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::read(self, raw)
    }
}
