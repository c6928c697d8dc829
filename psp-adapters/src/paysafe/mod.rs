//! Paysafe's Payments API: Interac e-Transfer in and out of Canada, wallets, and stored cards.
//!
//! **Lower confidence than the other adapters**: it rests on Paysafe's documentation and third parties'
//! code alone. Nothing of Paysafe's own that could be run has checked it.
//!
//! JSON with HTTP Basic. A *payment handle* moves nothing and is spent by one more call:
//!
//! - A deposit's handle is a redirect. Once its payer has been there it is `PAYABLE`, and then **we must
//!   say so ourselves** (`POST /payments`), or Paysafe lets it expire: [`Status::AwaitsCompletion`]. The
//!   handle's token is found again by our reference, so nothing has to be kept.
//! - A card has no page of Paysafe's: it is paid with and paid out to by the token that a script on the
//!   casino's page has stored (`paymentHandleTokenFrom`). Its deposit's handle is payable at once, and
//!   spent in the same breath; where the issuer wants its holder it is a redirect like the others.
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

use crate::common::basic;
use crate::prelude::*;
use mapping::Handle;
use wire::PaymentType;

/// By our reference on every resource; Paysafe's own ids differ from resource to resource.
const INQUIRY: InquiryCapability = InquiryCapability::BY_OURS;

const CAPABILITIES: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_completion: true,
        // A handle lives for about fifteen minutes, its payment until the bank has answered.
        ..DepositCapability::opened_by_us(minutes(60))
    }),
    payout: Some(PayoutCapability {
        portable_email: true,
        success_reversible: true,
        ..PayoutCapability::NONE
    }),
    return_deposit: true,
    unsolicited_deposits: false,
    deposit_inquiry: INQUIRY,
    payout_inquiry: INQUIRY,
    return_inquiry: INQUIRY,
    idempotency: IdempotencyCapability::refuses_again(ReferenceRule::visible(255), days(90)),
    // `eventDate` is the event's, and a repeat keeps it.
    webhook: WebhookCapability::SIGNED,
};

static BY_EMAIL: Capabilities = CAPABILITIES;

static CARDS: Capabilities = Capabilities {
    deposit: Some(DepositCapability {
        needs_completion: true,
        // A stored card is charged by the request itself.
        needs_our_answer: false,
        ..DepositCapability::opened_by_us(minutes(60))
    }),
    payout: Some(PayoutCapability {
        by_token: true,
        success_reversible: true,
        ..PayoutCapability::NONE
    }),
    ..CAPABILITIES
};

/// One Paysafe account for one payment type.
pub(crate) struct Paysafe {
    api: Api,
    notify_url: String,
    account_id: Option<String>,
    payment_type: PaymentType,
    keys: HmacKeys,
}

impl Paysafe {
    pub fn read(reader: &mut Reader<'_>) -> Option<Box<dyn Adapter>> {
        let usual = match reader.method() {
            "interac" => "INTERAC_ETRANSFER",
            "card" => "CARD",
            _ => "SKRILL",
        };
        let told = reader.setting_or("payment_type", usual);
        let payment_type = PaymentType::parse(&told, reader.method());
        if payment_type.is_none() {
            reader.fault(
                "settings.payment_type",
                "must be INTERAC_ETRANSFER for interac, SKRILL or NETELLER for e_wallet, CARD for card",
            );
        }
        // Its pages say both, of accounts of different age.
        let fault = "must be text or base64";
        let written = match reader.word("webhook_key_encoding", &["text", "base64"], fault) {
            "base64" => Written::Base64,
            _ => Written::Plainly,
        };
        let username = reader.setting("api_username");
        let password = reader.secret("api_password", 8);
        let api = Api::at(format!("{}/paymenthub/v1", reader.base_url()));
        Some(Box::new(Arc::new(Self {
            api: api.with("authorization", basic(&username, &password)),
            notify_url: reader.notify_url(),
            account_id: reader.opt_setting("account_id"),
            keys: reader.hmac_keys("webhook_key", 16, written),
            payment_type: payment_type?,
        })))
    }

