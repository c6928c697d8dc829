//! TrueLayer: open banking in, instant transfers out (`reference/psps.md` §3.3).
//!
//! JSON over HTTP with an OAuth 2 token and, on every POST, a detached ES512 signature over method, path,
//! idempotency key and body.
//!
//! - A deposit is a payment whose hosted page the payer is sent to; only its id and its resource token
//!   together open that page. `settled` (or `creditable`) is safe to credit, `executed` alone is not.
//! - A payout goes to the payer's own source by its id, or to an account. `executed` can still come back.
//! - The same idempotency key with the same body gives the first answer again, for six hours: a replay is
//!   an inquiry. Bodies therefore depend on the operation and the account alone.
//! - Webhooks are signed with keys that TrueLayer publishes, **the same for all its customers**. So a
//!   webhook that names neither amount nor our merchant account is a hint: another customer of TrueLayer
//!   could have caused it.
//!
//! Modules: `wire` (signatures and requests), `exchange` (token, then call), `mapping` (answers in our
//! words), `webhook`.

mod exchange;
mod mapping;
mod webhook;
mod wire;

use crate::adapter::{Adapter, Exchange, Finished};
use crate::registry::Reader;
use crate::signature::{Es512Signer, WebhookKeys};
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use exchange::Authorised;
use psp_contract::{
    Capabilities, Charset, Currency, DepositCapability, Destination, IdempotencyCapability,
    Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation, Outcome,
    PayoutCapability, Portable, ReferenceRule, StatementFault, StatementLine, Subject, Timestamp,
    WebhookAuthenticity, WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::Call;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Asked by its id, at any time: two seconds keep a ladder of inquiries polite.
const INQUIRY: InquiryCapability = InquiryCapability {
    by_our_reference: false,
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
        session_life: minutes(30),
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
    deposit_inquiry: INQUIRY,
    payout_inquiry: INQUIRY,
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Visible },
        replay: KeyReplay::SameAnswer,
        // One page of its documentation says 6 hours, another 30 days: the shorter.
        key_life: minutes(6 * 60),
        margin: minutes(60),
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Hint,
        batch: false,
        reply: WebhookReplyKind::Plain,
        has_timestamp: true,
        tolerance: minutes(5),
    },
};

/// One TrueLayer client with its merchant account.
pub struct TrueLayer {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: String,
    auth_base_url: String,
    hosted_page_url: String,
    webhook_jku: String,
    client_id: String,
    client_secret: SecretString,
    scope: String,
    merchant_account_id: String,
    /// Merchant accounts of single currencies, where they differ.
    merchant_accounts: BTreeMap<&'static str, String>,
    signing_kid: String,
    signer: Es512Signer,
}

impl Inner {
    fn merchant_account(&self, currency: Currency) -> &str {
        self.merchant_accounts.get(currency.code()).unwrap_or(&self.merchant_account_id)
    }

    fn is_our_account(&self, id: &str) -> bool {
        self.merchant_account_id == id || self.merchant_accounts.values().any(|ours| ours == id)
    }
}

impl fmt::Debug for TrueLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrueLayer({})", self.inner.base_url)
    }
}

/// Currencies that TrueLayer moves.
const CURRENCIES: [Currency; 4] = [Currency::GBP, Currency::EUR, Currency::PLN, Currency::NOK];

