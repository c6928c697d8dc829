//! People of the console, and what became of their accounts.

use super::{Pool, StoreError};
use crate::access::account::{Account, Role};
use crate::domain::{OperatorId, PersonId, Timestamp};
use uuid::Uuid;

/// An account with what it is proven by.
#[derive(Debug)]
pub struct Kept {
    pub account: Account,
    pub password_hash: String,
    pub totp_sealed: Option<Vec<u8>>,
    pub failures: i32,
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
}

impl Act {
    const fn as_str(self) -> &'static str {
        match self {
            Act::Created => "created",
            Act::SignedIn => "signed_in",
            Act::Refused => "refused",
            Act::SignedOut => "signed_out",
            Act::TotpSet => "totp_set",
            Act::PasswordSet => "password_set",
            Act::Disabled => "disabled",
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
           failures, not_before, disabled_at
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
        failures: row.failures,
        not_before: row.not_before,
    }))
}

/// Adds an account. False: its address is taken.
pub async fn insert(
    pool: &Pool,
    account: &Account,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let roles: Vec<String> = account.roles.iter().map(|role| role.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "insert into console_account (account_id, operator_id, person_id, email, name, roles,
           password_hash, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict (email) do nothing",
        account.id,
        account.operator.as_str(),
        account.person.as_str(),
        account.email,
        account.name,
        &roles,
        password_hash,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the step of a code, so that it works for nobody else, and forgets failed tries. False: it was taken.
pub async fn let_in(
    pool: &Pool,
    account: Uuid,
    step: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update console_account
         set totp_step = coalesce($2, totp_step), failures = 0, not_before = null
         where account_id = $1 and disabled_at is null
           and (not_before is null or not_before <= $3)
           and ($2::bigint is null or totp_step is null or totp_step < $2)",
        account,
        step,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A try failed.
pub async fn refused(
    pool: &Pool,
    account: Uuid,
    failures: i32,
    not_before: Option<Timestamp>,
) -> Result<(), StoreError> {
    // Tries that fail at the same moment count each.
    sqlx::query!(
        "update console_account
         set failures = greatest(failures + 1, $2), not_before = $3 where account_id = $1",
        account,
        failures,
        not_before,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Keeps a second factor and ends the sessions that were opened without it, but the one in which it was set
/// up. False: there is one already.
pub async fn set_totp(
    pool: &Pool,
    account: Uuid,
    (sealed, step): (&[u8], i64),
    kept_session: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query_scalar!(
        "with changed as (
           update console_account set totp_sealed = $2, totp_step = $3, changed_at = $5
           where account_id = $1 and totp_sealed is null returning account_id),
         ended as (
           update console_session set ended_at = $5
           where ended_at is null and token_hash <> $4
             and account_id in (select account_id from changed))
         select account_id from changed",
        account,
        sealed,
        step,
        kept_session,
        now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(done.is_some())
}

/// Disables an account and ends its sessions; its id.
pub async fn disable(pool: &Pool, email: &str, now: Timestamp) -> Result<Option<Uuid>, StoreError> {
    let id = sqlx::query_scalar!(
        "with gone as (
           update console_account set disabled_at = $2, changed_at = $2
           where email = $1 and disabled_at is null returning account_id),
         ended as (
           update console_session set ended_at = $2
           where ended_at is null and account_id in (select account_id from gone))
         select account_id from gone",
        email,
        now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(id)
}

/// Another password, no second factor, no sessions; the account's id.
pub async fn reset(
    pool: &Pool,
    email: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<Uuid>, StoreError> {
    let id = sqlx::query_scalar!(
        "with changed as (
           update console_account
           set password_hash = $2, totp_sealed = null, totp_step = null, failures = 0,
               not_before = null, changed_at = $3
           where email = $1 returning account_id),
         ended as (
           update console_session set ended_at = $3
           where ended_at is null and account_id in (select account_id from changed))
         select account_id from changed",
        email,
        password_hash,
        now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(id)
}

/// Notes what happened, for good.
pub async fn note(
    pool: &Pool,
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
    .execute(pool)
    .await?;
    Ok(())
}
