//! What payments mean for the player's limits and thresholds, kept beside the payments themselves.
//!
//! A deposit's movement is made and moved where its fate is decided, since only there it is known
//! what counts. That of a withdrawal follows from its status and parts alone: it is reserved while
//! money is held for it, counts once it is paid, with what was paid and when, and is released when
//! it comes to nothing or comes back.

use super::book::Book;
use super::payment::Payment;
use crate::domain::{
    AttemptStatus, Direction, Instrument, Money, OperatorId, PartStatus, WithdrawalStatus,
};
use crate::screening::movement::{Fingerprint, Movement, UseState};
use uuid::Uuid;

impl Book {
    /// Adds a movement, or puts it in the place of an older one of the same payment; it is written.
    pub fn put_movement(&mut self, movement: Movement) {
        let id = movement.payment;
        match self.movements.iter_mut().find(|found| found.payment == id) {
            Some(found) if *found == movement => return,
            Some(found) => *found = movement,
            None => self.movements.push(movement),
        }
        self.dirty.movements.insert(id);
    }

    /// The movement of a payment, to be changed; written when it did change. None: it has none, or
    /// one that is too old to matter.
    pub fn change_movement(&mut self, id: Uuid, change: impl FnOnce(&mut Movement)) {
        let found = self.movements.iter().find(|found| found.payment == id).copied();
        if let Some(mut movement) = found {
            change(&mut movement);
            self.put_movement(movement);
        }
    }

    /// A withdrawal's movement follows its status.
    pub(super) fn note_withdrawal(&mut self, id: Uuid) {
        if let Some(movement) = self.payment(id).and_then(withdrawn) {
            self.put_movement(movement);
        }
    }
}

/// None for what is no withdrawal, for one that never held anything, and for money that goes back
/// from suspense: that never was the player's deposit, so its going makes no room.
fn withdrawn(payment: &Payment) -> Option<Movement> {
    use WithdrawalStatus::{
        Approved, Blocked, Cancelled, Failed, InReview, Paid, PaidInPart, Processing, Rejected,
        Returned, Screening,
    };
    let from_suspense = payment.returns.as_ref().is_some_and(|returns| returns.from_suspense);
    let status = payment.withdrawal_status().filter(|_| !from_suspense)?;
    let paid = payment.parts.iter().filter(|part| part.status == PartStatus::Paid);
    let paid = Money::new(paid.map(|part| part.money.minor).sum(), payment.money.currency);
    let state = match status {
        Blocked if payment.event_sequence == 0 => return None,
        Screening | InReview | Approved | Processing => UseState::Reserved,
        Paid | PaidInPart | Returned if 0 < paid.minor => UseState::Counted,
        Paid | PaidInPart | Returned | Failed | Rejected | Cancelled | Blocked => {
            UseState::Released
        }
    };
    let succeeded = payment.attempts.iter().filter(|a| a.status == AttemptStatus::Succeeded);
    let paid_at = succeeded.filter_map(|attempt| attempt.ended_at).max();
    let (money, at) = match state {
        UseState::Counted => (paid, paid_at.unwrap_or(payment.updated_at)),
        UseState::Reserved | UseState::Released => (payment.money, payment.created_at),
    };
    let instrument = payment.parts.first().map(|part| &part.instrument);
    Some(Movement {
        payment: payment.id.uuid,
        direction: Direction::Withdrawal,
        money,
        at,
        state,
        instrument: fingerprint(&payment.player.operator, instrument),
        method: Some(payment.method),
    })
}

/// The fingerprint of what is known of an instrument.
pub fn fingerprint(operator: &OperatorId, instrument: Option<&Instrument>) -> Option<Fingerprint> {
    instrument.and_then(|instrument| Fingerprint::of(operator, instrument))
}
