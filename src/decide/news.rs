//! All news about money comes through here: the answer of a call, an inquiry's, a webhook's, the
//! clock's, two people's.
//!
//! News is applied to the attempt that it names, not to the newest one. The same news twice
//! changes nothing. News that contradicts the attempt's state is kept on it and changes no status.

use super::bounce::came_back_unpaid;
use super::command::{Answer, Ctx, News, PlayerChecks, Source};
use super::kept::MISMATCH;
use super::refusal::Refusal;
use super::{
    attempt, completion, deposit_news, kept, late_money, late_payout, payout, people, session,
    source, taken_back,
};
use crate::book::{Attempt, AttemptError, Book, Cancel, Completion, Payment};
use crate::domain::{AttemptId, AttemptStatus, Instrument};
use crate::payments::failover::{self, Facts, Verdict};
use crate::payments::resolution;
use psp_contract::{Capabilities, NotSent, Outcome, Report, Status, Subject, Unknown};
use std::sync::Arc;
use uuid::Uuid;

/// Applies news to its attempt, and through it to the payment and the ledger.
pub fn apply(book: &mut Book, news: &News, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let payment = book.payment(news.payment).ok_or(Refusal::NotFound)?;
    // Asked before anything moves: a move gives the lease back.
    let before = payment.attempt(news.attempt).ok_or(Refusal::NotFound)?;
    let (hinted, status_before) = (was_hinted(before, news, ctx), before.status);
    book.record.payment = Some(payment.id);
    book.record.wires.extend(news.wires.iter().cloned());
    let (id, attempt_id) = (news.payment, news.attempt);
    source::learn(book, id, attempt_id, &news.outcome, ctx);
    let next = match book.payments[&id].subject() {
        Subject::Deposit => {
            deposit_news::apply(book, id, attempt_id, &news.outcome, news.source, ctx)
        }
        Subject::Payout | Subject::Return => {
            payout::apply(book, id, attempt_id, &news.outcome, news.source, ctx)
        }
    };
    after(book, (id, attempt_id), news, (hinted, status_before), ctx);
    let is_deposit = book.payments[&id].subject() == Subject::Deposit;
    if is_deposit && news.source == Source::Inquiry && !hinted {
        end_session(book, id, attempt_id, ctx);
    }
    alarm(book, id, attempt_id, &news.outcome, ctx);
    alarm_undecided(book, id, attempt_id, news, ctx);
    book.settle_round(id, false);
    let payment = book.payments[&id].clone();
    let status = payment.attempt(attempt_id).map_or(status_before, |attempt| attempt.status);
    let ended = status != status_before && !status.is_live();
    if ended {
        people::close_about(book, id, attempt_id, ctx);
    }
    Ok(Answer::Applied { payment, next, ended })
}

/// As [`apply`], by whoever can ask registers and matchers; `asked` is what they said. Money that comes for a deposit that
/// had been given up was let come by nothing that still holds: who its player is by now is asked before the credit.
pub fn apply_or_ask(
    book: &mut Book,
    news: &News,
    asked: Option<&PlayerChecks>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let asked = asked.filter(|told| told.are_of(book)).map(|told| &told.facts);
    if asked.is_none() && late_money::wants_answers(book, news, ctx) {
        let payment = book.payments.get(&news.payment).ok_or(Refusal::NotFound)?;
        return Ok(Answer::AnswersWanted(Arc::clone(payment)));
    }
    apply(book, news, &Ctx { asked, ..*ctx })
}

/// What an outcome means for this attempt, and whether another PSP may be asked.
pub fn verdict(
    payment: &Payment,
    attempt: &Attempt,
    outcome: &Outcome,
    source: Source,
    ctx: &Ctx<'_>,
) -> Verdict {
    // Whoever sends has the lease, and the attempt stays in flight so long. Afterwards somebody else may
    // have sent the same request again, of which this answer knows nothing.
    let is_ours = matches!(attempt.status, AttemptStatus::Prepared | AttemptStatus::InFlight);
    let is_stale = source == Source::Call && !is_ours;
    let first_hand = matches!(source, Source::Call | Source::Clock | Source::People);
    let facts = Facts {
        subject: payment.subject(),
        asked: attempt.asked,
        action_told: payment.action_told,
        was_accepted: attempt.was_accepted,
        capabilities: ctx.psps.capabilities(&attempt.psp),
        from_inquiry: !first_hand || is_stale,
        from_replay: source == Source::Replay || is_stale,
    };
    match failover::verdict(outcome, &facts) {
        // An inquiry that finds an unknown attempt under way has found that the PSP has it, and so it is with
        // a payout that was held to have never reached it, or to have been refused there.
        Verdict::Nothing if is_doubted(payment, attempt, source, ctx) && is_under_way(outcome) => {
            Verdict::Accepted
        }
        verdict => verdict,
    }
}

