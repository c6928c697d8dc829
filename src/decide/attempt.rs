//! Attempts begin, are leased to whoever calls the PSP, and are handed to people when no machine
//! can know.

use super::command::{Answer, Ctx, Source, Task};
use super::completion::{self, KnownBefore};
use super::people::page_people;
use super::refusal::Refusal;
use super::{deposit, deposit_news, kept, late_payout, later_round, payout, session, unconfigured};
use crate::book::{self, Attempt, Book, Cancel, Completion, Lease, Payment};
use crate::domain::{
    AttemptId, AttemptStatus, PartId, PartStatus, PlayerStatus, Reason, Timestamp,
};
use crate::payments::resolution::{self, AttemptFacts, Means};
use psp_contract::{Capabilities, InquiryBy, NotSent, Outcome, Subject, Unknown};
use uuid::Uuid;

/// Why a deposit goes no further.
const EXCLUDED: &str = "the player was excluded, frozen or closed meanwhile";

/// Opens an attempt, in flight and leased to this instance, at the best PSP of the plan that was
/// not tried yet and that this instance knows. None: the plan is exhausted, or a fee leaves nothing to move.
pub fn open_next(
    book: &mut Book,
    id: Uuid,
    part: Option<PartId>,
    ctx: &Ctx<'_>,
) -> Option<AttemptId> {
    let payment = book.payment(id)?;
    let knows = |psp: &str| ctx.psps.capabilities(psp).is_some();
    let psp = payment.untried_psps(part).into_iter().find(|psp| knows(psp))?.to_owned();
    let asked = payment.to_ask(part)?;
    let number = payment.attempts.iter().map(|attempt| attempt.number).max().unwrap_or(0) + 1;
    let attempt = Attempt {
        id: AttemptId(ctx.ids.next()),
        part,
        number,
        psp: psp.clone(),
        status: AttemptStatus::InFlight,
        asked,
        error: None,
        psp_reference: None,
        was_accepted: false,
        first_sent_at: ctx.now,
        ended_at: None,
        lease: Some(Lease { holder: ctx.holder.to_owned(), until: ctx.now + ctx.lease }),
        due_at: Some(ctx.now + ctx.lease),
        expires_at: None,
        inquiries: 0,
        last_inquiry_at: None,
        last_ledger_at: None,
        misses: 0,
        first_missed_at: None,
        last_missed_at: None,
        paged: false,
        cancel: None,
        completion: None,
        kept_news: None,
    };
    let attempt_id = attempt.id;
    book.open_attempt(id, attempt, &format!("sent to {psp}"));
    Some(attempt_id)
}

