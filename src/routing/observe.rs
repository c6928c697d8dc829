//! What this instance knows of PSPs, behind a lock: asked when a payment is planned, told of every call and
//! of every payment's end.
//!
//! Whatever changes is said at once in a line of the log and in the metrics, and waits in a queue for the
//! worker that shares it ([`PspHealth::take_news`]): nothing here reads or writes anywhere else.

use super::faults::is_psp_fault;
use super::health::{
    Bucket, Change, Health, HealthRules, Kept, Micros, Permit, Place, Standing, Told, Turn,
};
use super::questions::Questions;
use crate::book::{Attempt, Payment};
use crate::domain::{Direction, OperatorId, PartId, Timestamp};
use psp_contract::Outcome;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// What waits to be shared, at most; where nobody fetches it the oldest goes.
const NEWS_MAX: usize = 20_000;
/// The same of changes, each of which is told to every operator by itself.
const CHANGES_MAX: usize = 1_000;

/// A change with its time, and the ids of the events by which operators hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    pub change: Change,
    pub at: Timestamp,
    pub events: BTreeMap<OperatorId, Uuid>,
}

/// What has happened here since it was last fetched.
#[derive(Debug, Default)]
pub struct HealthNews {
    pub told: VecDeque<Told>,
    pub changes: VecDeque<Noticed>,
}

#[derive(Debug)]
struct Inner {
    health: Health,
    news: HealthNews,
    questions: Questions,
    /// Until when the next probe is left to a deposit.
    left_to_deposits: BTreeMap<String, Timestamp>,
}

/// How long a deposit may take to come by and try a PSP that answers questions again.
const LEFT_TO_DEPOSITS: Duration = Duration::from_secs(3);

/// The health of all PSP accounts. The lock is held for microseconds and never across an await.
#[derive(Debug)]
pub struct PspHealth {
    inner: Mutex<Inner>,
    calls: AtomicU64,
}

/// A call that is under way. What comes of it is told by [`Call::answered`]; dropped before, it says nothing.
#[derive(Debug)]
pub struct Call<'a> {
    health: &'a PspHealth,
    psp: String,
    direction: Direction,
    number: u64,
    sent_at: Micros,
    is_over: bool,
}

/// The kind of payment, or of one part, whose approval is counted by itself.
pub fn bucket_of(payment: &Payment, part: Option<PartId>) -> Bucket {
    Bucket {
        direction: payment.direction(),
        country: payment.country.clone(),
        method: payment.method_of(part),
        currency: payment.currency(),
    }
}

