//! Where attempts belong, remembered: a webhook that names one of ours needs no question.
//!
//! An attempt's PSP, payment, player and kind are written once, with the attempt, and never change;
//! so what is remembered stays true, on every instance, for as long as anybody likes. What is not
//! remembered is asked of the database.

use crate::domain::AttemptId;
use crate::store::places::AttemptPlace;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Places of one generation. Two are kept, about 200 bytes a place.
const GENERATION: usize = 20_000;

type Places = HashMap<AttemptId, (String, AttemptPlace)>;

#[derive(Debug, Default)]
struct Generations {
    young: Places,
    old: Places,
}

/// The attempts that this instance has called or heard of lately.
#[derive(Debug, Clone, Default)]
pub struct KnownPlaces(Arc<Mutex<Generations>>);

impl KnownPlaces {
    /// Remembers where a committed attempt at this PSP belongs.
    pub fn remember(&self, psp: &str, place: AttemptPlace) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if GENERATION <= known.young.len() {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(place.attempt, (psp.to_owned(), place));
    }

    /// The place of our attempt at this PSP: another PSP's word about it is worth nothing.
    pub fn of(&self, psp: &str, attempt: AttemptId) -> Option<AttemptPlace> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, place) = known.young.get(&attempt).or_else(|| known.old.get(&attempt))?;
        (at == psp).then(|| place.clone())
    }

    /// The database does not know the attempt: it was set back to a time before it.
    pub fn forget(&self, attempt: AttemptId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.young.remove(&attempt);
        known.old.remove(&attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Direction, OperatorId, PaymentId, PlayerId, PlayerKey};
    use uuid::Uuid;

    fn place(number: u128) -> AttemptPlace {
        AttemptPlace {
            player: PlayerKey {
                operator: OperatorId::trusted("op"),
                player: PlayerId::trusted("p"),
            },
            payment: PaymentId { direction: Direction::Deposit, uuid: Uuid::from_u128(number) },
            is_return: false,
            attempt: AttemptId(Uuid::from_u128(number)),
        }
    }

    #[test]
    fn an_attempt_is_known_at_its_own_psp_only() {
        let known = KnownPlaces::default();
        known.remember("a", place(1));
        let found = known.of("a", AttemptId(Uuid::from_u128(1)));
        assert_eq!(found.map(|place| place.payment.uuid), Some(Uuid::from_u128(1)));
        assert!(known.of("b", AttemptId(Uuid::from_u128(1))).is_none());
        assert!(known.of("a", AttemptId(Uuid::from_u128(2))).is_none());
        known.forget(AttemptId(Uuid::from_u128(1)));
        assert!(known.of("a", AttemptId(Uuid::from_u128(1))).is_none());
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_memory_stays_small() {
        let known = KnownPlaces::default();
        let many = 3 * GENERATION as u128;
        for number in 0..many {
            known.remember("a", place(number));
        }
        assert!(known.of("a", AttemptId(Uuid::from_u128(0))).is_none());
        assert!(known.of("a", AttemptId(Uuid::from_u128(many - 1))).is_some());
        let kept = known.0.lock().map(|kept| kept.young.len() + kept.old.len()).unwrap_or(0);
        assert!(0 < kept && kept <= 2 * GENERATION, "{kept}");
    }
}