/// Opens a deposit's next attempt for a worker to send.
pub fn prepare_next(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Option<AttemptId> {
    let attempt_id = open_next(book, id, None, ctx)?;
    leave_to_worker(book, id, attempt_id, ctx);
    Some(attempt_id)
}

/// Makes an attempt that this command has just opened due at once and nobody's, because whoever
/// submitted the command is no caller of PSPs.
pub fn leave_to_worker(book: &mut Book, id: Uuid, attempt_id: AttemptId, ctx: &Ctx<'_>) {
    let subject = book::Subject::Attempt(attempt_id);
    let opened = book.record.transitions.iter_mut().rfind(|step| step.subject == subject);
    if let Some(opened) = opened {
        opened.to = AttemptStatus::Prepared.as_str();
    }
    let attempt = book.attempt_mut(id, attempt_id);
    attempt.status = AttemptStatus::Prepared;
    attempt.lease = None;
    attempt.due_at = Some(ctx.now);
}

/// The lease of a caller, and what it is to do, when the attempt's time has come.
///
/// `known`: what is known of a deposit whose money is to be taken now, or of a payment that goes on to another
/// PSP. Who brings none, or of a record that has changed, is told to bring it.
///
/// An attempt that is still in flight after its lease was being sent by an instance that is gone:
/// what it sent is not known.
pub fn take(
    book: &mut Book,
    (id, attempt_id): (Uuid, AttemptId),
    known: Option<&KnownBefore>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let answer = take_due(book, (id, attempt_id), known, ctx)?;
    // What was called off here may have been all that a deposit's first round waited for.
    book.settle_round(id, false);
    Ok(answer)
}

fn take_due(
    book: &mut Book,
    (id, attempt_id): (Uuid, AttemptId),
    known: Option<&KnownBefore>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let known = known.filter(|known| known.checks.are_of(book));
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let attempt = payment.attempt(attempt_id).ok_or(Refusal::NotFound)?.clone();
    let subject = payment.subject();
    let leased = attempt.lease.as_ref().is_some_and(|lease| ctx.now < lease.until);
    if leased || attempt.due_at.is_none_or(|due| ctx.now < due) {
        return Ok(Answer::Nothing);
    }
    let Some(capabilities) = ctx.psps.capabilities(&attempt.psp) else {
        return Ok(unconfigured::leave(book, id, &attempt, ctx));
    };
    if attempt.status == AttemptStatus::Prepared {
        let instead = match subject {
            Subject::Deposit => later_round::instead_of_sending(book, id, &attempt, known, ctx),
            _ => late_payout::instead_of_sending(book, id, &attempt, known, ctx),
        };
        return Ok(instead.unwrap_or_else(|| send_prepared(book, id, &attempt, ctx)));
    }
    if attempt.status == AttemptStatus::InFlight {
        return Ok(lease_expired(book, id, attempt_id, ctx));
    }
    let before_people = subject != Subject::Deposit && is_before_people(book, attempt_id);
    let mut seen = Attempt { paged: attempt.paged || before_people, ..attempt.clone() };
    let mut task = task_of(&seen, subject, capabilities, ctx.now);
    // People are told in time, whatever can still be asked; the asking goes on.
    let page = !attempt.paged && resolution::page_is_due(&facts(&attempt, subject), ctx.now);
    if page || task == Task::AskPeople {
        page_people(book, id, &attempt, subject, ctx);
        seen.paged = true;
        task = task_of(&seen, subject, capabilities, ctx.now);
    }
    match task {
        Task::Wait | Task::AskPeople => Ok(wait(book, id, &seen, capabilities, ctx)),
        Task::Complete => Ok(match known {
            Some(known) => completion::take(book, id, attempt_id, known, ctx),
            None => Answer::AnswersWanted(book.payments[&id].clone()),
        }),
        task => {
            lease_for(book, id, attempt_id, &task, ctx);
            let payment = book.payments[&id].clone();
            Ok(Answer::Taken { payment, attempt: attempt_id, task })
        }
    }
}

/// Whether people may be saying what became of it: what they read at the PSP must stay true, so it is not sent
/// again.
fn is_before_people(book: &Book, attempt: AttemptId) -> bool {
    book.reviews.values().any(|review| review.open && review.attempt == Some(attempt))
}

/// Somebody is about to call the PSP.
pub fn lease_for(book: &mut Book, id: Uuid, attempt_id: AttemptId, task: &Task, ctx: &Ctx<'_>) {
    let until = ctx.now + ctx.lease;
    let taken = book.attempt_mut(id, attempt_id);
    taken.lease = Some(Lease { holder: ctx.holder.to_owned(), until });
    taken.due_at = Some(until);
    if *task == Task::Complete {
        // No question: the ladder stays where it is, so that one can follow at once.
        taken.completion = Some(Completion::Asked);
        return;
    }
    taken.inquiries += 1;
    match task {
        Task::CancelAtPsp => taken.cancel = Some(Cancel::Asked),
        Task::Inquire(InquiryBy::Ledger) => taken.last_ledger_at = Some(ctx.now),
        _ => taken.last_inquiry_at = Some(ctx.now),
    }
}

/// Nothing can be asked now. A deposit's session that is over expires; all else looks again later.
fn wait(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    capabilities: &Capabilities,
    ctx: &Ctx<'_>,
) -> Answer {
    let subject = book.payments[&id].subject();
    if subject == Subject::Deposit && session::may_expire(attempt, capabilities, ctx.now) {
        deposit_news::expire(book, id, attempt.id, ctx);
        return Answer::applied(&book.payments[&id]);
    }
    // Due, and too early to ask: it was hinted at. It is asked about as soon as its PSP allows, not
    // when its ladder says, which may be an hour away.
    let ladder = due_after(attempt, subject, capabilities, ctx.now);
    let allowed = asked_again(attempt, subject, capabilities, ctx.now)
        .map(|at| at.max(ctx.now + time::Duration::SECOND));
    let due = match (ladder, allowed) {
        (Some(ladder), Some(allowed)) => Some(ladder.min(allowed)),
        (one, other) => one.or(other),
    };
    look_again(book, id, attempt.id, due);
    Answer::Nothing
}

/// When it is looked at next. That is no news of its payment, which stays as old as it was.
pub(super) fn look_again(book: &mut Book, id: Uuid, attempt_id: AttemptId, due: Option<Timestamp>) {
    let updated_at = book.payments[&id].updated_at;
    book.attempt_mut(id, attempt_id).due_at = due;
    book.payment_mut(id).updated_at = updated_at;
}

/// When an attempt that is over is asked about once more, after a hint that it has changed or an
/// inquiry that was lost. None: nothing can be asked, or the answer was lost for a whole day.
pub fn asked_again(
    attempt: &Attempt,
    subject: Subject,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Option<Timestamp> {
    let inquiry = capabilities.inquiry(subject);
    let known = attempt.psp_reference.is_some() && inquiry.by_psp_reference;
    let asking = known || inquiry.by_our_reference;
    let patient = now - attempt.over_since() < time::Duration::DAY;
    let pause = inquiry.min_interval.max(std::time::Duration::from_secs(1));
    (asking && patient).then(|| attempt.last_inquiry_at.map_or(now, |at| at + pause).max(now))
}

/// When to look at an attempt again after news of it, or after nothing could be asked. None: never,
/// because it is over.
pub fn due_after(
    attempt: &Attempt,
    subject: Subject,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Option<Timestamp> {
    let facts = facts(attempt, subject);
    if !resolution::is_asked_about(&facts, capabilities, now) {
        return None;
    }
    let ladder = resolution::next_due(&facts, capabilities, now);
    let can_ask = match subject {
        Subject::Deposit if session::waits_for_ledger(attempt, subject, capabilities) => false,
        _ => resolution::can_be_asked(&facts, capabilities, now),
    };
    let due = match attempt.expires_at {
        // A session that can only be waited for is looked at again when it ends.
        Some(expires) if !can_ask && now < expires => expires,
        // A rung that lies at this very moment would be climbed in a circle.
        _ => ladder.max(now + time::Duration::SECOND),
    };
    Some(due)
}

fn task_of(
    attempt: &Attempt,
    subject: Subject,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Task {
    let may_cancel = capabilities.deposit.as_ref().is_some_and(|deposit| deposit.can_cancel);
    let abandoned = attempt.status == AttemptStatus::Abandoned && attempt.cancel.is_none();
    let wanted = attempt.cancel == Some(Cancel::Wanted);
    if may_cancel && attempt.psp_reference.is_some() && (abandoned || wanted) {
        return Task::CancelAtPsp;
    }
    if completion::is_due(attempt) {
        return Task::Complete;
    }
    if let Some(task) = session::task_of(attempt, subject, capabilities, now) {
        return task;
    }
    match resolution::choose(&facts(attempt, subject), capabilities, now) {
        Means::Inquire(by) => Task::Inquire(by),
        Means::Replay => Task::Replay,
        Means::AwaitNews => Task::Wait,
        Means::AskPeople => Task::AskPeople,
    }
}

/// What the ladder looks at.
pub fn facts(attempt: &Attempt, subject: Subject) -> AttemptFacts<'_> {
    AttemptFacts {
        subject,
        status: attempt.status,
        psp_reference: attempt.psp_reference.as_deref(),
        was_accepted: attempt.was_accepted,
        first_sent_at: attempt.first_sent_at,
        over_since: attempt.over_since(),
        inquiries: u32::try_from(attempt.inquiries).unwrap_or(0),
        last_inquiry_at: attempt.last_inquiry_at,
        last_ledger_at: attempt.last_ledger_at,
        misses: u32::try_from(attempt.misses).unwrap_or(0),
        first_missed_at: attempt.first_missed_at,
        last_missed_at: attempt.last_missed_at,
        word_is_out: attempt.completion == Some(Completion::Asked),
        people_asked: attempt.paged,
        may_be_paid: attempt.was_not_sent_for(NotSent::FoundUnpaid) || kept::may_be_paid(attempt),
    }
}

/// Whether the part that an attempt was to pay still waits for it, or its deposit for money.
pub(super) fn pays_something(payment: &Payment, attempt: &Attempt) -> bool {
    let waits = |part| payment.part(part).is_some_and(|it| it.status == PartStatus::Processing);
    attempt.part.map_or(payment.received.is_none(), waits)
}

/// It is sent now, unless what it was opened for is over.
fn send_prepared(book: &mut Book, id: Uuid, prepared: &Attempt, ctx: &Ctx<'_>) -> Answer {
    let payment = &book.payments[&id];
    let is_deposit = payment.subject() == Subject::Deposit;
    if is_deposit && !may_deposit(book, ctx) {
        call_off(book, id, prepared.id, EXCLUDED);
        fail_excluded(book, id, ctx);
        return Answer::applied(&book.payments[&id]);
    }
    if !pays_something(payment, prepared) {
        call_off(book, id, prepared.id, "it is needed no more");
        return Answer::applied(&book.payments[&id]);
    }
    let moved = book.move_attempt(id, prepared.id, AttemptStatus::InFlight, "sent");
    debug_assert!(moved.is_ok(), "a prepared attempt may be sent");
    let until = ctx.now + ctx.lease;
    let attempt = book.attempt_mut(id, prepared.id);
    attempt.first_sent_at = ctx.now;
    attempt.lease = Some(Lease { holder: ctx.holder.to_owned(), until });
    attempt.due_at = Some(until);
    let payment = book.payments[&id].clone();
    Answer::Taken { payment, attempt: prepared.id, task: Task::Send }
}

/// An attempt that nobody has sent is not to be sent any more.
pub fn call_off(book: &mut Book, id: Uuid, unsent: AttemptId, cause: &str) {
    let moved = book.move_attempt(id, unsent, AttemptStatus::Cancelled, cause);
    debug_assert!(moved.is_ok(), "a prepared attempt may be called off");
    book.attempt_mut(id, unsent).due_at = None;
}

/// The casino is told why, by the codes of the rules that would have refused it when it began.
fn fail_excluded(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let code = match book.player.as_ref().map(|player| player.status) {
        Some(PlayerStatus::Frozen) => "player.frozen",
        Some(PlayerStatus::Closed) => "player.closed",
        _ => "player.excluded",
    };
    book.payment_mut(id).reasons.push(Reason::new(code, EXCLUDED));
    deposit::fail(book, id, EXCLUDED, ctx);
}

fn may_deposit(book: &Book, ctx: &Ctx<'_>) -> bool {
    book.player.as_ref().is_some_and(|player| player.is_active(ctx.now))
}

/// Our process ended between sending and recording.
pub(super) fn lease_expired(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    ctx: &Ctx<'_>,
) -> Answer {
    let (source, outcome) = (Source::Clock, Outcome::Unknown(Unknown::LeaseExpired));
    let next = match book.payments[&id].subject() {
        Subject::Deposit => deposit_news::apply(book, id, attempt_id, &outcome, source, ctx),
        Subject::Payout | Subject::Return => {
            payout::apply(book, id, attempt_id, &outcome, source, ctx)
        }
    };
    book.settle_round(id, false);
    let payment = book.payments[&id].clone();
    match next {
        Some(attempt) => Answer::Taken { payment, attempt, task: Task::Send },
        None => Answer::Applied { payment, next: None, ended: false },
    }
}

/// A deposit that has nobody left to ask fails, and so does one whose player was excluded meanwhile: no other
/// PSP is to take it. Its limit is free again.
pub fn move_on_or_fail(book: &mut Book, id: Uuid, cause: &str, ctx: &Ctx<'_>) -> Option<AttemptId> {
    if !may_deposit(book, ctx) {
        fail_excluded(book, id, ctx);
        return None;
    }
    let next = open_next(book, id, None, ctx);
    if next.is_none() {
        deposit::fail_at_psps(book, id, cause, ctx);
    }
    next
}
