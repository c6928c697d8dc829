//! What this instance knows of PSPs, behind a lock: asked when a payment is planned, told of every call and
//! of every payment's end.
//!
//! Whatever changes is said at once in a line of the log and in the metrics, and waits in a queue for the
//! worker that shares it ([`PspHealth::take_news`]): nothing here reads or writes anywhere else.

use super::faults::is_psp_fault;
use super::health::{Bucket, Change, Health, HealthRules, Kept, Micros, Permit, Place, Told, Turn};
use super::questions::Questions;
use crate::book::{Attempt, Payment};
use crate::domain::{Direction, OperatorId, PartId, Timestamp};
use psp_contract::Outcome;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;
use words::say;

mod words;

pub use words::{direction_of, explain, kind_of, psp_of};

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

    /// At these PSPs a deposit whose answer is lost goes nowhere else: few of them try one that fails.
    pub fn spare(&self, psps: impl IntoIterator<Item = String>) {
        self.lock().health.spare(psps);
    }

    /// The PSPs in the order of their health, each with its standing; see [`Health::rank`].
    pub fn rank(&self, bucket: &Bucket, psps: &[&str], now: Timestamp) -> Vec<Place> {
        self.lock().health.rank(bucket, psps, micros(now))
    }

    /// Whether payments stay away from a PSP now while somebody else works.
    pub fn is_avoided(&self, psp: &str, direction: Direction, now: Timestamp) -> bool {
        self.lock().health.is_avoided(psp, direction, micros(now))
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
            inner.notice(Some(Change::Technical { psp, direction, turn }), sent_at, now);
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
        inner.notice(change, at, now);
    }

    /// Looks for PSPs that have gone silent.
    pub fn look(&self, now: Timestamp) {
        let mut inner = self.lock();
        for change in inner.health.look(micros(now)) {
            inner.notice(Some(change), micros(now), now);
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

    /// A question that was put at `asked_at` was answered: for a while the next probe of this PSP is a deposit's.
    pub fn let_a_payment_try(&self, psp: &str, asked_at: Timestamp, now: Timestamp) {
        let mut inner = self.lock();
        inner.health.answered_a_question(psp, Direction::Deposit, micros(asked_at));
        inner.left_to_deposits.insert(psp.to_owned(), now + LEFT_TO_DEPOSITS);
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

    /// Weighs what another instance saw. It may be heard late, and all of it at once: what came and went within it
    /// is said here and announced to nobody.
    pub fn absorb(&self, told: &[Told], now: Timestamp) {
        let (mut inner, mut changes) = (self.lock(), Vec::new());
        for told in told {
            let Some(change) = inner.health.absorb(told, micros(now)) else { continue };
            match told {
                // The instance that saw it tells the world; here it is counted and said.
                Told::Tripped { .. } => say(&change, "another instance"),
                // It changed by what was seen there and here together, and nobody may know that there.
                Told::Called { at, .. } | Told::Decided { at, .. } => {
                    say(&change, "this instance");
                    changes.push((change, (*at).min(micros(now))));
                }
            }
        }
        for (change, at) in changes {
            if inner.still_holds(&change) {
                inner.announce(change, at, now);
            }
        }
    }

    /// Nobody has found this PSP failing for so long that it is no more known to.
    pub fn unwatched(&self, psp: &str, direction: Direction, now: Timestamp) {
        let (psp, turn) = (psp.to_owned(), Turn::Unwatched);
        let change = Change::Technical { psp, direction, turn };
        self.lock().notice(Some(change), micros(now), now);
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

    /// Whether it is so at this moment that a PSP fails, or is well.
    fn still_holds(&self, change: &Change) -> bool {
        let Change::Technical { psp, direction, turn } = change else { return true };
        let fell = matches!(turn, Turn::Failing | Turn::Silent);
        fell == self.health.is_failing(psp, *direction)
    }

    fn notice(&mut self, change: Option<Change>, seen_at: Micros, now: Timestamp) {
        let Some(change) = change else { return };
        say(&change, "this instance");
        self.announce(change, seen_at, now);
    }

    /// Others hear of a trip with the time of its last fault, which may be long past: whoever has found the PSP
    /// well since then is not to leave it alone again.
    fn announce(&mut self, change: Change, seen_at: Micros, at: Timestamp) {
        if let Change::Technical { psp, direction, turn: Turn::Failing | Turn::Silent } = &change {
            let (psp, direction) = (psp.clone(), *direction);
            self.tell(Told::Tripped { psp, direction, at: seen_at });
        }
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
        inner.notice(change, at, now);
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

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
