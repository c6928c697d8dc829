//! The desks of the hot paths: what every webhook and every new payment asks of the database, asked
//! for all that came at the same moment together. None of them decides anything about money.

use super::desk::{Clerk, Desk};
use super::known_places::KnownPlaces;
use crate::book::KeyId;
use crate::clock::Clock;
use crate::domain::{InboxId, PlayerKey};
use crate::screening::shelf::PolicyShelf;
use crate::store::db::LaneConnection;
use crate::store::inbox::{self, DoneEvent, NewEvent};
use crate::store::limit_reservations::{self, NewRoom, RoomAnswer};
use crate::store::places::{self, AttemptPlace, Named};
use crate::store::player_results::{self, Kept, NewResult, Wanted};
use crate::store::read_facts::{self, PlayerFacts};
use crate::store::read_keys::{self, KeyState};
use crate::store::read_payee::{self, Payee, PayeeFacts};
use crate::store::{Db, StoreError};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// All desks of an instance. Cheap to clone: every request does so some times.
#[derive(Debug, Clone)]
pub struct Desks(Arc<AllDesks>);

impl Deref for Desks {
    type Target = AllDesks;

    fn deref(&self) -> &AllDesks {
        &self.0
    }
}

/// One desk a question.
#[derive(Debug)]
pub struct AllDesks {
    pub inbox: Desk<StoreEvents>,
    pub done: Desk<MarkDone>,
    pub places: Desk<FindPlaces>,
    pub players: Desk<ReadPlayers>,
    pub payees: Desk<ReadPayees>,
    pub keys: Desk<ReadKeys>,
    pub said: Desk<ReadResults>,
    pub results: Desk<KeepResults>,
    pub rooms: Desk<OpenRooms>,
    pub room_answers: Desk<NoteRoomAnswers>,
    /// What `places` need not be asked for.
    pub known: KnownPlaces,
}

impl Desks {
    pub fn start(
        db: &Db,
        clock: &Arc<dyn Clock>,
        policies: &Arc<PolicyShelf>,
        tasks: &TaskTracker,
    ) -> Self {
        let readers = ReadPlayers { clock: clock.clone(), policies: policies.clone() };
        Self(Arc::new(AllDesks {
            inbox: Desk::start(StoreEvents { clock: clock.clone() }, db.clone(), tasks),
            done: Desk::start(MarkDone, db.clone(), tasks),
            places: Desk::start(FindPlaces, db.clone(), tasks),
            players: Desk::start(readers, db.clone(), tasks),
            payees: Desk::start(ReadPayees, db.clone(), tasks),
            keys: Desk::start(ReadKeys, db.clone(), tasks),
            said: Desk::start(ReadResults, db.clone(), tasks),
            results: Desk::start(KeepResults, db.clone(), tasks),
            rooms: Desk::start(OpenRooms, db.clone(), tasks),
            room_answers: Desk::start(NoteRoomAnswers, db.clone(), tasks),
            known: KnownPlaces::default(),
        }))
    }
}

/// Stores the events of verified webhooks, durably before the answer.
#[derive(Debug)]
pub struct StoreEvents {
    clock: Arc<dyn Clock>,
}

impl Clerk for StoreEvents {
    type Question = Vec<NewEvent>;
    /// Those of the question's events that were new.
    type Answer = BTreeSet<InboxId>;

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[Vec<NewEvent>],
    ) -> Result<Vec<BTreeSet<InboxId>>, StoreError> {
        let new = inbox::store(connection, questions, self.clock.now()).await?;
        let of = |asked: &Vec<NewEvent>| {
            asked.iter().map(|event| event.id).filter(|id| new.contains(id)).collect()
        };
        Ok(questions.iter().map(of).collect())
    }
}

/// Marks events done. What a crash forgets of it is applied again, and the same news twice changes
/// nothing: these commits need not wait for the disk.
#[derive(Debug)]
pub struct MarkDone;

impl Clerk for MarkDone {
    type Question = DoneEvent;
    type Answer = ();

    /// Nobody waits for it, and the inbox worker leaves an event alone for 3 s.
    fn rest(&self) -> Duration {
        Duration::from_millis(25)
    }