    /// Makes a handle of a stored card and spends it, unless its holder must first be seen.
    fn charge(self: &Arc<Self>, handle: HttpRequest, deposit: &DepositRequest, card: &str) -> Plan {
        let (paysafe, asked) = (self.clone(), (deposit.attempt, deposit.money));
        let (payer, card) = (deposit.payer.clone(), card.to_owned());
        Plan::prepare("card_handle", handle, move |response| {
            let made = mapping::card_handle(response, asked, paysafe.api.base());
            let (id, token) = match made.map_err(prepared)? {
                mapping::CardHandle::Payable { id, token } => (id, token),
                mapping::CardHandle::Told(report) => return Ok(Plan::end(Ok(report))),
            };
            let request = paysafe.payment(asked, &payer, &token);
            Ok(Plan::last("create_deposit", request, move |response| {
                mapping::charged(response, asked, (&id, &card))
            }))
        })
    }

    /// Refunds the settlement of the deposit whose handle or payment this answer shows.
    fn give_back(self: &Arc<Self>, response: &HttpResponse, back: &ReturnRequest) -> Told<Plan> {
        let (paysafe, attempt, money) = (self.clone(), back.attempt, back.money);
        let deposit = mapping::reference_of(response).ok_or(NotSent::PreparationFailed)?;
        let settlements = self.by_reference("settlements", deposit);
        Ok(Plan::prepare("find_settlement", settlements, move |response| {
            let id = mapping::settlement_of(response, deposit);
            let request = id.and_then(|id| paysafe.refund(&id, attempt, money));
            let request = request.ok_or(NotSent::PreparationFailed)?;
            Ok(Plan::about("return_deposit", request, &(attempt, money), mapping::sent))
        }))
    }

    fn spend(&self, payout: &PayoutRequest, token: &str) -> Plan {
        let asked = (payout.attempt, payout.money);
        Plan::about("create_payout", self.credit(payout, token), &asked, mapping::sent)
    }
}

/// The outcome of a step that moves nothing, before one that would have: what is definite stays so, and
/// nothing else was sent.
fn prepared(stop: Stop) -> Stop {
    match stop.outcome() {
        Outcome::NotSent(_) | Outcome::NotFound => NotSent::PreparationFailed.into(),
        Outcome::Unknown(why)
            if !matches!(why, Unknown::DuplicateReference | Unknown::Mismatch) =>
        {
            NotSent::PreparationFailed.into()
        }
        told => told.into(),
    }
}

impl Adapter for Arc<Paysafe> {
    fn capabilities(&self) -> &Capabilities {
        if self.payment_type == PaymentType::Card { &CARDS } else { &BY_EMAIL }
    }

    fn can_take(&self, instrument: &Instrument) -> bool {
        let card = matches!(instrument, Instrument::CardToken(_));
        card == (self.payment_type == PaymentType::Card)
    }

    fn holds(&self, currency: Currency) -> bool {
        self.payment_type.moves(currency)
    }

    fn create_deposit(&self, deposit: &DepositRequest, _: Timestamp) -> Option<Plan> {
        let (paysafe, asked) = (self.clone(), (deposit.attempt, deposit.money));
        let handle = self.deposit_handle(deposit)?;
        if let Some(Instrument::CardToken(card)) = &deposit.instrument {
            return Some(self.charge(handle, deposit, card));
        }
        Some(Plan::last("create_deposit", handle.for_money(), move |response| {
            mapping::deposit_handle(response, asked, paysafe.api.base())
        }))
    }

