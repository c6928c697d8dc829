//! TrueLayer: open banking in, instant transfers out.
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

use crate::prelude::*;
use crate::signature::Es512Signer;
use crate::signature::tl::{TlSignature, TlSigner};
use crate::token;
use std::collections::BTreeMap;

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
    return_inquiry: InquiryCapability::BY_ITS_ID,
    // One page of its documentation says 6 hours, another 30 days: the shorter.
    idempotency: IdempotencyCapability::answers_again(ReferenceRule::visible(64), minutes(6 * 60)),
    webhook: WebhookCapability::signed_hint(minutes(5)),
};

/// One TrueLayer client with its merchant account.
pub(crate) struct TrueLayer {
    api: Api,
    token_client: token::Client,
    hosted_page_url: String,
    webhook_jku: String,
    scope: String,
    merchant_account_id: String,
    /// Merchant accounts of single currencies, where they differ.
    merchant_accounts: BTreeMap<&'static str, String>,
    signer: TlSigner,
}

/// Currencies that TrueLayer moves.
const CURRENCIES: [Currency; 4] = [Currency::GBP, Currency::EUR, Currency::PLN, Currency::NOK];

impl TrueLayer {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let base_url = reader.base_url();
        let auth_base_url = reader.url_setting("auth_base_url", Some(&base_url));
        let token_url = format!("{}/connect/token", auth_base_url.trim_end_matches('/'));
        let hosted_page_url = reader.url_setting("hosted_page_url", None);
        let webhook_jku = reader.url_setting("webhook_jku", None);
        let key = reader.key("signing_private_key_pem", Es512Signer::from_pem);
        let account = |code: &str| {
            reader.opt_setting(&format!("merchant_account_id_{}", code.to_ascii_lowercase()))
        };
        let codes = CURRENCIES.iter().map(|currency| currency.code());
        let merchant_accounts = codes.filter_map(|code| Some((code, account(code)?))).collect();
        Some(Box::new(Arc::new(Self {
            api: Api::at(base_url),
            token_client: token::Client::read(reader, token_url),
            hosted_page_url,
            webhook_jku,
            scope: reader.setting_or("scope", "payments"),
            merchant_account_id: reader.setting("merchant_account_id"),
            merchant_accounts,
            signer: TlSigner { kid: reader.setting("signing_kid"), key: key? },
        })))
    }

    fn merchant_account(&self, currency: Currency) -> &str {
        self.merchant_accounts.get(currency.code()).unwrap_or(&self.merchant_account_id)
    }

    fn is_our_account(&self, id: &str) -> bool {
        self.merchant_account_id == id || self.merchant_accounts.values().any(|ours| ours == id)
    }
}

impl Adapter for Arc<TrueLayer> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn holds(&self, currency: Currency) -> bool {
        CURRENCIES.contains(&currency)
    }

    fn token_request(&self) -> Option<HttpRequest> {
        Some(self.token_client.form_request(&self.scope))
    }

    /// Not in zloty: TrueLayer takes none, it only pays them out.
    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        if deposit.money.currency == Currency::PLN {
            return None;
        }
        let asked = (deposit.clone(), self.hosted_page_url.clone());
        let request = self.create_payment(deposit)?;
        Some(Plan::about("create_deposit", request, &asked, mapping::payment_created))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        let request = self.create_transfer(payout)?;
        Some(Plan::about("create_payout", request, &payout.money, mapping::outgoing_created))
    }

    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let request = self.create_refund(back)?;
        Some(Plan::about("return_deposit", request, &back.money, mapping::outgoing_created))
    }

    fn cancel_deposit(&self, attempt: AttemptRef, id: &str) -> Option<Plan> {
        let request = self.cancel_payment(attempt, id)?;
        Some(Plan::about("cancel_deposit", request, &id.to_owned(), mapping::payment_cancelled))
    }

    /// By TrueLayer's id.
    fn inquire(&self, inquiry: &Inquiry, _: Timestamp) -> Option<Plan> {
        let id = path_word(inquiry.by.id())?;
        let request = self.api.get(match inquiry.subject {
            Subject::Deposit => format!("v3/payments/{id}"),
            Subject::Payout => format!("v3/payouts/{id}"),
            Subject::Return => {
                let payment = path_word(inquiry.deposit_psp_reference.as_deref()?)?;
                format!("v3/payments/{payment}/refunds/{id}")
            }
        });
        Some(Plan::about("query", request, inquiry, mapping::inquiry_answer))
    }

    fn webhook_keys_url(&self) -> Option<&str> {
        Some(&self.webhook_jku)
    }

    fn webhook_key_id(&self, raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
        TlSignature::received(raw, &self.webhook_jku)?.key_id()
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, keys: &WebhookKeys) -> Received {
        webhook::verify(self, raw, keys, CAPABILITIES.webhook.tolerance)
    }
}
