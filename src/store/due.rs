//! What workers look for: rows whose time has come. Finding is reading; taking is the lane's.

use super::StoreError;
use crate::domain::{AttemptId, OperatorId, PlayerId, PlayerKey, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

/// An attempt that somebody must look at.
#[derive(Debug, Clone)]
pub struct DueAttempt {
    pub player: PlayerKey,
    pub payment: Uuid,
    pub attempt: AttemptId,
    pub psp: String,
}

/// Attempts whose due time has come, the oldest first, without those that are being worked on and
/// without those of these PSPs.
pub async fn attempts(
    pool: &PgPool,
    now: Timestamp,
    running: &[Uuid],
    full: &[String],
    most: i64,
) -> Result<Vec<DueAttempt>, StoreError> {
    let rows = sqlx::query!(
        "select a.attempt_id, a.payment_id, a.psp, p.operator_id, p.player_id
         from attempt a join payment p on p.payment_id = a.payment_id
         where a.due_at <= $1 and a.attempt_id <> all($2) and a.psp <> all($3)
         order by a.due_at limit $4",
        now,
        running,
        full,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DueAttempt {
            player: PlayerKey {
                operator: OperatorId::trusted(&row.operator_id),
                player: PlayerId::trusted(&row.player_id),
            },
            payment: row.payment_id,
            attempt: AttemptId(row.attempt_id),
            psp: row.psp,
        })
        .collect())
}

/// An approved withdrawal that is to be sent.
#[derive(Debug, Clone)]
pub struct DuePayout {
    pub player: PlayerKey,
    pub payment: Uuid,
    /// The PSPs that its parts were planned to ask first; none where that was not written down.
    pub psps: Vec<String>,
}

/// Approved withdrawals that are to be sent now, the oldest first, without those that are being sent and
/// without those that ask one of these PSPs first.
pub async fn payouts(
    pool: &PgPool,
    now: Timestamp,
    running: &[Uuid],
    full: &[String],
    most: i64,
) -> Result<Vec<DuePayout>, StoreError> {
    let rows = sqlx::query!(
        "select payment_id, operator_id, player_id, asks_first from payment
         where due_at <= $1 and status = 'approved' and payment_id <> all($2)
           and not coalesce(asks_first && $3, false)
         order by due_at limit $4",
        now,
        running,
        full,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DuePayout {
            player: PlayerKey {
                operator: OperatorId::trusted(&row.operator_id),
                player: PlayerId::trusted(&row.player_id),
            },
            payment: row.payment_id,
            psps: row.asks_first.unwrap_or_default(),
        })
        .collect())
}
