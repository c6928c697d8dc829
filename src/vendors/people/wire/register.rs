//! The wire of a national register of excluded people.
//!
//! The real interfaces (Spelpaus, GAMSTOP, Cruks, OASIS) are given to licence holders only: this is a
//! plain one of our own with what they have in common, and each gets its own file when its papers are
//! at hand. `POST /v1/exclusions/check` with who it is; the answer is a standing, a reference and the
//! time of the register's clock.

use super::{Unreadable, rfc3339};
use crate::domain::{Player, Timestamp};
use crate::screening::hooks::{RegisterAnswer, Standing};
use psp_contract::{HttpRequest, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Question<'a> {
    request_id: &'a str,
    country: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    national_id: Option<&'a str>,
    full_name: &'a str,
    date_of_birth: String,
}

#[derive(Deserialize)]
struct Told {
    request_id: String,
    status: String,
    reference: String,
    answered_at: String,
}

/// The question about one player. It names a person, and is kept nowhere.
pub fn question(
    base_url: &str,
    token: &SecretString,
    request_id: &str,
    player: &Player,
) -> Option<HttpRequest> {
    let question = Question {
        request_id,
        country: &player.country,
        national_id: player.national_id.as_deref(),
        full_name: &player.full_name,
        date_of_birth: player.date_of_birth.to_string(),
    };
    let body = serde_json::to_vec(&question).ok()?;
    let url = format!("{base_url}/v1/exclusions/check");
    let bearer = format!("Bearer {}", token.expose_secret());
    Some(HttpRequest::json(Method::Post, url, body).header("authorization", bearer))
}

/// The answer to `request_id`. One to another question is none, and an answer of tomorrow counts as
/// one of now: a clock that is ahead must not make an answer fresh for longer.
///
/// # Errors
/// Whenever it is not exactly what was asked for.
pub fn answer(body: &[u8], request_id: &str, now: Timestamp) -> Result<RegisterAnswer, Unreadable> {
    let told: Told = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let standing = Standing::parse(&told.status).ok_or(Unreadable)?;
    let answered_at = rfc3339(&told.answered_at).ok_or(Unreadable)?;
    if told.request_id != request_id || told.reference.is_empty() {
        return Err(Unreadable);
    }
    Ok(RegisterAnswer { standing, reference: told.reference, answered_at: answered_at.min(now) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-11-21 8:00 UTC);

    fn told(status: &str, id: &str, at: &str) -> Result<RegisterAnswer, Unreadable> {
        let body = format!(
            r#"{{"request_id":"{id}","status":"{status}","reference":"r-1","answered_at":"{at}"}}"#
        );
        answer(body.as_bytes(), "q-1", NOW)
    }

    #[test]
    fn an_answer_is_read_only_when_it_is_whole_and_to_the_question() {
        let read = told("excluded", "q-1", "2026-11-21T07:59:00Z").unwrap();
        assert_eq!(read.standing, Standing::Excluded);
        assert_eq!(read.answered_at, datetime!(2026-11-21 7:59 UTC));
        for (status, id, at) in [
            ("fine", "q-1", "2026-11-21T07:59:00Z"),
            ("not_excluded", "q-2", "2026-11-21T07:59:00Z"),
            ("not_excluded", "q-1", "yesterday"),
        ] {
            assert_eq!(told(status, id, at), Err(Unreadable), "{status} {id} {at}");
        }
        assert_eq!(answer(b"{}", "q-1", NOW), Err(Unreadable));
    }

    #[test]
    fn a_clock_that_is_ahead_makes_nothing_fresh_for_longer() {
        let read = told("not_excluded", "q-1", "2026-11-22T08:00:00Z").unwrap();
        assert_eq!(read.answered_at, NOW);
    }
}
