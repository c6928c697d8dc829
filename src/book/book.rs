//! The book itself, and the few doors through which it changes.

use super::deadline::Deadline;
use super::erasure::ErasureFacts;
use super::game::GameEntry;
use super::payin::Arrivals;
use super::payment::{Attempt, Payment};
use super::record::{Entry, Event, HoldMove, Incident, Record, Subject, Transition};
use super::review::Review;
use crate::domain::{
    AttemptId, AttemptStatus, Balance, Currency, Direction, EventId, Ids, IncidentId, Money,
    OperatorId, PartId, PartStatus, PaymentId, PaymentStatus, Player, PlayerKey, Timestamp,
};
use crate::ledger::{InsufficientFunds, Posting, post};
use crate::payments::transition::IllegalTransition;
use crate::payments::{attempt_machine, deposit_machine, part_machine, withdrawal_machine};
use crate::screening::background::Background;
use crate::screening::limits::Limit;
use crate::screening::movement::Movement;
use crate::screening::sources::History;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Everything of one player under lock, and what was decided.
#[derive(Debug, Clone)]
pub struct Book {
    pub key: PlayerKey,
    pub player: Option<Player>,
    pub wallets: BTreeMap<Currency, Balance>,
    /// Shared with the events and answers that show them: who changes one takes a copy first.
    pub payments: BTreeMap<Uuid, Arc<Payment>>,
    /// By when withdrawals are to be at their end, where the command opens or watches one.
    pub deadlines: BTreeMap<Uuid, Deadline>,
    pub keys: BTreeMap<KeyId, StoredKey>,
    /// The casino's references that are taken, with the payment that took each.
    pub references: BTreeMap<(Direction, String), PaymentId>,
    pub game: BTreeMap<String, GameEntry>,
    /// Game references that are taken by other players of the operator.
    pub game_of_others: BTreeSet<String>,
    pub limits: Vec<Limit>,
    /// As far back as the market's limits and rules look, where the command needs them.
    pub movements: Vec<Movement>,
    /// What the market's rules ask besides, where the command needs it.
    pub background: Background,
    pub reviews: BTreeMap<Uuid, Review>,
    /// What stands against erasing the player's data, where a case asks for that.
    pub erasing: Option<ErasureFacts>,
    /// Of arrivals without a request, where the command brings one.
    pub payins: Arrivals,
    /// What came in and went out before this batch, for withdrawals that are split by it.
    pub histories: BTreeMap<Currency, Arc<History>>,
    /// The command that is being decided.
    pub record: Record,
    /// What earlier commands of the batch decided. Shared, because every command works on a copy.
    pub records: Vec<Arc<Record>>,
    pub dirty: Dirty,
}

/// Which rows must be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    pub player: bool,
    pub wallets: BTreeSet<Currency>,
    pub payments: BTreeSet<Uuid>,
    /// Those of the payments that came into being in this batch.
    pub opened: BTreeSet<Uuid>,
    pub keys: BTreeSet<KeyId>,
    pub game: BTreeSet<String>,
    pub limits: bool,
    pub movements: BTreeSet<Uuid>,
    pub reviews: BTreeSet<Uuid>,
    pub deadlines: BTreeSet<Uuid>,
}

/// Scope and key of an idempotent request. The scope names the operator, the player where a player
/// calls, and the route; never the API key, whose rotation must not open a second payment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    pub operator: OperatorId,
    pub scope: String,
    pub key: String,
}

/// For whose eyes an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    Backend,
    Player,
}

/// A request's claim on its key; `request` is the id that it was given, which a kept refusal tells.
#[derive(Debug, Clone)]
pub struct KeyClaim {
    pub id: KeyId,
    pub fingerprint: [u8; 32],
    pub viewer: Viewer,
    pub request: Arc<str>,
}

/// A key that was used.
#[derive(Debug, Clone)]
pub struct StoredKey {
    pub fingerprint: [u8; 32],
    pub viewer: Viewer,
    pub payment: Option<PaymentId>,
    /// Status and body as first told; None while the first round of calls is under way.
    pub answer: Option<(u16, Arc<[u8]>)>,
    pub created_at: Timestamp,
}

impl Book {
    pub fn empty(key: PlayerKey, now: Timestamp) -> Self {
        Self {
            record: Record::new("none", key.clone(), now),
            key,
            player: None,
            wallets: BTreeMap::new(),
            payments: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            keys: BTreeMap::new(),
            references: BTreeMap::new(),
            game: BTreeMap::new(),
            game_of_others: BTreeSet::new(),
            limits: Vec::new(),
            movements: Vec::new(),
            background: Background::default(),
            reviews: BTreeMap::new(),
            erasing: None,
            payins: Arrivals::default(),
            histories: BTreeMap::new(),
            records: Vec::new(),
            dirty: Dirty::default(),
        }
    }

