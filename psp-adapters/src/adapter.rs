//! What an adapter is: a codec without I/O.
//!
//! An operation becomes a [`Plan`]: a request, and what its answer leads to. The [`Exchange`] that carries
//! it out asks for requests to be sent and is told what came back. Neither reads a clock, rolls dice or
//! opens a connection, so every path can be tested with bytes alone, and the one [`crate::Transport`]
//! decides for all adapters what "not sent" and "unknown" mean.

use crate::plan::{Exchange, Plan};
use crate::signature::WebhookKeys;
use crate::statement::{self, Statement};
use crate::webhook::{RawWebhook, Received, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    AttemptRef, Capabilities, CompletionRequest, Currency, DepositRequest, Destination,
    HttpRequest, HttpResponse, Inquiry, Instrument, Lookup, NotSent, Operation, Outcome,
    PayerField, PayoutRequest, ReturnRequest, Subject, Timestamp, TransportFailure,
};
use secrecy::SecretString;

/// One PSP's wire format, for one configured account.
pub trait Adapter: Send + Sync + 'static {
    fn capabilities(&self) -> &Capabilities;

    /// Whether this account holds this currency. It is asked to move no other, and never nothing.
    fn holds(&self, currency: Currency) -> bool;

    /// What opens a deposit; none where this PSP cannot express this one. The same operation gives the
    /// same request bodies, here and below, so that a replay under the same key is a replay.
    fn create_deposit(&self, deposit: &DepositRequest, now: Timestamp) -> Option<Plan>;

    /// What sends money out, to an instrument that [`Adapter::can_pay`].
    fn create_payout(&self, payout: &PayoutRequest, now: Timestamp) -> Option<Plan>;

    /// What asks for an attempt; none for a question that this PSP does not answer.
    fn inquire(&self, inquiry: &Inquiry, now: Timestamp) -> Option<Plan>;

    /// What sends a deposit back, where [`Capabilities::return_deposit`] says that it can be.
    fn return_deposit(&self, _back: &ReturnRequest, _now: Timestamp) -> Option<Plan> {
        None
    }

    /// What takes the money of an approved deposit, where the PSP waits for our word.
    fn complete_deposit(&self, _completion: &CompletionRequest) -> Option<Plan> {
        None
    }

    /// What closes an open deposit, where the PSP can.
    fn cancel_deposit(&self, _attempt: AttemptRef, _psp_reference: &str) -> Option<Plan> {
        None
    }

    /// What tells whose a payment is, where notifications do not name our reference, and how much arrived
    /// without a request.
    fn lookup(&self, _lookup: &Lookup, _now: Timestamp) -> Option<Plan> {
        None
    }

    /// The request of an OAuth 2 token, where every request must bear one.
    fn token_request(&self) -> Option<HttpRequest> {
        None
    }

    /// The operation on its way.
    fn exchange(&self, operation: &Operation, now: Timestamp) -> Exchange {
        let plan = plan(self, operation, now);
        Exchange::new(match (plan, self.token_request()) {
            (None, _) => Plan::end(Err(NotSent::NotExpressible.into())),
            (Some(plan), None) => plan,
            (Some(plan), Some(request)) => plan.with_token(request, now),
        })
    }

    /// Whether this PSP can pay this very instrument in this currency.
    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        let payout = self.capabilities().payout.as_ref();
        self.holds(currency) && payout.is_some_and(|payout| payout.pays(destination, currency))
    }

    /// Whether a deposit can be paid here with this very instrument. (Most methods ask for none.)
    fn can_take(&self, _instrument: &Instrument) -> bool {
        true
    }

    /// What this account cannot do without of a payer, besides the full name and the birth date that
    /// every player has. A PSP that pays only an account of the same person must know who that is.
    fn payer_needs(&self, subject: Subject) -> &'static [PayerField] {
        let payout = self.capabilities().payout.as_ref();
        match subject {
            Subject::Payout if payout.is_some_and(|payout| payout.same_owner_check) => {
                &[PayerField::NationalId]
            }
            Subject::Deposit | Subject::Payout | Subject::Return => &[],
        }
    }

    /// Where the PSP publishes the keys of its webhooks, when it does.
    fn webhook_keys_url(&self) -> Option<&str> {
        None
    }

    /// The id of the published key that a webhook names. Nothing else of it is read.
    fn webhook_key_id(&self, _raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
        Err(WebhookRefusal::KeysUnavailable)
    }

    /// Verifies, then reads. `keys` are the published ones, for adapters that have a
    /// [`Adapter::webhook_keys_url`].
    fn verify_webhook(&self, raw: &RawWebhook<'_>, keys: &WebhookKeys) -> Received;

    /// The answer that this PSP expects, the same for a duplicate. Most take any 2xx.
    fn reply(&self, _verified: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply::ok("")
    }

    /// The attempt that a message asks leave to pay, where its answer gives or withholds it.
    fn asks_leave_for(&self, _verified: &Verified<WebhookBatch>) -> Option<AttemptRef> {
        None
    }

    /// The answer to such a message that neither gives leave nor denies it.
    fn put_off(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        self.reply(verified)
    }

    /// Reads the PSP's settlement file, all of it or nothing. Those that publish no format of their own
    /// deliver the plain table.
    fn read_statement(&self, file: &[u8]) -> Statement {
        statement::plain(file)
    }
}

/// What performs an operation. None where it cannot be expressed: money that this account does not hold,
/// an instrument that it cannot pay, or what the adapter itself turns away.
fn plan<A: Adapter + ?Sized>(adapter: &A, operation: &Operation, now: Timestamp) -> Option<Plan> {
    if operation.money().is_some_and(|it| it.minor <= 0 || !adapter.holds(it.currency)) {
        return None;
    }
    match operation {
        Operation::CreateDeposit(deposit) => adapter.create_deposit(deposit, now),
        Operation::CompleteDeposit(completion) => adapter.complete_deposit(completion),
        Operation::CreatePayout(payout) => {
            let pays = adapter.can_pay(&payout.destination, payout.money.currency);
            if pays { adapter.create_payout(payout, now) } else { None }
        }
        Operation::ReturnDeposit(back) => adapter.return_deposit(back, now),
        Operation::Inquire(inquiry) => adapter.inquire(inquiry, now),
        Operation::Lookup(lookup) => adapter.lookup(lookup, now),
        Operation::CancelDeposit { attempt, psp_reference } => {
            adapter.cancel_deposit(*attempt, psp_reference)
        }
    }
}

/// What an exchange is told.
#[derive(Debug)]
pub enum Input {
    /// Begin, with a token that is still good, when there is one.
    Start {
        token: Option<CachedToken>,
    },
    Response(HttpResponse),
    Failed(TransportFailure),
    /// What [`Step::Remember`] or [`Step::Forget`] asked for is done.
    Remembered,
}

/// What an exchange wants.
#[allow(clippy::large_enum_variant, reason = "one step lives at a time")]
#[derive(Debug)]
pub enum Step {
    /// Send this; the name is for the wire log.
    Send(&'static str, HttpRequest),
    Remember(CachedToken),
    /// The cached token was refused.
    Forget,
    Done(Outcome),
}

/// An access token and the moment from which it must not be used any more.
#[derive(Debug, Clone)]
pub struct CachedToken {
    pub secret: SecretString,
    pub expires_at: Timestamp,
}
