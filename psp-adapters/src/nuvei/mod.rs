//! Nuvei: Interac e-Transfer in and out of Canada, and cards (`reference/psps.md` §3.8).
//!
//! JSON calls, always answered with 200. Each carries a SHA-256 checksum over a list of its own fields
//! and the secret, and its answers carry none.
//!
//! - A deposit is a session token and then a payment with an alternative payment method, whose answer is
//!   a redirect. What became of it is asked by our reference (`clientUniqueId`) or by Nuvei's
//!   transaction id. `getPaymentStatus` asks by the session token alone, which dies after ten minutes and
//!   is kept by nobody here, so it is not used.
//! - An account whose method is `card` opens no payment of its own: its payer gives the card on Nuvei's
//!   payment page (`page`), which is an address that we make. The session is asked for all the same: it
//!   moves nothing, and a player is sent to nobody who is down or does not know us. What became of the
//!   order is asked by our reference.
//! - A payout goes to a payment option that the player has paid with (UPO), or to an e-mail address; it
//!   is asked about by its own `clientRequestId`.
//! - A `clientRequestId` used twice is refused, by a code that Nuvei does not document: any refusal that
//!   speaks of a repeat counts as one.
//! - Notifications (DMNs) are forms. **A payment's checksum covers neither our reference nor Nuvei's
//!   transaction id, and the payer's browser is sent the same fields**: who paid once could name another
//!   deposit in a copy. So our reference is sent as the name of the only item, which Nuvei repeats as
//!   `productId`; that one is covered. Where it is not repeated, a notification is a reason to ask.
//!
//! What is documented only by third parties, or read from examples: the withdrawal notification's
//! checksum, `productId` in payments by REST, and the words of what came back. Each errs to asking.
//!
//! Modules: `wire` (checksums and requests), `page` (where cards are given), `mapping` (answers in our
//! words), `webhook`.

mod mapping;
mod page;
mod webhook;
mod wire;

use crate::adapter::{Adapter, Exchange, Finished};
use crate::chain::{Chain, Chained};
use crate::registry::Reader;
use crate::signature::WebhookKeys;
use crate::statement;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    AttemptRef, Capabilities, Charset, Currency, DepositCapability, Destination,
    IdempotencyCapability, Inquiry, InquiryBy, InquiryCapability, Instrument, KeyReplay, Money,
    NotSent, Operation, Outcome, PayerField, PayoutCapability, Portable, ReferenceRule,
    ReturnRequest, StatementFault, StatementLine, Subject, Timestamp, WebhookAuthenticity,
    WebhookCapability, WebhookProof, WebhookReplyKind,
};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

static CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_our_answer: true,
        needs_completion: false,
        can_cancel: false,
        any_amount: false,
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
        by_token: true,
        // An e-Transfer that nobody takes in thirty days goes back.
        success_reversible: true,
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: InquiryCapability {
        by_our_reference: true,
        by_psp_reference: true,
        by_ledger: false,
        min_interval: Duration::from_secs(2),
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: minutes(15),
    },
    payout_inquiry: InquiryCapability {
        by_our_reference: true,
        by_psp_reference: false,
        by_ledger: false,
        min_interval: Duration::from_secs(2),
        ledger_min_interval: Duration::ZERO,
        not_found_quiet: minutes(15),
    },
    idempotency: IdempotencyCapability {
        reference: ReferenceRule { len_min: 1, len_max: 45, charset: Charset::Visible },
        replay: KeyReplay::DuplicateError,
        key_life: minutes(24 * 60),
        margin: minutes(60),
    },
    webhook: WebhookCapability {
        authenticity: WebhookAuthenticity::Signature,
        proof: WebhookProof::Everything,
        batch: false,
        reply: WebhookReplyKind::Decision,
        // `responseTimeStamp` is the payment's, and a repeat keeps it.
        has_timestamp: false,
        tolerance: Duration::ZERO,
    },
};

/// One Nuvei merchant site.
pub struct Nuvei {
    inner: Arc<Inner>,
}

struct Inner {
    /// Without the method's name.
    api_url: String,
    notify_url: String,
    merchant_id: String,
    merchant_site_id: String,
    /// The live one first: it signs what goes out.
    secrets: Vec<SecretString>,
    payment_method: String,
    /// Where cards are given.
    page_url: String,
    is_card: bool,
}

impl Inner {
    /// Interac moves Canadian dollars; of the currencies of cards those with two decimals that accounts
    /// here hold.
    fn moves(&self, money: Money) -> bool {
        0 < money.minor && self.holds(money.currency)
    }

    fn holds(&self, currency: Currency) -> bool {
        use Currency::{BRL, CAD, CHF, DKK, EUR, GBP, NOK, PLN, SEK, USD};
        match currency {
            CAD => true,
            EUR | GBP | SEK | DKK | NOK | PLN | CHF | USD | BRL => self.is_card,
            _ => false,
        }
    }
}

impl fmt::Debug for Nuvei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nuvei({})", self.inner.api_url)
    }
}

/// Nuvei's name of cards among its methods.
const CARD: &str = "cc_card";
const INTERAC: &str = "apmgw_Interac_eTransfer";