    /// The wallet of a currency; one that was never used is empty.
    pub fn wallet(&self, currency: Currency) -> Balance {
        self.wallets.get(&currency).cloned().unwrap_or_else(|| Balance::empty(currency))
    }

    /// What the player owes: in this currency, be it nothing, and in every other in which they do. A debt in
    /// one currency stops what would be paid in another.
    pub fn debts(&self, currency: Currency) -> Vec<Money> {
        let others = self.wallets.values().filter(|it| it.currency != currency && 0 < it.owed);
        let own = self.wallet(currency);
        std::iter::once(&own).chain(others).map(|it| Money::new(it.owed, it.currency)).collect()
    }

    /// Posts to the player's wallet and to the house, or changes nothing.
    pub fn post(
        &mut self,
        posting: &Posting,
        payment: Option<Uuid>,
        reference: Option<String>,
    ) -> Result<(), InsufficientFunds> {
        let mut wallet = self.wallet(posting.currency());
        let version = wallet.version;
        let legs = post(&self.key, &mut wallet, posting)?;
        if wallet.version != version {
            self.dirty.wallets.insert(wallet.currency);
            self.wallets.insert(wallet.currency, wallet);
        }
        let (kind, currency) = (posting.kind(), posting.currency());
        self.record.entries.push(Entry { kind, currency, payment, reference, legs });
        Ok(())
    }

    /// A posting that cannot be refused: its template took only what is there.
    ///
    /// # Panics
    /// When the wallet does not cover it: a programmer's error, caught before anything is written.
    pub fn post_covered(&mut self, posting: &Posting, payment: Uuid) {
        let refused = self.post(posting, Some(payment), None).err();
        assert!(refused.is_none(), "{} is not covered: {refused:?}", posting.kind());
    }

    pub fn payment(&self, id: Uuid) -> Option<&Payment> {
        self.payments.get(&id).map(Arc::as_ref)
    }