    async fn open(&self, db: &Db) -> Result<LaneConnection, StoreError> {
        db.hasty_connection().await
    }

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[DoneEvent],
    ) -> Result<Vec<()>, StoreError> {
        inbox::done(connection, questions).await?;
        Ok(vec![(); questions.len()])
    }
}

/// Finds the attempts that events are about.
#[derive(Debug)]
pub struct FindPlaces;

impl Clerk for FindPlaces {
    type Question = Named;
    type Answer = Vec<AttemptPlace>;

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[Named],
    ) -> Result<Vec<Vec<AttemptPlace>>, StoreError> {
        places::find(connection, questions).await
    }
}

/// Reads players with all that a deposit's first screening needs.
#[derive(Debug)]
pub struct ReadPlayers {
    clock: Arc<dyn Clock>,
    policies: Arc<PolicyShelf>,
}

impl Clerk for ReadPlayers {
    type Question = PlayerKey;
    type Answer = Option<PlayerFacts>;

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[PlayerKey],
    ) -> Result<Vec<Option<PlayerFacts>>, StoreError> {
        read_facts::players(connection, questions, &self.policies.current(), self.clock.now()).await
    }
}

/// Reads players with all that a withdrawal's first screening needs.
#[derive(Debug)]
pub struct ReadPayees;

impl Clerk for ReadPayees {
    type Question = Payee;
    type Answer = Option<PayeeFacts>;

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[Payee],
    ) -> Result<Vec<Option<PayeeFacts>>, StoreError> {
        read_payee::payees(connection, questions).await
    }
}

/// Reads what idempotency keys remember.
#[derive(Debug)]
pub struct ReadKeys;

impl Clerk for ReadKeys {
    type Question = KeyId;
    type Answer = Option<KeyState>;

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[KeyId],
    ) -> Result<Vec<Option<KeyState>>, StoreError> {
        read_keys::states(connection, questions).await
    }
}

/// Reads what vendors said last of players.
#[derive(Debug)]
pub struct ReadResults;

impl Clerk for ReadResults {
    type Question = Wanted;
    type Answer = Option<Kept>;

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[Wanted],
    ) -> Result<Vec<Option<Kept>>, StoreError> {
        player_results::newest(connection, questions).await
    }
}

/// Keeps what vendors say of players. These commits need not wait for the disk: the log of the database is
/// one, so a decision that is durable finds durable what was kept before it; and what a crash forgets
/// without its decision is asked again.
#[derive(Debug)]
pub struct KeepResults;

impl Clerk for KeepResults {
    type Question = NewResult;
    type Answer = ();

    async fn open(&self, db: &Db) -> Result<LaneConnection, StoreError> {
        db.hasty_connection().await
    }

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[NewResult],
    ) -> Result<Vec<()>, StoreError> {
        player_results::keep(connection, questions).await?;
        Ok(vec![(); questions.len()])
    }
}

/// Notes, durably, that files of limits are about to be asked for room.
#[derive(Debug)]
pub struct OpenRooms;

impl Clerk for OpenRooms {
    type Question = NewRoom;
    type Answer = ();

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[NewRoom],
    ) -> Result<Vec<()>, StoreError> {
        limit_reservations::open(connection, questions).await?;
        Ok(vec![(); questions.len()])
    }
}

/// Notes what files of limits answered. These commits need not wait for the disk either: a decision that
/// is durable finds them durable, and for a deposit without one the worker gives the room back, whatever
/// the file had said.
#[derive(Debug)]
pub struct NoteRoomAnswers;

impl Clerk for NoteRoomAnswers {
    type Question = RoomAnswer;
    type Answer = ();

    async fn open(&self, db: &Db) -> Result<LaneConnection, StoreError> {
        db.hasty_connection().await
    }

    async fn answer(
        &self,
        connection: &mut LaneConnection,
        questions: &[RoomAnswer],
    ) -> Result<Vec<()>, StoreError> {
        limit_reservations::answered(connection, questions).await?;
        Ok(vec![(); questions.len()])
    }
}