impl Nuvei {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let method = match &*reader.account.method {
            "card" => CARD,
            "interac" => INTERAC,
            _ => {
                reader.fault("method", "must be interac or card: nothing else is spoken here");
                INTERAC
            }
        };
        let notify_url = reader.account.notify_url.clone();
        if notify_url.contains('?') || !notify_url.starts_with("http") {
            reader.fault("notify_url", "must be a URL without a question mark");
        }
        let inner = Inner {
            api_url: format!("{}/ppp/api/v1", reader.base_url()),
            notify_url,
            merchant_id: reader.setting("merchant_id"),
            merchant_site_id: reader.setting("merchant_site_id"),
            secrets: reader.live_secrets("merchant_secret_key", 16),
            payment_method: reader.setting_or("payment_method", method),
            page_url: format!("{}/ppp/purchase.do", reader.base_url()),
            is_card: method == CARD,
        };
        Some(Box::new(Self { inner: Arc::new(inner) }))
    }

    fn chain(&self, operation: &Operation, now: Timestamp) -> Option<Chain> {
        let inner = self.inner.clone();
        match operation {
            Operation::CreateDeposit(deposit) if inner.is_card => {
                let url = page::address(&inner, deposit, now)?;
                let session = wire::session(&inner, deposit.attempt, now);
                Some(Chain::prepare("session", session, move |response| {
                    let open = mapping::session_token(response);
                    Chain::End(open.map_or_else(|outcome| *outcome, |_| page::shown(url)))
                }))
            }
            Operation::CreateDeposit(deposit) => {
                let body = wire::payment(&inner, deposit)?;
                let session = wire::session(&inner, deposit.attempt, now);
                let (attempt, money) = (deposit.attempt, deposit.money);
                let plain_http = inner.api_url.starts_with("http:");
                Some(Chain::prepare("session", session, move |response| {
                    let token = match mapping::session_token(response) {
                        Ok(token) => token,
                        Err(outcome) => return Chain::End(*outcome),
                    };
                    let request = wire::paying(&inner, body, attempt, money, &token, now);
                    Chain::last("create_deposit", request, move |response| {
                        mapping::payment_answer(response, attempt, plain_http)
                    })
                }))
            }
            Operation::CreatePayout(payout) => {
                let request = wire::payout(&inner, payout, now)?;
                let attempt = payout.attempt;
                Some(Chain::last("create_payout", request, move |response| {
                    mapping::outgoing_answer(response, attempt)
                }))
            }
            Operation::ReturnDeposit(back) => self.give_back(back, now),
            Operation::Inquire(inquiry) => self.inquiry(inquiry, now),
            // Its page takes the money itself, its notifications name our reference, and nothing closes
            // an open redirect.
            Operation::CompleteDeposit(_)
            | Operation::Lookup(_)
            | Operation::CancelDeposit { .. } => None,
        }
    }

    /// A deposit that is known by our reference alone, because only a notification told of it, is looked
    /// up first.
    fn give_back(&self, back: &ReturnRequest, now: Timestamp) -> Option<Chain> {
        let inner = self.inner.clone();
        let (attempt, money) = (back.attempt, back.money);
        let refund = move |inner: &Inner, id: &str| {
            let request = wire::refund(inner, attempt, money, id, now)?;
            Some(Chain::last("return_deposit", request, move |response| {
                mapping::outgoing_answer(response, attempt)
            }))
        };
        let Some(deposit) = AttemptRef::parse(&back.deposit_psp_reference) else {
            return refund(&inner, &back.deposit_psp_reference);
        };
        let question = wire::details(&inner, "", &deposit.lower(), now);
        Some(Chain::prepare("find_deposit", question, move |response| {
            let id = mapping::transaction_of(response, deposit);
            let next = id.and_then(|id| refund(&inner, &id));
            next.unwrap_or(Chain::End(Outcome::NotSent(NotSent::PreparationFailed)))
        }))
    }

    fn inquiry(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Chain> {
        let ours = inquiry.attempt.lower();
        let request = match (inquiry.subject, &inquiry.by) {
            (Subject::Deposit, InquiryBy::PspReference(id)) if wire::is_transaction_id(id) => {
                wire::details(&self.inner, id, "", now)
            }
            (Subject::Deposit | Subject::Return, InquiryBy::OurReference) => {
                wire::details(&self.inner, "", &ours, now)
            }
            (Subject::Payout, InquiryBy::OurReference) => {
                wire::payout_status(&self.inner, inquiry.attempt, now)
            }
            _ => return None,
        };
        let asked = inquiry.clone();
        Some(Chain::last("query", request, move |response| match asked.subject {
            Subject::Payout => mapping::payout_status(response, &asked),
            Subject::Deposit | Subject::Return => mapping::details(response, &asked),
        }))
    }
}

impl Adapter for Nuvei {
    fn name(&self) -> &'static str {
        "nuvei"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange> {
        match self.chain(operation, now) {
            Some(chain) => Box::new(Chained::new(chain)),
            None => Box::new(Finished(Outcome::NotSent(NotSent::NotExpressible))),
        }
    }

    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let email = matches!(destination.portable, Some(Portable::Email { .. }));
        let known = destination.token.is_some() || (email && !self.inner.is_card);
        self.inner.holds(currency) && known
    }

    /// The page asks for the card anew.
    fn can_take(&self, _: &Instrument) -> bool {
        false
    }

    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        match subject {
            // Interac asks the payer by e-mail, and wants to know where they are.
            Subject::Deposit if !self.inner.is_card => &[PayerField::Email, PayerField::DeviceIp],
            Subject::Deposit | Subject::Payout | Subject::Return => &[],
        }
    }

    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        webhook::verify(&self.inner, raw)
    }

    fn reply(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        webhook::reply(verified.get())
    }

    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        statement::read(file, &statement::PLAIN)
    }
}
