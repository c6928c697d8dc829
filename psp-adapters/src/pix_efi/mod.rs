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

use crate::adapter::{Adapter, Exchange, Finished};
use crate::course::{Call, Course, Next};
use crate::identity;
use crate::json::Json;
use crate::registry::Reader;
use crate::signature::WebhookKeys;
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, IdempotencyCapability,
    Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation, Outcome,
    PayoutCapability, Portable, ReferenceRule, ReturnRequest, StatementFault, StatementLine,
    Subject, Timestamp, WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::SecretString;
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

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_our_answer: true,
        needs_completion: false,
        can_cancel: true,
        any_amount: false,
        session_life: minutes(60),
    }),
    payout: Some(PayoutCapability {
        portable_iban: false,
        portable_uk_account: false,
        portable_pix_key: true,
        portable_crypto: false,
        portable_phone: false,
        portable_email: false,
        same_owner_check: true,
        by_token: false,
        success_reversible: true,
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: INQUIRY,
    payout_inquiry: INQUIRY,
    idempotency: IdempotencyCapability {
        // A txid has 26 to 35 letters and digits; idEnvio and the id of a return have up to 35.
        reference: ReferenceRule { len_min: 26, len_max: 35, charset: Charset::Alphanumeric },
        replay: KeyReplay::DuplicateError,
        // An id is unique for ever; ten years stand for it.
        key_life: Duration::from_secs(10 * 365 * 24 * 60 * 60),
        margin: minutes(1),
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::MutualTls,
        proof: WebhookProof::Hint,
        batch: true,
        reply: WebhookReplyKind::Plain,
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// One account at Efí.
pub struct PixEfi {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: String,
    notify_url: String,
    client_id: String,
    client_secret: SecretString,
    /// The merchant's own Pix key: receives, and pays.
    pix_key: String,
    statement: String,
    expires_in_s: u32,
    webhook_issuers: webhook::PinnedIssuers,
}

impl fmt::Debug for PixEfi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixEfi({})", self.inner.base_url)
    }
}

impl PixEfi {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        identity::require(reader);
        let client_id = reader.setting("client_id");
        let client_secret = reader.secret("client_secret", 16);
        let pix_key = reader.setting("pix_key");
        let statement = reader.setting_or("shopper_statement", "Casino");
        if 140 < statement.chars().count() {
            reader.fault("settings.shopper_statement", "is longer than 140 characters");
        }
        let expires_in_s = reader.setting_or("expires_in_s", "1800").parse().unwrap_or(0);
        if !(60..=86_400).contains(&expires_in_s) {
            reader.fault("settings.expires_in_s", "must be a number from 60 to 86400");
        }
        let inner = Inner {
            base_url: reader.base_url(),
            notify_url: reader.account.notify_url.clone(),
            client_id,
            client_secret,
            pix_key,
            statement,
            expires_in_s,
            webhook_issuers: webhook::PinnedIssuers::read(reader),
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn first_call(&self, operation: &Operation, now: Timestamp) -> Option<Call> {
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let body = wire::charge(&self.inner, deposit)?;
                let (path, asked) = (wire::charge_path(deposit.attempt), deposit.clone());
                Call::put("create_deposit", path, &body, move |response| {
                    mapping::charge_created(response, &asked)
                })
            }
            Operation::CreatePayout(payout) => {
                let body = wire::payout(&self.inner, payout)?;
                let (id, money) = (payout.attempt.lower(), payout.money);
                Call::put("create_payout", format!("/v3/gn/pix/{id}"), &body, move |response| {
                    mapping::payout_created(response, &id, money)
                })
            }
            Operation::ReturnDeposit(back) => find_then_return(back)?,
            Operation::Inquire(inquiry) => inquire(inquiry, now)?,
            Operation::CancelDeposit { attempt, psp_reference } => {
                let txid = wire::path_id(psp_reference)?.to_owned();
                let removed = Json::object([("status", "REMOVIDA_PELO_USUARIO_RECEBEDOR".into())]);
                let path = wire::charge_path(*attempt);
                Call::patch("cancel_deposit", path, &removed, move |response| {
                    mapping::charge_cancelled(response, &txid)
                })
            }
            // A charge takes the money itself, and notifications name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
        })
    }
}

/// The charge tells which Pix paid it; that one is sent back.
fn find_then_return(back: &ReturnRequest) -> Option<Call> {
    let txid = wire::path_id(&back.deposit_psp_reference)?.to_owned();
    let body = Json::object([("valor", wire::amount(back.money)?)]);
    let (id, money) = (back.attempt.lower(), back.money);
    Some(Call::get(
        "find_deposit",
        format!("/v2/cob/{txid}"),
        move |response| match mapping::paid_by(response, &txid) {
            None => Next::Done(Outcome::NotSent(NotSent::PreparationFailed)),
            Some(e2eid) => {
                let path = format!("/v2/pix/{e2eid}/devolucao/{id}");
                Next::Then(Call::put("return_deposit", path, &body, move |response| {
                    mapping::return_created(response, &id, money)
                }))
            }
        },
    ))
}

fn inquire(inquiry: &Inquiry, now: Timestamp) -> Option<Call> {
    let asked = inquiry.clone();
    let named = match &inquiry.by {
        InquiryBy::OurReference => None,
        InquiryBy::PspReference(id) => Some(wire::path_id(id)?.to_owned()),
        InquiryBy::Ledger => return None,
    };
    Some(match inquiry.subject {
        Subject::Deposit => {
            let txid = named.unwrap_or_else(|| inquiry.attempt.lower());
            Call::get("query", format!("/v2/cob/{txid}"), move |response| {
                Next::Done(mapping::charge_state(response, &txid, now))
            })
        }
        Subject::Payout => {
            let path = match named {
                Some(e2eid) => format!("/v2/gn/pix/enviados/{e2eid}"),
                None => format!("/v2/gn/pix/enviados/id-envio/{}", inquiry.attempt.lower()),
            };
            Call::get("query", path, move |response| {
                Next::Done(mapping::payout_state(response, &asked))
            })
        }
        Subject::Return => {
            let txid = wire::path_id(inquiry.deposit_psp_reference.as_deref()?)?.to_owned();
            Call::get("query", format!("/v2/cob/{txid}"), move |response| {
                Next::Done(mapping::return_state(response, &txid, &asked))
            })
        }
    })
}

impl Adapter for PixEfi {
    fn name(&self) -> &'static str {
        "pix_efi"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange> {
        match self.first_call(operation, now) {
            Some(call) => {
                let moves_money = operation.moves_money();
                Box::new(Course::new(self.inner.clone(), now, moves_money, call))
            }
            None => Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))),
        }
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        currency == Currency::BRL
            && matches!(&destination.portable, Some(Portable::PixKey { key })
                if (1..=77).contains(&key.len()))
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::plain(file)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw)
    }

    /// Any 2xx will do; Efí tries up to ten times otherwise.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: b"200".to_vec() }
    }
}