/// Microseconds since 1970; a time that does not fit lies in no payment's life.
pub fn micros(at: Timestamp) -> Micros {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

impl PspHealth {
    pub fn new(rules: HealthRules, seed: u64) -> Self {
        let health = Health::new(rules, seed);
        let inner = Inner {
            health,
            news: HealthNews::default(),
            questions: Questions::default(),
            left_to_deposits: BTreeMap::new(),
        };
        Self { inner: Mutex::new(inner), calls: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whatever panicked while holding it left counts that are whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The PSPs in the order of their health, each with its standing; see [`Health::rank`]. Money that
    /// leaves never probes a PSP that fails: its answer may be lost, and nobody else could be asked then.
    pub fn rank(&self, bucket: &Bucket, psps: &[&str], now: Timestamp) -> Vec<Place> {
        let mut inner = self.lock();
        let mut places = inner.health.rank(bucket, psps, micros(now));
        if bucket.direction == Direction::Withdrawal {
            for place in &mut places {
                let fails = inner.health.is_failing(psps[place.psp], bucket.direction);
                if place.standing == Standing::Probe && fails {
                    place.standing = Standing::Failing;
                }
            }
        }
        places
    }

    /// What may be sent to a PSP now.
    pub fn permit(&self, psp: &str, direction: Direction, now: Timestamp) -> Permit {
        self.lock().health.permit(psp, direction, micros(now))
    }

    /// A call goes out; where the PSP fails and its time to be tried has come, it is the probe.
    pub fn sent(&self, bucket: &Bucket, psp: &str, now: Timestamp) -> Call<'_> {
        self.call(psp, bucket.direction, now, |health, number, at| {
            health.sent(bucket, psp, number, at);
        })
    }

    /// A question goes out to a PSP that fails, in the place of a payment that would try it.
    pub fn probe(&self, psp: &str, direction: Direction, now: Timestamp) -> Call<'_> {
        self.call(psp, direction, now, |health, number, at| health.ask(psp, direction, number, at))
    }

    fn call(
        &self,
        psp: &str,
        direction: Direction,
        now: Timestamp,
        send: impl FnOnce(&mut Health, u64, Micros),
    ) -> Call<'_> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let sent_at = micros(now);
        let mut inner = self.lock();
        // Where all fail, payments go to who fails all the same: that is no probe, and nobody need hear of it.
        if inner.health.permit(psp, direction, sent_at) == Permit::Probe {
            let (psp, turn) = (psp.to_owned(), Turn::Probing);
            inner.notice(Some(Change::Technical { psp, direction, turn }), now);
        }
        send(&mut inner.health, number, sent_at);
        drop(inner);
        Call { health: self, psp: psp.to_owned(), direction, number, sent_at, is_over: false }
    }

    /// Learns from an attempt that has just come to its end.
    pub fn decided(&self, payment: &Payment, attempt: &Attempt, approved: bool, now: Timestamp) {
        let (bucket, psp) = (bucket_of(payment, attempt.part), attempt.psp.clone());
        let (sent_at, at) = (micros(attempt.first_sent_at), micros(now));
        let told = Told::Decided { psp, bucket, sent_at, at, approved };
        let mut inner = self.lock();
        let change = inner.health.absorb(&told, at);
        inner.tell(told);
        inner.notice(change, now);
    }

    /// Looks for PSPs that have gone silent.
    pub fn look(&self, now: Timestamp) {
        let mut inner = self.lock();
        for change in inner.health.look(micros(now)) {
            inner.notice(Some(change), now);
        }
    }

    /// Whether payments are kept away from a PSP.
    pub fn is_failing(&self, psp: &str, direction: Direction) -> bool {
        self.lock().health.is_failing(psp, direction)
    }

    /// What PSPs that fail can be asked.
    pub fn questions<T>(&self, look: impl FnOnce(&mut Questions) -> T) -> T {
        look(&mut self.lock().questions)
    }

    /// Whether the time has come to ask a PSP that fails whether it answers. Payouts never try it: for them a
    /// question that this instance does not know, since it has just started or was told of the fault, is
    /// looked for.
    pub fn is_to_be_asked(&self, psp: &str, direction: Direction, now: Timestamp) -> bool {
        let inner = self.lock();
        let left = inner.left_to_deposits.get(psp).filter(|_| direction == Direction::Deposit);
        inner.health.is_failing(psp, direction)
            && inner.health.permit(psp, direction, micros(now)) == Permit::Probe
            && (inner.questions.ready(psp, direction, now).is_some()
                || (direction == Direction::Withdrawal && inner.questions.may_seek(psp, now)))
            && left.is_none_or(|until| !(now..=now + LEFT_TO_DEPOSITS).contains(until))
    }

    /// For a while the next probe of this PSP is a deposit's.
    pub fn let_a_payment_try(&self, psp: &str, now: Timestamp) {
        self.lock().left_to_deposits.insert(psp.to_owned(), now + LEFT_TO_DEPOSITS);
    }

    /// What there is to share and to tell; afterwards there is nothing until more happens.
    pub fn take_news(&self) -> HealthNews {
        std::mem::take(&mut self.lock().news)
    }

    /// Puts back what could not be shared.
    pub fn give_back(&self, news: HealthNews) {
        let mut inner = self.lock();
        let since = std::mem::replace(&mut inner.news, news);
        inner.news.told.extend(since.told);
        inner.news.changes.extend(since.changes);
        inner.forget_oldest();
    }

    /// Weighs what another instance saw.
    pub fn absorb(&self, told: &[Told], now: Timestamp) {
        let mut inner = self.lock();
        for told in told {
            let change = inner.health.absorb(told, micros(now));
            match told {
                // The instance that saw it tells the world; here it is counted and said.
                Told::Tripped { .. } => {
                    change.iter().for_each(|change| say(change, "another instance"));
                }
                // It changed by what was seen there and here together, and nobody may know that there.
                Told::Called { .. } | Told::Decided { .. } => inner.notice(change, now),
            }
        }
    }

    pub fn keep(&self) -> Kept {
        self.lock().health.keep()
    }

    pub fn restore(&self, kept: &Kept, now: Timestamp) {
        self.lock().health.restore(kept, micros(now));
    }
}

impl Inner {
    fn tell(&mut self, told: Told) {
        self.news.told.push_back(told);
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        while NEWS_MAX < self.news.told.len() {
            self.news.told.pop_front();
        }
        while CHANGES_MAX < self.news.changes.len() {
            // A probe is the first to be missed by nobody.
            let probe = self.news.changes.iter().position(|it| kind_of(&it.change) == "probing");
            self.news.changes.remove(probe.unwrap_or(0));
        }
    }

    fn notice(&mut self, change: Option<Change>, at: Timestamp) {
        let Some(change) = change else { return };
        if let Change::Technical { psp, direction, turn: Turn::Failing | Turn::Silent } = &change {
            let (psp, direction) = (psp.clone(), *direction);
            self.tell(Told::Tripped { psp, direction, at: micros(at) });
        }
        say(&change, "this instance");
        self.news.changes.push_back(Noticed { change, at, events: BTreeMap::new() });
        self.forget_oldest();
    }
}

