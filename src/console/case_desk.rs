//! Work on a case before it is decided, from its page: taken, handed on, kept to oneself, noted.

use super::case::answered;
use super::case_page::{Typed, again, known, to};
use super::given::{self, Sent};
use super::session::Signed;
use super::{Console, page};
use crate::decide::desk_work::DeskAct;
use crate::domain::PersonId;
use crate::reviews::work_on_case::work_on_case;
use crate::store::people;
use crate::store::read_reviews::ReviewLine;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct AssignForm {
    form_word: String,
    /// A person's id; empty: nobody.
    to: String,
}

#[derive(Debug, Deserialize)]
pub struct LockForm {
    form_word: String,
}

#[derive(Debug, Deserialize)]
pub struct NoteForm {
    form_word: String,
    note: String,
}

/// To somebody who reads cases here, or to nobody.
pub async fn assign(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<AssignForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    let line = known(&console, &signed, &id).await?;
    let typed = Typed { to: form.to.clone(), ..Typed::default() };
    let wanted = Some(form.to.trim()).filter(|to| !to.is_empty());
    let person = match wanted {
        None => None,
        Some(to) => match colleague(&console, &signed, to).await? {
            Some(person) => Some(person),
            None => {
                let fault = "Nothing was done: choose somebody of the list. Who has no account with the role \
                    officer or approver would never see the case.";
                return Err(again(&console, &signed, line, typed, fault.to_owned()).await);
            }
        },
    };
    if line.review.open && line.review.desk.assigned_to == person {
        return Ok(to(&line, "assigned"));
    }
    act_on(&console, &signed, line, DeskAct::Assign(person), (typed, "assigned")).await
}

/// Somebody whom a case may be handed to.
async fn colleague(
    console: &Console,
    signed: &Signed,
    text: &str,
) -> Result<Option<PersonId>, Response> {
    let pool = console.flows.db.pool();
    let known = people::who_read_cases(pool, &signed.account.operator).await;
    let known = known.map_err(|error| page::unavailable(&error))?;
    Ok(known.into_iter().map(|it| it.person).find(|person| person.as_str() == text))
}

pub async fn lock(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<LockForm>,
) -> Result<Response, Response> {
    keep(&console, &signed, &id, &form, (DeskAct::Lock, "locked")).await
}

pub async fn unlock(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<LockForm>,
) -> Result<Response, Response> {
    keep(&console, &signed, &id, &form, (DeskAct::Unlock, "released")).await
}

/// To oneself, or no longer.
async fn keep(
    console: &Console,
    signed: &Signed,
    id: &str,
    form: &LockForm,
    (act, word): (DeskAct, &str),
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    let line = known(console, signed, id).await?;
    act_on(console, signed, line, act, (Typed::default(), word)).await
}

pub async fn note(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<NoteForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    let line = known(&console, &signed, &id).await?;
    let typed = Typed { remark: form.note.clone(), ..Typed::default() };
    let text = match given::note(&form.note, "Write what you found", "the case") {
        Ok(text) => text,
        Err(fault) => return Err(again(&console, &signed, line, typed, fault).await),
    };
    act_on(&console, &signed, line, DeskAct::Note(text), (typed, "noted")).await
}

/// Does it to its end, whatever the browser does.
async fn act_on(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    act: DeskAct,
    then: (Typed, &str),
) -> Result<Response, Response> {
    let (flows, account, review) = (console.flows.clone(), signed.account.clone(), line.review.id);
    let work = async move {
        work_on_case(&flows, &account.operator, review, act, account.person.clone()).await
    };
    match console.tasks.spawn("work on a case", work).await {
        Ok(done) => answered(console, signed, line, done, then).await,
        Err(error) => Err(page::unavailable(&error)),
    }
}
