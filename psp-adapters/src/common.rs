//! What several adapters say in the same way: ids in paths, refusals, names, and times that a replay
//! repeats.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use psp_contract::{AttemptRef, Decline, DeclineClass, Payer, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

/// An id as part of a path: what is not plainly one could name another resource.
pub(crate) fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// As [`path_id`], for PSPs whose ids have underscores.
pub(crate) fn path_word(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// A field of a player's that the casino gave.
pub(crate) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// An account's number without the blanks and dashes that people write.
pub(crate) fn compact(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-')).collect()
}

/// A refusal that another PSP may be asked after, unless it is one of compliance, or of an account that is
/// wrong everywhere.
pub(crate) fn decline(class: DeclineClass, code: &str) -> Decline {
    let decline = Decline::new(class, code);
    let elsewhere = class != DeclineClass::AccountInvalid;
    Decline { retry_elsewhere: decline.retry_elsewhere && elsewhere, ..decline }
}

/// The header of HTTP Basic (RFC 7617).
pub(crate) fn basic(user: &str, password: &SecretString) -> SecretString {
    let credentials = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    SecretString::from(format!("Basic {credentials}"))
}

/// First and last name: as the casino gave them, else the full name's last word is the last name.
pub(crate) fn names(payer: &Payer) -> Option<(&str, &str)> {
    match (&payer.given_name, &payer.family_name) {
        (Some(given), Some(family)) => Some((given, family)),
        _ => payer.full_name.trim().rsplit_once(' '),
    }
}

/// As [`names`], for PSPs that want two: a name of one word is a first name.
pub(crate) fn two_names(payer: &Payer) -> (&str, &str) {
    names(payer).unwrap_or((payer.full_name.trim(), ""))
}

/// When the attempt was made, which its own id tells (its first bits are its time): a replay hours later
/// says the same.
pub(crate) fn made_at(attempt: AttemptRef) -> Option<Timestamp> {
    let (secs, _) = attempt.uuid().get_timestamp()?.to_unix();
    Timestamp::from_unix_timestamp(i64::try_from(secs).ok()?).ok()
}

/// A time that is told in milliseconds since 1970.
pub(crate) fn from_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}

pub(crate) fn rfc3339(at: Timestamp) -> Option<String> {
    at.format(&Rfc3339).ok()
}

/// So long after the attempt was made.
pub(crate) fn after(attempt: AttemptRef, life: Duration) -> Option<Timestamp> {
    Some(made_at(attempt)? + life)
}
