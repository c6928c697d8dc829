//! Nuvei: Interac e-Transfer in and out of Canada, and cards.
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

use crate::prelude::*;

/// How long we count on a payer to come to the end of the page or of the bank's.
const SESSION_LIFE: std::time::Duration = minutes(60);

const fn capabilities(is_card: bool) -> Capabilities {
    Capabilities {
        deposit: Some(DepositCapability::opened_by_us(SESSION_LIFE)),
        payout: Some(PayoutCapability {
            // A card is paid by what Nuvei has of it alone.
            portable_email: !is_card,
            by_token: true,
            // An e-Transfer that nobody takes in thirty days goes back.
            success_reversible: true,
            ..PayoutCapability::NONE
        }),
        return_deposit: true,
        unsolicited_deposits: false,
        deposit_inquiry: InquiryCapability::BY_EITHER,
        payout_inquiry: InquiryCapability::BY_OURS,
        return_inquiry: InquiryCapability::BY_OURS,
        idempotency: IdempotencyCapability::refuses_again(ReferenceRule::visible(45), days(1)),
        // `responseTimeStamp` is the payment's, and a repeat keeps it.
        webhook: WebhookCapability {
            reply: WebhookReplyKind::Decision,
            ..WebhookCapability::SIGNED
        },
    }
}

static INTERAC_ACCOUNT: Capabilities = capabilities(false);
static CARD_ACCOUNT: Capabilities = capabilities(true);

/// One Nuvei merchant site.
pub(crate) struct Nuvei {
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

/// Nuvei's name of cards among its methods.
const CARD: &str = "cc_card";
const INTERAC: &str = "apmgw_Interac_eTransfer";

impl Nuvei {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let method = match reader.method() {
            "card" => CARD,
            "interac" => INTERAC,
            _ => {
                reader.fault("method", "must be interac or card: nothing else is spoken here");
                INTERAC
            }
        };
        Some(Box::new(Arc::new(Self {
            api_url: format!("{}/ppp/api/v1", reader.base_url()),
            notify_url: reader.notify_url_without_query(),
            merchant_id: reader.setting("merchant_id"),
            merchant_site_id: reader.setting("merchant_site_id"),
            secrets: reader.live_secrets("merchant_secret_key", 16),
            payment_method: reader.setting_or("payment_method", method),
            page_url: format!("{}/ppp/purchase.do", reader.base_url()),
            is_card: method == CARD,
        })))
    }
}

impl Adapter for Arc<Nuvei> {
    fn capabilities(&self) -> &Capabilities {
        if self.is_card { &CARD_ACCOUNT } else { &INTERAC_ACCOUNT }
    }

    /// Interac moves Canadian dollars; of the currencies of cards those with two decimals that accounts
    /// here hold.
    fn holds(&self, currency: Currency) -> bool {
        use Currency::{BRL, CAD, CHF, DKK, EUR, GBP, NOK, PLN, SEK, USD};
        match currency {
            CAD => true,
            EUR | GBP | SEK | DKK | NOK | PLN | CHF | USD | BRL => self.is_card,
            _ => false,
        }
    }

    fn create_deposit(&self, deposit: &DepositRequest, now: Timestamp) -> Option<Plan> {
        let session = self.session(deposit.attempt, now);
        if self.is_card {
            let url = page::address(self, deposit, now)?;
            return Some(Plan::prepare("session", session, move |response| {
                mapping::session_token(response)?;
                Ok(Plan::end(Ok(page::shown(url))))
            }));
        }
        let fields = self.payment(deposit)?;
        let (nuvei, attempt, money) = (self.clone(), deposit.attempt, deposit.money);
        Some(Plan::prepare("session", session, move |response| {
            let fields = fields.and("sessionToken", mapping::session_token(response)?);
            let request = nuvei.for_money("payment", fields, (attempt, money), now);
            Ok(Plan::last("create_deposit", request, move |response| {
                mapping::payment_answer(response, attempt, &nuvei.api_url)
            }))
        }))
    }

    fn create_payout(&self, payout: &PayoutRequest, now: Timestamp) -> Option<Plan> {
        let request = self.payout(payout, now)?;
        Some(Plan::about("create_payout", request, &payout.attempt, mapping::outgoing_answer))
    }

    /// A deposit that is known by our reference alone, because only a notification told of it, is looked
    /// up first.
    fn return_deposit(&self, back: &ReturnRequest, now: Timestamp) -> Option<Plan> {
        let (attempt, money) = (back.attempt, back.money);
        let refund = move |nuvei: &Nuvei, id: &str| {
            let request = nuvei.refund(attempt, money, id, now)?;
            Some(Plan::about("return_deposit", request, &attempt, mapping::outgoing_answer))
        };
        let Some(deposit) = AttemptRef::parse(&back.deposit_psp_reference) else {
            return refund(self, &back.deposit_psp_reference);
        };
        let (nuvei, question) = (self.clone(), self.details("", &deposit.lower(), now));
        Some(Plan::prepare("find_deposit", question, move |response| {
            let id = mapping::transaction_of(response, deposit);
            let next = id.and_then(|id| refund(&nuvei, &id));
            Ok(next.ok_or(NotSent::PreparationFailed)?)
        }))
    }

    fn inquire(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan> {
        let request = match (inquiry.subject, &inquiry.by) {
            (Subject::Deposit, InquiryBy::PspReference(id)) if wire::is_transaction_id(id) => {
                self.details(id, "", now)
            }
            (Subject::Deposit | Subject::Return, InquiryBy::OurReference) => {
                self.details("", &inquiry.attempt.lower(), now)
            }
            (Subject::Payout, InquiryBy::OurReference) => self.payout_status(inquiry.attempt, now),
            _ => return None,
        };
        let asked = (inquiry.clone(), now);
        Some(Plan::about("query", request, &asked, mapping::inquiry_answer))
    }

    /// The page asks for the card anew.
    fn can_take(&self, _: &Instrument) -> bool {
        false
    }

    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        match subject {
            // Interac asks the payer by e-mail, and wants to know where they are.
            Subject::Deposit if !self.is_card => &[PayerField::Email, PayerField::DeviceIp],
            Subject::Deposit | Subject::Payout | Subject::Return => &[],
        }
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }

    fn reply(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        webhook::reply(verified.get())
    }

    fn asks_leave_for(&self, verified: &Verified<WebhookBatch>) -> Option<AttemptRef> {
        webhook::asks_leave_for(verified.get())
    }

    fn put_off(&self, _: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply::ok("Postpone")
    }
}
