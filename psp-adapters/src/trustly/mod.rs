//! Trustly: bank redirects in, bank transfers out (`reference/psps.md` §3.1).
//!
//! JSON-RPC 1.1 over one URL, always answered with 200; both sides sign method, UUID and the serialised
//! data with RSA and SHA-1, errors too. An answer that is unsigned or does not verify says nothing.
//!
//! - A deposit is a redirect; what happens afterwards comes by notification only, there is no inquiry.
//! - A payout goes to an account id. A portable account is registered first (`RegisterAccount` moves
//!   nothing and gives the same id for the same account), then paid.
//! - The MessageID is the attempt's id. Used twice it is error 637, which proves that the message
//!   arrived and not that it was accepted: unknown. Then only a notification or the ledger tells.
//! - A refund has no MessageID: it is known by the deposit's order id and its amount.
//!
//! Modules: `wire` (serialisation and signatures), `requests` (operations as messages), `mapping`
//! (answers in our words), `webhook` (notifications).

mod mapping;
mod requests;
mod shape;
mod webhook;
mod wire;

use crate::adapter::{
    Adapter, Exchange, Finished, Input, Single, Step, failed, preparation_failed,
};
use crate::json::Json;
use crate::registry::Reader;
use crate::signature::{RsaKeys, RsaSigner, WebhookKeys};
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, IdempotencyCapability,
    Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation, Outcome,
    PayoutCapability, PayoutRequest, Portable, ReferenceRule, StatementFault, StatementLine,
    Subject, Timestamp, WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::Message;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_our_answer: true,
        needs_completion: false,
        can_cancel: false,
        any_amount: false,
        session_life: Duration::from_secs(60 * 60),
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
    // A deposit is in the ledger once its money is there; before that nothing can be asked.
    deposit_inquiry: InquiryCapability {
        by_ledger: true,
        ledger_min_interval: Duration::from_secs(15 * 60),
        not_found_quiet: DAY,
        ..InquiryCapability::NONE
    },
    payout_inquiry: InquiryCapability {
        by_our_reference: false,
        by_psp_reference: true,
        by_ledger: true,
        // "Please do not use this method more than once every 15 minutes" (GetWithdrawals).
        min_interval: Duration::from_secs(15 * 60),
        ledger_min_interval: Duration::from_secs(15 * 60),
        // The ledger shows settled transactions only.
        not_found_quiet: DAY,
    },
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 200, charset: Charset::Visible },
        replay: KeyReplay::DuplicateError,
        // A MessageID is unique for ever; ten years stand for it.
        key_life: Duration::from_secs(10 * 365 * 24 * 60 * 60),
        margin: MINUTE,
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: false,
        reply: WebhookReplyKind::Signed,
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// One Trustly account.
pub struct Trustly {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    notify_url: String,
    username: String,
    password: SecretString,
    shopper_statement: String,
    signer: RsaSigner,
    keys: RsaKeys,
}

impl fmt::Debug for Trustly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trustly({})", self.inner.url)
    }
}

impl Trustly {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let username = reader.setting("username");
        let password = reader.secret("password", 8);
        let signer = reader.key("merchant_private_key_pem", RsaSigner::from_pem);
        let mut keys = RsaKeys::none();
        reader.key("trustly_public_key_pem", |pem| keys.add_pem(pem));
        if reader.has_secret("trustly_public_key_pem_next") {
            reader.key("trustly_public_key_pem_next", |pem| keys.add_pem(pem));
        }
        let notify_url = reader.account.notify_url.clone();
        if notify_url.contains('?') || !notify_url.starts_with("http") {
            reader
                .fault("notify_url", "must be a URL without a question mark (Trustly refuses it)");
        }
        let inner = Inner {
            url: format!("{}/api/1", reader.base_url()),
            notify_url,
            username,
            password,
            shopper_statement: reader.setting_or("shopper_statement", "Casino"),
            signer: signer?,
            keys,
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }
}

/// Whether Trustly moves this currency. All of them have two decimals, as its amounts do.
const fn speaks(currency: Currency) -> bool {
    matches!(
        currency,
        Currency::EUR
            | Currency::GBP
            | Currency::SEK
            | Currency::DKK
            | Currency::NOK
            | Currency::PLN
    )
}

impl Adapter for Trustly {
    fn name(&self) -> &'static str {
        "trustly"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange> {
        let inner = self.inner.clone();
        let exchange = match operation {
            Operation::CreateDeposit(deposit) => {
                requests::deposit(&inner, deposit).and_then(|message| {
                    let plain_http = inner.url.starts_with("http:");
                    single(inner, "create_deposit", message, true, move |answer| {
                        mapping::deposit_answer(answer, plain_http)
                    })
                })
            }
            Operation::CreatePayout(payout) => payout_exchange(inner, payout),
            Operation::ReturnDeposit(back) => requests::refund(&inner, back).and_then(|message| {
                let order = back.deposit_psp_reference.clone();
                single(inner, "return_deposit", message, true, move |answer| {
                    mapping::refund_answer(answer, &order)
                })
            }),
            Operation::Inquire(inquiry) => inquiry_exchange(inner, inquiry, now),
            Operation::CancelDeposit { .. }
            | Operation::CompleteDeposit(_)
            | Operation::Lookup(_) => None,
        };
        exchange.unwrap_or_else(|| Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))))
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        if !speaks(currency) {
            return false;
        }
        let portable = match &destination.portable {
            Some(Portable::Iban { iban, .. }) => requests::clearing_house(iban).is_some(),
            Some(Portable::UkAccount { .. }) => currency == Currency::GBP,
            _ => false,
        };
        destination.token.is_some() || portable
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::read(file, &statement::PLAIN)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw)
    }

    fn reply(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        webhook::reply(&self.inner, verified.get())
    }
}

