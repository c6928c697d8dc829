//! Paysafe's Payments API: Interac e-Transfer in and out of Canada, and wallets (`reference/psps.md`
//! §3.5).
//!
//! **Lower confidence than the other adapters**: it rests on Paysafe's documentation and third parties'
//! code alone. Nothing of Paysafe's own that could be run has checked it.
//!
//! JSON with HTTP Basic. A *payment handle* moves nothing and is spent by one more call:
//!
//! - A deposit's handle is a redirect. Once its payer has been there it is `PAYABLE`, and then **we must
//!   say so ourselves** (`POST /payments`), or Paysafe lets it expire: [`Status::AwaitsCompletion`]. The
//!   handle's token is found again by our reference, so nothing has to be kept.
//! - A payout's handle is payable at once, and spent by a standalone credit of the same amount.
//! - Everything is found by our reference, `?merchantRefNum=`, on the resource that it made.
//! - A merchantRefNum used twice within 90 days is error 5031, and a spent handle 5283: both may mean
//!   that the first was accepted.
//! - Webhooks are signed as a whole with a shared key, which older accounts take as base64 and newer ones
//!   as text (setting `webhook_key_encoding`).
//!
//! A standalone credit that fails *after* it was made has the same status as one that failed: Paysafe
//! documents `SA_CREDIT_FAILED` as "initially completed and later failed". It is told as returned, which
//! gives the player the money back in either case and never licenses a second payout.
//!
//! Modules: `wire` (requests), `mapping` (answers in our words), `webhook`.
//!
//! [`Status::AwaitsCompletion`]: psp_contract::Status::AwaitsCompletion

mod mapping;
mod webhook;
mod wire;

use crate::adapter::{Adapter, Exchange, Finished};
use crate::chain::{Chain, Chained};
use crate::registry::Reader;
use crate::signature::{HmacKeys, WebhookKeys};
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mapping::Handle;
use psp_contract::{
    Capabilities, Charset, CompletionRequest, Currency, DepositCapability, Destination,
    HttpResponse, IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent,
    Operation, Outcome, PayerField, PayoutCapability, PayoutRequest, Portable, ReferenceRule,
    ReturnRequest, StatementFault, StatementLine, Subject, Timestamp, Unknown, WebhookAuthenticity,
    WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::PaymentType;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// By our reference on every resource; Paysafe's own ids differ from resource to resource.
const INQUIRY: InquiryCapability = InquiryCapability {
    by_our_reference: true,
    by_psp_reference: false,
    by_ledger: false,
    min_interval: Duration::from_secs(2),
    ledger_min_interval: Duration::ZERO,
    not_found_quiet: minutes(15),
};

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_our_answer: true,
        needs_completion: true,
        can_cancel: false,
        any_amount: false,
        // A handle lives for about fifteen minutes, its payment until the bank has answered.
        session_life: minutes(60),
    }),
    payout: Some(PayoutCapability {
        portable_iban: false,
        portable_uk_account: false,
        portable_pix_key: false,
        portable_crypto: false,
        portable_phone: false,
        portable_email: true,
        same_owner_check: false,
        by_token: false,
        success_reversible: true,
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: INQUIRY,
    payout_inquiry: INQUIRY,
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 255, charset: Charset::Visible },
        replay: KeyReplay::DuplicateError,
        key_life: minutes(90 * 24 * 60),
        margin: minutes(60),
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: false,
        reply: WebhookReplyKind::Plain,
        // `eventDate` is the event's, and a repeat keeps it.
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// One Paysafe account for one payment type.
pub struct Paysafe {
    inner: Arc<Inner>,
}

struct Inner {
    api_url: String,
    notify_url: String,
    /// `Basic …`
    authorization: SecretString,
    account_id: Option<String>,
    payment_type: PaymentType,
    keys: HmacKeys,
}

impl fmt::Debug for Paysafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paysafe({})", self.inner.api_url)
    }
}

