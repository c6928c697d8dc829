//! What several adapters say in the same way: ids in paths, plain reports and refusals, names, and times
//! that a replay repeats.

use psp_contract::{
    AttemptRef, Decline, DeclineClass, Outcome, Payer, Report, Status, Timestamp, Unknown,
};
use std::time::Duration;

/// The PSP has it.
pub(crate) const ACCEPTED: Status = Status::Accepted { next_action: None, expires_at: None };
/// An answer that cannot be read.
pub(crate) const UNREADABLE: Outcome = Outcome::Unknown(Unknown::Unreadable);
/// An answer about something else.
pub(crate) const MISMATCH: Outcome = Outcome::Unknown(Unknown::Mismatch);

/// An id as part of a path: what is not plainly one could name another resource.
pub(crate) fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

pub(crate) fn reported(id: Option<&str>, status: Status) -> Outcome {
    let psp_reference = id.map(str::to_owned);
    Outcome::Reported(Report { psp_reference, status, payer: None, attempt: None })
}

/// A refusal that another PSP may be asked after, unless it is one of compliance.
pub(crate) fn declined(class: DeclineClass, code: &str) -> Status {
    let retry_elsewhere = class != DeclineClass::Compliance;
    Status::Declined(Decline { class, code: code.to_owned(), retry_elsewhere, irreversible: false })
}

/// HTTP statuses that say nothing definite.
pub(crate) const fn undecided(status: u16) -> Unknown {
    match status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ => Unknown::UnlistedCode,
    }
}

/// First and last name: as the casino gave them, else the full name's last word is the last name.
pub(crate) fn names(payer: &Payer) -> Option<(&str, &str)> {
    match (&payer.given_name, &payer.family_name) {
        (Some(given), Some(family)) => Some((given, family)),
        _ => payer.full_name.trim().rsplit_once(' '),
    }
}

/// So long after the attempt was made, which its own id tells (its first bits are its time): a replay hours
/// later says the same.
pub(crate) fn after(attempt: AttemptRef, life: Duration) -> Option<Timestamp> {
    let (secs, _) = attempt.uuid().get_timestamp()?.to_unix();
    let made_at = Timestamp::from_unix_timestamp(i64::try_from(secs).ok()?).ok()?;
    Some(made_at + life)
}
