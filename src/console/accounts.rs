//! The accounts of an operator's people, for whoever looks after them. They are read here, and another person's is
//! disabled: whoever could make an account for a person, set a password or let one in again, could be two people at once.

use super::given::{self, Asked, Sent};
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, words};
use crate::access::account::{Account, Role};
use crate::domain::Timestamp;
use crate::store::disable_accounts::{Disabled, disable_by};
use crate::store::read_accounts::{self, AccountLine};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

/// More accounts than a house has people.
const SHOWN: i64 = 500;

#[derive(Debug)]
struct Row {
    id: String,
    name: String,
    email: String,
    person: String,
    roles: String,
    has_totp: bool,
    signed_in: String,
    stands: String,
    is_disabled: bool,
    /// Whether whoever looks at the page may disable it.
    may_end: bool,
}

impl Row {
    fn of(line: AccountLine, signed: &Signed, now: Timestamp) -> Self {
        let AccountLine { account, created_at, signed_in_at, not_before, disabled_by } = line;
        let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
        let waits = not_before.filter(|until| now < *until);
        let stands = match (account.disabled_at, waits) {
            (Some(at), _) => match disabled_by {
                Some((by, why)) => format!("disabled {} by {by}: {why}", words::time(at)),
                None => format!("disabled {}", words::time(at)),
            },
            (None, Some(until)) => {
                format!("waits after failed tries until {}", words::time(until))
            }
            (None, None) => format!("in use since {}", words::time(created_at)),
        };
        Self {
            id: account.id.simple().to_string(),
            may_end: account.disabled_at.is_none() && account.person != signed.account.person,
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
    is_disabled: bool,
    fault: Option<String>,
    /// Whose form was sent, and what was typed into it, so that nothing is lost with a fault.
    typed: (String, String),
}

impl AccountsPage {
    /// What was typed into an account's form.
    fn typed_for(&self, id: &str) -> &str {
        if self.typed.0 == id { &self.typed.1 } else { "" }
    }
}

/// What the page says after a form: a word of the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SaidQuery {
    said: String,
}

pub async fn list(
    State(console): State<Console>,
    signed: Signed,
    Asked(query): Asked<SaidQuery>,
) -> Result<Response, Response> {
    signed.check_administers()?;
    let page = read(&console, &signed).await?;
    Ok(page::html(&AccountsPage { is_disabled: query.said == "disabled", ..page }))
}

#[derive(Debug, Deserialize)]
pub struct DisableForm {
    form_word: String,
    reason: String,
}

/// Another person's account is let in no more. A form that is sent twice does it once.
pub async fn disable(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<DisableForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_administers()?;
    let Ok(account) = Uuid::try_parse(&id) else { return Err(page::not_found().await) };
    let done = match given::note(&form.reason, "Say why", "the account") {
        Ok(reason) => ended(&console, &signed, account, reason).await?,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(()) => Ok(Redirect::to("/console/accounts?said=disabled").into_response()),
        Err(fault) => {
            let page = read(&console, &signed).await?;
            let typed = (account.simple().to_string(), form.reason);
            let page = AccountsPage { fault: Some(fault), typed, ..page };
            Err(page::told(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Does it to its end, whatever the browser does.
async fn ended(
    console: &Console,
    signed: &Signed,
    account: Uuid,
    reason: String,
) -> Result<Result<(), String>, Response> {
    let (flows, admin) = (console.flows.clone(), signed.account.clone());
    let work = async move {
        let (id, now) = (flows.ids.next(), flows.clock.now());
        disable_by(flows.db.pool(), id, account, (&admin, &reason), now).await
    };
    let done = console.tasks.spawn("disable an account", work).await;
    let done = done.map_err(|error| page::unavailable(&error))?;
    match done.map_err(|error| page::unavailable(&error))? {
        Disabled::Done | Disabled::Before => Ok(Ok(())),
        Disabled::Unknown => Err(page::not_found().await),
        Disabled::Own => {
            Ok(Err("Nothing was done: another administrator disables your own account.".to_owned()))
        }
        Disabled::NoAdmin => {
            Ok(Err("Nothing was done: you are no administrator any more.".to_owned()))
        }
    }
}

async fn read(console: &Console, signed: &Signed) -> Result<AccountsPage, Response> {
    let (flows, operator) = (&console.flows, &signed.account.operator);
    let found = read_accounts::accounts(flows.db.pool(), operator, SHOWN).await;
    let found = found.map_err(|error| page::unavailable(&error))?;
    let now = flows.clock.now();
    let accounts: Vec<&Account> = found.iter().map(|line| &line.account).collect();
    Ok(AccountsPage {
        frame: Frame::of(signed, "accounts"),
        totp_required: console.desk.totp_required,
        are_two: are_two(&accounts),
        rows: found.into_iter().map(|line| Row::of(line, signed, now)).collect(),
        is_disabled: false,
        fault: None,
        typed: <(String, String)>::default(),
    })
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
