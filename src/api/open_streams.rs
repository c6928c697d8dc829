//! How many event streams one caller holds open at once, on this instance.
//!
//! Opening a stream takes one request of a budget that is counted by the second, and then it asks the
//! database for up to an hour. Without an end to their number one token could keep the database busy alone.

use super::caller::Caller;
use super::problem::Problem;
use crate::domain::PlayerKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A player watches what they pay in a few windows at most; a casino's backend watches for its players.
const OF_PLAYER_MAX: u32 = 8;
const OF_KEY_MAX: u32 = 1_000;

/// When to ask again: a stream whose reader has gone is noticed within its keep-alive of 15 s.
const RETRY_AFTER_S: u64 = 15;

/// Whose streams are counted together, whatever their session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Key(String),
    Player(PlayerKey),
}

/// The open streams of this instance. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct OpenStreams(Arc<Mutex<BTreeMap<Holder, u32>>>);

/// One open stream, counted until this is dropped.
#[derive(Debug)]
pub struct OpenStream {
    streams: OpenStreams,
    holder: Holder,
}

impl OpenStreams {
    /// Counts one more.
    ///
    /// # Errors
    /// 429 with `retry-after` for a caller that holds as many as it may.
    pub fn open(&self, caller: &Caller) -> Result<OpenStream, Problem> {
        let (holder, most) = match caller {
            Caller::Key { key_id, .. } => (Holder::Key(key_id.clone()), OF_KEY_MAX),
            Caller::Player { operator, player, .. } => {
                let player = PlayerKey { operator: operator.clone(), player: player.clone() };
                (Holder::Player(player), OF_PLAYER_MAX)
            }
        };
        let mut open = self.lock();
        let count = open.entry(holder.clone()).or_default();
        if *count == most {
            return Err(Problem::too_many_streams(most, RETRY_AFTER_S));
        }
        *count += 1;
        Ok(OpenStream { streams: self.clone(), holder })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Holder, u32>> {
        // The counters are whole between any two statements, so a panic elsewhere left them usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        let Some(count) = open.get_mut(&self.holder) else { return };
        *count -= 1;
        // Who holds none is forgotten: the map is as large as what is open.
        if *count == 0 {
            open.remove(&self.holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OperatorId, PlayerId};
    use uuid::Uuid;

    fn player(operator: &str, session: u128) -> Caller {
        Caller::Player {
            operator: OperatorId::trusted(operator),
            player: PlayerId::parse("p-1").unwrap(),
            jti: Uuid::from_u128(session),
        }
    }

    fn key(id: &str) -> Caller {
        Caller::Key {
            operator: OperatorId::trusted("op_demo"),
            key_id: id.to_owned(),
            scopes: Vec::new(),
            person: None,
        }
    }

    #[test]
    fn a_players_sessions_share_eight_streams_and_a_key_has_a_thousand() {
        let streams = OpenStreams::default();
        let open = |caller: &Caller| streams.open(caller);
        let mut held: Vec<_> = (0..8).map(|nth| open(&player("op_demo", nth)).unwrap()).collect();
        let problem = open(&player("op_demo", 8)).unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "request.rate_limited"));
        assert!(open(&player("op_other", 0)).is_ok(), "another operator's player");
        held.pop();
        held.push(open(&player("op_demo", 9)).unwrap());
        assert!(open(&player("op_demo", 9)).is_err());

        let of_key: Vec<_> = (0..1_000).map(|_| open(&key("sk_a")).unwrap()).collect();
        assert!(open(&key("sk_a")).is_err());
        assert!(open(&key("sk_b")).is_ok());
        drop((held, of_key));
        assert!(streams.lock().is_empty(), "who holds none is forgotten");
    }
}
