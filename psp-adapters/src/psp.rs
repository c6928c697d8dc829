//! One configured account at work: drives exchanges over the transport and keeps what they share.

use crate::adapter::{Adapter, CachedToken, Input, Step};
use crate::signature::{WebhookKeys, sha256};
use crate::transport::Transport;
use crate::webhook::{
    RawWebhook, Verified, WEBHOOK_BYTES_MAX, WebhookBatch, WebhookRefusal, WebhookReply,
};
use psp_contract::{
    AttemptRef, Capabilities, Currency, Destination, HttpRequest, Instrument, NotSent, Operation,
    Outcome, Payer, PayerField, StatementFault, StatementLine, Status, Subject, Timestamp,
    TransportFailure, Unknown,
};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument as _;

/// No exchange is longer; one that is has lost its way.
const STEPS_MAX: usize = 8;
/// How long published keys are used without asking again.
const KEYS_FRESH: Duration = Duration::from_secs(10 * 60);
/// How long they may be used when asking again fails.
const KEYS_USABLE: Duration = Duration::from_secs(60 * 60);
/// An unknown key id, and a failed fetch, cause at most one fetch in this time.
const KEYS_PAUSE: Duration = Duration::from_secs(30);
const KEYS_TIMEOUT: Duration = Duration::from_secs(5);

/// One configured account: its adapter, the shared transport, its token and the PSP's public keys.
pub struct Psp {
    account_id: String,
    adapter_name: &'static str,
    adapter: Box<dyn Adapter>,
    transport: Transport,
    token: Mutex<Option<CachedToken>>,
    keys: RwLock<Option<FetchedKeys>>,
    /// Held while keys are fetched, with the time of the last try: one fetch at a time.
    keys_tried_at: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct FetchedKeys {
    keys: Arc<WebhookKeys>,
    at: Instant,
}

/// What an operation came to, and every HTTP request that was made for it.
#[derive(Debug)]
pub struct Performed {
    pub outcome: Outcome,
    pub wire: Vec<WireRecord>,
}

/// One HTTP request that was made, without anything secret or personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireRecord {
    /// The adapter's name of the step, `"token"`, `"create_payout"`.
    pub step: &'static str,
    pub method: &'static str,
    /// Without the query.
    pub path: String,
    pub status: Option<u16>,
    /// The code of the [`NotSent`] or [`Unknown`], when no answer came.
    pub failure: Option<&'static str>,
    pub duration_ms: u32,
    /// Of the body.
    pub request_sha256: [u8; 32],
    pub moves_money: bool,
}

impl std::fmt::Debug for Psp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Psp({}, {})", self.account_id, self.adapter_name)
    }
}

impl Psp {
    pub(crate) fn new(
        account_id: String,
        (adapter_name, adapter): (&'static str, Box<dyn Adapter>),
        transport: Transport,
    ) -> Self {
        Self {
            account_id,
            adapter_name,
            adapter,
            transport,
            token: Mutex::new(None),
            keys: RwLock::new(None),
            keys_tried_at: tokio::sync::Mutex::new(None),
        }
    }

    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    pub fn adapter_name(&self) -> &'static str {
        self.adapter_name
    }

    /// The codec itself, for tests that need no I/O.
    pub fn adapter(&self) -> &dyn Adapter {
        self.adapter.as_ref()
    }

    pub fn capabilities(&self) -> &Capabilities {
        self.adapter.capabilities()
    }

    /// Whether this account can pay this very instrument in this currency.
    pub fn can_pay(&self, destination: &Destination, currency: Currency) -> bool {
        self.adapter.can_pay(destination, currency)
    }

    /// Whether a deposit can be paid here with what the player chose.
    pub fn can_take(&self, instrument: Option<&Instrument>) -> bool {
        instrument.is_none_or(|instrument| self.adapter.can_take(instrument))
    }

    /// The first field that this account needs of a payer and the casino did not give.
    pub fn lacks(&self, payer: &Payer, subject: Subject) -> Option<PayerField> {
        let needs = self.adapter.payer_needs(subject);
        needs.iter().copied().find(|field| !field.is_known(payer))
    }