impl TrueLayer {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let client_id = reader.setting("client_id");
        let merchant_account_id = reader.setting("merchant_account_id");
        let signing_kid = reader.setting("signing_kid");
        let hosted_page_url = reader.setting("hosted_page_url");
        let webhook_jku = reader.setting("webhook_jku");
        let base_url = reader.base_url();
        let auth_base_url = reader.setting_or("auth_base_url", &base_url);
        for (key, url) in [
            ("settings.hosted_page_url", &hosted_page_url),
            ("settings.webhook_jku", &webhook_jku),
            ("settings.auth_base_url", &auth_base_url),
        ] {
            reader.reachable(key, url);
        }
        let client_secret = reader.secret("client_secret", 16);
        let signer = reader.key("signing_private_key_pem", Es512Signer::from_pem);
        let merchant_accounts = CURRENCIES
            .iter()
            .map(|currency| currency.code())
            .filter_map(|code| {
                let key = format!("merchant_account_id_{}", code.to_ascii_lowercase());
                Some((code, reader.account.settings.get(&key)?.clone()))
            })
            .collect();
        let inner = Inner {
            base_url,
            auth_base_url: auth_base_url.trim_end_matches('/').to_owned(),
            hosted_page_url,
            webhook_jku,
            client_id,
            client_secret,
            scope: reader.setting_or("scope", "payments"),
            merchant_account_id,
            merchant_accounts,
            signing_kid,
            signer: signer?,
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn call(&self, operation: &Operation, now: Timestamp) -> Option<Authorised> {
        let inner = self.inner.clone();
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let call = wire::create_payment(&inner, deposit)?;
                let (page, return_url) =
                    (inner.hosted_page_url.clone(), deposit.return_url.clone());
                let money = deposit.money;
                Authorised::new(inner, "create_deposit", call, now, move |response| {
                    mapping::payment_created(response, money, &page, &return_url)
                })
            }
            Operation::CreatePayout(payout) => {
                let call = wire::create_payout(&inner, payout)?;
                let money = payout.money;
                Authorised::new(inner, "create_payout", call, now, move |response| {
                    mapping::outgoing_created(response, money)
                })
            }
            Operation::ReturnDeposit(back) => {
                let call = wire::create_refund(back)?;
                let money = back.money;
                Authorised::new(inner, "return_deposit", call, now, move |response| {
                    mapping::outgoing_created(response, money)
                })
            }
            Operation::Inquire(inquiry) => self.inquiry(inquiry, now)?,
            // Its hosted page takes the money itself, and its events name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
            Operation::CancelDeposit { attempt, psp_reference } => {
                let call = wire::cancel_payment(*attempt, psp_reference)?;
                let id = psp_reference.clone();
                Authorised::new(inner, "cancel_deposit", call, now, move |response| {
                    mapping::payment_cancelled(response, &id)
                })
            }
        })
    }

    fn inquiry(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Authorised> {
        let InquiryBy::PspReference(id) = &inquiry.by else {
            return None;
        };
        let path = match inquiry.subject {
            Subject::Deposit => format!("/v3/payments/{}", wire::path_id(id)?),
            Subject::Payout => format!("/v3/payouts/{}", wire::path_id(id)?),
            Subject::Return => {
                let payment = wire::path_id(inquiry.deposit_psp_reference.as_deref()?)?;
                format!("/v3/payments/{payment}/refunds/{}", wire::path_id(id)?)
            }
        };
        let (asked, id) = (inquiry.clone(), id.clone());
        let call = Call::get(path);
        Some(Authorised::new(self.inner.clone(), "query", call, now, move |response| {
            mapping::inquiry_answer(response, &asked, &id)
        }))
    }
}

impl Adapter for TrueLayer {
    fn name(&self) -> &'static str {
        "truelayer"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange> {
        match self.call(operation, now) {
            Some(exchange) => Box::new(exchange),
            None => Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))),
        }
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        CURRENCIES.contains(&currency)
            && (destination.token.is_some()
                || match destination.portable {
                    Some(Portable::Iban { .. }) => currency != Currency::GBP,
                    Some(Portable::UkAccount { .. }) => currency == Currency::GBP,
                    _ => false,
                })
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::plain(file)
    }

    fn webhook_keys_url(&self) -> Option<&str> {
        Some(&self.inner.webhook_jku)
    }

    fn webhook_key_id(&self, raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
        webhook::key_id(&self.inner, raw)
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw, keys, CAPABILITIES.webhook.tolerance)
    }

    /// Any 2xx will do; TrueLayer retries everything else for 72 hours.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply { status: 200, content_type: "text/plain", body: Vec::new() }
    }
}
