//! One PSP account: its books, faults, courier and port, and the dialect that it speaks.

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::task::{JoinHandle, JoinSet};

use crate::book::{Book, Entry, Kind, Movement, Payer, Status};
use crate::chain::Chain;
use crate::clock::Offset;
use crate::config::MockAccount;
use crate::faults::{Answer, Call, Fault, Faults};
use crate::local;
use crate::scenario::Outcome;
use crate::server::Gate;
use crate::statement::{self, File, Row};
use crate::webhooks::Courier;

/// How a movement came to where it is; from it a dialect knows what to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) from: Status,
    pub(crate) to: Status,
}

/// A notification that must reach the caller: what it says, not yet how it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) reference: String,
    pub(crate) event: Cow<'static, str>,
    /// The PSP's event id: equal in repeats.
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) data: Value,
}

/// How a notification is made to differ from an honest one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Twist {
    pub(crate) bad_signature: bool,
    pub(crate) wrong_amount: bool,
    pub(crate) wrong_currency: bool,
    pub(crate) age_s: i64,
}

/// A notification as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// A payment that nobody asked for, or of another amount than asked.
#[derive(Clone, Debug)]
pub(crate) struct Payin {
    pub(crate) target: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) payer: Payer,
}

/// What differs between PSPs once a request has been understood.
pub(crate) trait Dialect: Send + Sync + 'static {
    fn routes(self: Arc<Self>, psp: Arc<Psp>) -> Router;

    /// Pages for people, on a plain port of their own (the setting `pages_port`): a browser has no
    /// certificate that a port with mutual TLS would accept.
    fn pages(self: Arc<Self>, _psp: Arc<Psp>) -> Router {
        Router::new()
    }

    /// Called inside the booking when a deposit gets its money: names the payer's account.
    fn paid(&self, entry: &mut Entry<'_>, movement: &mut Movement);

    /// Asked when a payer pays an open deposit: a PSP that takes the money only at its merchant's word
    /// notes the approval (and the amount, where it is not what was asked) in the movement, leaves it
    /// pending, and gives what it tells the merchant.
    fn awaits_merchant(&self, _: &mut Movement, _paid_minor: Option<i64>) -> Option<Vec<Notice>> {
        None
    }

    /// What the PSP tells its merchant about a change, in order.
    fn notices(&self, movement: &Movement, step: Step) -> Vec<Notice>;

    /// The one notice that says how things are now; `None` where this PSP has no word for it.
    fn present(&self, movement: &Movement) -> Option<Notice>;

    /// Signs a notice, honestly or not, with `now` as its time.
    fn sign(&self, notice: &Notice, twist: &Twist, now: OffsetDateTime) -> Outgoing;

    /// Whether the merchant's answer counts as a delivery.
    fn acknowledged(&self, sent: &Outgoing, status: u16, body: &[u8]) -> bool;

    /// How this PSP writes its settlement file.
    fn statement(&self, rows: &[Row]) -> File {
        statement::plain(rows)
    }

    /// Whether such a movement can come to this at all: no chain charges back.
    fn knows(&self, _kind: Kind, _to: Status) -> bool {
        true
    }

    /// Whether such a call can go wrong like this: where a deposit begins with an address or a session, the
    /// call that asks for it books nothing that could be paid or told.
    fn can_go_wrong(&self, _: Call, _: Fault) -> bool {
        true
    }

    /// Whether an answer refuses its call: some PSPs say so with status 200.
    fn refuses(&self, answer: &Answer) -> bool {
        !answer.status.is_success()
    }

    /// Whether the time of an open deposit is over, so that nobody can pay it any more.
    fn has_run_out(&self, _: &Movement) -> bool {
        false
    }

    /// Whether it tells that a charge-back was won by the merchant.
    fn tells_of_wins(&self) -> bool {
        false
    }

    /// Its chains, for PSPs that move coins: money then arrives by transfers to addresses.
    fn chain(&self) -> Option<&dyn Chain> {
        None
    }

    /// Books money that no request asked for; `None` where this PSP cannot receive such.
    fn unsolicited(&self, payin: &Payin) -> Option<Movement>;
}

/// What happens to new movements when nobody says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Auto {
    /// Payouts succeed by themselves, deposits wait for their payer.
    AsABank,
    /// Set by the control API, for both kinds; without a delay nothing completes by itself.
    /// Of the deposits so many in a million are declined instead.
    Set { after: Option<Duration>, outcome: Outcome, declined_ppm: u64 },
}

pub(crate) struct Psp {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) book: Book,
    pub(crate) faults: Faults,
    pub(crate) courier: Courier,
    clock: Offset,
    gate: Gate,
    /// Where people's browsers go, when that is another port.
    pages: Option<Gate>,
    pub(crate) plants: Mutex<Vec<statement::Plant>>,
    auto: Mutex<Auto>,
    tasks: Mutex<JoinSet<()>>,
}

impl Psp {
    pub(crate) fn new(
        account: &MockAccount,
        dialect: Arc<dyn Dialect>,
        book: Book,
        faults: Faults,
        clock: Offset,
        (gate, pages): (Gate, Option<Gate>),
    ) -> anyhow::Result<Self> {
        Ok(Self {
            id: account.id.clone(),
            currency: account.currency.clone(),
            dialect,
            book,
            faults,
            courier: Courier::new(account)?,
            clock,
            gate,
            pages,
            plants: Mutex::default(),
            auto: Mutex::new(Auto::AsABank),
            tasks: Mutex::default(),
        })
    }

    pub(crate) fn base_url(&self) -> String {
        self.gate.base_url()
    }

    /// Where people's browsers find the pages, when that is not below the base address.
    pub(crate) fn pages_url(&self) -> Option<String> {
        self.pages.as_ref().map(Gate::base_url)
    }

    /// Opens the ports for the first time, with everything behind them.
    pub(crate) async fn open(self: &Arc<Self>) -> io::Result<()> {
        let served = |routes| local::only(self.clock.around(routes));
        if let Some(pages) = &self.pages {
            pages.open(served(self.dialect.clone().pages(self.clone()))).await?;
        }
        self.gate.open(served(self.dialect.clone().routes(self.clone()))).await
    }

    pub(crate) async fn is_up(&self) -> bool {
        self.gate.is_up().await
    }

    pub(crate) async fn up(&self) -> io::Result<()> {
        if let Some(pages) = &self.pages {
            pages.up().await?;
        }
        self.gate.up().await
    }

    pub(crate) async fn down(&self) {
        self.gate.down().await;
        if let Some(pages) = &self.pages {
            pages.down().await;
        }
    }

    pub(crate) fn auto(&self) -> Auto {
        *self.auto.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_auto(&self, auto: Auto) {
        *self.auto.lock().unwrap_or_else(PoisonError::into_inner) = auto;
    }

    /// Background work that ends with the mock.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(self.clock.clone().in_time(work));
    }

    /// Work that goes on when whoever asked for it has hung up.
    pub(crate) fn unhurried<W>(&self, work: W) -> JoinHandle<W::Output>
    where
        W: Future<Output: Send> + Send + 'static,
    {
        tokio::spawn(self.clock.clone().in_time(work))
    }

    /// Ends all background work: timers, queued notifications, retries.
    pub(crate) fn quiet(&self) {
        self.tasks().abort_all();
        self.courier.forget();
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
