//! Room taken in a market's file of limits over all operators: one row a deposit, from before the
//! file is asked until the room is committed or given back.

use super::claimed::Claimed;
use super::load::columns;
use super::{Pool, StoreError, json};
use crate::domain::{Money, PaymentId, PlayerKey, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// How far a reservation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomState {
    /// The file was or will be asked, and its answer is not known.
    Asked,
    Reserved,
    /// The file said no: nothing is taken.
    Refused,
    /// The money came.
    Committed,
    /// The room was given back.
    Released,
}

impl RoomState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Reserved => "reserved",
            Self::Refused => "refused",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        let all = [Self::Asked, Self::Reserved, Self::Refused, Self::Committed, Self::Released];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| StoreError::Corrupt(format!("reservation state {text}")))
    }
}

/// A reservation that somebody is to look at.
#[derive(Debug, Clone)]
pub struct Room {
    pub deposit: Uuid,
    pub file: String,
    pub money: Money,
    pub state: RoomState,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub tries: i32,
    /// The file's answer to the reservation was read.
    pub was_answered: bool,
    /// The deposit's status; none where no deposit was ever recorded.
    pub status: Option<String>,
    /// What the wallet got, in the deposit's currency.
    pub credited: Option<Money>,
}

/// A file that is about to be asked for room.
#[derive(Debug, Clone)]
pub struct NewRoom {
    pub deposit: Uuid,
    pub player: PlayerKey,
    pub file: String,
    pub money: Money,
    pub asked_at: Timestamp,
    pub due_at: Timestamp,
}

/// Notes that files are about to be asked. Nothing is asked before this is kept.
pub async fn open(connection: &mut PgConnection, rooms: &[NewRoom]) -> Result<(), StoreError> {
    let deposits: Vec<Uuid> = rooms.iter().map(|room| room.deposit).collect();
    let (operators, players) = columns(rooms.iter().map(|room| &room.player));
    let files: Vec<&str> = rooms.iter().map(|room| room.file.as_str()).collect();
    let amounts: Vec<i64> = rooms.iter().map(|room| room.money.minor).collect();
    let currencies: Vec<&str> = rooms.iter().map(|room| room.money.currency.code()).collect();
    let asked: Vec<Timestamp> = rooms.iter().map(|room| room.asked_at).collect();
    let due: Vec<Timestamp> = rooms.iter().map(|room| room.due_at).collect();
    sqlx::query!(
        "insert into limit_reservation (payment_id, operator_id, player_id, file, amount, currency,
           state, due_at, created_at, changed_at)
         select id, operator, player, file, amount, currency, 'asked', due, asked, asked
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
           $7::timestamptz[], $8::timestamptz[])
           as t (id, operator, player, file, amount, currency, due, asked)",
        &deposits,
        &operators,
        &players,
        &files as &[&str],
        &amounts,
        &currencies as &[&str],
        &due,
        &asked
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a file answered to a request for room.
#[derive(Debug, Clone)]
pub struct RoomAnswer {
    pub deposit: Uuid,
    pub state: RoomState,
    pub reference: String,
    pub at: Timestamp,
    pub due_at: Timestamp,
}

/// Notes what files answered; nothing where the answer, or what came of it, is noted already.
pub async fn answered(
    connection: &mut PgConnection,
    answers: &[RoomAnswer],
) -> Result<(), StoreError> {
    let deposits: Vec<Uuid> = answers.iter().map(|answer| answer.deposit).collect();
    let states: Vec<&str> = answers.iter().map(|answer| answer.state.as_str()).collect();
    let references: Vec<&str> = answers.iter().map(|answer| answer.reference.as_str()).collect();
    let at: Vec<Timestamp> = answers.iter().map(|answer| answer.at).collect();
    let due: Vec<Timestamp> = answers.iter().map(|answer| answer.due_at).collect();
    sqlx::query!(
        "update limit_reservation r set state = a.state, reference = a.reference, due_at = a.due,
           changed_at = a.at
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
           as a (id, state, reference, due, at)
         where r.payment_id = a.id and r.state = 'asked'",
        &deposits,
        &states as &[&str],
        &references as &[&str],
        &due,
        &at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes what became of room that was taken, and when it is to be looked at next. A newer state is never
/// put back: `from` is the state that it must still have.
pub async fn settle(
    pool: &Pool,
    deposit: Uuid,
    (from, to): (RoomState, RoomState),
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update limit_reservation set state = $3, due_at = $4,
           changed_at = case when state = $3 then changed_at else $5 end
         where payment_id = $1 and state = $2",
        deposit,
        from.as_str(),
        to.as_str(),
        due_at,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes what is due for a while, so that two instances do not do the same, with what became of
/// each deposit.
pub async fn claim_due(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Claimed<Room>, StoreError> {
    let rows = sqlx::query!(
        r#"with due as (
             select payment_id from limit_reservation where due_at <= $1
             order by due_at limit $3 for update skip locked
           ), taken as (
             update limit_reservation r set due_at = $2, tries = tries + 1
             from due where r.payment_id = due.payment_id
             returning r.payment_id, r.file, r.amount, r.currency, r.state, r.created_at,
               r.changed_at, r.tries, r.reference
           )
           select t.payment_id as "payment_id!", t.file as "file!", t.amount as "amount!",
             t.currency as "currency!", t.state as "state!", t.created_at as "created_at!",
             t.changed_at as "changed_at!", t.tries as "tries!",
             t.reference is not null as "was_answered!", p.status as "status?",
             p.credited_amount, p.currency as "paid_currency?"
           from taken t left join payment p on p.payment_id = t.payment_id"#,
        now,
        until,
        most
    )
    .fetch_all(pool)
    .await?;
    let what = |deposit| format!("the room of the deposit {}", PaymentId::deposit(deposit));
    Ok(Claimed::read(
        rows,
        |row| what(row.payment_id),
        |row| {
            let credited = match (row.credited_amount, row.paid_currency) {
                (Some(minor), Some(code)) => Some(Money::new(minor, json::currency(&code)?)),
                _ => None,
            };
            Ok(Room {
                deposit: row.payment_id,
                file: row.file,
                money: Money::new(row.amount, json::currency(&row.currency)?),
                state: RoomState::parse(&row.state)?,
                created_at: row.created_at,
                changed_at: row.changed_at,
                tries: row.tries,
                was_answered: row.was_answered,
                status: row.status,
                credited,
            })
        },
    ))
}
