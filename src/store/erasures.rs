//! What stands against erasing a player's data, that it was erased, and what is still to be taken out.

use super::write_records::Numbered;
use super::{Pool, StoreError};
use crate::book::{Book, ErasureFacts};
use crate::domain::{PlayerKey, PlayerStatus, Timestamp};
use sqlx::{PgConnection, PgExecutor};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long a worker that has claimed an erasure has to begin with it; from then on it [`hold`]s it.
const LEASE_S: f64 = 120.0;

/// Into the books in which a case asks for an erasure: what stands against it.
pub(super) async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
) -> Result<(), StoreError> {
    for book in books.values_mut() {
        let asks = |kind: &str| kind == crate::book::CaseKind::Erasure.as_str();
        let case =
            book.reviews.values().find(|review| asks(&review.kind)).map(|review| review.id.0);
        if let Some(case) = case {
            book.erasing = Some(facts(&mut *connection, &book.key, Some(case)).await?);
        }
    }
    Ok(())
}

/// What is on record of a player, but for the case that asks.
pub async fn facts(
    executor: impl PgExecutor<'_>,
    key: &PlayerKey,
    case: Option<Uuid>,
) -> Result<ErasureFacts, StoreError> {
    let row = sqlx::query!(
        r#"select
             (select coalesce(sum(cash + bonus + held + owed), 0)::bigint from wallet
              where operator_id = $1 and player_id = $2) as "money!",
             (select count(*) from payment where operator_id = $1 and player_id = $2
              and (due_at is not null or 0 < suspended_amount or status in
                ('screening', 'in_review', 'processing', 'action_required', 'approved')))
             + (select count(*) from payment p join attempt a using (payment_id)
                where p.operator_id = $1 and p.player_id = $2 and a.due_at is not null and a.status in
                  ('prepared', 'in_flight', 'unknown', 'accepted', 'abandoned'))
             + (select count(*) from payment p join vendor_check c using (payment_id)
                where p.operator_id = $1 and p.player_id = $2 and c.due_at is not null)
             + (select count(*) from payment p join limit_reservation l using (payment_id)
                where p.operator_id = $1 and p.player_id = $2 and l.due_at is not null)
               as "open_payments!",
             (select count(*) from review where operator_id = $1 and player_id = $2 and is_open
              and review_id is distinct from $3) as "open_cases!",
             greatest(
               -- A wallet's newest entry, by its version: a player may have a million of them.
               (select max(e.recorded_at) from wallet w cross join lateral (
                  select recorded_at from entry
                  where operator_id = w.operator_id and player_id = w.player_id
                    and currency = w.currency and wallet_version is not null
                  order by wallet_version desc limit 1) e
                where w.operator_id = $1 and w.player_id = $2),
               (select max(updated_at) from payment where operator_id = $1 and player_id = $2))
               as last_moved_at,
             (select min(known_at) from player_version where operator_id = $1 and player_id = $2
              and version > coalesce((select max(version) from player_version
                where operator_id = $1 and player_id = $2 and body ->> 'status' is distinct from 'closed'),
                0)) as closed_at"#,
        key.operator.as_str(),
        key.player.as_str(),
        case
    )
    .fetch_one(executor)
    .await?;
    Ok(ErasureFacts {
        money: row.money,
        open_payments: row.open_payments,
        open_cases: row.open_cases,
        last_moved_at: row.last_moved_at,
        closed_at: row.closed_at,
    })
}

/// Writes those of a batch, each with the work that it leaves.
pub(super) async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    for numbered in records {
        let Some(erasure) = &numbered.record.erasure else { continue };
        let (player, at) = (&numbered.record.player, numbered.record.at);
        sqlx::query!(
            "insert into erasure (slot, seq, erasure_id, operator_id, player_id, review_id, basis,
               retained_until, erased_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            slot,
            numbered.seq,
            erasure.id,
            player.operator.as_str(),
            player.player.as_str(),
            erasure.review,
            erasure.basis.as_str(),
            erasure.basis.until(),
            at
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "insert into erasure_work (operator_id, player_id, review_id, due_at) values ($1, $2, $3, $4)",
            player.operator.as_str(),
            player.player.as_str(),
            erasure.review,
            at
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A player whose data is still to be taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub player: PlayerKey,
    /// The case that decided it: it stays, since it says why.
    pub review: Uuid,
}

/// Claims the next one that is due.
pub async fn claim(pool: &Pool, now: Timestamp) -> Result<Option<Due>, StoreError> {
    let row = sqlx::query!(
        "update erasure_work w set due_at = $1::timestamptz + make_interval(secs => $2)
         from (select operator_id, player_id from erasure_work where due_at <= $1
               order by due_at limit 1 for update skip locked) due
         where w.operator_id = due.operator_id and w.player_id = due.player_id
         returning w.operator_id, w.player_id, w.review_id",
        now,
        LEASE_S
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Due {
        player: super::load::key(&row.operator_id, &row.player_id),
        review: row.review_id,
    }))
}

/// Keeps it from others for as long as the transaction lasts, however long that is: a claim passes over it. False:
/// it was done meanwhile.
pub(super) async fn hold(
    connection: &mut PgConnection,
    key: &PlayerKey,
) -> Result<bool, StoreError> {
    let row = sqlx::query!(
        r#"select due_at is not null as "is_due!" from erasure_work
           where operator_id = $1 and player_id = $2 for update"#,
        key.operator.as_str(),
        key.player.as_str()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_none_or(|row| row.is_due))
}

/// Whoever writes of players outside a lane, in the transaction that writes it: an erasure of them waits for its
/// end, and what is written of those who were erased before is taken out an hour later.
///
/// Lanes, which hold a player's row for their own changes, are not held up by this.
pub(super) async fn before_writing(
    connection: &mut PgConnection,
    players: impl Iterator<Item = &PlayerKey> + Send,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (operators, ids) = super::load::columns(players);
    let erased = sqlx::query!(
        "select p.operator_id, p.player_id, p.status from player p
         join unnest($1::text[], $2::text[]) as named (operator_id, player_id)
           on named.operator_id = p.operator_id and named.player_id = p.player_id
         for key share of p",
        &operators,
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let erased: Vec<PlayerKey> = erased
        .iter()
        .filter(|row| row.status == PlayerStatus::Erased.as_str())
        .map(|row| super::load::key(&row.operator_id, &row.player_id))
        .collect();
    again(connection, &erased.iter().collect::<Vec<_>>(), now).await
}

/// Something was written of players who were erased before: late news may say who they were, and is taken out
/// an hour later, when it has done its work.
pub async fn again(
    connection: &mut PgConnection,
    players: &[&PlayerKey],
    now: Timestamp,
) -> Result<(), StoreError> {
    for key in players {
        sqlx::query!(
            "update erasure_work set due_at = $3::timestamptz + interval '1 hour', done_at = null
             where operator_id = $1 and player_id = $2 and done_at is not null",
            key.operator.as_str(),
            key.player.as_str(),
            now
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Nothing of it is left to do.
pub(super) async fn done(
    connection: &mut PgConnection,
    key: &PlayerKey,
    emptied: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update erasure_work set due_at = null, done_at = $3, emptied = $4
         where operator_id = $1 and player_id = $2",
        key.operator.as_str(),
        key.player.as_str(),
        now,
        i64::try_from(emptied).unwrap_or(i64::MAX)
    )
    .execute(connection)
    .await?;
    Ok(())
}
