//! Work on a case before it is decided, from its page: taken, handed on, kept to oneself, noted, waited for.

use super::case::{answered, once_of};
use super::case_page::{Typed, again, known, latest_day, to};
use super::given::{self, Sent};
use super::session::Signed;
use super::{Console, page};
use crate::decide::desk_work::{DeskAct, until_latest};
use crate::domain::{PersonId, Timestamp};
use crate::reviews::work_on_case::{work_on_case, write_in_case};
use crate::store::once_keys::Once;
use crate::store::people;
use crate::store::read_reviews::ReviewLine;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use time::format_description::well_known::Iso8601;
use time::{Date, Time};

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

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NoteForm {
    form_word: String,
    /// Makes a form that is sent twice one note.
    once: String,
    note: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AskForm {
    form_word: String,
    once: String,
    note: String,
    /// A day, or empty: as long as the configuration says.
    until: String,
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
    let words = Words {
        form: "note",
        missing: "Write what you found",
        typed: |remark| Typed { remark, ..Typed::default() },
        act: DeskAct::Note,
        then: "noted",
    };
    keep_words(&console, &signed, &id, form, words).await
}

/// A form of which nothing but its words is kept.
struct Words {
    form: &'static str,
    missing: &'static str,
    /// The page as it is shown again after a fault.
    typed: fn(String) -> Typed,
    act: fn(String) -> DeskAct,
    then: &'static str,
}

async fn keep_words(
    console: &Console,
    signed: &Signed,
    id: &str,
    form: NoteForm,
    words: Words,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    let line = known(console, signed, id).await?;
    let typed = (words.typed)(form.note.clone());
    let text = match given::note(&form.note, words.missing, "the case") {
        Ok(text) => text,
        Err(fault) => return Err(again(console, signed, line, typed, fault).await),
    };
    let once = once_of(signed, words.form, (&line, &form.once), &text);
    write_in(console, signed, line, ((words.act)(text), once), (typed, words.then)).await
}

/// The case waits for something. Nobody is told by the service.
pub async fn ask(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<AskForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    let line = known(&console, &signed, &id).await?;
    let AskForm { once, note, until, .. } = form;
    let typed = Typed { asked: note.clone(), until: until.clone(), ..Typed::default() };
    let asked = given::note(&note, "Write what you asked for", "the case");
    let asked = asked.and_then(|text| Ok((text, by_when(&console, &until)?)));
    let (text, until) = match asked {
        Ok(asked) => asked,
        Err(fault) => return Err(again(&console, &signed, line, typed, fault).await),
    };
    let said = format!("{}\n{text}", typed.until.trim());
    let once = once_of(&signed, "question", (&line, &once), &said);
    let act = (DeskAct::RequestInfo { text, until }, once);
    write_in(&console, &signed, line, act, (typed, "asked")).await
}

/// The end of a day, UTC, as far as information may be awaited; none where none is named.
fn by_when(console: &Console, text: &str) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (flows, now) = (&console.flows, console.flows.clock.now());
    let latest = until_latest(&flows.reviews.terms, now);
    let day = Date::parse(text, &Iso8601::DATE).ok().filter(|_| text.len() == 10);
    match day.filter(|day| (now.date()..=latest.date()).contains(day)) {
        Some(day) => Ok(Some(day.with_time(Time::MAX).assume_utc().min(latest))),
        None => Err(format!(
            "Nothing was done: name a day from today to {}, written {}, or leave it open.",
            latest_day(flows),
            now.date()
        )),
    }
}

/// What was asked for came.
pub async fn info(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<NoteForm>,
) -> Result<Response, Response> {
    let words = Words {
        form: "answer",
        missing: "Write what came",
        typed: |came| Typed { came, ..Typed::default() },
        act: DeskAct::Info,
        then: "came",
    };
    keep_words(&console, &signed, &id, form, words).await
}

/// What leaves words in the case, once for its form.
async fn write_in(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    (act, once): (DeskAct, Once),
    then: (Typed, &str),
) -> Result<Response, Response> {
    let (flows, account, review) = (console.flows.clone(), signed.account.clone(), line.review.id);
    let work = async move {
        let by = (account.person.clone(), once);
        write_in_case(&flows, &account.operator, review, act, by).await.map(|_| ())
    };
    match console.tasks.spawn("write in a case", work).await {
        Ok(done) => answered(console, signed, line, done, then).await,
        Err(error) => Err(page::unavailable(&error)),
    }
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
