//! What is to be done with a reservation, from what became of its deposit. Pure, so that every case
//! can be looked at.

use crate::domain::Timestamp;
use crate::store::limit_reservations::{Room, RoomState};
use time::Duration;

/// For so long a deposit that is not recorded may still be on its way into its lane. Lanes give up
/// after seconds.
pub const ON_ITS_WAY: Duration = Duration::minutes(10);
/// How soon an open deposit is looked at again while it is young, and later.
const YOUNG: Duration = Duration::hours(1);
const SOON: Duration = Duration::seconds(5);
const LATER: Duration = Duration::minutes(1);
/// Where the file's answer was never read, the reservation itself may still be on its way there: the
/// release is said again for so long.
const OVERTAKEN: Duration = Duration::minutes(30);
/// A deposit that failed may still succeed, late and proven: then its money counts. So long it is
/// looked after, once a day.
const LATE_SUCCESS: Duration = Duration::days(30);

/// The next step of one reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Commit,
    Release,
    /// Nothing yet.
    Wait(Duration),
    /// Nothing any more.
    Rest,
}

/// What became of the deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deposit {
    Nowhere,
    Open,
    Paid,
    Over,
}

fn deposit(status: Option<&str>) -> Deposit {
    match status {
        None => Deposit::Nowhere,
        // What came and went back has come: gross limits count it.
        Some("succeeded" | "returned" | "reversed") => Deposit::Paid,
        Some("blocked" | "failed" | "expired" | "cancelled") => Deposit::Over,
        Some(_) => Deposit::Open,
    }
}

/// The next step.
pub fn step(room: &Room, now: Timestamp) -> Step {
    let age = now - room.created_at;
    let watched = if age < YOUNG { SOON } else { LATER };
    match (room.state, deposit(room.status.as_deref())) {
        (RoomState::Committed, _) => Step::Rest,
        (_, Deposit::Paid) => Step::Commit,
        (RoomState::Asked | RoomState::Reserved, Deposit::Over) => Step::Release,
        (RoomState::Asked | RoomState::Reserved, Deposit::Nowhere) if age < ON_ITS_WAY => {
            Step::Wait(SOON)
        }
        (RoomState::Asked | RoomState::Reserved, Deposit::Nowhere) => Step::Release,
        (RoomState::Asked | RoomState::Reserved, Deposit::Open) => Step::Wait(watched),
        (RoomState::Released, _) if !room.was_answered && now - room.changed_at < OVERTAKEN => {
            Step::Release
        }
        (RoomState::Released | RoomState::Refused, _) if now - room.changed_at < LATE_SUCCESS => {
            Step::Wait(Duration::days(1))
        }
        (RoomState::Released | RoomState::Refused, _) => Step::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money};
    use time::macros::datetime;
    use uuid::Uuid;

    const BEGAN: Timestamp = datetime!(2026-11-21 8:00 UTC);

    fn room(state: RoomState, status: Option<&str>) -> Room {
        Room {
            deposit: Uuid::from_u128(1),
            file: "f".to_owned(),
            money: Money::new(100, Currency::EUR),
            state,
            created_at: BEGAN,
            changed_at: BEGAN,
            tries: 1,
            was_answered: true,
            status: status.map(str::to_owned),
            credited: None,
        }
    }

    #[track_caller]
    fn check(state: RoomState, status: Option<&str>, after: Duration, expected: Step) {
        let room = room(state, status);
        assert_eq!(step(&room, BEGAN + after), expected, "{state:?} {status:?} {after}");
    }

    #[test]
    fn room_follows_what_became_of_the_deposit() {
        use RoomState::{Asked, Committed, Refused, Released, Reserved};
        let minute = Duration::minutes(1);
        for state in [Asked, Reserved] {
            check(state, Some("succeeded"), minute, Step::Commit);
            check(state, Some("returned"), minute, Step::Commit);
            for over in ["blocked", "failed", "expired", "cancelled"] {
                check(state, Some(over), minute, Step::Release);
            }
            check(state, Some("in_review"), minute, Step::Wait(SOON));
            check(state, Some("processing"), Duration::hours(2), Step::Wait(LATER));
            check(state, None, minute, Step::Wait(SOON));
            check(state, None, ON_ITS_WAY, Step::Release);
        }
        // A late success counts, whatever was given back before.
        check(Released, Some("succeeded"), Duration::days(3), Step::Commit);
        check(Refused, Some("succeeded"), minute, Step::Commit);
        check(Released, Some("failed"), Duration::days(3), Step::Wait(Duration::days(1)));
        check(Released, None, Duration::days(31), Step::Rest);
        check(Committed, Some("succeeded"), minute, Step::Rest);
    }

    #[test]
    fn a_release_that_may_have_overtaken_its_reservation_is_said_again() {
        let unanswered = Room { was_answered: false, ..room(RoomState::Released, Some("failed")) };
        assert_eq!(step(&unanswered, BEGAN + Duration::minutes(11)), Step::Release);
        assert_eq!(step(&unanswered, BEGAN + Duration::minutes(31)), Step::Wait(Duration::days(1)));
    }
}
