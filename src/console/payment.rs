//! One payment: what it is, what was asked of whom, and why each PSP was chosen or left out.

use super::page::{self, Frame};
use super::payment_past::{self, Past};
use super::session::Signed;
use super::{Console, case_words, words};
use crate::book::as_it_ended::as_it_ended;
use crate::book::{Attempt, Payment, Review};
use crate::domain::{
    AttemptStatus, Audience, DepositStatus, PartId, PaymentId, PaymentStatus, Reason, Timestamp,
    WithdrawalStatus,
};
use crate::routing::plan::Route;
use crate::store::{read_models, read_reviews};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

#[derive(Debug)]
struct AttemptRow {
    number: i16,
    psp: String,
    status: String,
    reference: String,
    error: String,
    started_at: String,
    ended_at: String,
    /// When it is looked at next, while it is not over.
    due_at: String,
}

impl AttemptRow {
    fn of(attempt: &Attempt) -> Self {
        let error = attempt.error.as_ref().map(|error| {
            let next = match attempt.status {
                // What went wrong with the first answer decides nothing any more.
                AttemptStatus::Succeeded => "at first: it was settled since",
                _ if error.retryable => "another PSP may try",
                _ => "no other PSP may try",
            };
            format!("{} ({next})", error.code)
        });
        let due_at = attempt.due_at.filter(|_| attempt.ended_at.is_none());
        Self {
            number: attempt.number,
            psp: attempt.psp.clone(),
            status: attempt.status.to_string(),
            reference: attempt.psp_reference.clone().unwrap_or_default(),
            error: error.unwrap_or_default(),
            started_at: words::time(attempt.first_sent_at),
            ended_at: attempt.ended_at.map(words::time).unwrap_or_default(),
            due_at: due_at.map(words::time).unwrap_or_default(),
        }
    }
}

#[derive(Debug)]
struct CandidateRow {
    psp: String,
    rank: Option<u16>,
    reason: String,
}

/// The way of a deposit, or of one part of a withdrawal.
#[derive(Debug)]
struct Section {
    title: String,
    destination: Option<String>,
    version: String,
    candidates: Vec<CandidateRow>,
    attempts: Vec<AttemptRow>,
}

impl Section {
    fn of(
        payment: &Payment,
        part: Option<PartId>,
        title: String,
        destination: Option<String>,
    ) -> Self {
        let Route { version, candidates } = payment.route_of(part);
        let candidates = candidates.iter().map(|candidate| CandidateRow {
            psp: candidate.psp.clone(),
            rank: candidate.rank,
            reason: candidate.reason.clone(),
        });
        let mine = payment.attempts.iter().filter(|attempt| attempt.part == part);
        Self {
            title,
            destination,
            version: version.clone(),
            candidates: candidates.collect(),
            attempts: mine.map(AttemptRow::of).collect(),
        }
    }

    fn all(payment: &Payment) -> Vec<Self> {
        let of_part = |part: &crate::book::Part| {
            let title = format!("Part {}: {}, {}", part.number, part.money, part.status);
            let destination = Some(part.instrument.masked.clone());
            Self::of(payment, Some(part.id), title, destination)
        };
        if payment.parts.is_empty() {
            return vec![Self::of(payment, None, "How it was routed".to_owned(), None)];
        }
        payment.parts.iter().map(of_part).collect()
    }
}

/// A reason, and who else may read it.
#[derive(Debug)]
pub struct ReasonRow {
    pub reason: Reason,
    pub readers: &'static str,
}

impl ReasonRow {
    pub fn of(reason: &Reason) -> Self {
        let readers = match reason.audience {
            Audience::Player => "the player too",
            Audience::Operator => "the casino",
            Audience::Compliance => "compliance alone",
        };
        Self { reason: reason.clone(), readers }
    }
}

/// A case about it.
#[derive(Debug)]
struct CaseRow {
    id: String,
    about: &'static str,
    stands: String,
}

impl CaseRow {
    fn of(review: &Review, now: Timestamp) -> Self {
        Self {
            id: review.id.to_string(),
            about: case_words::about(&review.kind),
            stands: case_words::stands(review, now),
        }
    }
}

