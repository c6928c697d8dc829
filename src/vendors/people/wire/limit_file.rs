//! The wire of a file of limits over all operators (Germany's LUGAS is one).
//!
//! Its technical interface is given to licence holders only: this is a plain one of our own, with the
//! three steps that any of them must have. `PUT /v1/reservations/{id}` takes room before a PSP is
//! asked, `POST …/commit` says that the money came, `POST …/release` that it did not. All three may be
//! repeated: the id is ours, and is the deposit's.

use super::Unreadable;
use crate::domain::{Money, Player};
use crate::screening::hooks::FileAnswer;
use psp_contract::{HttpRequest, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
struct Person<'a> {
    country: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    national_id: Option<&'a str>,
    full_name: &'a str,
    date_of_birth: String,
}

#[derive(Serialize)]
struct Wanted<'a> {
    person: Person<'a>,
    amount: String,
    currency: &'static str,
}

#[derive(Serialize)]
struct Came {
    amount: String,
    currency: &'static str,
}

#[derive(Deserialize)]
struct Told {
    id: String,
    status: String,
    reference: String,
    #[serde(default)]
    remaining: Option<String>,
}

/// Takes room for a deposit. It may be sent again: the id makes it one.
pub fn reserve(
    base_url: &str,
    token: &SecretString,
    deposit: Uuid,
    player: &Player,
    money: Money,
) -> Option<HttpRequest> {
    let person = Person {
        country: &player.country,
        national_id: player.national_id.as_deref(),
        full_name: &player.full_name,
        date_of_birth: player.date_of_birth.to_string(),
    };
    let wanted = Wanted { person, amount: money.major(), currency: money.currency.code() };
    let url = format!("{base_url}/v1/reservations/{}", deposit.simple());
    let body = serde_json::to_vec(&wanted).ok()?;
    Some(authorised(HttpRequest::json(Method::Put, url, body), token))
}

/// The money came: as much as `money`, which need not be what was reserved.
pub fn commit(
    base_url: &str,
    token: &SecretString,
    deposit: Uuid,
    money: Money,
) -> Option<HttpRequest> {
    let came = Came { amount: money.major(), currency: money.currency.code() };
    let url = format!("{base_url}/v1/reservations/{}/commit", deposit.simple());
    Some(authorised(HttpRequest::json(Method::Post, url, serde_json::to_vec(&came).ok()?), token))
}

/// The money did not come: the room is free again. Of an id that the file never saw it keeps that it
/// is over, so that a reservation still on its way takes no room.
pub fn release(base_url: &str, token: &SecretString, deposit: Uuid) -> HttpRequest {
    let url = format!("{base_url}/v1/reservations/{}/release", deposit.simple());
    authorised(HttpRequest::json(Method::Post, url, b"{}".to_vec()), token)
}

fn authorised(request: HttpRequest, token: &SecretString) -> HttpRequest {
    request.header("authorization", format!("Bearer {}", token.expose_secret()))
}

/// The answer to a reservation: 200 granted, 409 no room.
///
/// # Errors
/// Whenever it is not exactly what was asked for.
pub fn reserved(
    (status, body): (u16, &[u8]),
    deposit: Uuid,
    money: Money,
) -> Result<FileAnswer, Unreadable> {
    let told: Told = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let granted = match (status, told.status.as_str()) {
        (200 | 201, "reserved") => true,
        (409, "refused") => false,
        _ => return Err(Unreadable),
    };
    let remaining = told.remaining.map(|text| Money::parse_with_zero(&text, money.currency));
    let remaining = remaining.transpose().map_err(|_| Unreadable)?;
    if told.id != deposit.simple().to_string() || told.reference.is_empty() {
        return Err(Unreadable);
    }
    Ok(FileAnswer { granted, reference: told.reference, remaining })
}

/// Whether the file has taken a commit or a release: it repeats the state it now has.
pub fn settled(body: &[u8], deposit: Uuid, state: &str) -> bool {
    let told: Result<Told, _> = serde_json::from_slice(body);
    told.is_ok_and(|told| told.id == deposit.simple().to_string() && told.status == state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    const ID: Uuid = Uuid::from_u128(7);

    fn told(status: u16, state: &str, id: Uuid) -> Result<FileAnswer, Unreadable> {
        let body = format!(
            r#"{{"id":"{}","status":"{state}","reference":"f-1","remaining":"0.00"}}"#,
            id.simple()
        );
        reserved((status, body.as_bytes()), ID, Money::new(100, Currency::EUR))
    }

    #[test]
    fn room_is_granted_only_where_status_and_word_say_so() {
        assert!(told(200, "reserved", ID).unwrap().granted);
        assert!(!told(409, "refused", ID).unwrap().granted);
        for (status, state) in [(409, "reserved"), (200, "refused"), (500, "reserved"), (200, "")] {
            assert_eq!(told(status, state, ID), Err(Unreadable), "{status} {state}");
        }
        assert_eq!(told(200, "reserved", Uuid::from_u128(8)), Err(Unreadable));
    }
}
