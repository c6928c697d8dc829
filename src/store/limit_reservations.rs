//! Room taken in a market's file of limits over all operators: one row a deposit, from before the
//! file is asked until the room is committed or given back.

use super::{Pool, StoreError, json};
use crate::domain::{Money, PlayerKey, Timestamp};
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

/// Notes that a file is about to be asked. Nothing is asked before this is kept.
pub async fn open(
    pool: &Pool,
    player: &PlayerKey,
    (deposit, file, money): (Uuid, &str, Money),
    now: Timestamp,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into limit_reservation (payment_id, operator_id, player_id, file, amount, currency,
           state, due_at, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, 'asked', $7, $8, $8)",
        deposit,
        player.operator.as_str(),
        player.player.as_str(),
        file,
        money.minor,
        money.currency.code(),
        due_at,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes what came of a reservation, and when it is to be looked at next. A newer state is never
/// put back: `from` is the state that it must still have.
pub async fn settle(
    pool: &Pool,
    deposit: Uuid,
    (from, to): (RoomState, RoomState),
    reference: Option<&str>,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update limit_reservation set state = $3, reference = coalesce($4, reference), due_at = $5,
           changed_at = case when state = $3 then changed_at else $6 end
         where payment_id = $1 and state = $2",
        deposit,
        from.as_str(),
        to.as_str(),
        reference,
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
) -> Result<Vec<Room>, StoreError> {
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
    let mut rooms = Vec::with_capacity(rows.len());
    for row in rows {
        let credited = match (row.credited_amount, row.paid_currency) {
            (Some(minor), Some(code)) => Some(Money::new(minor, json::currency(&code)?)),
            _ => None,
        };
        rooms.push(Room {
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
        });
    }
    Ok(rooms)
}
