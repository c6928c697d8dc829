//! What the page of a case shows: what it is about, who has it, what was proposed and what was done.

use super::name_near::{self, Near};
use super::page::{self, Frame};
use super::payment::ReasonRow;
use super::session::Signed;
use super::{Console, case_words, payment_past, words};
use crate::book::as_it_ended::as_it_ended;
use crate::book::{Attempt, CaseAct, Proposal, ProposalState, Review};
use crate::decide::desk_work::until_latest;
use crate::domain::{PersonId, Player, ReviewId, SwitchId, Timestamp};
use crate::flows::Flows;
use crate::store::decision_reads::ReadAct;
use crate::store::people::{self, Colleague};
use crate::store::read_models;
use crate::store::read_reviews::{self, ReviewLine};
use crate::store::reviews::HistoryLine;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

#[derive(Debug)]
pub struct ProposalRow {
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
pub struct ActRow {
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

/// Who has the case, and who could.
#[derive(Debug)]
pub struct DeskShown {
    /// Who looks at the page.
    me: String,
    assigned: Option<String>,
    is_mine: bool,
    /// Who works on it now, and until when.
    lock: Option<(String, String)>,
    lock_is_mine: bool,
    /// Those it may be handed to: their ids and names.
    people: Vec<(String, String)>,
}

impl DeskShown {
    fn of(review: &Review, signed: &Signed, colleagues: &[Colleague], now: Timestamp) -> Self {
        let me = &signed.account.person;
        let lock = review.desk.lock.as_ref().filter(|lock| now < lock.until);
        let assigned = review.desk.assigned_to.as_ref();
        Self {
            me: me.to_string(),
            assigned: assigned.map(|person| named(person, colleagues)),
            is_mine: assigned == Some(me),
            lock: lock.map(|lock| (named(&lock.by, colleagues), words::time(lock.until))),
            lock_is_mine: lock.is_some_and(|lock| lock.by == *me),
            people: colleagues.iter().map(|it| (it.person.to_string(), it.name.clone())).collect(),
        }
    }

    /// Those whom whoever looks at the page may hand it to.
    fn others(&self) -> impl Iterator<Item = &(String, String)> {
        self.people.iter().filter(|(person, _)| *person != self.me)
    }

