//! Adyen: cards in, bank transfers and cards out.
//!
//! JSON over HTTP with an API key; the idempotency key is the attempt's id, and a repeat gives the first
//! answer again.
//!
//! - A deposit without an instrument is a payment link: Adyen's own page takes the card and carries the
//!   payer through every authentication. The link's id is none of a payment's (a link may see several
//!   authorisations), so its answer names no PSP id; the `AUTHORISATION` webhook does.
//! - A deposit with the token of a stored card is charged at once (`/payments`): it moves money by itself,
//!   so a lost answer is unknown. Where the issuer wants its customer, the payer is sent to the issuer's
//!   page and comes back to the casino's with a `redirectResult`, which `/payments/details` must hear
//!   before anything is authorised. It may be told again: the same one gets the same answer.
//! - A payout is a transfer from the balance account to a bank account or a stored card. `booked` can
//!   still be `returned`. It is found by its id and by our reference.
//! - Payments cannot be asked about: the same key again, or the webhook, tells.
//! - Two kinds of webhooks come to the same address: standard ones sign eight fields of each item, those
//!   of the balance platform the whole body. What the eight fields do not cover is not told.
//!
//! Modules: `wire` (requests), `mapping` (answers in our words), `transfer` (payouts in our words),
//! `webhook`, `report` (the settlement details report).

mod mapping;
mod report;
mod transfer;
mod webhook;
mod wire;

use crate::prelude::*;
use crate::statement::Statement;
use std::time::Duration;
use wire::{SEARCH_MARGIN, amount, counterparty};

/// How long a payment link can be used. The answer tells it too.
const LINK_LIFE: Duration = minutes(60);

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        // A stored card is charged by the request itself.
        needs_our_answer: false,
        payer_brings: Some("redirectResult"),
        ..DepositCapability::opened_by_us(LINK_LIFE)
    }),
    payout: Some(PayoutCapability::BANK_ACCOUNTS),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: InquiryCapability::NONE,
    payout_inquiry: InquiryCapability::BY_EITHER,
    // A refund is no transfer.
    return_inquiry: InquiryCapability::NONE,
    // Its pages have said 31 days and a minimum of 7: the shorter.
    idempotency: IdempotencyCapability::answers_again(ReferenceRule::visible(64), days(7)),
    webhook: WebhookCapability { batch: true, ..WebhookCapability::SIGNED },
};

/// Currencies whose minor units are the same at Adyen and in ISO 4217, and that its accounts here hold.
const CURRENCIES: [Currency; 10] = {
    use Currency::{BRL, CAD, CHF, DKK, EUR, GBP, NOK, PLN, SEK, USD};
    [EUR, GBP, SEK, DKK, NOK, PLN, CHF, USD, CAD, BRL]
};

/// One merchant account with its balance account.
pub(crate) struct Adyen {
    checkout: Api,
    transfers: Api,
    notify_url: String,
    merchant_account: String,
    balance_account_id: String,
    /// `instant`, `fast`, `regular`: how bank transfers are sent.
    priority: String,
    statement_text: String,
    hmac_keys: HmacKeys,
    transfers_hmac_keys: HmacKeys,
}

impl Adyen {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let base_url = reader.base_url();
        let transfers_base_url = reader.url_setting("transfers_base_url", Some(&base_url));
        let own_key = reader.has_secret("transfers_api_key");
        let transfers_key = if own_key { "transfers_api_key" } else { "api_key" };
        let checkout = Api::at(format!("{base_url}/v71")).keyed("idempotency-key");
        let transfers = Api::at(format!("{}/btl/v4", transfers_base_url.trim_end_matches('/')))
            .keyed("idempotency-key");
        Some(Box::new(Arc::new(Self {
            checkout: checkout.with("x-api-key", reader.secret("api_key", 16)),
            transfers: transfers.with("x-api-key", reader.secret(transfers_key, 16)),
            notify_url: reader.notify_url(),
            merchant_account: reader.setting("merchant_account"),
            balance_account_id: reader.setting("balance_account_id"),
            priority: reader.setting_or("priority", "instant"),
            statement_text: reader.setting_or("statement_text", "Casino"),
            hmac_keys: reader.hmac_keys("hmac_key", 64, Written::Hex),
            transfers_hmac_keys: reader.hmac_keys("transfers_hmac_key", 64, Written::Hex),
        })))
    }
}

impl Adapter for Arc<Adyen> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn holds(&self, currency: Currency) -> bool {
        CURRENCIES.contains(&currency)
    }

    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let (asked, base) = ((deposit.money, deposit.attempt), self.checkout.base().to_owned());
        Some(match &deposit.instrument {
            None => {
                let request = self.payment_link(deposit);
                Plan::about("create_deposit", request, &(asked, base), mapping::link_created)
            }
            Some(Instrument::CardToken(token)) => {
                let request = self.card_charge(deposit, token)?;
                let charge = (asked, base, token.clone());
                Plan::about("create_deposit", request, &charge, mapping::charged)
            }
            Some(Instrument::Crypto { .. }) => return None,
        })
    }

    fn complete_deposit(&self, completion: &CompletionRequest) -> Option<Plan> {
        let request = self.details(completion.attempt, completion.brought.as_deref()?);
        let asked = (completion.money, completion.attempt);
        Some(Plan::about("complete_deposit", request, &asked, mapping::details_told))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        let (category, counterparty) = counterparty(payout)?;
        let body = object! {
            "amount": amount(payout.money),
            "balanceAccountId": &self.balance_account_id,
            "category": category,
            "counterparty": counterparty,
            "description": &self.statement_text,
            "reference": payout.attempt,
            "priority": (category == "bank").then_some(&self.priority),
        };
        let request = self.transfers.create("transfers", payout.attempt, &body);
        Some(Plan::about("create_payout", request, payout, transfer::created))
    }

    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let body = object! {
            "amount": amount(back.money),
            "merchantAccount": &self.merchant_account,
            "reference": back.attempt,
        };
        let path = format!("payments/{}/refunds", path_id(&back.deposit_psp_reference)?);
        let request = self.checkout.create(path, back.attempt, &body);
        Some(Plan::about("return_deposit", request, back, mapping::refund_created))
    }

    /// Only transfers can be asked about.
    fn inquire(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let request = match &inquiry.by {
            InquiryBy::PspReference(id) => {
                self.transfers.get(["transfers/", path_id(id)?].concat())
            }
            InquiryBy::OurReference => {
                let query = [
                    ("balanceAccountId", &*self.balance_account_id),
                    ("createdSince", &rfc3339(inquiry.first_sent_at - SEARCH_MARGIN)?),
                    ("createdUntil", &rfc3339(now + SEARCH_MARGIN)?),
                    ("limit", "10"),
                    ("reference", &inquiry.attempt.lower()),
                ];
                self.transfers.find("transfers", &query)
            }
            InquiryBy::Ledger => return None,
        };
        let plan = Plan::about("query", request, inquiry, transfer::answer);
        (inquiry.subject == Subject::Payout).then_some(plan)
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }

    /// The word that standard webhooks want; those of the balance platform take any 2xx.
    fn reply(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply::ok("[accepted]")
    }

    fn read_statement(&self, file: &[u8]) -> Statement {
        report::read(file, &self.merchant_account)
    }
}
