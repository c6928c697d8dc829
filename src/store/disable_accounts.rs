//! An administrator disables another person's account.

use super::console_accounts::{Act, end_sessions};
use super::{Pool, StoreError};
use crate::access::account::{Account, Role};
use crate::domain::{PersonId, Timestamp};
use uuid::Uuid;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disabled {
    Done,
    /// Somebody did so before.
    Before,
    /// The operator has no such account.
    Unknown,
    /// It is one of their own person's.
    Own,
    /// Whoever wants it is no administrator any more.
    NoAdmin,
}

/// Disables an account of the administrator's operator in their name and ends its sessions. Whoever does it is an
/// administrator who stays one, so the last one cannot go: the administrators are locked, in one order, for as long as
/// it takes, and of two who disable each other the second is none any more.
pub async fn disable_by(
    pool: &Pool,
    act_id: Uuid,
    account: Uuid,
    (admin, reason): (&Account, &str),
    now: Timestamp,
) -> Result<Disabled, StoreError> {
    let mut tx = pool.begin().await?;
    let admins = sqlx::query_scalar!(
        "select account_id from console_account
         where operator_id = $1 and $2 = any(roles) and disabled_at is null
         order by account_id for update",
        admin.operator.as_str(),
        Role::Admin.as_str(),
    )
    .fetch_all(&mut *tx)
    .await?;
    if !admins.contains(&admin.id) {
        return Ok(Disabled::NoAdmin);
    }
    let found = sqlx::query!(
        "select person_id, disabled_at from console_account
         where account_id = $1 and operator_id = $2 for update",
        account,
        admin.operator.as_str(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(found) = found else { return Ok(Disabled::Unknown) };
    if PersonId::trusted(&found.person_id) == admin.person {
        return Ok(Disabled::Own);
    }
    if found.disabled_at.is_some() {
        return Ok(Disabled::Before);
    }
    sqlx::query!(
        "update console_account set disabled_at = $2, changed_at = $2 where account_id = $1",
        account,
        now,
    )
    .execute(&mut *tx)
    .await?;
    end_sessions(&mut tx, account, None, now).await?;
    sqlx::query!(
        "insert into console_act (act_id, account_id, act, acted_at, done_by, reason)
         values ($1, $2, $3, $4, $5, $6)",
        act_id,
        account,
        Act::Disabled.as_str(),
        now,
        admin.person.as_str(),
        reason,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Disabled::Done)
}
