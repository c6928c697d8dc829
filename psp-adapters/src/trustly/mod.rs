//! Trustly: bank redirects in, bank transfers out.
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
//! (answers in our words), `webhook` (notifications), `shape` (what a notification must look like).

mod mapping;
mod requests;
mod shape;
mod webhook;
mod wire;

use crate::prelude::*;
use crate::signature::{RsaKeys, RsaSigner};
use wire::{Message, Refusal};

/// "Please do not use this method more than once every 15 minutes" (GetWithdrawals).
const WITHDRAWALS: InquiryCapability = InquiryCapability {
    by_psp_reference: true,
    min_interval: minutes(15),
    not_found_quiet: days(1),
    ..InquiryCapability::NONE
};

/// The ledger shows settled transactions only: a deposit is in it once its money is there, and before
/// that nothing can be asked.
const LEDGER: InquiryCapability = InquiryCapability {
    by_ledger: true,
    ledger_min_interval: minutes(15),
    not_found_quiet: days(1),
    ..InquiryCapability::NONE
};

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        // A deposit that was taken back by a `debit` comes again by a `credit`.
        wins_like_success: true,
        ..DepositCapability::opened_by_us(minutes(60))
    }),
    payout: Some(PayoutCapability::BANK_ACCOUNTS),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: LEDGER,
    payout_inquiry: InquiryCapability {
        by_ledger: true,
        ledger_min_interval: minutes(15),
        ..WITHDRAWALS
    },
    // A refund's rows in the ledger bear no reference of ours.
    return_inquiry: WITHDRAWALS,
    idempotency: IdempotencyCapability::refuses_for_ever(ReferenceRule::visible(200)),
    webhook: WebhookCapability { reply: WebhookReplyKind::Signed, ..WebhookCapability::SIGNED },
};

/// One Trustly account.
pub(crate) struct Trustly {
    url: String,
    notify_url: String,
    username: String,
    password: SecretString,
    shopper_statement: String,
    signer: RsaSigner,
    keys: RsaKeys,
}

impl Trustly {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let username = reader.setting("username");
        let password = reader.secret("password", 8);
        let signer = reader.key("merchant_private_key_pem", RsaSigner::from_pem);
        let keys = reader.rsa_keys("trustly_public_key_pem");
        let notify_url = reader.notify_url_without_query();
        Some(Box::new(Arc::new(Self {
            url: format!("{}/api/1", reader.base_url()),
            notify_url,
            username,
            password,
            shopper_statement: reader.setting_or("shopper_statement", "Casino"),
            signer: signer?,
            keys,
        })))
    }

    /// The last message of an operation; `read` gets the verified data of its result.
    fn last(
        self: &Arc<Self>,
        step: &'static str,
        (message, request): (Message, HttpRequest),
        refused: fn(&Refusal) -> Stop,
        read: impl FnOnce(&Json) -> Told + Send + 'static,
    ) -> Plan {
        let trustly = self.clone();
        Plan::last(step, request, move |response| {
            let answer = trustly.answer(&message, response);
            read(&answer.map_err(|refusal| refused(&refusal))?)
        })
    }

    fn order(
        self: &Arc<Self>,
        step: &'static str,
        message: Message,
        read: impl FnOnce(&Json) -> Told + Send + 'static,
    ) -> Option<Plan> {
        let request = self.request(&message)?.for_money();
        Some(self.last(step, (message, request), mapping::refused, read))
    }

    fn question(
        self: &Arc<Self>,
        step: &'static str,
        message: Message,
        read: impl FnOnce(&Json) -> Told + Send + 'static,
    ) -> Option<Plan> {
        let request = self.request(&message)?;
        Some(self.last(step, (message, request), mapping::inquiry_refused, read))
    }

    fn pay(self: &Arc<Self>, payout: &PayoutRequest, account_id: &str) -> Option<Plan> {
        self.order("create_payout", self.account_payout(payout, account_id), mapping::payout_answer)
    }
}

impl Adapter for Arc<Trustly> {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    /// All of them have two decimals, as Trustly's amounts do.
    fn holds(&self, currency: Currency) -> bool {
        use Currency::{DKK, EUR, GBP, NOK, PLN, SEK};
        matches!(currency, EUR | GBP | SEK | DKK | NOK | PLN)
    }

    fn can_pay(&self, to: &Destination, currency: Currency) -> bool {
        let houseless = matches!(&to.portable,
            Some(Portable::Iban { iban, .. }) if requests::clearing_house(iban).is_none());
        let fits = to.token.is_some() || !houseless;
        self.holds(currency) && fits && PayoutCapability::BANK_ACCOUNTS.pays(to, currency)
    }

    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let base_url = self.url.clone();
        self.order("create_deposit", self.deposit(deposit), move |answer| {
            mapping::deposit_answer(answer, &base_url)
        })
    }

    /// `RegisterAccount` where needed, then `AccountPayout`.
    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        if let Some(account_id) = &payout.destination.token {
            return self.pay(payout, account_id);
        }
        let registration = self.register_account(payout)?;
        let request = self.request(&registration)?;
        let (trustly, payout) = (self.clone(), payout.clone());
        Some(Plan::prepare("register_account", request, move |response| {
            let data = trustly.answer(&registration, response);
            let data = data.map_err(|refusal| mapping::registration_refused(&refusal))?;
            let account_id = data.word("accountid").ok_or(NotSent::PreparationFailed)?;
            Ok(trustly.pay(&payout, &account_id).ok_or(NotSent::NotExpressible)?)
        }))
    }

    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let order = back.deposit_psp_reference.clone();
        self.order("return_deposit", self.refund(back)?, move |answer| {
            mapping::refund_answer(answer, &order)
        })
    }

    fn inquire(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let asked = inquiry.clone();
        match (&inquiry.by, inquiry.subject) {
            (InquiryBy::PspReference(order), Subject::Payout | Subject::Return) => {
                let order = order.clone();
                self.question("query", self.withdrawals(inquiry, &order, now), move |answer| {
                    mapping::withdrawals_answer(answer, &asked, &order)
                })
            }
            (InquiryBy::Ledger, subject @ (Subject::Payout | Subject::Deposit)) => {
                let read = match subject {
                    Subject::Deposit => mapping::deposit_in_ledger,
                    _ => mapping::ledger_answer,
                };
                let message = self.ledger(inquiry, now)?;
                // It cannot be asked for one order: all bookings of the days come.
                let request = self.request(&message)?.with_long_answer();
                let (sent, refused) = ((message, request), mapping::inquiry_refused);
                Some(self.last("ledger", sent, refused, move |answer| read(answer, &asked)))
            }
            // Nothing is known of a deposit that has no money yet, nothing is found by MessageID, and a
            // refund's rows in the ledger carry the deposit's MessageID.
            _ => None,
        }
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }

    fn reply(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        webhook::reply(self, verified.get())
    }
}
