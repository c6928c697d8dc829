//! Whose name is to be matched, and how far all players are matched against lists that changed.

use super::{Pool, StoreError};
use crate::domain::{OperatorId, PlayerId, PlayerKey, Timestamp};

/// A player whose name is to be matched now.
#[derive(Debug, Clone)]
pub struct DueName {
    pub player: PlayerKey,
    pub tries: i32,
}

/// Asks for a player's name to be matched.
pub async fn ask(pool: &Pool, player: &PlayerKey, due_at: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into name_screening_due (operator_id, player_id, due_at) values ($1, $2, $3)
         on conflict (operator_id, player_id) do update set due_at = excluded.due_at, tries = 0",
        player.operator.as_str(),
        player.player.as_str(),
        due_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes those that are due until a time: then they are due again, unless they are done.
pub async fn claim(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<DueName>, StoreError> {
    let rows = sqlx::query!(
        "update name_screening_due d set due_at = $2, tries = tries + 1
         from (select operator_id, player_id from name_screening_due where due_at <= $1
               order by due_at limit $3 for update skip locked) due
         where d.operator_id = due.operator_id and d.player_id = due.player_id
         returning d.operator_id, d.player_id, d.tries",
        now,
        until,
        most
    )
    .fetch_all(pool)
    .await?;
    let due = rows
        .into_iter()
        .map(|row| DueName { player: key(&row.operator_id, &row.player_id), tries: row.tries });
    Ok(due.collect())
}

/// It is done, unless somebody has asked for it again meanwhile.
pub async fn done(pool: &Pool, player: &PlayerKey, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from name_screening_due where operator_id = $1 and player_id = $2 and due_at = $3",
        player.operator.as_str(),
        player.player.as_str(),
        until
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// It is tried again then.
pub async fn later(pool: &Pool, player: &PlayerKey, due_at: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "update name_screening_due set due_at = $3 where operator_id = $1 and player_id = $2",
        player.operator.as_str(),
        player.player.as_str(),
        due_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// One walk over all players after a matcher's lists changed.
#[derive(Debug, Clone)]
pub struct Sweep {
    pub matcher: String,
    pub number: i32,
    /// None: the matcher was never used before.
    pub old_version: Option<String>,
    pub new_version: String,
    /// The last player that is done; none is before the first.
    pub after: PlayerKey,
    pub finished: bool,
}

/// The newest walk of a matcher.
pub async fn newest_sweep(pool: &Pool, matcher: &str) -> Result<Option<Sweep>, StoreError> {
    let row = sqlx::query!(
        r#"select number, old_version, new_version, after_operator, after_player,
             finished_at is not null as "finished!"
           from name_sweep where matcher = $1 order by number desc limit 1"#,
        matcher
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Sweep {
        matcher: matcher.to_owned(),
        number: row.number,
        old_version: row.old_version,
        new_version: row.new_version,
        after: key(&row.after_operator, &row.after_player),
        finished: row.finished,
    }))
}

/// Begins the next walk. Another instance may have done so in the same moment: then this changes
/// nothing.
pub async fn begin_sweep(
    pool: &Pool,
    (matcher, number): (&str, i32),
    (old_version, new_version): (Option<&str>, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into name_sweep (matcher, number, old_version, new_version, started_at)
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        matcher,
        number,
        old_version,
        new_version,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes a walk until a time. False: another instance walks.
pub async fn claim_sweep(
    pool: &Pool,
    (matcher, number): (&str, i32),
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = sqlx::query!(
        "update name_sweep set lease_until = $4 where matcher = $1 and number = $2
           and finished_at is null and (lease_until is null or lease_until <= $3)",
        matcher,
        number,
        now,
        until
    )
    .execute(pool)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Active players after one, in the order of their keys.
pub async fn players_after(
    pool: &Pool,
    after: &PlayerKey,
    most: i64,
) -> Result<Vec<PlayerKey>, StoreError> {
    let rows = sqlx::query!(
        "select operator_id, player_id from player
         where (operator_id, player_id) > ($1, $2) and status = 'active'
         order by operator_id, player_id limit $3",
        after.operator.as_str(),
        after.player.as_str(),
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().map(|row| key(&row.operator_id, &row.player_id)).collect())
}

/// What one page of a walk did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walked {
    pub screened: i64,
    pub deltas: i64,
}

/// Notes how far a walk is, and gives it free.
pub async fn walked(
    pool: &Pool,
    sweep: &Sweep,
    walked: Walked,
    finished_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update name_sweep set after_operator = $3, after_player = $4, screened = screened + $5,
           deltas = deltas + $6, finished_at = $7, lease_until = null
         where matcher = $1 and number = $2 and finished_at is null",
        sweep.matcher,
        sweep.number,
        sweep.after.operator.as_str(),
        sweep.after.player.as_str(),
        walked.screened,
        walked.deltas,
        finished_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

fn key(operator: &str, player: &str) -> PlayerKey {
    PlayerKey { operator: OperatorId::trusted(operator), player: PlayerId::trusted(player) }
}
