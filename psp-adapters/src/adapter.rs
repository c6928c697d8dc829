//! What an adapter is: a codec without I/O.
//!
//! An operation becomes an [`Exchange`], a small state machine that asks for requests to be sent and is
//! told what came back. It reads no clock, rolls no dice and opens no connection, so every path of it
//! can be tested with bytes alone, and the one [`crate::Transport`] decides for all adapters what
//! "not sent" and "unknown" mean.

use crate::signature::WebhookKeys;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookRefusal, WebhookReply};
use psp_contract::{
    Capabilities, Currency, Destination, HttpRequest, HttpResponse, Instrument, Operation, Outcome,
    PayerField, StatementFault, StatementLine, Subject, Timestamp, TransportFailure,
};
use secrecy::SecretString;

/// One PSP's wire format, for one configured account.
pub trait Adapter: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    fn capabilities(&self) -> &Capabilities;

    /// The exchange that performs an operation. The same operation gives the same request bodies, so
    /// that a replay under the same key is a replay.
    fn exchange(&self, operation: &Operation, now: Timestamp) -> Box<dyn Exchange>;

    /// Whether this PSP can pay this very instrument in this currency.
    fn can_pay(&self, destination: &Destination, currency: Currency) -> bool;

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
    fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
        keys: &WebhookKeys,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal>;

    /// The answer that this PSP expects, the same for a duplicate.
    fn reply(&self, verified: &Verified<WebhookBatch>) -> WebhookReply;

    /// Reads the PSP's settlement file, all of it or nothing.
    fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault>;
}

/// The course of one operation.
pub trait Exchange: Send {
    fn step(&mut self, input: Input) -> Step;
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

/// An exchange of one request.
pub(crate) struct Single<F> {
    request: Option<(&'static str, HttpRequest)>,
    read: F,
}

impl<F: Fn(&HttpResponse) -> Outcome + Send> Single<F> {
    pub fn new(step: &'static str, request: HttpRequest, read: F) -> Self {
        Self { request: Some((step, request)), read }
    }
}

impl<F: Fn(&HttpResponse) -> Outcome + Send> Exchange for Single<F> {
    fn step(&mut self, input: Input) -> Step {
        match (input, self.request.take()) {
            (Input::Response(response), _) => Step::Done((self.read)(&response)),
            (Input::Failed(failure), _) => Step::Done(failed(failure)),
            (_, Some((step, request))) => Step::Send(step, request),
            (_, None) => Step::Done(Outcome::Unknown(psp_contract::Unknown::Unreadable)),
        }
    }
}

/// An exchange of one request, as [`Adapter::exchange`] gives it out.
pub(crate) fn single(
    step: &'static str,
    request: HttpRequest,
    read: impl Fn(&HttpResponse) -> Outcome + Send + 'static,
) -> Box<dyn Exchange> {
    Box::new(Single::new(step, request, read))
}

/// An exchange that is over before it begins.
pub(crate) struct Finished(pub Outcome);

impl Exchange for Finished {
    fn step(&mut self, _: Input) -> Step {
        Step::Done(self.0.clone())
    }
}

/// The outcome of an operation whose last request failed on the way.
pub(crate) fn failed(failure: TransportFailure) -> Outcome {
    match failure {
        TransportFailure::NotSent(why) => Outcome::NotSent(why),
        TransportFailure::Unknown(why) => Outcome::Unknown(why),
    }
}

/// The outcome of an operation of which a preparing request failed: the request that could move money
/// was never made, whatever became of this one.
pub(crate) fn preparation_failed(failure: TransportFailure) -> Outcome {
    Outcome::NotSent(match failure {
        TransportFailure::NotSent(why) => why,
        TransportFailure::Unknown(_) => psp_contract::NotSent::PreparationFailed,
    })
}
