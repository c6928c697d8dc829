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

use crate::adapter::{
    Adapter, Exchange, Finished, Input, Single, Step, failed, preparation_failed,
};
use crate::identity;
use crate::registry::Reader;
use crate::signature::{RsaSigner, WebhookKeys};
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, HttpRequest,
    IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation,
    Outcome, PayoutCapability, Portable, ReferenceRule, ReturnRequest, StatementFault,
    StatementLine, Subject, Timestamp, WebhookAuthenticity, WebhookCapability, WebhookProof,
    WebhookReplyKind,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const INQUIRY: InquiryCapability = InquiryCapability {
    by_our_reference: true,
    by_psp_reference: true,
    by_ledger: false,
    min_interval: Duration::from_secs(2),
    ledger_min_interval: Duration::ZERO,
    not_found_quiet: minutes(15),
};

/// `needs_our_answer` is the account's: only a token leaves everything in our hands.
const fn capabilities(needs_our_answer: bool) -> Capabilities {
    Capabilities {
        deposit: Some(DepositCapability {
            needs_our_answer,
            needs_completion: false,
            can_cancel: true,
            any_amount: false,
            // Swish gives the payer three minutes.
            session_life: minutes(3),
        }),
        payout: Some(PayoutCapability {
            portable_iban: false,
            portable_uk_account: false,
            portable_pix_key: false,
            portable_crypto: false,
            portable_phone: true,
            portable_email: false,
            same_owner_check: true,
            by_token: false,
            success_reversible: false,
        }),
        return_deposit: true,
        unsolicited_deposits: false,
        deposit_inquiry: INQUIRY,
        payout_inquiry: INQUIRY,
        idempotency: IdempotencyCapability {
            reference: ReferenceRule { len_min: 32, len_max: 32, charset: Charset::UpperHex },
            replay: KeyReplay::DuplicateError,
            // An instruction's id is unique for ever; ten years stand for it.
            key_life: Duration::from_secs(10 * 365 * 24 * 60 * 60),
            margin: minutes(1),
        },
        webhook: WebhookCapability {
            authenticity: WebhookAuthenticity::Unsigned,
            proof: WebhookProof::Hint,
            batch: false,
            reply: WebhookReplyKind::Plain,
            has_timestamp: false,
            tolerance: Duration::ZERO,
        },
    }
}

static LINK: Capabilities = capabilities(true);
static PUSH: Capabilities = capabilities(false);

/// One merchant's Swish number.
pub struct Swish {
    inner: Arc<Inner>,
}

struct Inner {
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

impl fmt::Debug for Swish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Swish({})", self.inner.base_url)
    }
}

impl Swish {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        identity::require(reader);
        let payee_alias = reader.setting("payee_alias");
        let signing_serial = reader.setting("signing_certificate_serial");
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
        let inner = Inner {
            base_url: reader.base_url(),
            notify_url,
            payee_alias,
            message,
            app_url: reader.setting_or("app_url", "swish://paymentrequest"),
            pushes: flow == "push",
            signer: signer?,
            signing_serial,
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn perform(&self, operation: &Operation) -> Option<Box<dyn Exchange>> {
        let inner = self.inner.clone();
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let request = wire::payment_request(&inner, deposit)?;
                let pushed = wire::pushed_to(&inner, deposit).is_some();
                let (id, back) = (deposit.attempt.upper(), deposit.return_url.clone());
                Box::new(Single::new("create_deposit", request, move |response| {
                    mapping::payment_created(response, &id, &inner.app_url, &back, pushed)
                }))
            }
            Operation::CreatePayout(payout) => {
                let (request, id) = (wire::payout(&inner, payout)?, payout.attempt.upper());
                Box::new(Single::new("create_payout", request, move |response| {
                    mapping::outgoing_created(response, &id)
                }))
            }
            Operation::ReturnDeposit(back) => Box::new(Refund::new(inner, back)?),
            Operation::Inquire(inquiry) => {
                let (request, asked) = (inquire(&inner, inquiry)?, inquiry.clone());
                Box::new(Single::new("query", request, move |response| {
                    mapping::state(response, &asked)
                }))
            }
            Operation::CancelDeposit { psp_reference, .. } => {
                let request = wire::cancel(&inner, psp_reference)?;
                let id = psp_reference.clone();
                Box::new(Single::new("cancel_deposit", request, move |response| {
                    mapping::cancelled(response, &id)
                }))
            }
            // The payer's app completes, and callbacks name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
        })
    }
}

fn inquire(inner: &Inner, inquiry: &Inquiry) -> Option<HttpRequest> {
    let id = match &inquiry.by {
        InquiryBy::OurReference => inquiry.attempt.upper(),
        InquiryBy::PspReference(id) => wire::path_id(id)?.to_owned(),
        InquiryBy::Ledger => return None,
    };
    let kind = match inquiry.subject {
        Subject::Deposit => "paymentrequests",
        Subject::Payout => "payouts",
        Subject::Return => "refunds",
    };
    Some(inner.get(&format!("v1/{kind}/{id}")))
}

/// The payment is asked for its bank reference, and then sent back by it.
struct Refund {
    inner: Arc<Inner>,
    back: ReturnRequest,
    question: Option<HttpRequest>,
    sent: bool,
}

impl Refund {
    fn new(inner: Arc<Inner>, back: &ReturnRequest) -> Option<Self> {
        let id = wire::path_id(&back.deposit_psp_reference)?;
        // Nothing is asked for a refund that could not be expressed afterwards.
        wire::refund(&inner, back, "")?;
        let question = Some(inner.get(&format!("v1/paymentrequests/{id}")));
        Some(Self { inner, back: back.clone(), question, sent: false })
    }
}

impl Exchange for Refund {
    fn step(&mut self, input: Input) -> Step {
        match (input, self.sent, self.question.take()) {
            (Input::Response(response), true, _) => {
                Step::Done(mapping::outgoing_created(&response, &self.back.attempt.upper()))
            }
            (Input::Failed(failure), true, _) => Step::Done(failed(failure)),
            (Input::Response(response), false, _) => match mapping::paid_as(&response) {
                None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
                Some(payment) => match wire::refund(&self.inner, &self.back, &payment) {
                    None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
                    Some(request) => {
                        self.sent = true;
                        Step::Send("return_deposit", request)
                    }
                },
            },
            (Input::Failed(failure), false, _) => Step::Done(preparation_failed(failure)),
            (_, _, Some(question)) => Step::Send("find_deposit", question),
            (_, _, None) => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
        }
    }
}

impl Adapter for Swish {
    fn name(&self) -> &'static str {
        "swish"
    }

    fn capabilities(&self) -> &Capabilities {
        if self.inner.pushes { &PUSH } else { &LINK }
    }

    fn exchange(&self, operation: &Operation, _: Timestamp) -> Box<dyn Exchange> {
        self.perform(operation)
            .unwrap_or_else(|| Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))))
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        currency == Currency::SEK
            && matches!(&destination.portable, Some(Portable::Phone { number, .. })
                if wire::alias(number).is_some())
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::plain(file)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::read(&self.inner, raw)
    }

    /// 200, or Swish calls again.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: Vec::new() }
    }
}
