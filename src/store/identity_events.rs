//! Verified messages of vendors of identity, each once for ever, and the newest news that a player's
//! record has taken.

use super::{Pool, StoreError};
use crate::book::{KycTaken, NewKycTaken, TakenBefore};
use crate::domain::{OperatorId, PlayerKey, Timestamp};
use sqlx::PgConnection;

/// A verified message on its way in.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub vendor: String,
    pub event_id: String,
    pub kind: String,
    /// None: it is about nobody, and done with being kept.
    pub reference: Option<String>,
    pub operator: OperatorId,
    /// Whom it names.
    pub player: Option<String>,
    pub happened_at: Option<Timestamp>,
    pub deadline_at: Timestamp,
    /// Why it is done with being kept, where it has no reference.
    pub note: &'static str,
}

/// A message whose vendor is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEvent {
    pub vendor: String,
    pub event_id: String,
    pub reference: String,
    pub player: Option<String>,
    pub happened_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub deadline_at: Timestamp,
    /// Looks so far, this one included.
    pub tries: i32,
}

/// Keeps a message. False: it was here before. It is due at `due_at`, so that whoever stores it may look
/// at once.
pub async fn keep(
    pool: &Pool,
    event: &NewEvent,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<bool, StoreError> {
    let is_open = event.reference.is_some();
    let done = sqlx::query!(
        "insert into identity_event (vendor, event_id, kind, reference, operator_id, player_id,
           happened_at, received_at, deadline_at, due_at, tries, closed_at, note)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12)
         on conflict (vendor, event_id) do nothing",
        event.vendor,
        event.event_id,
        event.kind,
        event.reference,
        event.operator.as_str(),
        event.player,
        event.happened_at,
        now,
        event.deadline_at,
        is_open.then_some(due_at),
        (!is_open).then_some(now),
        (!is_open).then_some(event.note)
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes those that are due until a time: then they are due again, unless they are closed.
pub async fn claim(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<DueEvent>, StoreError> {
    let rows = sqlx::query!(
        r#"update identity_event e set due_at = $2, tries = tries + 1
         from (select vendor, event_id from identity_event where due_at <= $1
               order by due_at limit $3 for update skip locked) due
         where e.vendor = due.vendor and e.event_id = due.event_id
         returning e.vendor, e.event_id, e.reference as "reference!", e.player_id, e.happened_at,
           e.received_at, e.deadline_at, e.tries"#,
        now,
        until,
        most
    )
    .fetch_all(pool)
    .await?;
    let due = rows.into_iter().map(|row| DueEvent {
        vendor: row.vendor,
        event_id: row.event_id,
        reference: row.reference,
        player: row.player_id,
        happened_at: row.happened_at,
        received_at: row.received_at,
        deadline_at: row.deadline_at,
        tries: row.tries,
    });
    Ok(due.collect())
}

/// The next look is then.
pub async fn look_again(
    pool: &Pool,
    event: &DueEvent,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update identity_event set due_at = $3
         where vendor = $1 and event_id = $2 and closed_at is null",
        event.vendor,
        event.event_id,
        due_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes what people are told of it. False: that was noted before.
pub async fn note(pool: &Pool, event: &DueEvent, note: &str) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update identity_event set note = $3
         where vendor = $1 and event_id = $2 and note is distinct from $3",
        event.vendor,
        event.event_id,
        note
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// It has had its effect, or never will. False: somebody closed it before.
pub async fn close(
    pool: &Pool,
    event: &DueEvent,
    note: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update identity_event set due_at = null, closed_at = $3, note = $4
         where vendor = $1 and event_id = $2 and closed_at is null",
        event.vendor,
        event.event_id,
        now,
        note
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The newest news that the player's record has taken.
pub async fn taken(pool: &Pool, player: &PlayerKey) -> Result<Option<TakenBefore>, StoreError> {
    let row = sqlx::query!(
        "select vendor_result_id, vendor, told_at, state, said, taken_at, rejection
         from identity_taken where operator_id = $1 and player_id = $2",
        player.operator.as_str(),
        player.player.as_str()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| {
        let is_final = row.state == "final";
        let last = NewKycTaken {
            result: row.vendor_result_id,
            vendor: row.vendor,
            taken: KycTaken { told_at: row.told_at, is_final, said: row.said },
            rejection: row.rejection,
        };
        TakenBefore { last, at: row.taken_at }
    }))
}

/// The record has taken this news; older news never replaces newer.
pub async fn take(
    connection: &mut PgConnection,
    player: &PlayerKey,
    new: &NewKycTaken,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into identity_taken as t (operator_id, player_id, vendor_result_id, vendor, state,
           said, told_at, taken_at, rejection)
         values ($1, $2, $3, $4, $5, $8, $6, $7, $9)
         on conflict (operator_id, player_id) do update set
           vendor_result_id = excluded.vendor_result_id, vendor = excluded.vendor,
           state = excluded.state, said = excluded.said, told_at = excluded.told_at,
           taken_at = excluded.taken_at, rejection = coalesce(excluded.rejection, t.rejection)
         where t.told_at < excluded.told_at
           or (t.told_at = excluded.told_at and (excluded.state = 'final' or t.state = 'pending'))",
        player.operator.as_str(),
        player.player.as_str(),
        new.result,
        new.vendor,
        if new.taken.is_final { "final" } else { "pending" },
        new.taken.told_at,
        now,
        new.taken.said,
        new.rejection
    )
    .execute(connection)
    .await?;
    Ok(())
}