/// An exchange of one message; `read` gets the verified data of its result.
fn single(
    inner: Arc<Inner>,
    step: &'static str,
    message: Message,
    moves_money: bool,
    read: impl Fn(&Json) -> Outcome + Send + 'static,
) -> Option<Box<dyn Exchange>> {
    let request = wire::request(&inner, &message, moves_money)?;
    Some(Box::new(Single::new(step, request, move |response| {
        match wire::answer(&inner, &message, response) {
            Ok(data) => read(&data),
            Err(refusal) if moves_money => mapping::refused(&refusal),
            Err(refusal) => mapping::inquiry_refused(&refusal),
        }
    })))
}

fn inquiry_exchange(
    inner: Arc<Inner>,
    inquiry: &Inquiry,
    now: Timestamp,
) -> Option<Box<dyn Exchange>> {
    let asked = inquiry.clone();
    match (&inquiry.by, inquiry.subject) {
        (InquiryBy::PspReference(order), Subject::Payout | Subject::Return) => {
            let message = requests::withdrawals(&inner, inquiry, order, now);
            let order = order.clone();
            single(inner, "query", message, false, move |answer| {
                mapping::withdrawals_answer(answer, &asked, &order)
            })
        }
        (InquiryBy::Ledger, Subject::Payout) => {
            let message = requests::ledger(&inner, inquiry, now)?;
            single(inner, "ledger", message, false, move |answer| {
                mapping::ledger_answer(answer, &asked)
            })
        }
        (InquiryBy::Ledger, Subject::Deposit) => {
            let message = requests::ledger(&inner, inquiry, now)?;
            single(inner, "ledger", message, false, move |answer| {
                mapping::deposit_in_ledger(answer, &asked)
            })
        }
        // Nothing is known of a deposit that has no money yet, nothing is found by MessageID, and a refund's rows in the ledger
        // carry the deposit's MessageID.
        _ => None,
    }
}

fn payout_exchange(inner: Arc<Inner>, payout: &PayoutRequest) -> Option<Box<dyn Exchange>> {
    let registration = match &payout.destination.token {
        Some(_) => None,
        None => Some(requests::register_account(&inner, payout)?),
    };
    if !speaks(payout.money.currency) {
        return None;
    }
    Some(Box::new(Payout { inner, payout: payout.clone(), registration, paying: None }))
}

/// `RegisterAccount` where needed, then `AccountPayout`.
struct Payout {
    inner: Arc<Inner>,
    payout: PayoutRequest,
    registration: Option<Message>,
    paying: Option<Message>,
}

impl Payout {
    fn pay(&mut self, account_id: &str) -> Step {
        let message = requests::account_payout(&self.inner, &self.payout, account_id);
        let request = message.and_then(|message| {
            let request = wire::request(&self.inner, &message, true);
            self.paying = Some(message);
            request
        });
        match request {
            Some(request) => Step::Send("create_payout", request),
            None => Step::Done(Outcome::NotSent(NotSent::NotExpressible)),
        }
    }

    fn register(&self, message: &Message) -> Step {
        match wire::request(&self.inner, message, false) {
            Some(request) => Step::Send("register_account", request),
            None => Step::Done(Outcome::NotSent(NotSent::NotExpressible)),
        }
    }
}

impl Exchange for Payout {
    fn step(&mut self, input: Input) -> Step {
        match (input, &self.paying, &self.registration) {
            (Input::Response(response), Some(paying), _) => {
                Step::Done(match wire::answer(&self.inner, paying, &response) {
                    Ok(data) => mapping::payout_answer(&data),
                    Err(refusal) => mapping::refused(&refusal),
                })
            }
            (Input::Failed(failure), Some(_), _) => Step::Done(failed(failure)),
            (Input::Response(response), None, Some(registering)) => {
                match wire::answer(&self.inner, registering, &response) {
                    Ok(data) => match data.word("accountid") {
                        Some(account_id) => self.pay(&account_id),
                        None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
                    },
                    Err(refusal) => Step::Done(mapping::registration_refused(&refusal)),
                }
            }
            (Input::Failed(failure), None, _) => Step::Done(preparation_failed(failure)),
            (_, None, Some(registering)) => self.register(registering),
            (_, _, _) => match self.payout.destination.token.clone() {
                Some(account_id) => self.pay(&account_id),
                None => Step::Done(Outcome::NotSent(NotSent::NotExpressible)),
            },
        }
    }
}
