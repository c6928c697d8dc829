//! People of the console, and what became of their accounts. What happened is noted with what it changes, in
//! one statement or one commit: neither stands without the other.

use super::{Pool, StoreError};
use crate::access::account::{Account, Role};
use crate::domain::{OperatorId, PersonId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// An account with what it is proven by.
#[derive(Debug)]
pub struct Kept {
    pub account: Account,
    pub password_hash: String,
    pub totp_sealed: Option<Vec<u8>>,
    pub not_before: Option<Timestamp>,
}

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Created,
    SignedIn,
    Refused,
    SignedOut,
    TotpSet,
    PasswordSet,
    Disabled,
    /// Let in again, after it was disabled.
    Enabled,
}

impl Act {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Act::Created => "created",
            Act::SignedIn => "signed_in",
            Act::Refused => "refused",
            Act::SignedOut => "signed_out",
            Act::TotpSet => "totp_set",
            Act::PasswordSet => "password_set",
            Act::Disabled => "disabled",
            Act::Enabled => "enabled",
        }
    }
}

/// Roles of a row; a word that nobody knows gives nothing.
pub(super) fn roles(texts: &[String]) -> Vec<Role> {
    texts.iter().filter_map(|text| Role::parse(text)).collect()
}

/// The account of an address in small letters.
pub async fn by_email(pool: &Pool, email: &str) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query!(
        "select account_id, operator_id, person_id, email, name, roles, password_hash, totp_sealed,
           not_before, disabled_at
         from console_account where email = $1",
        email
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Kept {
        account: Account {
            id: row.account_id,
            operator: OperatorId::trusted(&row.operator_id),
            person: PersonId::trusted(&row.person_id),
            email: row.email,
            name: row.name,
            roles: roles(&row.roles),
            has_totp: row.totp_sealed.is_some(),
            disabled_at: row.disabled_at,
        },
        password_hash: row.password_hash,
        totp_sealed: row.totp_sealed,
        not_before: row.not_before,
    }))
}