    /// Performs one operation within `deadline`, by this machine's own clock and by `clock`: a machine that was
    /// frozen between two requests of one exchange may not have counted that time, and whoever thinks that
    /// nothing can leave any more must be right.
    ///
    /// Dropping the future leaves the outcome unknown: call it from a task that nobody cancels. The
    /// [`Outcome::NotSent`] of an [`Operation::Inquire`] speaks of the question, not of the payment.
    pub async fn perform(
        &self,
        operation: &Operation,
        deadline: Duration,
        clock: impl Fn() -> Timestamp + Send,
    ) -> Performed {
        let span = tracing::info_span!(
            "psp.perform",
            psp.id = %self.account_id,
            psp.operation = operation.name(),
        );
        let performed = self.drive(operation, deadline, clock).instrument(span).await;
        metrics::counter!(
            "psp_outcome_total",
            "psp" => self.account_id.clone(),
            "operation" => operation.name(),
            "outcome" => outcome_label(&performed.outcome),
        )
        .increment(1);
        performed
    }

    async fn drive(
        &self,
        operation: &Operation,
        deadline: Duration,
        clock: impl Fn() -> Timestamp + Send,
    ) -> Performed {
        let (by, now) = (Instant::now() + deadline, clock());
        let is_late = || now + deadline <= clock();
        let mut exchange = self.adapter.exchange(operation, now);
        let mut input = Input::Start { token: self.usable_token(now) };
        let mut wire = Vec::new();
        let mut money_left = false;
        for _ in 0..STEPS_MAX {
            input = match exchange.step(input) {
                Step::Send(_, request) if request.moves_money && is_late() => {
                    Input::Failed(TransportFailure::NotSent(NotSent::DeadlineBeforeSend))
                }
                Step::Send(step, request) => {
                    money_left |= request.moves_money;
                    let (record, answer) = self.send(step, request, by).await;
                    wire.push(record);
                    answer
                }
                Step::Remember(token) => {
                    *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                    Input::Remembered
                }
                Step::Forget => {
                    *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    Input::Remembered
                }
                Step::Done(outcome) => return Performed { outcome, wire },
            };
        }
        let outcome = if money_left {
            Outcome::Unknown(Unknown::Unreadable)
        } else {
            Outcome::NotSent(NotSent::PreparationFailed)
        };
        Performed { outcome, wire }
    }

    async fn send(
        &self,
        step: &'static str,
        request: HttpRequest,
        by: Instant,
    ) -> (WireRecord, Input) {
        let mut record = WireRecord {
            step,
            method: request.method.as_str(),
            path: url::Url::parse(&request.url)
                .map_or_else(|_| String::new(), |url| url.path().to_owned()),
            status: None,
            failure: None,
            duration_ms: 0,
            request_sha256: sha256(&request.body),
            moves_money: request.moves_money,
        };
        let started = Instant::now();
        let answer = self.transport.send(request, by).await;
        let took = started.elapsed();
        record.duration_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        metrics::histogram!("psp_request_seconds", "psp" => self.account_id.clone(), "step" => step)
            .record(took.as_secs_f64());
        let input = match answer {
            Ok(response) => {
                record.status = Some(response.status);
                Input::Response(response)
            }
            Err(failure) => {
                record.failure = Some(failure_code(failure));
                Input::Failed(failure)
            }
        };
        tracing::debug!(
            psp.step = step,
            http.status = record.status,
            failure = record.failure,
            duration_ms = record.duration_ms,
            "a PSP was asked"
        );
        (record, input)
    }