    pub fn all_payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.values().map(Arc::as_ref)
    }

    /// The payment, to be changed; it will be written.
    ///
    /// # Panics
    /// When it was not loaded: the lane loads what a command names before it decides.
    pub fn payment_mut(&mut self, id: Uuid) -> &mut Payment {
        self.dirty.payments.insert(id);
        let at = self.record.at;
        let payment = self.payments.get_mut(&id).expect("a decided payment is loaded");
        let payment = Arc::make_mut(payment);
        payment.updated_at = at;
        payment
    }

    /// The attempt, to be changed; it will be written.
    ///
    /// # Panics
    /// As [`Book::payment_mut`].
    pub fn attempt_mut(&mut self, payment: Uuid, id: AttemptId) -> &mut Attempt {
        let attempts = &mut self.payment_mut(payment).attempts;
        attempts.iter_mut().find(|attempt| attempt.id == id).expect("a decided attempt is loaded")
    }

    /// Adds a new payment with its first history row and event.
    pub fn open_payment(&mut self, payment: Payment, cause: &str, ids: &dyn Ids) {
        let id = payment.id;
        self.record.payment = Some(id);
        self.record.transitions.push(Transition {
            subject: Subject::Payment(id),
            from: None,
            to: payment.status.as_str(),
            cause: cause.to_owned(),
        });
        if let Some(reference) = payment.reference.clone() {
            self.references.insert((id.direction, reference), id);
        }
        self.payments.insert(id.uuid, Arc::new(payment));
        self.dirty.payments.insert(id.uuid);
        self.dirty.opened.insert(id.uuid);
        self.note_withdrawal(id.uuid);
        self.emit(id.uuid, ids);
    }

    /// Moves a payment along its machine, with history and event. The same status again is no move.
    pub fn move_payment(
        &mut self,
        id: Uuid,
        to: PaymentStatus,
        cause: &str,
        ids: &dyn Ids,
    ) -> Result<(), IllegalTransition> {
        let payment = self.payment_mut(id);
        let from = payment.status;
        if from == to {
            return Ok(());
        }
        match (from, to) {
            (PaymentStatus::Deposit(from), PaymentStatus::Deposit(to)) => {
                deposit_machine::next(from, to, payment.received.is_some())?;
            }
            (PaymentStatus::Withdrawal(from), PaymentStatus::Withdrawal(to)) => {
                withdrawal_machine::next(from, to)?;
            }
            _ => unreachable!("a payment keeps its direction"),
        }
        payment.status = to;
        payment.forget_token();
        let subject = Subject::Payment(payment.id);
        self.history(subject, Some(from.as_str()), to.as_str(), cause);
        self.note_withdrawal(id);
        self.emit(id, ids);
        Ok(())
    }

    /// Moves an attempt along its machine, with history. Nobody holds its lease afterwards.
    pub fn move_attempt(
        &mut self,
        payment: Uuid,
        id: AttemptId,
        to: AttemptStatus,
        cause: &str,
    ) -> Result<(), IllegalTransition> {
        let now = self.record.at;
        let mut from = self.attempt_mut(payment, id).status;
        for step in attempt_machine::steps(from, to)? {
            let at = match step {
                AttemptStatus::Succeeded => self.payment_mut(payment).success_at(id, now),
                _ => now,
            };
            let attempt = self.attempt_mut(payment, id);
            attempt.status = *step;
            attempt.lease = None;
            // What was taken back ended when it succeeded: by that, the first success is known.
            if !step.is_taken_back() {
                attempt.ended_at = if step.is_live() { None } else { Some(at) };
            }
            self.history(Subject::Attempt(id), Some(from.as_str()), step.as_str(), cause);
            from = *step;
        }
        Ok(())
    }

    /// Adds an attempt with its history row.
    pub fn open_attempt(&mut self, payment: Uuid, attempt: Attempt, cause: &str) {
        self.history(Subject::Attempt(attempt.id), None, attempt.status.as_str(), cause);
        self.payment_mut(payment).attempts.push(attempt);
    }

    /// Moves a part along its machine, with history.
    pub fn move_part(
        &mut self,
        payment: Uuid,
        id: PartId,
        to: PartStatus,
        cause: &str,
    ) -> Result<(), IllegalTransition> {
        let parts = &mut self.payment_mut(payment).parts;
        let part = parts.iter_mut().find(|part| part.id == id).expect("a decided part is loaded");
        let from = part.status;
        part_machine::next(from, to)?;
        part.status = to;
        self.history(Subject::Part(id), Some(from.as_str()), to.as_str(), cause);
        if from == PartStatus::Returned || to == PartStatus::Returned {
            // The withdrawal may keep its status, and counts as paid once more, or no more.
            self.note_withdrawal(payment);
        }
        Ok(())
    }

    /// Uses up (`capture`) or gives back a piece of what a part holds: at most what is left of it.
    /// Returns the piece.
    pub fn take_hold(
        &mut self,
        payment: Uuid,
        id: PartId,
        amount_minor: i64,
        capture: bool,
    ) -> i64 {
        let parts = &mut self.payment_mut(payment).parts;
        let part = parts.iter_mut().find(|part| part.id == id).expect("a decided part is loaded");
        let piece = amount_minor.min(part.held_minor);
        part.held_minor -= piece;
        let is_final = part.held_minor == 0;
        if 0 < piece {
            let hold_move = HoldMove { part: id, capture, amount_minor: piece, is_final };
            self.record.hold_moves.push(hold_move);
        }
        piece
    }

    /// Lets the idempotent answer of a deposit be told, once: when its first round of calls is
    /// settled, or (`even_open`) when the caller has waited long enough.
    pub fn settle_round(&mut self, payment: Uuid, even_open: bool) {
        let settled = self.payment(payment).is_some_and(|payment| {
            payment.answer_owed.is_some() && (even_open || payment.round_is_settled())
        });
        if settled {
            let payment = self.payment_mut(payment);
            if let Some(viewer) = payment.answer_owed.take() {
                let snapshot = Arc::new(payment.clone());
                self.record.late_answers.push((viewer, snapshot));
            }
        }
    }

    pub fn raise(&mut self, ids: &dyn Ids, mut incident: Incident) {
        incident.id = IncidentId(ids.next());
        self.record.incidents.push(incident);
    }

    pub fn review_mut(&mut self, id: Uuid) -> Option<&mut Review> {
        self.dirty.reviews.insert(id);
        self.reviews.get_mut(&id)
    }

    pub fn open_review(&mut self, review: Review) {
        self.dirty.reviews.insert(review.id.0);
        self.reviews.insert(review.id.0, review);
    }

    fn history(
        &mut self,
        subject: Subject,
        from: Option<&'static str>,
        to: &'static str,
        cause: &str,
    ) {
        self.record.transitions.push(Transition { subject, from, to, cause: cause.to_owned() });
    }

    /// The event of a payment's present status.
    pub fn emit(&mut self, id: Uuid, ids: &dyn Ids) {
        let payment = self.payment_mut(id);
        payment.event_sequence += 1;
        let event = Event {
            id: EventId(ids.next()),
            kind: format!("{}.{}", payment.direction(), payment.status),
            sequence: payment.event_sequence,
            payment: Arc::clone(&self.payments[&id]),
        };
        self.record.events.push(event);
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
