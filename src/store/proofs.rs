//! When the books were proven, and who is proving them.

use super::incidents::ServiceIncident;
use super::{Pool, StoreError};
use crate::domain::Timestamp;
use uuid::Uuid;

/// A proof that came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Proven {
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub entries: i64,
    pub findings: usize,
}

/// When the newest proof began that came to its end; before the first, since when nights are counted.
pub async fn last(pool: &Pool) -> Result<Timestamp, StoreError> {
    let last = sqlx::query_scalar!(
        r#"select coalesce((select max(began_at) from books_proof), since) as "last!"
           from books_proof_lease"#
    )
    .fetch_one(pool)
    .await?;
    Ok(last)
}

/// Takes the proof of this night for one holder, until its lease ends. False: somebody else is at it, or it
/// was done.
pub async fn claim(
    pool: &Pool,
    holder: Uuid,
    night: Timestamp,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update books_proof_lease set holder = $1, lease_until = $4
         where (holder = $1 or holder is null or lease_until < $3)
           and coalesce((select max(began_at) from books_proof), since) < $2",
        holder,
        night,
        now,
        until
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps the lease.
pub async fn keep(pool: &Pool, holder: Uuid, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("update books_proof_lease set lease_until = $2 where holder = $1", holder, until)
        .execute(pool)
        .await?;
    Ok(())
}

/// The proof came to its end: it is on record, and the lease is free.
pub async fn end(pool: &Pool, holder: Uuid, proven: &Proven) -> Result<(), StoreError> {
    sqlx::query!(
        "with proven as (
           insert into books_proof (began_at, ended_at, entries, findings) values ($2, $3, $4, $5)
           on conflict (began_at) do nothing)
         update books_proof_lease set holder = null, lease_until = null where holder = $1",
        holder,
        proven.began_at,
        proven.ended_at,
        proven.entries,
        i64::try_from(proven.findings).unwrap_or(i64::MAX)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Raises the incident that there was no proof for too long. False: people were told, since `told_since`.
pub async fn tell_late(
    pool: &Pool,
    id: Uuid,
    incident: &ServiceIncident<'_>,
    (told_since, now): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "with late as (
           update books_proof_lease set late_told_at = $5
           where late_told_at is null or late_told_at <= $4 returning true)
         insert into service_incident (incident_id, kind, detail, raised_at)
         select $1, $2, $3, $5 from late",
        id,
        incident.kind,
        incident.detail,
        told_since,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}