#[derive(Template)]
#[template(path = "payment.html")]
struct PaymentPage {
    frame: Frame,
    id: String,
    status: String,
    next: &'static str,
    /// Names and values, in the order of the page.
    facts: Vec<(&'static str, String)>,
    reasons: Vec<ReasonRow>,
    /// For compliance alone: the kind of a case says what a screening found.
    cases: Vec<CaseRow>,
    past: Past,
    sections: Vec<Section>,
}

pub async fn show(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let Some(id) = PaymentId::parse(&id) else {
        return Err(page::not_found().await);
    };
    let pool = console.flows.db.pool();
    let found = read_models::payment(pool, &signed.account.operator, id).await;
    let Some(payment) = found.map_err(|error| page::unavailable(&error))? else {
        return Err(page::not_found().await);
    };
    let past = payment_past::read(&console, &signed, payment.id).await;
    let past = past.map_err(|error| page::unavailable(&error))?;
    let reasons = as_it_ended(&payment);
    let all = signed.account.reads_compliance();
    let shown = words::readable(&reasons, all);
    let cases =
        if all { read_reviews::of_payment(pool, payment.id.uuid).await } else { Ok(vec![]) };
    let cases = cases.map_err(|error| page::unavailable(&error))?;
    let now = console.flows.clock.now();
    Ok(page::html(&PaymentPage {
        frame: Frame::of(&signed, "payments"),
        id: payment.id.to_string(),
        status: payment.status.to_string(),
        next: next(&payment),
        facts: facts(&payment),
        reasons: shown.map(ReasonRow::of).collect(),
        cases: cases.iter().map(|review| CaseRow::of(review, now)).collect(),
        past,
        sections: Section::all(&payment),
    }))
}

/// What happens next, and who must do something; nothing where it is over.
fn next(payment: &Payment) -> &'static str {
    use DepositStatus as Deposit;
    use PaymentStatus::{Deposit as In, Withdrawal as Out};
    use WithdrawalStatus as Withdrawal;
    let is_unknown = |attempt: &Attempt| attempt.status == AttemptStatus::Unknown;
    match payment.status {
        _ if payment.attempts.iter().any(is_unknown) => {
            "Nobody knows yet whether a PSP has it. That PSP is asked again by itself, and nobody else meanwhile: \
             what is reserved stays so. If it stays unknown for long, two people are asked."
        }
        In(Deposit::Screening) | Out(Withdrawal::Screening) => {
            "A vendor is asked about it. It goes on by itself once the vendor has answered."
        }
        In(Deposit::InReview) | Out(Withdrawal::InReview) => {
            "It waits for two people of compliance. Nothing happens before they have decided."
        }
        In(Deposit::ActionRequired) => {
            "The payer must act at the PSP. What the PSP tells then is booked by itself."
        }
        Out(Withdrawal::Approved) => "It is sent to its PSP by itself.",
        In(Deposit::Processing) | Out(Withdrawal::Processing) => {
            "It is with a PSP, or on its way there. What the PSP tells is booked by itself."
        }
        In(
            Deposit::Succeeded
            | Deposit::Blocked
            | Deposit::Failed
            | Deposit::Expired
            | Deposit::Cancelled
            | Deposit::Returned
            | Deposit::Reversed,
        )
        | Out(
            Withdrawal::Paid
            | Withdrawal::PaidInPart
            | Withdrawal::Failed
            | Withdrawal::Rejected
            | Withdrawal::Cancelled
            | Withdrawal::Blocked
            | Withdrawal::Returned,
        ) => "",
    }
}

fn facts(payment: &Payment) -> Vec<(&'static str, String)> {
    let money = |money: Option<crate::domain::Money>| money.map(|money| money.to_string());
    let rows = [
        ("Player", Some(payment.player.player.to_string())),
        ("Amount", Some(payment.money.to_string())),
        ("Fee", money(payment.fee)),
        ("Received", money(payment.received)),
        ("Credited", money(payment.credited)),
        ("In suspense", money(payment.suspended)),
        ("Country and method", Some(format!("{}, {}", payment.country, payment.method.as_str()))),
        ("Origin", Some(payment.origin.as_str().to_owned())),
        (
            "Sends back",
            payment.returns.as_ref().map(|it| PaymentId::deposit(it.deposit).to_string()),
        ),
        ("Casino's reference", payment.reference.clone()),
        ("Created", Some(words::time(payment.created_at))),
        ("Last changed", Some(words::time(payment.updated_at))),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