impl Call<'_> {
    /// What came of it. Only the PSP's own faults count against it.
    pub fn answered(mut self, outcome: &Outcome, now: Timestamp) {
        self.end(is_psp_fault(outcome), now);
    }

    /// The same, by whoever asked: a fault, an answer, or nothing that says whether payments get through.
    pub fn judged(mut self, fault: Option<bool>, now: Timestamp) {
        self.end(fault, now);
    }

    fn end(&mut self, fault: Option<bool>, now: Timestamp) {
        self.is_over = true;
        let (at, sent_at) = (micros(now), self.sent_at);
        let mut inner = self.health.lock();
        let call = (self.number, sent_at);
        let change = inner.health.answered(&self.psp, self.direction, call, at, fault);
        if fault.is_some() {
            let (psp, direction) = (self.psp.clone(), self.direction);
            inner.tell(Told::Called { psp, direction, sent_at, at, fault });
        }
        inner.notice(change, now);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut inner = self.health.lock();
            let call = (self.number, self.sent_at);
            inner.health.answered(&self.psp, self.direction, call, self.sent_at, None);
        }
    }
}

/// A change in plain words and in numbers.
fn say(change: &Change, seen_by: &'static str) {
    let (psp, kind) = (psp_of(change), kind_of(change));
    let (direction, why) = (direction_of(change).as_str(), explain(change));
    // Probes come every few seconds for as long as a PSP fails.
    if kind == "probing" {
        tracing::info!(psp.id = psp, direction, change = kind, seen_by, "{why}");
    } else {
        tracing::warn!(psp.id = psp, direction, change = kind, seen_by, "{why}");
    }
    let labels =
        [("psp", psp.to_owned()), ("direction", direction.to_owned()), ("change", kind.to_owned())];
    metrics::counter!("psp_health_changes_total", &labels).increment(1);
    if let Change::Technical { turn, .. } = change {
        let well = if *turn == Turn::Recovered { 1_u8 } else { 0 };
        metrics::gauge!("psp_is_well", &labels[..2]).set(well);
    }
}

/// `failing`, `silent`, `probing`, `recovered`, `demoted`, `restored`, `bucket_blamed`.
pub const fn kind_of(change: &Change) -> &'static str {
    match change {
        Change::Technical { turn: Turn::Failing, .. } => "failing",
        Change::Technical { turn: Turn::Silent, .. } => "silent",
        Change::Technical { turn: Turn::Probing, .. } => "probing",
        Change::Technical { turn: Turn::Recovered, .. } => "recovered",
        Change::Demoted { .. } => "demoted",
        Change::Restored { .. } => "restored",
        Change::BucketBlamed { .. } => "bucket_blamed",
    }
}

/// The PSP account; empty where it is about all of a bucket.
pub fn psp_of(change: &Change) -> &str {
    match change {
        Change::Technical { psp, .. }
        | Change::Demoted { psp, .. }
        | Change::Restored { psp, .. } => psp,
        Change::BucketBlamed { .. } => "",
    }
}

pub const fn direction_of(change: &Change) -> Direction {
    match change {
        Change::Technical { direction, .. } => *direction,
        Change::Demoted { bucket, .. }
        | Change::Restored { bucket, .. }
        | Change::BucketBlamed { bucket } => bucket.direction,
    }
}

/// What happened and what follows from it, as one sentence.
pub fn explain(change: &Change) -> String {
    let what = |bucket: &Bucket| {
        let Bucket { direction, country, method, currency } = bucket;
        format!("{direction}s of {country} by {method} in {currency}")
    };
    match change {
        Change::Technical { psp, direction, turn } => match turn {
            Turn::Failing => format!(
                "{psp} fails: too many of its last {direction} calls were its own faults; others are asked first"
            ),
            Turn::Silent => format!(
                "{psp} is silent: {direction} calls have waited longer than it ever takes; others are asked first"
            ),
            Turn::Probing => format!("one {direction} call looks whether {psp} is well again"),
            Turn::Recovered => {
                format!("{psp} is well again for {direction}s: its probes were answered")
            }
        },
        Change::Demoted { psp, bucket } => {
            format!("{psp} approves far fewer {} than it used to: others first", what(bucket))
        }
        Change::Restored { psp, bucket } => {
            format!("{psp} approves {} as it is expected to again", what(bucket))
        }
        Change::BucketBlamed { bucket } => format!(
            "every PSP approves fewer {}: their banks are at fault, so all keep their places",
            what(bucket)
        ),
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
