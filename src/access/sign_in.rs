//! Lets somebody into the console: e-mail, password, and the code of an authenticator where they have one.

use super::account::Account;
use super::console_desk::{ConsoleDesk, Turn};
use super::console_session::SessionToken;
use super::password;
use super::totp::SharedSecret;
use crate::domain::{Ids, Timestamp};
use crate::store::console_accounts::{self, Kept, NewSession};
use crate::store::{Pool, StoreError};
use secrecy::SecretString;
use thiserror::Error;
use time::Duration;

/// Tries that may fail in a row before the next one has to wait, and the longest wait.
const FREE_TRIES: i32 = 5;
const WAIT_MAX: Duration = Duration::minutes(15);

/// What somebody typed.
#[derive(Debug)]
pub struct Credentials {
    pub email: String,
    pub password: SecretString,
    /// Empty where there is no second factor.
    pub code: String,
}

#[derive(Debug, Error)]
pub enum SignInError {
    /// One answer for an unknown address, a wrong password, a wrong or used code, a disabled account and too
    /// many tries: each of them would tell a stranger something.
    #[error("e-mail, password or code is wrong, or too many tries failed before")]
    Refused,
    #[error("the system gave no randomness, or the console's work could not be done")]
    Unable,
    #[error("signing in")]
    Store(#[from] StoreError),
}

/// Opens a session, for whoever had to wait for their turn. What the browser keeps is returned; the database keeps
/// its hash.
pub async fn sign_in(
    pool: &Pool,
    (desk, turn): (&ConsoleDesk, Turn),
    ids: &dyn Ids,
    given: Credentials,
    now: Timestamp,
) -> Result<(Account, SessionToken), SignInError> {
    let email = given.email.trim().to_lowercase();
    // The database takes no NUL for a text, and no address has a control character: such a one is unknown.
    let is_plain = !email.chars().any(char::is_control);
    let kept = if is_plain { console_accounts::by_email(pool, &email).await? } else { None };
    let stored = kept.as_ref().map(|kept| kept.password_hash.clone());
    let secret = given.password;
    let compare = move || password::is_right(&secret, stored.as_deref());
    let right = ConsoleDesk::hashing(turn, compare).await;
    let right = right.ok_or(SignInError::Unable)?;
    let Some(kept) = kept else {
        return Err(SignInError::Refused);
    };
    let waits = kept.not_before.is_some_and(|until| now < until);
    let step = step_of(desk, &kept, &given.code, now);
    let may = right && !waits && kept.account.disabled_at.is_none();
    let (true, Ok(step)) = (may, step) else {
        refuse(pool, ids, &kept, waits, now).await?;
        return Err(SignInError::Refused);
    };
    let token = SessionToken::new().ok_or(SignInError::Unable)?;
    let (token_hash, ends_at) = (token.hash(), now + desk.whole);
    let session = NewSession { token_hash: &token_hash, step, ends_at };
    // Of two requests with one code the second finds the step taken; and while the password was hashed, which
    // may take long, tries may have failed or the account may have been reset.
    if !console_accounts::let_in(pool, ids.next(), &kept, &session, now).await? {
        refuse(pool, ids, &kept, waits, now).await?;
        return Err(SignInError::Refused);
    }
    Ok((kept.account, token))
}

/// The step of the code; none where there is no second factor.
fn step_of(desk: &ConsoleDesk, kept: &Kept, code: &str, now: Timestamp) -> Result<Option<i64>, ()> {
    let Some(sealed) = &kept.totp_sealed else {
        return Ok(None);
    };
    let secret = SharedSecret::open(sealed, &desk.key, kept.account.id).ok_or_else(|| {
        tracing::error!(account.id = %kept.account.id,
            "the second factor of a console account cannot be opened: console.key is another one");
    })?;
    secret.step_of(code, now).map(Some).ok_or(())
}

/// Tries during a wait do not make it longer: else a stranger could keep somebody out for good.
async fn refuse(
    pool: &Pool,
    ids: &dyn Ids,
    kept: &Kept,
    waits: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    metrics::counter!("console_sign_ins_refused_total").increment(1);
    if waits {
        return Ok(());
    }
    // False: while the password was hashed another try began the wait, and this one does not count.
    console_accounts::refused(pool, ids.next(), kept.account.id, &waits_in_seconds(), now).await?;
    Ok(())
}

/// How long the next try waits after so many failed ones: nothing, then twice as long each time.
fn wait_after(failures: i32) -> Option<Duration> {
    let over = u32::try_from(failures.checked_sub(FREE_TRIES)?).ok()?;
    let seconds = 2_i64.checked_pow(over).unwrap_or(i64::MAX);
    Some(Duration::seconds(seconds).min(WAIT_MAX))
}

/// What [`wait_after`] says of one failure, of two and so on, up to the first that is not longer than the one
/// before; zero is no wait.
fn waits_in_seconds() -> Vec<i64> {
    let seconds = |failures| wait_after(failures).map_or(0, Duration::whole_seconds);
    let longest = WAIT_MAX.whole_seconds();
    let mut waits: Vec<i64> = (1..).map(seconds).take_while(|wait| *wait < longest).collect();
    waits.push(longest);
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_from_the_fifth_failure_on_and_has_an_end() {
        for (failures, wait) in [(1, None), (4, None), (5, Some(1)), (8, Some(8)), (14, Some(512))]
        {
            assert_eq!(wait_after(failures), wait.map(Duration::seconds), "{failures}");
        }
        for failures in [15, 100, i32::MAX] {
            assert_eq!(wait_after(failures), Some(WAIT_MAX));
        }
    }

    #[test]
    fn the_waits_are_told_to_the_database_up_to_the_longest() {
        let waits = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900];
        assert_eq!(waits_in_seconds(), waits);
    }
}
