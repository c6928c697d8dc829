//! One incident: what it means, what to do, and the form that says somebody has looked.

use super::given::{self, Asked, Sent};
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, case_words, incident_words, incidents, words};
use crate::domain::IncidentId;
use crate::evidence::close_incident::{Closed, close_incident};
use crate::store::incidents::IncidentLine;
use crate::store::{StoreError, read_models};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Debug)]
struct CaseRow {
    id: String,
    about: &'static str,
    stands: String,
}

#[derive(Debug)]
struct ClosedRow {
    by: String,
    at: String,
    note: String,
}

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    frame: Frame,
    id: String,
    kind: String,
    means: &'static str,
    next: &'static str,
    detail: String,
    /// The payments that it is about.
    payments: Vec<String>,
    /// Names and values, in the order of the page.
    facts: Vec<(&'static str, String)>,
    cases: Vec<CaseRow>,
    closed: Option<ClosedRow>,
    may_close: bool,
    said: bool,
    fault: Option<String>,
    note: String,
}

/// What the page says after the form: a word of the address, so that loading it again sends nothing again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SaidQuery {
    said: String,
}

pub async fn show(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Asked(query): Asked<SaidQuery>,
) -> Result<Response, Response> {
    let line = known(&console, &signed, &id).await?;
    let page = read(&console, &signed, line).await?;
    Ok(page::html(&IncidentPage { said: query.said == "closed", ..page }))
}

async fn known(console: &Console, signed: &Signed, id: &str) -> Result<IncidentLine, Response> {
    let Some(id) = IncidentId::parse(id) else { return Err(page::not_found().await) };
    let found = incidents::one(console, signed, id.0).await;
    match found.map_err(|error| page::unavailable(&error))? {
        Some(line) => Ok(line),
        None => Err(page::not_found().await),
    }
}

async fn read(
    console: &Console,
    signed: &Signed,
    line: IncidentLine,
) -> Result<IncidentPage, Response> {
    let now = console.flows.clock.now();
    let payments = payments(console, signed, &line).await;
    let payments = payments.map_err(|error| page::unavailable(&error))?;
    let cases = incidents::cases(console, signed, std::slice::from_ref(&line)).await;
    let cases = cases.map_err(|error| page::unavailable(&error))?;
    let cases = cases.iter().map(|review| CaseRow {
        id: review.id.to_string(),
        about: case_words::about(&review.kind),
        stands: case_words::stands(review, now),
    });
    let incident_words::Words { means, next, .. } = incident_words::of(&line.kind);
    let facts = [
        ("Player", line.player.as_ref().map(ToString::to_string)),
        ("Attempt", line.attempt.map(|id| id.to_string())),
        ("PSP", line.psp),
        ("Raised", Some(words::time(line.raised_at))),
    ];
    Ok(IncidentPage {
        frame: Frame::of(signed, "incidents"),
        id: line.id.to_string(),
        kind: line.kind,
        means,
        next,
        detail: line.detail,
        payments,
        facts: facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        cases: cases.collect(),
        closed: line.closed.map(|closing| ClosedRow {
            by: closing.by.to_string(),
            at: words::time(closing.at),
            note: closing.note,
        }),
        may_close: signed.account.may_operate(),
        said: false,
        fault: None,
        note: String::new(),
    })
}

/// The payment that it is about, or those that its words name where it is about the service.
async fn payments(
    console: &Console,
    signed: &Signed,
    line: &IncidentLine,
) -> Result<Vec<String>, StoreError> {
    if let Some(payment) = line.payment {
        return Ok(vec![payment.to_string()]);
    }
    let (pool, operator) = (console.flows.db.pool(), &signed.account.operator);
    let mut found = Vec::new();
    for id in ids(&line.detail) {
        found.extend(read_models::of_id(pool, operator, id).await?);
    }
    let mut found: Vec<String> = found.iter().map(|payment| payment.id.to_string()).collect();
    found.dedup();
    Ok(found)
}

/// What looks like an id of a payment in a text; the first few.
fn ids(detail: &str) -> impl Iterator<Item = &str> {
    let words = detail.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_id = |word: &&str| {
        let digits = word.strip_prefix("dep_").or(word.strip_prefix("wd_")).unwrap_or(word);
        digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    words.filter(is_id).take(3)
}

#[derive(Debug, Deserialize)]
pub struct CloseForm {
    form_word: String,
    note: String,
}

pub async fn close(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<CloseForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_operates()?;
    let line = known(&console, &signed, &id).await?;
    let note = match given::note(&form.note, "Say what you found", "the incident") {
        Ok(note) => note,
        Err(fault) => return Err(again(&console, &signed, line, form.note, fault).await),
    };
    let (flows, account, found) = (console.flows.clone(), signed.account.clone(), note.clone());
    let which = line.id;
    let work = async move {
        close_incident(&flows, &account.operator, which, &account.person, &found).await
    };
    match console.tasks.spawn("close an incident", work).await {
        Ok(Ok(Closed::Now(_))) => Ok(to(which)),
        Ok(Ok(Closed::Before)) => {
            let line = known(&console, &signed, &id).await?;
            let is_own = |it: &crate::store::incidents::Closing| {
                it.by == signed.account.person && it.note == note
            };
            // The form was sent twice.
            if line.closed.as_ref().is_some_and(is_own) {
                return Ok(to(which));
            }
            let fault = "Nothing was changed: somebody has closed it before, as stands below.";
            Err(again(&console, &signed, line, note, fault.to_owned()).await)
        }
        Ok(Ok(Closed::NotFound)) => Err(page::not_found().await),
        Ok(Err(error)) => Err(page::unavailable(&error)),
        Err(error) => Err(page::unavailable(&error)),
    }
}

fn to(id: IncidentId) -> Response {
    Redirect::to(&format!("/console/incidents/{id}?said=closed")).into_response()
}

/// The page with what is wrong and with what was typed.
async fn again(
    console: &Console,
    signed: &Signed,
    line: IncidentLine,
    note: String,
    fault: String,
) -> Response {
    match read(console, signed, line).await {
        Ok(page) => {
            let page = IncidentPage { fault: Some(fault), note, ..page };
            page::told(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(response) => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_the_words_of_an_incident() {
        let digits = "0198f3c2a1b27c3d8e4f5a6b7c8d9e0f";
        let of = |text: String| ids(&text).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of(format!("the check of the payment {digits}: x")), [digits]);
        let deposit = format!("dep_{digits}");
        assert_eq!(of(format!("what became of the deposit {deposit}: x")), [deposit]);
        assert_eq!(of(format!("inc_{digits}, {digits}0 and {}", &digits[1..])), [""; 0]);
    }
}
