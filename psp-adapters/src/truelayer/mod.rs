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
//! Modules: `wire` (signatures and requests), `mapping` (answers in our words), `webhook`.

mod mapping;
mod webhook;
mod wire;

use crate::adapter::Adapter;
use crate::answer::Told;
use crate::common::path_word;
use crate::plan::Plan;
use crate::registry::Reader;
use crate::signature::{Es512Signer, WebhookKeys};
use crate::webhook::{RawWebhook, Received, WebhookRefusal};
use psp_contract::{
    Capabilities, Currency, DepositCapability, Destination, HttpResponse, IdempotencyCapability,
    Inquiry, InquiryCapability, KeyReplay, NotSent, Operation, PayoutCapability, Portable,
    ReferenceRule, Subject, Timestamp, WebhookCapability, WebhookProof, minutes,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::Call;

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        can_cancel: true,
        ..DepositCapability::opened_by_us(minutes(30))
    }),
    payout: Some(PayoutCapability::BANK_ACCOUNTS),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: InquiryCapability::BY_ITS_ID,
    payout_inquiry: InquiryCapability::BY_ITS_ID,
    idempotency: IdempotencyCapability {
        reference: ReferenceRule::visible(64),
        replay: KeyReplay::SameAnswer,
        // One page of its documentation says 6 hours, another 30 days: the shorter.
        key_life: minutes(6 * 60),
        margin: minutes(60),
    },
    webhook: WebhookCapability {
        proof: WebhookProof::Hint,
        has_timestamp: true,
        tolerance: minutes(5),
        ..WebhookCapability::SIGNED
    },
};

/// One TrueLayer client with its merchant account.
pub(crate) struct TrueLayer {
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

/// Currencies that TrueLayer moves.
const CURRENCIES: [Currency; 4] = [Currency::GBP, Currency::EUR, Currency::PLN, Currency::NOK];

impl TrueLayer {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let base_url = reader.base_url();
        let auth_base_url = reader.url_setting("auth_base_url", Some(&base_url));
        let hosted_page_url = reader.url_setting("hosted_page_url", None);
        let webhook_jku = reader.url_setting("webhook_jku", None);
        let signer = reader.key("signing_private_key_pem", Es512Signer::from_pem);
        let account = |code: &str| {
            let key = format!("merchant_account_id_{}", code.to_ascii_lowercase());
            reader.account.settings.get(&key).cloned()
        };
        let codes = CURRENCIES.iter().map(|currency| currency.code());
        let merchant_accounts = codes.filter_map(|code| Some((code, account(code)?))).collect();
        Some(Box::new(Arc::new(Self {
            base_url,
            auth_base_url: auth_base_url.trim_end_matches('/').to_owned(),
            hosted_page_url,
            webhook_jku,
            client_id: reader.setting("client_id"),
            client_secret: reader.secret("client_secret", 16),
            scope: reader.setting_or("scope", "payments"),
            merchant_account_id: reader.setting("merchant_account_id"),
            merchant_accounts,
            signing_kid: reader.setting("signing_kid"),
            signer: signer?,
        })))
    }

    fn merchant_account(&self, currency: Currency) -> &str {
        self.merchant_accounts.get(currency.code()).unwrap_or(&self.merchant_account_id)
    }

    fn is_our_account(&self, id: &str) -> bool {
        self.merchant_account_id == id || self.merchant_accounts.values().any(|ours| ours == id)
    }

    /// Every call needs a token, and then is one request.
    fn authorised<T: Clone + Send + 'static>(
        self: &Arc<Self>,
        step: &'static str,
        (call, now): (Call, Timestamp),
        asked: &T,
        read: fn(&HttpResponse, &T) -> Told,
    ) -> Plan {
        let (truelayer, asked) = (self.clone(), asked.clone());
        Plan::with_token(self.token_request(), now, move |token| {
            let request = truelayer.request(call, token).ok_or(NotSent::PreparationFailed)?;
            Ok(Plan::about(step, request, &asked, read))
        })
    }

    /// By TrueLayer's id.
    fn inquiry(&self, inquiry: &Inquiry) -> Option<Call> {
        let id = path_word(inquiry.by.id())?;
        Some(Call::get(match inquiry.subject {
            Subject::Deposit => format!("/v3/payments/{id}"),
            Subject::Payout => format!("/v3/payouts/{id}"),
            Subject::Return => {
                let payment = path_word(inquiry.deposit_psp_reference.as_deref()?)?;
                format!("/v3/payments/{payment}/refunds/{id}")
            }
        }))
    }
}

impl Adapter for Arc<TrueLayer> {
    fn name(&self) -> &'static str {
        "truelayer"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn plan(&self, operation: &Operation, now: Timestamp) -> Option<Plan> {
        Some(match operation {
            Operation::CreateDeposit(deposit) => {
                let (call, page) = (self.create_payment(deposit)?, self.hosted_page_url.clone());
                let asked = (deposit.clone(), page);
                self.authorised("create_deposit", (call, now), &asked, mapping::payment_created)
            }
            Operation::CreatePayout(payout) => {
                let (call, money) = (self.create_payout(payout)?, payout.money);
                self.authorised("create_payout", (call, now), &money, mapping::outgoing_created)
            }
            Operation::ReturnDeposit(back) => {
                let (call, money) = (wire::create_refund(back)?, back.money);
                self.authorised("return_deposit", (call, now), &money, mapping::outgoing_created)
            }
            Operation::Inquire(inquiry) => {
                let call = self.inquiry(inquiry)?;
                self.authorised("query", (call, now), inquiry, mapping::inquiry_answer)
            }
            Operation::CancelDeposit { attempt, psp_reference: id } => {
                let call = wire::cancel_payment(*attempt, id)?;
                self.authorised("cancel_deposit", (call, now), id, |response, id| {
                    mapping::payment_cancelled(response, id)
                })
            }
            // Its hosted page takes the money itself, and its events name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
        })
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let portable = match destination.portable {
            Some(Portable::Iban { .. }) => currency != Currency::GBP,
            Some(Portable::UkAccount { .. }) => currency == Currency::GBP,
            _ => false,
        };
        CURRENCIES.contains(&currency) && (destination.token.is_some() || portable)
    }

    fn webhook_keys_url(&self) -> Option<&str> {
        Some(&self.webhook_jku)
    }

    fn webhook_key_id(&self, raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
        webhook::signature(self, raw)?.key_id()
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, keys: &WebhookKeys) -> Received {
        webhook::verify(self, raw, keys, CAPABILITIES.webhook.tolerance)
    }
}