    /// Finds the handle again and spends it. What cannot be spent tells what became of it.
    fn complete_deposit(&self, completion: &CompletionRequest) -> Option<Plan> {
        let (paysafe, asked) = (self.clone(), completion.clone());
        let handles = self.by_reference("paymenthandles", asked.attempt);
        Some(Plan::prepare("find_handle", handles, move |response| {
            let (attempt, money) = (asked.attempt, asked.money);
            match mapping::handle(response, "PAYMENT", attempt, money).map_err(prepared)? {
                Handle::Payable(token) => {
                    let request = paysafe.payment((attempt, money), &asked.payer, &token);
                    let asked = (attempt, money);
                    Ok(Plan::about("complete_deposit", request, &asked, mapping::created))
                }
                // It was spent before, by an answer that we lost or by Paysafe itself: what came of it
                // an inquiry tells.
                Handle::Spent(_) => Err(Unknown::DuplicateReference.into()),
                Handle::Open => Err(NotSent::PreparationFailed.into()),
                Handle::Over(report) => Ok(Plan::end(Ok(report))),
            }
        }))
    }

    fn create_payout(&self, payout: &PayoutRequest, _: Timestamp) -> Option<Plan> {
        let (paysafe, asked) = (self.clone(), payout.clone());
        let (attempt, money) = (payout.attempt, payout.money);
        Some(Plan::prepare("payout_handle", self.payout_handle(payout)?, move |response| {
            match mapping::payout_handle(response, attempt, money) {
                Ok(token) => return Ok(paysafe.spend(&asked, &token)),
                Err(stop) if stop.is(Unknown::DuplicateReference) => {}
                Err(stop) => return Err(prepared(stop)),
            }
            // The handle was made before, by this very attempt. Its credit has the same reference, so it
            // cannot be made twice.
            let handles = paysafe.by_reference("paymenthandles", attempt);
            Ok(Plan::ask("find_handle", handles, move |response| {
                match mapping::handle(response, "STANDALONE_CREDIT", attempt, money) {
                    Ok(Handle::Payable(token) | Handle::Spent(token)) => {
                        Ok(paysafe.spend(&asked, &token))
                    }
                    _ => Err(Unknown::DuplicateReference.into()),
                }
            }))
        }))
    }

    /// The handle names our reference, our reference the settlement, and that one is refunded. Where a
    /// webhook was quicker than our answer the payment's id is known instead of the handle's.
    fn return_deposit(&self, back: &ReturnRequest, _: Timestamp) -> Option<Plan> {
        let (paysafe, back) = (self.clone(), back.clone());
        let handle = self.by_id("paymenthandles", &back.deposit_psp_reference)?;
        Some(Plan::prepare("find_deposit", handle, move |response| {
            if response.status != 404 {
                return paysafe.give_back(response, &back);
            }
            let payment = paysafe.by_id("payments", &back.deposit_psp_reference);
            let payment = payment.ok_or(NotSent::PreparationFailed)?;
            Ok(Plan::prepare("find_payment", payment, move |response| {
                paysafe.give_back(response, &back)
            }))
        }))
    }

    fn inquire(&self, inquiry: &Inquiry, _: Timestamp) -> Option<Plan> {
        let (paysafe, asked) = (self.clone(), inquiry.clone());
        let (resource, name) = match asked.subject {
            Subject::Deposit => ("payments", "payments"),
            Subject::Payout => ("standalonecredits", "standaloneCredits"),
            Subject::Return => ("refunds", "refunds"),
        };
        let request = self.by_reference(resource, asked.attempt);
        let plan = Plan::ask("query", request, move |response| {
            let found = mapping::record(response, name, &asked, paysafe.payment_type);
            let nothing = found == Err(Outcome::NotFound.into());
            if asked.subject != Subject::Deposit || !nothing {
                return Ok(Plan::end(found));
            }
            let handles = paysafe.by_reference("paymenthandles", asked.attempt);
            Ok(Plan::last("query_handle", handles, move |response| {
                mapping::handle_status(response, &asked)
            }))
        });
        (inquiry.by == InquiryBy::OurReference).then_some(plan)
    }
    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        match subject {
            // It is what Paysafe collects from.
            Subject::Deposit if self.payment_type != PaymentType::Card => &[PayerField::Email],
            Subject::Deposit | Subject::Payout | Subject::Return => &[],
        }
    }

    fn verify_webhook(&self, raw: &RawWebhook<'_>, _: &WebhookKeys) -> Received {
        webhook::verify(self, raw)
    }
}
