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
    Inquiry, InquiryBy, InquiryCapability, KeyReplay, NotSent, Operation, PayoutCapability,
    Portable, ReferenceRule, Subject, Timestamp, WebhookCapability, WebhookProof, minutes,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::Call;

/// Asked by its id, at any time.
const INQUIRY: InquiryCapability =
    InquiryCapability { by_psp_reference: true, ..InquiryCapability::POLITE };

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        can_cancel: true,
        ..DepositCapability::opened_by_us(minutes(30))
    }),
    payout: Some(PayoutCapability {
        portable_iban: true,
        portable_uk_account: true,
        by_token: true,
        success_reversible: true,
        ..PayoutCapability::NONE
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: INQUIRY,
    payout_inquiry: INQUIRY,
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
    fn authorised(
        self: &Arc<Self>,
        step: &'static str,
        call: Call,
        now: Timestamp,
        read: impl FnOnce(&HttpResponse) -> Told + Send + 'static,
    ) -> Plan {
        let truelayer = self.clone();
        Plan::with_token(self.token_request(), now, move |token| {
            let request = truelayer.request(call, token).ok_or(NotSent::PreparationFailed)?;
            Ok(Plan::last(step, request, read))
        })
    }

    fn inquiry(self: &Arc<Self>, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let InquiryBy::PspReference(id) = &inquiry.by else {
            return None;
        };
        let path = match inquiry.subject {
            Subject::Deposit => format!("/v3/payments/{}", path_word(id)?),
            Subject::Payout => format!("/v3/payouts/{}", path_word(id)?),
            Subject::Return => {
                let payment = path_word(inquiry.deposit_psp_reference.as_deref()?)?;
                format!("/v3/payments/{payment}/refunds/{}", path_word(id)?)
            }
        };
        let (asked, id) = (inquiry.clone(), id.clone());
        Some(self.authorised("query", Call::get(path), now, move |response| {
            mapping::inquiry_answer(response, &asked, &id)
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
                let call = self.create_payment(deposit)?;
                let page = self.hosted_page_url.clone();
                let (money, return_url) = (deposit.money, deposit.return_url.clone());
                self.authorised("create_deposit", call, now, move |response| {
                    mapping::payment_created(response, money, &page, &return_url)
                })
            }
            Operation::CreatePayout(payout) => {
                let (call, money) = (self.create_payout(payout)?, payout.money);
                self.authorised("create_payout", call, now, move |response| {
                    mapping::outgoing_created(response, money)
                })
            }
            Operation::ReturnDeposit(back) => {
                let (call, money) = (wire::create_refund(back)?, back.money);
                self.authorised("return_deposit", call, now, move |response| {
                    mapping::outgoing_created(response, money)
                })
            }
            Operation::Inquire(inquiry) => self.inquiry(inquiry, now)?,
            // Its hosted page takes the money itself, and its events name our reference.
            Operation::CompleteDeposit(_) | Operation::Lookup(_) => return None,
            Operation::CancelDeposit { attempt, psp_reference } => {
                let call = wire::cancel_payment(*attempt, psp_reference)?;
                let id = psp_reference.clone();
                self.authorised("cancel_deposit", call, now, move |response| {
                    mapping::payment_cancelled(response, &id)
                })
            }
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
