//! One case: what it is about, what was proposed, and the forms in which two people decide it.

use super::given::{Asked, Sent};
use super::page::{self, Frame};
use super::payment::ReasonRow;
use super::session::Signed;
use super::{Console, case_words, payment_past, words};
use crate::book::as_it_ended::as_it_ended;
use crate::book::{Attempt, CaseKind, KeyId, Proposal, ProposalState};
use crate::decide::Refusal;
use crate::domain::{PersonId, Player, ProposalId, ReviewId, SwitchId};
use crate::lane::SubmitError;
use crate::reviews::decide_case::{CaseDecision, CaseError, decide_case};
use crate::reviews::name_proposal::name_proposal;
use crate::store::read_models;
use crate::store::read_reviews::{self, ReviewLine};
use crate::store::reviews::HistoryLine;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The longest note, as the API takes it.
const NOTE_MAX: usize = 2000;

#[derive(Debug)]
struct ProposalRow {
    id: String,
    outcome: String,
    note: String,
    does: String,
    by: String,
    at: String,
    state: String,
}

impl ProposalRow {
    fn of(proposal: &Proposal) -> Self {
        let approved = proposal.approvals.iter().map(|it| format!("approved by {}", it.by));
        let ended = match (proposal.state, &proposal.decided_by, &proposal.decided_note) {
            (ProposalState::Refused, Some(by), Some(note)) => format!("refused by {by}: {note}"),
            (state, ..) => state.as_str().to_owned(),
        };
        Self {
            id: proposal.id.to_string(),
            outcome: proposal.outcome.clone(),
            note: proposal.note.clone(),
            does: proposal.payload.as_ref().map(case_words::payload).unwrap_or_default(),
            by: proposal.proposed_by.to_string(),
            at: words::time(proposal.proposed_at),
            state: std::iter::once(ended).chain(approved).collect::<Vec<_>>().join("; "),
        }
    }
}

#[derive(Debug)]
struct ActRow {
    at: String,
    act: String,
    by: String,
    text: String,
}