/// Adds an account. False: its address is taken.
pub async fn insert(
    pool: &Pool,
    act_id: Uuid,
    account: &Account,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let roles: Vec<String> = account.roles.iter().map(|role| role.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "with added as (
           insert into console_account (account_id, operator_id, person_id, email, name, roles,
             password_hash, created_at, changed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict (email) do nothing
           returning account_id)
         insert into console_act (act_id, account_id, act, acted_at)
         select $9::uuid, account_id, $10::text, $8 from added",
        account.id,
        account.operator.as_str(),
        account.person.as_str(),
        account.email,
        account.name,
        &roles,
        password_hash,
        now,
        act_id,
        Act::Created.as_str(),
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A session to be opened.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub token_hash: &'a [u8; 32],
    /// The step of the code, where there is a second factor.
    pub step: Option<i64>,
    pub ends_at: Timestamp,
}

/// Opens a session for who proved to be `kept`, takes the step of the code, so that it works for nobody else,
/// and forgets failed tries. False: the step was taken, or since `kept` was read the account was disabled,
/// has to wait, or has another password or second factor: what was checked proves nothing any more.
pub async fn let_in(
    pool: &Pool,
    act_id: Uuid,
    kept: &Kept,
    new: &NewSession<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "with entered as (
           update console_account
           set totp_step = coalesce($2, totp_step), failures = 0, not_before = null
           where account_id = $1 and disabled_at is null
             and (not_before is null or not_before <= $3)
             and ($2::bigint is null or totp_step is null or totp_step < $2)
             and password_hash = $4 and totp_sealed is not distinct from $5
           returning account_id),
         opened as (
           insert into console_session (token_hash, account_id, created_at, seen_at, ends_at)
           select $6::bytea, account_id, $3, $3, $7::timestamptz from entered
           returning account_id)
         insert into console_act (act_id, account_id, act, acted_at)
         select $8::uuid, account_id, $9::text, $3 from opened",
        kept.account.id,
        new.step,
        now,
        kept.password_hash,
        kept.totp_sealed.as_deref(),
        new.token_hash,
        new.ends_at,
        act_id,
        Act::SignedIn.as_str(),
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A try failed: it counts, and from the new count follows how long the next one waits. `waits` are the
/// seconds after one failure, after two, and so on, zero for no wait; the last of them is that of all later ones. False: the
/// account waits already, and the try does not count.
pub async fn refused(
    pool: &Pool,
    act_id: Uuid,
    account: Uuid,
    waits: &[i64],
    now: Timestamp,
) -> Result<bool, StoreError> {
    // Everything is taken from the row as it is now: tries that fail at the same moment count each, and the
    // one that ends a wait's free tries ends them for those that were begun before it.
    let done = sqlx::query!(
        "with counted as (
           update console_account
           set failures = failures + 1,
               not_before = greatest(not_before, $3
                 + nullif(($2::bigint[])[least(failures + 1, cardinality($2::bigint[]))], 0)
                   * interval '1 second')
           where account_id = $1 and (not_before is null or not_before <= $3)
           returning account_id)
         insert into console_act (act_id, account_id, act, acted_at)
         select $4::uuid, account_id, $5::text, $3 from counted",
        account,
        waits,
        now,
        act_id,
        Act::Refused.as_str(),
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps a second factor and ends the sessions that were opened without it, but the one in which it was set
/// up. False: there is one already.
pub async fn set_totp(
    pool: &Pool,
    act_id: Uuid,
    account: Uuid,
    (sealed, step): (&[u8], i64),
    kept_session: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let done = sqlx::query!(
        "update console_account set totp_sealed = $2, totp_step = $3, changed_at = $4
         where account_id = $1 and totp_sealed is null",
        account,
        sealed,
        step,
        now,
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    end_sessions(&mut tx, account, Some(kept_session), now).await?;
    note(&mut tx, act_id, account, Act::TotpSet, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Disables an account and ends its sessions. False: there is none, or it was disabled before.
pub async fn disable(
    pool: &Pool,
    act_id: Uuid,
    email: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let id = sqlx::query_scalar!(
        "update console_account set disabled_at = $2, changed_at = $2
         where email = $1 and disabled_at is null returning account_id",
        email,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(account) = id else {
        return Ok(false);
    };
    end_sessions(&mut tx, account, None, now).await?;
    note(&mut tx, act_id, account, Act::Disabled, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Lets an account in again that was disabled, with the password and the second factor that it had. False: there is
/// none that is disabled.
pub async fn enable(
    pool: &Pool,
    act_id: Uuid,
    email: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let id = sqlx::query_scalar!(
        "update console_account set disabled_at = null, changed_at = $2
         where email = $1 and disabled_at is not null returning account_id",
        email,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(account) = id else {
        return Ok(false);
    };
    note(&mut tx, act_id, account, Act::Enabled, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Another password, no second factor, no sessions. False: there is no such account.
pub async fn reset(
    pool: &Pool,
    act_id: Uuid,
    email: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let id = sqlx::query_scalar!(
        "update console_account
         set password_hash = $2, totp_sealed = null, totp_step = null, failures = 0,
             not_before = null, changed_at = $3
         where email = $1 returning account_id",
        email,
        password_hash,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(account) = id else {
        return Ok(false);
    };
    end_sessions(&mut tx, account, None, now).await?;
    note(&mut tx, act_id, account, Act::PasswordSet, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Ends an account's sessions but the one that is kept. The caller has changed the account's row in this
/// transaction before: a session that is being opened has it locked until it is there to be seen here.
pub(super) async fn end_sessions(
    connection: &mut PgConnection,
    account: Uuid,
    kept_session: Option<&[u8; 32]>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update console_session set ended_at = $3
         where account_id = $1 and ended_at is null and token_hash is distinct from $2",
        account,
        kept_session.map(<[u8; 32]>::as_slice),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes what happened, for good, in the transaction in which it happens.
async fn note(
    connection: &mut PgConnection,
    id: Uuid,
    account: Uuid,
    act: Act,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into console_act (act_id, account_id, act, acted_at) values ($1, $2, $3, $4)",
        id,
        account,
        act.as_str(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