    /// Whether somebody else has it to themselves: nobody but them can act on it.
    fn is_kept(&self) -> bool {
        self.lock.is_some() && !self.lock_is_mine
    }
}

/// `Ada (person_ada)`, or the id alone of whoever has no account that reads cases.
fn named(person: &PersonId, colleagues: &[Colleague]) -> String {
    let known = colleagues.iter().find(|colleague| colleague.person == *person);
    known.map_or_else(|| person.to_string(), |known| format!("{} ({person})", known.name))
}

/// What somebody typed into the forms of the page, so that nothing of it is lost with a fault.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub outcome: String,
    pub note: String,
    pub refusal: String,
    pub remark: String,
    /// What was asked for, until when, and what came.
    pub asked: String,
    pub until: String,
    pub came: String,
    pub to: String,
}

impl Typed {
    /// What they wrote, where no form is left that would show it.
    fn words(&self) -> &str {
        let all = [&self.note, &self.refusal, &self.remark, &self.asked, &self.came];
        all.into_iter().find(|text| !text.is_empty()).map_or("", String::as_str)
    }
}

#[derive(Template)]
#[template(path = "case.html")]
pub struct CasePage {
    frame: Frame,
    id: String,
    kind: String,
    about: &'static str,
    is_open: bool,
    stands: String,
    payment: Option<String>,
    /// Names and values, in the order of the page.
    facts: Vec<(&'static str, String)>,
    near: Option<Near>,
    reasons: Vec<ReasonRow>,
    proposals: Vec<ProposalRow>,
    /// The proposal that waits, and whether it is of whoever looks at it.
    waits: Option<(ProposalRow, bool)>,
    choices: Vec<case_words::Choice>,
    history: Vec<ActRow>,
    desk: DeskShown,
    waits_for_info: bool,
    /// The first and the last day until which information may be awaited, and the hours where none is named.
    info_days: (String, String),
    info_hours: u64,
    /// Other open cases of the player's name, each with when it was opened.
    beside: Vec<(String, String)>,
    may_propose: bool,
    may_approve: bool,
    /// Makes a form that is sent twice one proposal.
    once: String,
    said: Option<&'static str>,
    fault: Option<String>,
    typed: Typed,
}

impl CasePage {
    /// With what it says after a form, by the word of its address.
    pub fn saying(self, word: &str) -> Self {
        Self { said: said(word), ..self }
    }
}

fn said(word: &str) -> Option<&'static str> {
    match word {
        "proposed" => {
            Some("It is proposed. Another person must approve it before anything is done.")
        }
        "approved" => Some("Your approval is kept. What is done by now stands below."),
        "refused" => Some("The proposal is refused. The case stays open."),
        "assigned" => Some("Who has the case is kept below."),
        "locked" => {
            Some("You have it to yourself: nobody else can act on it until you give it free.")
        }
        "released" => Some("It is free: everybody who reads it can act on it."),
        "noted" => Some("Your note stands below, under what was done."),
        "asked" => Some(
            "The case waits for what you asked for. The service tells nobody: ask for it yourself, if you have not.",
        ),
        "came" => Some("What came stands below, under what was done. The case waits no longer."),
        _ => None,
    }
}

/// A case of the operator whose person it is.
pub async fn known(console: &Console, signed: &Signed, id: &str) -> Result<ReviewLine, Response> {
    let Some(ReviewId(id)) = ReviewId::parse(id) else { return Err(page::not_found().await) };
    let pool = console.flows.db.pool();
    let found = read_reviews::review(pool, &signed.account.operator, id).await;
    match found.map_err(|error| page::unavailable(&error))? {
        Some(line) => Ok(line),
        None => Err(page::not_found().await),
    }
}

/// Who reads a case of a person, or why a payment waits, is noted first, as with the payment's own page.
pub async fn read(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
) -> Result<CasePage, Response> {
    if let Some(payment) = &line.payment {
        let noted = payment_past::note_read(console, signed, payment.id).await;
        noted.map_err(|error| page::unavailable(&error))?;
    }
    if line.review.player.is_some() {
        let subject = line.review.id.to_string();
        let noted = payment_past::note(console, signed, ReadAct::Read, &subject).await;
        noted.map_err(|error| page::unavailable(&error))?;
    }
    let (flows, account) = (&console.flows, &signed.account);
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let history = read_reviews::history(pool, &line.review).await;
    let history = history.map_err(|error| page::unavailable(&error))?;
    let ReviewLine { review, payment } = &line;
    let player = match payment {
        Some(payment) => read_models::player(pool, &payment.player).await,
        None => Ok(None),
    };
    let player = player.map_err(|error| page::unavailable(&error))?.map(|(player, _)| player);
    let near = name_near::read(console, signed, review).await;
    let mut near = near.map_err(|error| page::unavailable(&error))?;
    let opened = history.iter().find(|line| line.act == CaseAct::Opened.as_str());
    if let Some((near, opened)) = near.as_mut().zip(opened.and_then(|line| line.text.as_deref())) {
        near.mark(opened);
    }
    let colleagues = people::who_read_cases(pool, &account.operator).await;
    let colleagues = colleagues.map_err(|error| page::unavailable(&error))?;
    let beside = read_reviews::beside(pool, &account.operator, review).await;
    let beside = beside.map_err(|error| page::unavailable(&error))?;
    let waits = review.open_proposal().filter(|_| review.open);
    let waits = waits.map(|it| (ProposalRow::of(it), it.proposed_by == account.person));
    let reasons = payment.as_ref().map(as_it_ended).unwrap_or_default();
    Ok(CasePage {
        frame: Frame::of(signed, "reviews"),
        id: review.id.to_string(),
        kind: review.kind.clone(),
        about: case_words::about(&review.kind),
        is_open: review.open,
        stands: case_words::stands(review, now),
        payment: payment.as_ref().map(|payment| payment.id.to_string()),
        facts: facts(&line, player.as_ref()),
        choices: name_near::choices(review, payment.as_ref(), near.as_ref()),
        near,
        reasons: reasons.iter().map(ReasonRow::of).collect(),
        proposals: review.proposals.iter().map(ProposalRow::of).collect(),
        waits,
        history: history.into_iter().map(ActRow::of).collect(),
        desk: DeskShown::of(review, signed, &colleagues, now),
        waits_for_info: review.desk.waiting_since.is_some(),
        info_days: (now.date().to_string(), latest_day(flows)),
        info_hours: flows.reviews.terms.info.as_secs() / 3600,
        beside: beside.iter().map(|it| (it.id.to_string(), words::time(it.opened_at))).collect(),
        may_propose: account.may_propose(),
        may_approve: account.may_approve(),
        once: flows.ids.next().simple().to_string(),
        said: None,
        fault: None,
        typed: Typed::default(),
    })
}

/// The last day until which information that is asked for now may be awaited.
pub fn latest_day(flows: &Flows) -> String {
    until_latest(&flows.reviews.terms, flows.clock.now()).date().to_string()
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
    let waits = review.desk.waiting_since.filter(|_| review.open).map(words::time);
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
        ("Waits for information since", waits),
        ("Due", review.desk.due_at.map(words::time)),
        ("Reminders sent", reminders.map(|count| count.to_string())),
        ("Priority", Some(format!("{} (1 is the most urgent)", review.desk.priority))),
        ("People beside the proposer", Some(review.approvals_needed.to_string())),
    ];
    let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let known = known.chain(case_words::names(payment.as_ref(), player));
    let attempts = payment.iter().flat_map(|payment| &payment.attempts);
    known.chain(attempts.map(|it| ("Attempt", attempt(it)))).collect()
}

/// The case, with a word of what became of the form: loading it again sends nothing again.
pub fn to(line: &ReviewLine, word: &str) -> Response {
    Redirect::to(&format!("/console/reviews/{}?said={word}", line.review.id)).into_response()
}

/// The page with what is wrong and with what was typed.
pub async fn again(
    console: &Console,
    signed: &Signed,
    line: ReviewLine,
    typed: Typed,
    fault: String,
) -> Response {
    match read(console, signed, line).await {
        Ok(page) => {
            let page = CasePage { fault: Some(fault), typed, ..page };
            page::told(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(response) => response,
    }
}