fn is_doubted(payment: &Payment, attempt: &Attempt, source: Source, ctx: &Ctx<'_>) -> bool {
    let pays_out = payment.subject() != Subject::Deposit;
    match attempt.status {
        AttemptStatus::Unknown => true,
        AttemptStatus::NotSent => pays_out,
        _ => pays_out && is_denied(attempt, source, ctx),
    }
}

/// Whether an inquiry that began after a PSP had refused or ended a payout says otherwise, if it finds it there. A message may be older than the refusal, and so may an answer to a question that was asked before it.
pub fn is_denied(attempt: &Attempt, source: Source, ctx: &Ctx<'_>) -> bool {
    use AttemptStatus::{Cancelled, Declined, Expired};
    let asked_at = attempt.lease.as_ref().map(|lease| lease.until - ctx.lease);
    let is_refused = matches!(attempt.status, Declined | Cancelled | Expired);
    let asked_since = asked_at.is_some_and(|asked| attempt.ended_at < Some(asked));
    source == Source::Inquiry && is_refused && asked_since
}

const fn is_under_way(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Reported(Report { status: Status::Pending | Status::AwaitsCompletion, .. })
    )
}

/// A deposit's session is over when its PSP, asked after its end, knows of none.
fn end_session(book: &mut Book, id: Uuid, attempt_id: AttemptId, ctx: &Ctx<'_>) {
    let Some(attempt) = book.payments[&id].attempt(attempt_id) else { return };
    let Some(capabilities) = ctx.psps.capabilities(&attempt.psp) else { return };
    if session::may_expire(attempt, capabilities, ctx.now) {
        deposit_news::expire(book, id, attempt_id, ctx);
    }
}

/// What every news leaves behind: misses counted, errors noted, the lease given back, the next
/// look due.
fn after(
    book: &mut Book,
    (id, attempt_id): (Uuid, AttemptId),
    news: &News,
    (hinted, status_before): (bool, AttemptStatus),
    ctx: &Ctx<'_>,
) {
    let (outcome, source) = (&news.outcome, news.source);
    let payment = &book.payments[&id];
    let (subject, attempt) = (payment.subject(), payment.attempt(attempt_id).cloned());
    let Some(moved) = attempt else { return };
    let mut attempt = moved.clone();
    if matches!(source, Source::Inquiry | Source::Replay) {
        count_misses(&mut attempt, outcome, ctx);
    }
    let hint = matches!(source, Source::Webhook { hint: true });
    if !hint {
        note_error(&mut attempt, outcome);
    }
    let answered = !told_by_webhook(source);
    if answered && attempt.status != AttemptStatus::InFlight {
        attempt.lease = None;
    }
    if let Some(capabilities) = ctx.psps.capabilities(&attempt.psp) {
        if completion::is_wanted(payment, &attempt, outcome, source, capabilities) {
            attempt.completion = Some(Completion::Wanted);
        }
        let unproven = told_by_webhook(source) && is_unproven(&attempt, outcome);
        let wanted = completion::is_due(&attempt) && attempt.lease.is_none();
        let nameless = told_by_webhook(source) && is_nameless(payment, &attempt, capabilities, ctx);
        let again = told_by_webhook(source) && is_there_again(subject, &attempt, outcome);
        if hint || hinted || unproven || wanted || nameless || again {
            // A hint moves nothing: it makes one inquiry due at once, whatever the attempt's
            // status, because a late success or a bounce may be told in no other way.
            attempt.due_at = Some(ctx.now);
        } else if source == Source::Completion && is_lost(outcome) {
            attempt.due_at = completion::asked_after(&attempt, capabilities, ctx);
        } else if attempt.lease.is_none() && (answered || attempt.status != status_before) {
            let lost = source == Source::Inquiry && is_lost(outcome);
            attempt.due_at = attempt::due_after(&attempt, subject, capabilities, ctx.now)
                .or_else(|| {
                    let again = attempt::asked_again(&attempt, subject, capabilities, ctx.now);
                    again.filter(|_| lost).map(|at| at.max(ctx.now + patience(&attempt, outcome)))
                })
                .or_else(|| taken_back::looked_at_again(&attempt, ctx));
        }
    } else if answered
        && !attempt.status.is_live()
        && !resolution::may_still_be_paid(&attempt::facts(&attempt, subject))
    {
        attempt.due_at = None;
    }
    if attempt != moved {
        *book.attempt_mut(id, attempt_id) = attempt;
    }
}

