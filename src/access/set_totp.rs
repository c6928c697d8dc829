//! Sets up the second factor of an account: a secret is offered, and counts once a code of it was typed.

use super::account::Account;
use super::console_desk::ConsoleDesk;
use super::console_session::SessionToken;
use super::totp::SharedSecret;
use crate::domain::{Ids, Timestamp};
use crate::store::{Pool, StoreError, console_accounts};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use thiserror::Error;

/// A secret that somebody may take into their authenticator.
#[derive(Debug)]
pub struct Offer {
    pub base32: String,
    pub link: String,
    /// Carried by the form: the secret, sealed for this account, so that nothing is stored before it counts.
    pub sealed: String,
}

#[derive(Debug, Error)]
pub enum SetTotpError {
    #[error("the code does not belong to this secret, or its half minute is over")]
    WrongCode,
    #[error("this account has a second factor already; an administrator can take it away")]
    Before,
    #[error("the system gave no randomness")]
    Unable,
    #[error("keeping the second factor")]
    Store(#[from] StoreError),
}

/// A fresh secret for this account.
pub fn offer_totp(desk: &ConsoleDesk, account: &Account) -> Option<Offer> {
    let secret = SharedSecret::new()?;
    let sealed = BASE64.encode(secret.seal(&desk.key, account.id)?);
    offer_of(&secret, account, sealed)
}

/// The secret that was offered before, after a code that was not right: an authenticator has it by now.
pub fn offer_again(desk: &ConsoleDesk, account: &Account, sealed: &str) -> Option<Offer> {
    let secret = SharedSecret::open(&BASE64.decode(sealed).ok()?, &desk.key, account.id)?;
    offer_of(&secret, account, sealed.to_owned())
}

fn offer_of(secret: &SharedSecret, account: &Account, sealed: String) -> Option<Offer> {
    Some(Offer { base32: secret.base32(), link: secret.link(&account.email)?, sealed })
}

/// Keeps an offered secret whose code was typed. Its other sessions end: they were opened without it.
pub async fn set_totp(
    pool: &Pool,
    desk: &ConsoleDesk,
    ids: &dyn Ids,
    (account, token): (&Account, &SessionToken),
    (sealed, code): (&str, &str),
    now: Timestamp,
) -> Result<(), SetTotpError> {
    let sealed = BASE64.decode(sealed).map_err(|_| SetTotpError::WrongCode)?;
    let secret = SharedSecret::open(&sealed, &desk.key, account.id);
    let step = secret.and_then(|secret| secret.step_of(code, now));
    let step = step.ok_or(SetTotpError::WrongCode)?;
    let session = token.hash();
    let factor = (sealed.as_slice(), step);
    let kept = console_accounts::set_totp(pool, ids.next(), account.id, factor, &session, now);
    if kept.await? { Ok(()) } else { Err(SetTotpError::Before) }
}
