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
    Capabilities, Currency, Destination, HttpRequest, HttpResponse, Instrument, NotSent, Operation,
    Outcome, PayerField, Subject, Timestamp, TransportFailure,
};
use secrecy::SecretString;

/// One PSP's wire format, for one configured account.
pub trait Adapter: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    fn capabilities(&self) -> &Capabilities;

    /// What performs an operation; none where this PSP cannot express it. The same operation gives the
    /// same request bodies, so that a replay under the same key is a replay.
    fn plan(&self, operation: &Operation, now: Timestamp) -> Option<Plan>;

    /// The plan on its way.
    fn exchange(&self, operation: &Operation, now: Timestamp) -> Exchange {
        let nothing = || Plan::end(Err(NotSent::NotExpressible.into()));
        Exchange::new(self.plan(operation, now).unwrap_or_else(nothing))
    }

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
    fn verify_webhook(&self, raw: &RawWebhook<'_>, keys: &WebhookKeys) -> Received;

    /// The answer that this PSP expects, the same for a duplicate. Most take any 2xx.
    fn reply(&self, _verified: &Verified<WebhookBatch>) -> WebhookReply {
        WebhookReply::ok("")
    }

    /// Reads the PSP's settlement file, all of it or nothing. Those that publish no format of their own
    /// deliver the plain table.
    fn read_statement(&self, file: &[u8]) -> Statement {
        statement::plain(file)
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
