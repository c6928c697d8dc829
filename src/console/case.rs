//! One case: shown, and the forms in which two people decide it.

use super::case_page::{Typed, again, known, read, to};
use super::given::{self, Asked, Sent};
use super::session::Signed;
use super::{Console, name_near, page};
use crate::book::KeyId;
use crate::decide::Refusal;
use crate::domain::ProposalId;
use crate::lane::SubmitError;
use crate::reviews::decide_case::{CaseDecision, CaseError, decide_case};
use crate::reviews::name_proposal::name_proposal;
use crate::store::once_keys::Once;
use crate::store::read_reviews::ReviewLine;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What the page says after a form: a word of the address, so that loading it again sends nothing again.
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
    signed.check_compliance()?;
    let line = known(&console, &signed, &id).await?;
    let page = read(&console, &signed, line).await?;
    Ok(page::html(&page.saying(&query.said)))
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProposeForm {
    form_word: String,
    once: String,
    outcome: String,
    note: String,
}

#[derive(Debug, Deserialize)]
pub struct ApproveForm {
    form_word: String,
    proposal: String,
}

#[derive(Debug, Deserialize)]
pub struct RefuseForm {
    form_word: String,
    note: String,
}

/// What somebody says, or what is wrong with it.
fn note(text: &str) -> Result<String, String> {
    given::note(text, "Say why", "the case")
}

pub async fn propose(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<ProposeForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    signed.check_proposes()?;
    let line = known(&console, &signed, &id).await?;
    let ProposeForm { once, outcome, note: why, .. } = form;
    let typed = Typed { outcome: outcome.clone(), note: why.clone(), ..Typed::default() };
    let note = match note(&why) {
        Ok(note) => note,
        Err(fault) => return Err(again(&console, &signed, line, typed, fault).await),
    };
    let near = name_near::read(&console, &signed, &line.review).await;
    let near = near.map_err(|error| page::unavailable(&error))?;
    let offered = name_near::choices(&line.review, line.payment.as_ref(), near.as_ref());
    if line.review.open && !offered.iter().any(|choice| choice.word == outcome) {
        let fault = "Choose what is to be done.".to_owned();
        return Err(again(&console, &signed, line, typed, fault).await);
    }
    let once = once_of(&signed, "proposal", (&line, &once), &format!("{outcome}\n{note}"));
    let named = name_proposal(&console.flows, &once).await;
    let Some(proposal) = named.map_err(|error| page::unavailable(&error))? else {
        let fault = "This form was sent before, with other words. Load the page anew.".to_owned();
        return Err(again(&console, &signed, line, typed, fault).await);
    };
    // Read once more: another sending of the form may have proposed it meanwhile.
    let line = known(&console, &signed, &line.review.id.to_string()).await?;
    if line.review.proposal(proposal).is_some() {
        return Ok(to(&line, "proposed"));
    }
    let (outcome, payload) = name_near::meant(&line.review, &outcome);
    let act = CaseDecision::Propose { id: proposal, outcome, note, payload };
    act_on(&console, &signed, line, act, (typed, "proposed")).await
}

pub async fn approve(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<ApproveForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    signed.check_approves()?;
    let line = known(&console, &signed, &id).await?;
    let Some(proposal) = ProposalId::parse(&form.proposal) else {
        return Err(page::not_found().await);
    };
    let act = CaseDecision::Approve { proposal };
    act_on(&console, &signed, line, act, (Typed::default(), "approved")).await
}

pub async fn refuse(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Sent(form): Sent<RefuseForm>,
) -> Result<Response, Response> {
    signed.check_form(&form.form_word)?;
    signed.check_compliance()?;
    let line = known(&console, &signed, &id).await?;
    let typed = Typed { refusal: form.note.clone(), ..Typed::default() };
    let act = match note(&form.note) {
        Ok(note) => CaseDecision::Refuse { note },
        Err(fault) => return Err(again(&console, &signed, line, typed, fault).await),
    };
    act_on(&console, &signed, line, act, (typed, "refused")).await
}

/// A form as something that is done once: which of a case's forms, the word that its page gave it, what was typed.
pub fn once_of(signed: &Signed, form: &str, (line, word): (&ReviewLine, &str), said: &str) -> Once {
    let account = &signed.account;
    let scope = format!("console {form} {}", line.review.id);
    let key = format!("{} {word}", account.person);
    let fingerprint = Sha256::digest(said).into();
    Once { key: KeyId { operator: account.operator.clone(), scope, key }, fingerprint }
}

/// Does it to its end, whatever the browser does.
async fn act_on(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    act: CaseDecision,
    then: (Typed, &str),
) -> Result<Response, Response> {
    let (flows, account, review) =
        (console.flows.clone(), signed.account.clone(), line.review.clone());
    let work = async move {
        decide_case(&flows, &account.operator, &review, act, account.person.clone()).await
    };
    match console.tasks.spawn("decide a case", work).await {
        Ok(done) => answered(console, signed, line, done, then).await,
        Err(error) => Err(page::unavailable(&error)),
    }
}

/// The page after an act: with a word of what was done, or as it stands by now and why nothing was.
pub async fn answered(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    done: Result<(), CaseError>,
    (typed, word): (Typed, &str),
) -> Result<Response, Response> {
    let refused = match done {
        Ok(()) => return Ok(to(&line, word)),
        Err(CaseError::NotFound) => return Err(page::not_found().await),
        Err(CaseError::Store(error)) => return Err(page::unavailable(&error)),
        Err(CaseError::Submit(error @ SubmitError::Failed)) => {
            return Err(page::unavailable(&error));
        }
        Err(CaseError::Refused(refusal) | CaseError::Submit(SubmitError::Refused(refusal))) => {
            told(refusal)
        }
        Err(error) => {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        }
    };
    // As it stands by now: whoever was refused reads why.
    let id = line.review.id.to_string();
    let line = known(console, signed, &id).await?;
    Err(again(console, signed, line, typed, format!("Nothing was done: {refused}.")).await)
}

/// Why not, as people read it.
fn told(refusal: Refusal) -> String {
    match refusal {
        Refusal::SamePerson => "who proposed cannot approve, another person must".to_owned(),
        Refusal::ReviewLocked { by, until } => {
            format!("{by} works on this case until {}", super::words::time(until))
        }
        other => other.to_string(),
    }
}
