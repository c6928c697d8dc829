//! Adds, and takes away, accounts of the console.

use super::account::Account;
use super::password;
use crate::domain::{Ids, Timestamp};
use crate::store::{Pool, StoreError, console_accounts};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum AddAccountError {
    #[error("a password has at least {} characters", password::LENGTH_MIN)]
    PasswordTooShort,
    #[error("{0} is no e-mail address")]
    NoEmail(String),
    #[error("an account with this e-mail address is there already")]
    Taken,
    #[error("the password could not be hashed")]
    Hash,
    #[error("keeping the account")]
    Store(#[from] StoreError),
}

/// Adds an account. Its second factor is set up by whoever signs in.
pub async fn add_account(
    pool: &Pool,
    ids: &dyn Ids,
    account: &Account,
    password: &SecretString,
    now: Timestamp,
) -> Result<(), AddAccountError> {
    if password.expose_secret().chars().count() < password::LENGTH_MIN {
        return Err(AddAccountError::PasswordTooShort);
    }
    let parts = account.email.split_once('@');
    let is_email = parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_plain = !account.email.chars().any(char::is_control);
    if !is_email || !is_plain || account.email != account.email.trim().to_lowercase() {
        return Err(AddAccountError::NoEmail(account.email.clone()));
    }
    let hash = password::hash(password).map_err(|_| AddAccountError::Hash)?;
    if !console_accounts::insert(pool, ids.next(), account, &hash, now).await? {
        return Err(AddAccountError::Taken);
    }
    Ok(())
}

/// Nobody signs in with it any more, and its sessions end. False: there is none.
pub async fn disable_account(
    pool: &Pool,
    ids: &dyn Ids,
    email: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    console_accounts::disable(pool, ids.next(), &email.trim().to_lowercase(), now).await
}

/// It may sign in again, with the password and the second factor that it had. False: there is none that is disabled.
pub async fn enable_account(
    pool: &Pool,
    ids: &dyn Ids,
    email: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    console_accounts::enable(pool, ids.next(), &email.trim().to_lowercase(), now).await
}

/// Gives an account another password and takes its second factor away, for somebody who lost them; its
/// sessions end. False: there is none.
pub async fn reset_account(
    pool: &Pool,
    ids: &dyn Ids,
    email: &str,
    password: &SecretString,
    now: Timestamp,
) -> Result<bool, AddAccountError> {
    if password.expose_secret().chars().count() < password::LENGTH_MIN {
        return Err(AddAccountError::PasswordTooShort);
    }
    let hash = password::hash(password).map_err(|_| AddAccountError::Hash)?;
    let email = email.trim().to_lowercase();
    Ok(console_accounts::reset(pool, ids.next(), &email, &hash, now).await?)
}