impl ActRow {
    fn of(line: HistoryLine) -> Self {
        Self {
            at: words::time(line.at),
            act: line.act,
            by: line.person.map_or_else(|| "the service".to_owned(), |it| it.to_string()),
            text: line.text.unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    frame: Frame,
    id: String,
    kind: String,
    about: &'static str,
    is_open: bool,
    stands: String,
    payment: Option<String>,
    /// Names and values, in the order of the page.
    facts: Vec<(&'static str, String)>,
    reasons: Vec<ReasonRow>,
    proposals: Vec<ProposalRow>,
    /// The proposal that waits, and whether it is of whoever looks at it.
    waits: Option<(ProposalRow, bool)>,
    choices: Vec<case_words::Choice>,
    history: Vec<ActRow>,
    may_propose: bool,
    may_approve: bool,
    /// Makes a form that is sent twice one proposal.
    once: String,
    said: Option<&'static str>,
    fault: Option<String>,
    form: ProposeForm,
}

/// What the page says after a form: a word of the address, so that loading it again sends nothing again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SaidQuery {
    said: String,
}

fn said(word: &str) -> Option<&'static str> {
    match word {
        "proposed" => {
            Some("It is proposed. Another person must approve it before anything is done.")
        }
        "approved" => Some("Your approval is kept. What is done by now stands below."),
        "refused" => Some("The proposal is refused. The case stays open."),
        _ => None,
    }
}

pub async fn show(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Asked(query): Asked<SaidQuery>,
) -> Result<Response, Response> {
    signed.check_compliance()?;
    let line = known(&console, &signed, &id).await?;
    let page = CasePage { said: said(&query.said), ..read(&console, &signed, line).await? };
    Ok(page::html(&page))
}

/// A case of the operator whose person it is.
async fn known(console: &Console, signed: &Signed, id: &str) -> Result<ReviewLine, Response> {
    let Some(ReviewId(id)) = ReviewId::parse(id) else { return Err(page::not_found().await) };
    let pool = console.flows.db.pool();
    let found = read_reviews::review(pool, &signed.account.operator, id).await;
    match found.map_err(|error| page::unavailable(&error))? {
        Some(line) => Ok(line),
        None => Err(page::not_found().await),
    }
}

/// Who reads why a payment waits is noted first, as with the payment's own page.
async fn read(console: &Console, signed: &Signed, line: ReviewLine) -> Result<CasePage, Response> {
    if let Some(payment) = &line.payment {
        let noted = payment_past::note_read(console, signed, payment.id).await;
        noted.map_err(|error| page::unavailable(&error))?;
    }
    let (flows, account) = (&console.flows, &signed.account);
    let history = read_reviews::history(flows.db.pool(), &line.review).await;
    let history = history.map_err(|error| page::unavailable(&error))?;
    let ReviewLine { review, payment } = &line;
    let player = match payment {
        Some(payment) => read_models::player(flows.db.pool(), &payment.player).await,
        None => Ok(None),
    };
    let player = player.map_err(|error| page::unavailable(&error))?.map(|(player, _)| player);
    let waits = review.open_proposal().filter(|_| review.open);
    let waits = waits.map(|it| (ProposalRow::of(it), it.proposed_by == account.person));
    let reasons = payment.as_ref().map(as_it_ended).unwrap_or_default();
    Ok(CasePage {
        frame: Frame::of(signed, "reviews"),
        id: review.id.to_string(),
        kind: review.kind.clone(),
        about: case_words::about(&review.kind),
        is_open: review.open,
        stands: case_words::stands(review, flows.clock.now()),
        payment: payment.as_ref().map(|payment| payment.id.to_string()),
        facts: facts(&line, player.as_ref()),
        reasons: reasons.iter().map(ReasonRow::of).collect(),
        proposals: review.proposals.iter().map(ProposalRow::of).collect(),
        waits,
        choices: case_words::choices(review, payment.as_ref()),
        history: history.into_iter().map(ActRow::of).collect(),
        may_propose: account.may_propose(),
        may_approve: account.may_approve(),
        once: flows.ids.next().simple().to_string(),
        said: None,
        fault: None,
        form: ProposeForm::default(),
    })
}

/// Whom to ask on a PSP's own pages, and by which reference.
fn attempt(attempt: &Attempt) -> String {
    let Attempt { psp, status, id, .. } = attempt;
    let error = attempt.error.as_ref().map(|error| format!(", error {}", error.code));
    let theirs = attempt.psp_reference.as_ref().map(|id| format!(", its reference {id}"));
    format!("{psp} {status}{}, ours {id}{}", error.unwrap_or_default(), theirs.unwrap_or_default())
}

fn facts(
    ReviewLine { review, payment }: &ReviewLine,
    player: Option<&Player>,
) -> Vec<(&'static str, String)> {
    let person = |person: &Option<PersonId>| person.as_ref().map(ToString::to_string);
    let opener = person(&review.opened_by).unwrap_or_else(|| "the service".to_owned());
    let reminders = Some(review.desk.escalations).filter(|count| 0 < *count);
    let rows = [
        ("Player", review.player.as_ref().map(ToString::to_string)),
        ("Amount", payment.as_ref().map(|it| it.money.to_string())),
        ("In suspense", payment.as_ref().and_then(|it| it.suspended).map(|it| it.to_string())),
        ("Payment is", payment.as_ref().map(|it| it.status.to_string())),
        ("Attempt in question", review.attempt.map(|id| id.to_string())),
        ("Switch", review.switch.map(|id| SwitchId(id).to_string())),
        ("Policy version", review.policy.as_ref().map(|policy| policy.version.clone())),
        ("Opened", Some(format!("{}, by {opener}", words::time(review.opened_at)))),
        ("Due", review.desk.due_at.map(words::time)),
        ("Reminders sent", reminders.map(|count| count.to_string())),
        ("Priority", Some(format!("{} (1 is the most urgent)", review.desk.priority))),
        ("Assigned to", person(&review.desk.assigned_to)),
        ("People beside the proposer", Some(review.approvals_needed.to_string())),
    ];
    let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let known = known.chain(case_words::names(payment.as_ref(), player));
    let attempts = payment.iter().flat_map(|payment| &payment.attempts);
    known.chain(attempts.map(|it| ("Attempt", attempt(it)))).collect()
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
    let text = text.trim();
    match text.chars().count() {
        1..=NOTE_MAX => Ok(text.to_owned()),
        _ => Err(format!("Say why, in at most {NOTE_MAX} characters: it is kept with the case.")),
    }
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
    let note = match note(&form.note) {
        Ok(note) => note,
        Err(fault) => return Err(again(&console, &signed, line, form, fault).await),
    };
    let offered = case_words::choices(&line.review, line.payment.as_ref());
    if line.review.open && !offered.iter().any(|(outcome, _)| *outcome == form.outcome) {
        let fault = "Choose what is to be done.".to_owned();
        return Err(again(&console, &signed, line, form, fault).await);
    }
    let key = KeyId {
        operator: signed.account.operator.clone(),
        scope: format!("console proposal {}", line.review.id),
        key: format!("{} {}", signed.account.person, form.once),
    };
    let said = Sha256::digest(format!("{}\n{note}", form.outcome)).into();
    let named = name_proposal(&console.flows, Some((key, said))).await;
    let Some(proposal) = named.map_err(|error| page::unavailable(&error))? else {
        let fault = "This form was sent before, with other words. Load the page anew.".to_owned();
        return Err(again(&console, &signed, line, form, fault).await);
    };
    // Read once more: another sending of the form may have proposed it meanwhile.
    let line = known(&console, &signed, &line.review.id.to_string()).await?;
    if line.review.proposal(proposal).is_some() {
        return Ok(to(&line, "proposed"));
    }
    // What an approval is to do stays what was proposed last.
    let is_case = CaseKind::parse(&line.review.kind).is_some() && form.outcome == "approve";
    let last = line.review.proposals.iter().rev().find_map(|it| it.payload.clone());
    let payload = last.filter(|_| is_case);
    let act = CaseDecision::Propose { id: proposal, outcome: form.outcome.clone(), note, payload };
    act_on(&console, &signed, line, act, (form, "proposed")).await
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
    act_on(&console, &signed, line, act, (ProposeForm::default(), "approved")).await
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
    let act = match note(&form.note) {
        Ok(note) => CaseDecision::Refuse { note },
        Err(fault) => {
            return Err(again(&console, &signed, line, ProposeForm::default(), fault).await);
        }
    };
    act_on(&console, &signed, line, act, (ProposeForm::default(), "refused")).await
}

/// Does it to its end, whatever the browser does.
async fn act_on(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    act: CaseDecision,
    (form, word): (ProposeForm, &str),
) -> Result<Response, Response> {
    let (flows, account, review) =
        (console.flows.clone(), signed.account.clone(), line.review.clone());
    let work = async move {
        decide_case(&flows, &account.operator, &review, act, account.person.clone()).await
    };
    let refused = match console.tasks.spawn("decide a case", work).await {
        Ok(Ok(())) => return Ok(to(&line, word)),
        Ok(Err(CaseError::NotFound)) => return Err(page::not_found().await),
        Ok(Err(CaseError::Store(error))) => return Err(page::unavailable(&error)),
        Ok(Err(CaseError::Submit(error @ SubmitError::Failed))) => {
            return Err(page::unavailable(&error));
        }
        Ok(Err(CaseError::Refused(refusal) | CaseError::Submit(SubmitError::Refused(refusal)))) => {
            match refusal {
                Refusal::SamePerson => {
                    "who proposed cannot approve, another person must".to_owned()
                }
                other => other.to_string(),
            }
        }
        Ok(Err(error)) => {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        }
        Err(error) => return Err(page::unavailable(&error)),
    };
    // As it stands by now: whoever was refused reads why.
    let id = line.review.id.to_string();
    let line = known(console, signed, &id).await?;
    Err(again(console, signed, line, form, format!("Nothing was done: {refused}.")).await)
}

/// The case, with a word of what became of the form.
fn to(line: &ReviewLine, word: &str) -> Response {
    Redirect::to(&format!("/console/reviews/{}?said={word}", line.review.id)).into_response()
}

/// The page with what is wrong and with what was typed.
async fn again(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    form: ProposeForm,
    fault: String,
) -> Response {
    match read(console, signed, line).await {
        Ok(page) => {
            let page = CasePage { fault: Some(fault), form, ..page };
            page::told(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(response) => response,
    }
}
