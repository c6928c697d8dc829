//! The key row points at the payment and is written with it; the same key with another body is an
//! error, not a replay.

use super::command::Answer;
use super::refusal::Refusal;
use crate::book::{Book, KeyClaim, StoredKey};
use crate::domain::Timestamp;

/// Whether the key was used before: for the same request its replay, for another a refusal.
pub fn known(book: &Book, claim: &KeyClaim) -> Result<Option<Answer>, Refusal> {
    match book.keys.get(&claim.id) {
        None => Ok(None),
        Some(stored) if stored.fingerprint == claim.fingerprint => {
            Ok(Some(Answer::Replay { payment: stored.payment }))
        }
        Some(_) => Err(Refusal::KeyReused),
    }
}

/// Stores the key. The lane renders the answer into it, unless a first round of calls is open.
pub fn claim(book: &mut Book, claim: &KeyClaim, answer: &Answer, now: Timestamp) {
    let payment = match answer {
        Answer::Payment(payment) => Some(payment.id),
        _ => None,
    };
    store(book, claim, payment, now);
}

/// Stores the key of a refusal that burns it.
pub fn claim_refused(book: &mut Book, claim: &KeyClaim, now: Timestamp) {
    store(book, claim, None, now);
}

fn store(
    book: &mut Book,
    claim: &KeyClaim,
    payment: Option<crate::domain::PaymentId>,
    now: Timestamp,
) {
    let stored = StoredKey {
        fingerprint: claim.fingerprint,
        viewer: claim.viewer,
        payment,
        answer: None,
        created_at: now,
    };
    book.keys.insert(claim.id.clone(), stored);
    book.dirty.keys.insert(claim.id.clone());
}