impl Paysafe {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let usual = if reader.account.method == "interac" { "INTERAC_ETRANSFER" } else { "SKRILL" };
        let told = reader.setting_or("payment_type", usual);
        let payment_type = PaymentType::parse(&told, &reader.account.method);
        if payment_type.is_none() {
            reader.fault(
                "settings.payment_type",
                "must be INTERAC_ETRANSFER for interac, SKRILL or NETELLER for e_wallet",
            );
        }
        let (username, password) =
            (reader.setting("api_username"), reader.secret("api_password", 8));
        let keys = webhook_keys(reader);
        let credentials = STANDARD.encode(format!("{username}:{}", password.expose_secret()));
        let inner = Inner {
            api_url: format!("{}/paymenthub/v1", reader.base_url()),
            notify_url: reader.account.notify_url.clone(),
            authorization: SecretString::from(format!("Basic {credentials}")),
            account_id: reader.account.settings.get("account_id").cloned(),
            payment_type: payment_type?,
            keys: keys?,
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn chain(&self, operation: &Operation) -> Option<Chain> {
        match operation {
            Operation::CreateDeposit(deposit) => {
                let request = wire::deposit_handle(&self.inner, deposit)?;
                let (attempt, money) = (deposit.attempt, deposit.money);
                let plain_http = self.inner.api_url.starts_with("http:");
                Some(Chain::last("create_deposit", request, move |response| {
                    mapping::deposit_handle(response, attempt, money, plain_http)
                }))
            }
            Operation::CompleteDeposit(completion) => self.complete(completion),
            Operation::CreatePayout(payout) => self.pay_out(payout),
            Operation::ReturnDeposit(back) => self.give_back(back),
            Operation::Inquire(inquiry) => self.inquiry(inquiry),
            // Events name our reference, and an open handle cannot be closed.
            Operation::Lookup(_) | Operation::CancelDeposit { .. } => None,
        }
    }

    /// Finds the handle again and spends it. What cannot be spent tells what became of it.
    fn complete(&self, completion: &CompletionRequest) -> Option<Chain> {
        let inner = self.inner.clone();
        let asked = completion.clone();
        let handles = wire::by_reference(&inner, "paymenthandles", asked.attempt);
        if !inner.payment_type.moves(asked.money.currency) {
            return None;
        }
        Some(Chain::prepare("find_handle", handles, move |response| {
            let (attempt, money) = (asked.attempt, asked.money);
            match mapping::handle(response, "PAYMENT", attempt, money) {
                Ok(Handle::Payable(token)) => {
                    let request = wire::payment(&inner, &asked, &token);
                    Chain::last("complete_deposit", request, move |response| {
                        mapping::created(response, attempt, money)
                    })
                }
                // It was spent before, by an answer that we lost or by Paysafe itself: what came of it
                // an inquiry tells.
                Ok(Handle::Spent(_)) => Chain::End(Outcome::Unknown(Unknown::DuplicateReference)),
                Ok(Handle::Open) => Chain::End(Outcome::NotSent(NotSent::PreparationFailed)),
                Ok(Handle::Over(outcome)) | Err(outcome) => Chain::End(prepared(*outcome)),
            }
        }))
    }

    fn pay_out(&self, payout: &PayoutRequest) -> Option<Chain> {
        let inner = self.inner.clone();
        let request = wire::payout_handle(&inner, payout)?;
        let asked = payout.clone();
        Some(Chain::prepare("payout_handle", request, move |response| {
            let (attempt, money) = (asked.attempt, asked.money);
            match mapping::payout_handle(response, attempt, money) {
                Ok(token) => spend(&inner, &asked, &token),
                // The handle was made before, by this very attempt. Its credit has the same reference, so
                // it cannot be made twice.
                Err(outcome) if *outcome == Outcome::Unknown(Unknown::DuplicateReference) => {
                    let handles = wire::by_reference(&inner, "paymenthandles", attempt);
                    Chain::ask("find_handle", handles, move |response| {
                        match mapping::handle(response, "STANDALONE_CREDIT", attempt, money) {
                            Ok(Handle::Payable(token) | Handle::Spent(token)) => {
                                spend(&inner, &asked, &token)
                            }
                            _ => Chain::End(Outcome::Unknown(Unknown::DuplicateReference)),
                        }
                    })
                }
                Err(outcome) => Chain::End(prepared(*outcome)),
            }
        }))
    }

    /// The handle names our reference, our reference the settlement, and that one is refunded.
    fn give_back(&self, back: &ReturnRequest) -> Option<Chain> {
        let inner = self.inner.clone();
        let (attempt, money) = (back.attempt, back.money);
        let handle = wire::handle_by_id(&inner, &back.deposit_psp_reference)?;
        if !inner.payment_type.moves(money.currency) || money.minor <= 0 {
            return None;
        }
        let lost = || Chain::End(Outcome::NotSent(NotSent::PreparationFailed));
        Some(Chain::prepare("find_deposit", handle, move |response| {
            let Some(deposit) = mapping::reference_of(response) else {
                return lost();
            };
            let settlements = wire::by_reference(&inner, "settlements", deposit);
            Chain::prepare("find_settlement", settlements, move |response| {
                let id = mapping::settlement_of(response, deposit);
                let request = id.and_then(|id| wire::refund(&inner, &id, attempt, money));
                let Some(request) = request else {
                    return lost();
                };
                Chain::last("return_deposit", request, move |response| {
                    mapping::created(response, attempt, money)
                })
            })
        }))
    }

    fn inquiry(&self, inquiry: &Inquiry) -> Option<Chain> {
        if inquiry.by != InquiryBy::OurReference {
            return None;
        }
        let (inner, asked) = (self.inner.clone(), inquiry.clone());
        let ours = asked.attempt;
        let (resource, name) = match asked.subject {
            Subject::Deposit => ("payments", "payments"),
            Subject::Payout => ("standalonecredits", "standaloneCredits"),
            Subject::Return => ("refunds", "refunds"),
        };
        let request = wire::by_reference(&inner, resource, ours);
        Some(Chain::ask("query", request, move |response| {
            let found = mapping::record(response, name, &asked, inner.payment_type);
            if asked.subject != Subject::Deposit || found != Outcome::NotFound {
                return Chain::End(found);
            }
            let handles = wire::by_reference(&inner, "paymenthandles", ours);
            Chain::last("query_handle", handles, move |response| {
                mapping::handle_status(response, &asked)
            })
        }))
    }
}

/// The outcome of a step that moves nothing, before one that would have: what is definite stays so, and
/// nothing else was sent.
fn prepared(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Reported(_)
        | Outcome::Unknown(Unknown::DuplicateReference | Unknown::Mismatch) => outcome,
        Outcome::NotSent(_) | Outcome::Unknown(_) | Outcome::NotFound => {
            Outcome::NotSent(NotSent::PreparationFailed)
        }
    }
}

