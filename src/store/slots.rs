//! Leases of lane slots. The lease is an optimisation; the fence and the primary key (slot, seq)
//! are what keeps two lanes from writing into one slot.

use super::StoreError;
use crate::book::Record;
use crate::domain::{PlayerKey, Timestamp};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A slot that this lane may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldSlot {
    pub slot: i16,
    pub fence: i64,
    /// The number of the newest record.
    pub seq: i64,
}

/// Takes a slot: one of this holder's own at once, a foreign one only after its lease. None: all
/// are taken.
pub async fn take(
    connection: &mut PgConnection,
    holder: &str,
    taken: &[i16],
    lease: Duration,
) -> Result<Option<HeldSlot>, StoreError> {
    let lease_s = lease.as_secs().to_string();
    let row = sqlx::query!(
        r#"update lane_slot set holder = $1, fence = fence + 1,
             lease_until = now() + ($2 || ' seconds')::interval
           where slot = (
             select slot from lane_slot
             where slot <> all($3::smallint[]) and not is_register
               and (holder = $1 or holder is null or lease_until < now())
             order by (holder = $1) desc nulls last, slot limit 1 for update skip locked)
           returning slot, fence, seq"#,
        holder,
        lease_s,
        taken
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| HeldSlot { slot: row.slot, fence: row.fence, seq: row.seq }))
}

/// Keeps an idle lane's lease; false when the slot has another holder.
pub async fn renew(
    connection: &mut PgConnection,
    held: HeldSlot,
    lease: Duration,
) -> Result<bool, StoreError> {
    let lease_s = lease.as_secs().to_string();
    let done = sqlx::query!(
        "update lane_slot set lease_until = now() + ($3 || ' seconds')::interval
         where slot = $1 and fence = $2",
        held.slot,
        held.fence,
        lease_s
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The first record of a batch, as nobody else writes it under the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    kind: &'static str,
    player: PlayerKey,
    payment: Option<Uuid>,
    at: Timestamp,
}

impl Mark {
    pub fn of(record: &Record, at: Timestamp) -> Self {
        let payment = record.payment.map(|id| id.uuid);
        Self { kind: record.kind, player: record.player.clone(), payment, at }
    }
}

/// Whether a batch was kept that was to bring a slot to this number. Whoever has written to the slot and not ended
/// yet is waited for: a COMMIT on its way may still be kept.
pub async fn was_kept(
    connection: &mut PgConnection,
    held: HeldSlot,
    to_seq: i64,
    first: Option<&Mark>,
) -> Result<bool, StoreError> {
    let now =
        sqlx::query!("select fence, seq from lane_slot where slot = $1 for update", held.slot)
            .fetch_one(&mut *connection)
            .await?;
    let Some(first) = first.filter(|_| now.fence != held.fence) else {
        return Ok(now.fence == held.fence && now.seq == to_seq);
    };
    let kept = sqlx::query_scalar!(
        r#"select exists (select from record where slot = $1 and seq = $2 and kind = $3
             and operator_id = $4 and player_id = $5 and payment_id is not distinct from $6
             and recorded_at = $7) as "kept!""#,
        held.slot,
        held.seq + 1,
        first.kind,
        first.player.operator.as_str(),
        first.player.player.as_str(),
        first.payment,
        first.at
    )
    .fetch_one(connection)
    .await?;
    Ok(kept)
}

/// Gives the slot back at an orderly stop.
pub async fn give_back(connection: &mut PgConnection, held: HeldSlot) -> Result<(), StoreError> {
    sqlx::query!(
        "update lane_slot set lease_until = now() where slot = $1 and fence = $2",
        held.slot,
        held.fence
    )
    .execute(connection)
    .await?;
    Ok(())
}