/// Whether a message says of a payout that was refused, or had ended, that its PSP has it. The message may be the older
/// word of the two: its PSP is asked.
fn is_there_again(subject: Subject, attempt: &Attempt, outcome: &Outcome) -> bool {
    use AttemptStatus::{Cancelled, Declined, Expired};
    let is_taken = matches!(
        outcome,
        Outcome::Reported(Report { status: Status::Accepted { .. } | Status::Pending, .. })
    );
    let is_over = matches!(attempt.status, Declined | Cancelled | Expired);
    subject != Subject::Deposit && is_over && is_taken
}

/// Whether a deposit has just succeeded by a message that does not say who paid, at a PSP that can be
/// asked: without a source it could be paid back by its PSP's return alone.
fn is_nameless(
    payment: &Payment,
    attempt: &Attempt,
    capabilities: &Capabilities,
    ctx: &Ctx<'_>,
) -> bool {
    let known = |source: &Instrument| source.portable.is_some() || !source.tokens.is_empty();
    let just_now = attempt.status == AttemptStatus::Succeeded && Some(ctx.now) <= attempt.ended_at;
    let inquiry = &capabilities.deposit_inquiry;
    let can_ask = inquiry.by_our_reference || inquiry.by_psp_reference;
    let is_deposit = payment.subject() == Subject::Deposit;
    is_deposit && just_now && can_ask && !payment.source.as_ref().is_some_and(known)
}

/// An answer that was lost is sought soon. A PSP that answered and does not know itself, or speaks of something else,
/// will do so a moment later too.
fn patience(attempt: &Attempt, outcome: &Outcome) -> std::time::Duration {
    match outcome {
        Outcome::Unknown(Unknown::PspUndecided | Unknown::Mismatch) => LONG,
        _ => resolution::pause(u32::try_from(attempt.inquiries).unwrap_or(0)),
    }
}

const LONG: std::time::Duration = std::time::Duration::from_secs(15 * 60);

const fn is_lost(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unknown(_) | Outcome::NotSent(_))
}

/// Whether other money than was asked for was told, or less of a card than must be known, and not
/// believed yet.
fn is_unproven(attempt: &Attempt, outcome: &Outcome) -> bool {
    let told = match outcome {
        Outcome::Reported(Report {
            status: Status::Succeeded { money } | Status::Won { money },
            ..
        }) => Some(*money),
        _ => None,
    };
    let untold = kept::says(attempt, UNTOLD_CARD);
    let doubted = told.is_some_and(|money| money != attempt.asked || untold);
    attempt.status != AttemptStatus::Succeeded && doubted
}

const fn told_by_webhook(source: Source) -> bool {
    matches!(source, Source::Webhook { .. } | Source::Payin)
}

/// A PSP that answers about other money than it was asked for is shown to people, once.
fn alarm(book: &mut Book, id: Uuid, attempt_id: AttemptId, outcome: &Outcome, ctx: &Ctx<'_>) {
    let payment = &book.payments[&id];
    let (subject, attempt) = (payment.subject(), payment.attempt(attempt_id).cloned());
    let is_known = |it: &Attempt| match subject {
        Subject::Deposit => kept::speaks_of_other_money(it),
        Subject::Payout | Subject::Return => kept::is_a_question(it) || came_back_unpaid(it),
    };
    let told = attempt.as_ref().is_some_and(is_known);
    if matches!(outcome, Outcome::Unknown(Unknown::Mismatch)) && !told {
        kept::keep(book, id, attempt_id, MISMATCH);
        if subject != Subject::Deposit {
            if let Some(attempt) = attempt {
                late_payout::doubt_if_over(book, id, &attempt, ctx);
            }
            people::ask_what_became(book, id, attempt_id, ctx);
        }
        let detail = "the PSP answered about another amount, currency or reference";
        people::raise(book, "attempt.mismatch", id, Some(attempt_id), detail, ctx);
    }
}

