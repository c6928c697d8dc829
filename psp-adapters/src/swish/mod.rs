//! Swish: Swedish mobile payments in, payouts to mobile numbers.
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

use crate::identity;
use crate::prelude::*;
use crate::signature::RsaSigner;

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
        return_inquiry: InquiryCapability::BY_EITHER,
        idempotency: IdempotencyCapability::refuses_for_ever(ReferenceRule {
            len_min: 32,
            len_max: 32,
            charset: Charset::UpperHex,
        }),
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
    api: Api,
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
        let flow = reader.word("flow", &["link", "push"], "must be `link` or `push`");
        let notify_url = reader.notify_url();
        reader.reachable("notify_url", &notify_url);
        Some(Box::new(Arc::new(Self {
            api: Api::at(format!("{}/swish-cpcapi/api", reader.base_url())),
            notify_url,
            payee_alias: reader.setting("payee_alias"),
            message,
            app_url: reader.setting_or("app_url", "swish://paymentrequest"),
            pushes: flow == "push",
            signing_serial: reader.setting("signing_certificate_serial"),
            signer: signer?,
        })))
    }
}

impl Adapter for Arc<Swish> {
    fn capabilities(&self) -> &Capabilities {
        if self.pushes { &PUSH } else { &LINK }
    }

    fn holds(&self, currency: Currency) -> bool {
        currency == Currency::SEK
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        self.holds(currency) && wire::number_of(destination).is_some()
    }

    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let (request, swish) = (self.payment_request(deposit), self.clone());
        let pushed = self.pushed_to(deposit).is_some();
        let (id, back) = (deposit.attempt.upper(), deposit.return_url.clone());
        Some(Plan::last("create_deposit", request, move |response| {
            mapping::payment_created(response, &id, &swish.app_url, &back, pushed)
        }))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        let request = self.payout(payout)?;
        Some(Plan::about("create_payout", request, &payout.attempt, mapping::outgoing_created))
    }

    /// The payment is asked for its bank reference, and then sent back by it.
    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let id = path_id(&back.deposit_psp_reference)?;
        let question = self.api.get(format!("v1/paymentrequests/{id}"));
        let (swish, back) = (self.clone(), back.clone());
        Some(Plan::prepare("find_deposit", question, move |response| {
            let payment = mapping::paid_as(response, &back.deposit_psp_reference);
            let payment = payment.ok_or(NotSent::PreparationFailed)?;
            let (request, ours) = (swish.refund(&back, &payment), &back.attempt);
            Ok(Plan::about("return_deposit", request, ours, mapping::outgoing_created))
        }))
    }

    fn inquire(&self, inquiry: &Inquiry, _: Timestamp) -> Option<Plan> {
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
        let request = self.api.get(format!("v1/{kind}/{id}"));
        Some(Plan::about("query", request, inquiry, mapping::state))
    }

    fn cancel_deposit(&self, _: AttemptRef, id: &str) -> Option<Plan> {
        let request = self.cancel(id)?;
        Some(Plan::about("cancel_deposit", request, &id.to_owned(), mapping::cancelled))
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::read(self, raw)
    }
}