    fn usable_token(&self, now: Timestamp) -> Option<CachedToken> {
        let cached = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|token| now < token.expires_at).cloned()
    }

    /// Verifies a webhook and reads it. Nothing of it is believed before.
    pub async fn verify_webhook(
        &self,
        raw: &RawWebhook<'_>,
    ) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
        if raw.body.len() > WEBHOOK_BYTES_MAX {
            return Err(WebhookRefusal::TooLarge);
        }
        if self.adapter.webhook_keys_url().is_none() {
            return self.adapter.verify_webhook(raw, &WebhookKeys::default());
        }
        let kid = self.adapter.webhook_key_id(raw)?;
        let keys = self.keys_with(&kid).await?;
        self.adapter.verify_webhook(raw, &keys)
    }

    /// Reads the PSP's settlement file, all of it or nothing.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn read_statement(&self, file: &[u8]) -> Result<Vec<StatementLine>, StatementFault> {
        self.adapter.read_statement(file)
    }

    /// What the PSP expects to hear, the same for an event that was seen before.
    pub fn reply(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        self.adapter.reply(verified)
    }

    /// The attempt that a message asks leave to pay: its answer is [`Psp::reply`] where that is under way with
    /// us, and [`Psp::put_off`] where it is not.
    pub fn asks_leave_for(&self, verified: &Verified<WebhookBatch>) -> Option<AttemptRef> {
        self.adapter.asks_leave_for(verified)
    }

    /// The answer that neither gives leave nor denies it.
    pub fn put_off(&self, verified: &Verified<WebhookBatch>) -> WebhookReply {
        self.adapter.put_off(verified)
    }

    /// Fetches the PSP's published webhook keys now. True when there are usable ones afterwards; always
    /// true for adapters that need none.
    pub async fn refresh_webhook_keys(&self) -> bool {
        if self.adapter.webhook_keys_url().is_none() {
            return true;
        }
        let mut tried_at = self.keys_tried_at.lock().await;
        *tried_at = Some(Instant::now());
        self.fetch_keys().await || self.cached_keys().is_some()
    }

    async fn keys_with(&self, kid: &str) -> Result<Arc<WebhookKeys>, WebhookRefusal> {
        let good =
            |cached: &FetchedKeys| cached.at.elapsed() < KEYS_FRESH && cached.keys.contains(kid);
        if let Some(cached) = self.cached_keys().filter(&good) {
            return Ok(cached.keys);
        }
        let mut tried_at = self.keys_tried_at.lock().await;
        // Another task may have fetched them while this one waited.
        if let Some(cached) = self.cached_keys().filter(&good) {
            return Ok(cached.keys);
        }
        let mut failed = false;
        if tried_at.is_none_or(|at| at.elapsed() >= KEYS_PAUSE) {
            *tried_at = Some(Instant::now());
            failed = !self.fetch_keys().await;
        }
        match self.cached_keys() {
            Some(cached) if cached.keys.contains(kid) => Ok(cached.keys),
            Some(_) if !failed => Err(WebhookRefusal::Invalid("the key is none of the PSP's")),
            _ => Err(WebhookRefusal::KeysUnavailable),
        }
    }

    fn cached_keys(&self) -> Option<FetchedKeys> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.clone().filter(|cached| cached.at.elapsed() < KEYS_USABLE)
    }

    async fn fetch_keys(&self) -> bool {
        let Some(url) = self.adapter.webhook_keys_url() else {
            return false;
        };
        let (record, answer) =
            self.send("webhook_keys", HttpRequest::get(url), Instant::now() + KEYS_TIMEOUT).await;
        let keys = match answer {
            Input::Response(response) if response.status == 200 => {
                WebhookKeys::parse(&response.body)
            }
            _ => None,
        };
        let Some(keys) = keys else {
            tracing::warn!(
                psp.id = %self.account_id,
                http.status = record.status,
                failure = record.failure,
                "the PSP's webhook keys could not be fetched"
            );
            return false;
        };
        let fetched = FetchedKeys { keys: Arc::new(keys), at: Instant::now() };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
        true
    }
}

const fn failure_code(failure: TransportFailure) -> &'static str {
    match failure {
        TransportFailure::NotSent(why) => why.code(),
        TransportFailure::Unknown(why) => why.code(),
    }
}

const fn outcome_label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::NotSent(why) => why.code(),
        Outcome::Unknown(why) => why.code(),
        Outcome::NotFound => "not_found",
        Outcome::Reported(report) => match report.status {
            Status::Accepted { .. } => "accepted",
            Status::Pending => "pending",
            Status::AwaitsCompletion => "awaits_completion",
            Status::Succeeded { .. } => "succeeded",
            Status::Won { .. } => "won",
            Status::Declined(_) => "declined",
            Status::Expired => "expired",
            Status::Cancelled => "cancelled",
            Status::Returned { .. } => "returned",
            Status::Reversed { .. } => "reversed",
        },
    }
}