/// A PSP that had paid and no longer knows what became of it is shown to people, once. Nothing moves before
/// it knows: the money may be back, or with the receiver.
fn alarm_undecided(book: &mut Book, id: Uuid, attempt_id: AttemptId, news: &News, ctx: &Ctx<'_>) {
    let payment = &book.payments[&id];
    let is_undecided = matches!(news.outcome, Outcome::Unknown(Unknown::PspUndecided));
    let has_paid = |attempt: &Attempt| {
        attempt.status == AttemptStatus::Succeeded && !kept::says(attempt, UNDECIDED)
    };
    let goes_out = payment.subject() != Subject::Deposit;
    let asked = news.source == Source::Inquiry && is_undecided && goes_out;
    if asked && payment.attempt(attempt_id).is_some_and(has_paid) {
        kept::keep_too(book, id, attempt_id, UNDECIDED);
        let detail = "the PSP had paid it, and says now that it does not know what became of it";
        people::raise(book, "attempt.undecided", id, Some(attempt_id), detail, ctx);
    }
}

/// Whether a hint, or what makes a question due, came while somebody was calling the PSP: what they heard may be older
/// than it. So it is where only a cancellation was asked for and was lost: nobody has asked what became of it, whatever
/// was told before.
fn was_hinted(before: &Attempt, news: &News, ctx: &Ctx<'_>) -> bool {
    let Some(lease) = &before.lease else {
        // It was given back by a message that moved the attempt meanwhile.
        let is_own = matches!(news.source, Source::Call | Source::Completion);
        return is_own && before.due_at.is_some_and(|due| due <= ctx.now);
    };
    let asked_at = Some(lease.until - ctx.lease);
    let is_question = [before.last_inquiry_at, before.last_ledger_at].contains(&asked_at);
    let is_cancel =
        news.source == Source::Inquiry && before.cancel == Some(Cancel::Asked) && !is_question;
    before.due_at.is_some_and(|due| due < lease.until) || (is_cancel && is_lost(&news.outcome))
}

fn count_misses(attempt: &mut Attempt, outcome: &Outcome, ctx: &Ctx<'_>) {
    match outcome {
        Outcome::NotFound => {
            attempt.misses += 1;
            attempt.first_missed_at = attempt.first_missed_at.or(Some(ctx.now));
            attempt.last_missed_at = Some(ctx.now);
        }
        Outcome::Reported(_) => {
            attempt.misses = 0;
            attempt.first_missed_at = None;
            attempt.last_missed_at = None;
        }
        Outcome::NotSent(_) | Outcome::Unknown(_) => {}
    }
}

pub(super) fn note_error(attempt: &mut Attempt, outcome: &Outcome) {
    let (code, retryable) = match outcome {
        Outcome::Reported(Report { status: Status::Declined(decline), .. }) => {
            (decline.code.clone(), decline.retry_elsewhere)
        }
        Outcome::NotSent(why) => (why.code().to_owned(), true),
        // Abandoned is the one lost answer after which another PSP may be asked.
        Outcome::Unknown(why) => {
            (why.code().to_owned(), attempt.status == AttemptStatus::Abandoned)
        }
        Outcome::Reported(_) | Outcome::NotFound => return,
    };
    // A lost inquiry says nothing about the attempt itself, and success needs no error.
    let speaks = matches!(
        attempt.status,
        AttemptStatus::Declined
            | AttemptStatus::NotSent
            | AttemptStatus::Unknown
            | AttemptStatus::Abandoned
    );
    // What people found is not forgotten for what is told later and changes nothing.
    let is_found = attempt.was_not_sent_for(NotSent::FoundUnpaid);
    if speaks && !is_found && attempt.error.as_ref().is_none_or(|known| known.code != code) {
        attempt.error = Some(AttemptError { code, retryable });
    }
}

/// Kept on an attempt of which a PSP said that a card paid it, and not whose money that card spends.
pub const UNTOLD_CARD: &str = "untold_card";
/// Kept on an attempt that was paid, of which its PSP said later that it does not know.
const UNDECIDED: &str = "undecided";

/// Whether the PSP provably never had this attempt, so that an unknown deposit may move on.
pub fn absence_is_proven(payment: &Payment, attempt: &Attempt, ctx: &Ctx<'_>) -> bool {
    let mut seen = attempt.clone();
    seen.misses += 1;
    seen.first_missed_at = seen.first_missed_at.or(Some(ctx.now));
    seen.last_missed_at = Some(ctx.now);
    ctx.psps.capabilities(&attempt.psp).is_some_and(|capabilities| {
        resolution::absence_is_proven(&attempt::facts(&seen, payment.subject()), capabilities)
    })
}