fn spend(inner: &Inner, payout: &PayoutRequest, token: &str) -> Chain {
    let (attempt, money) = (payout.attempt, payout.money);
    let request = wire::credit(inner, payout, token);
    Chain::last("create_payout", request, move |response: &HttpResponse| {
        mapping::created(response, attempt, money)
    })
}

/// As text, or decoded first: Paysafe's pages say both, of accounts of different age.
fn webhook_keys(reader: &mut Reader<'_>) -> Option<HmacKeys> {
    let secrets = reader.live_secrets("webhook_key", 16);
    let bytes = |secret: &SecretString| secret.expose_secret().as_bytes().to_vec();
    let keys: Option<Vec<Vec<u8>>> = match &*reader.setting_or("webhook_key_encoding", "text") {
        "text" => Some(secrets.iter().map(bytes).collect()),
        "base64" => secrets.iter().map(|key| STANDARD.decode(bytes(key)).ok()).collect(),
        _ => {
            reader.fault("settings.webhook_key_encoding", "must be text or base64");
            return None;
        }
    };
    if keys.is_none() {
        reader.fault("secrets.webhook_key", "is no base64");
    }
    keys.map(HmacKeys::new)
}

impl Adapter for Paysafe {
    fn name(&self) -> &'static str {
        "paysafe"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, _: Timestamp) -> Box<dyn Exchange> {
        match self.chain(operation) {
            Some(chain) => Box::new(Chained::new(chain)),
            None => Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))),
        }
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let email = matches!(destination.portable, Some(Portable::Email { .. }));
        email && self.inner.payment_type.moves(currency)
    }

    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        match subject {
            // It is what Paysafe collects from.
            Subject::Deposit => &[PayerField::Email],
            Subject::Payout | Subject::Return => &[],
        }
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw)
    }

    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: Vec::new() }
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::read(file, &statement::PLAIN)
    }
}
