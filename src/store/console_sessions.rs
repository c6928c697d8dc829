//! Sessions of the console, by the hash of what a browser holds. Who is let in has one opened in the same
//! statement: see [`super::console_accounts::let_in`].

use super::console_accounts::{Act, roles};
use super::{Pool, StoreError};
use crate::access::account::Account;
use crate::domain::{OperatorId, PersonId, Timestamp};
use uuid::Uuid;

/// Whose session it is, if it was asked for after `idle_since` and is not over; it counts as asked for now.
pub async fn find(
    pool: &Pool,
    token_hash: &[u8; 32],
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query!(
        r#"update console_session s set seen_at = greatest(s.seen_at, $2)
           from console_account a
           where s.token_hash = $1 and s.ended_at is null and $2 < s.ends_at and $3 < s.seen_at
             and a.account_id = s.account_id and a.disabled_at is null
           returning a.account_id, a.operator_id, a.person_id, a.email, a.name, a.roles,
             a.totp_sealed is not null as "has_totp!""#,
        token_hash,
        now,
        idle_since,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Account {
        id: row.account_id,
        operator: OperatorId::trusted(&row.operator_id),
        person: PersonId::trusted(&row.person_id),
        email: row.email,
        name: row.name,
        roles: roles(&row.roles),
        has_totp: row.has_totp,
        disabled_at: None,
    }))
}

/// Ends a session because whoever it belongs to signs out. One that was over before stays as it is.
pub async fn end(
    pool: &Pool,
    act_id: Uuid,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with ended as (
           update console_session set ended_at = $2 where token_hash = $1 and ended_at is null
           returning account_id)
         insert into console_act (act_id, account_id, act, acted_at)
         select $3::uuid, account_id, $4::text, $2 from ended",
        token_hash,
        now,
        act_id,
        Act::SignedOut.as_str(),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes sessions that were over a day ago; how many rows went.
pub async fn purge(pool: &Pool, now: Timestamp) -> Result<u64, StoreError> {
    let done =
        sqlx::query!("delete from console_session where ends_at < $1", now - time::Duration::DAY)
            .execute(pool)
            .await?;
    Ok(done.rows_affected())
}
