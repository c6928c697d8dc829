//! The accounts of an operator's people, for whoever looks after them. They are read here and nothing else:
//! whoever could make an account for a person, or set a password, could be two people at once.

use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, words};
use crate::access::account::{Account, Role};
use crate::domain::Timestamp;
use crate::store::read_accounts::{self, AccountLine};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// More accounts than a house has people.
const SHOWN: i64 = 500;

#[derive(Debug)]
struct Row {
    name: String,
    email: String,
    person: String,
    roles: String,
    has_totp: bool,
    signed_in: String,
    stands: String,
    is_disabled: bool,
}

impl Row {
    fn of(line: AccountLine, now: Timestamp) -> Self {
        let AccountLine { account, created_at, signed_in_at, not_before } = line;
        let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
        let waits = not_before.filter(|until| now < *until);
        let stands = match (account.disabled_at, waits) {
            (Some(at), _) => format!("disabled {}", words::time(at)),
            (None, Some(until)) => {
                format!("waits after failed tries until {}", words::time(until))
            }
            (None, None) => format!("in use since {}", words::time(created_at)),
        };
        Self {
            name: account.name,
            email: account.email,
            person: account.person.to_string(),
            roles: roles.join(", "),
            has_totp: account.has_totp,
            signed_in: signed_in_at.map_or_else(|| "never".to_owned(), words::time),
            stands,
            is_disabled: account.disabled_at.is_some(),
        }
    }
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    totp_required: bool,
    rows: Vec<Row>,
    /// Whether the people who have accounts could decide a case.
    are_two: bool,
}

pub async fn list(State(console): State<Console>, signed: Signed) -> Result<Response, Response> {
    signed.check_administers()?;
    let (flows, operator) = (&console.flows, &signed.account.operator);
    let found = read_accounts::accounts(flows.db.pool(), operator, SHOWN).await;
    let found = found.map_err(|error| page::unavailable(&error))?;
    let now = flows.clock.now();
    let accounts: Vec<&Account> = found.iter().map(|line| &line.account).collect();
    Ok(page::html(&AccountsPage {
        frame: Frame::of(&signed, "accounts"),
        totp_required: console.desk.totp_required,
        are_two: are_two(&accounts),
        rows: found.into_iter().map(|line| Row::of(line, now)).collect(),
    }))
}

/// Whether somebody may propose, and somebody else, who is another person, may approve it.
fn are_two(accounts: &[&Account]) -> bool {
    let with = |role: Role| {
        let may = move |it: &&&Account| it.disabled_at.is_none() && it.roles.contains(&role);
        accounts.iter().filter(may).map(|it| &it.person)
    };
    with(Role::Officer).any(|one| with(Role::Approver).any(|other| one != other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OperatorId, PersonId};
    use uuid::Uuid;

    #[test]
    fn two_accounts_of_one_person_are_one_person() {
        let account = |person: &str, roles: &[Role]| Account {
            id: Uuid::nil(),
            operator: OperatorId::trusted("op_demo"),
            person: PersonId::trusted(person),
            email: String::new(),
            name: String::new(),
            roles: roles.to_vec(),
            has_totp: false,
            disabled_at: None,
        };
        let ada = account("ada", &[Role::Officer]);
        let ada_too = account("ada", &[Role::Approver]);
        let bob = account("bob", &[Role::Approver]);
        assert!(!are_two(&[&ada, &ada_too]));
        assert!(are_two(&[&ada, &ada_too, &bob]));
        let gone = Account { disabled_at: Some(Timestamp::UNIX_EPOCH), ..bob };
        assert!(!are_two(&[&ada, &ada_too, &gone]));
    }
}
