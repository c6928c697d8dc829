//! A deposit's session at its PSP: when it is over, and what is asked before it is given up.
//!
//! Some PSPs can be asked about a deposit by their ledger alone, which shows it once its money is there.
//! While the payer may still act there is nothing to learn from it. When the session is over it is read
//! once: a lost notification must not make money that came look like money that never did.

use super::command::Task;
use crate::book::Attempt;
use crate::domain::{AttemptStatus, Timestamp};
use psp_contract::{Capabilities, InquiryBy, Subject};

/// Whether an accepted deposit may expire: its time is up, and its PSP cannot be asked or has said since
/// then that nothing came.
pub fn may_expire(attempt: &Attempt, capabilities: &Capabilities, now: Timestamp) -> bool {
    let Some(expires) = over_since(attempt, now) else { return false };
    let missed = attempt.last_missed_at.is_some_and(|at| expires <= at);
    missed || !can_be_asked(attempt, capabilities)
}

/// Whether the PSP can be asked at all. One that can is asked until it says how the deposit ended, or that
/// it knows of none: a payer may have paid at the last moment, and the message of it may be lost.
fn can_be_asked(attempt: &Attempt, capabilities: &Capabilities) -> bool {
    let inquiry = &capabilities.deposit_inquiry;
    let by_its_id = inquiry.by_psp_reference && attempt.psp_reference.is_some();
    inquiry.by_our_reference || by_its_id || inquiry.by_ledger
}

/// What is due for an accepted deposit whose PSP can be asked by its ledger alone. None: it is another
/// attempt, and its ladder decides.
pub fn task_of(
    attempt: &Attempt,
    subject: Subject,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Option<Task> {
    if !waits_for_ledger(attempt, subject, capabilities) {
        return None;
    }
    let pause = capabilities.deposit_inquiry.ledger_min_interval;
    let allowed = attempt.last_ledger_at.is_none_or(|at| at + pause <= now);
    let over = over_since(attempt, now).is_some();
    let asks = over && allowed && !may_expire(attempt, capabilities, now);
    Some(if asks { Task::Inquire(InquiryBy::Ledger) } else { Task::Wait })
}

/// Whether nothing can be asked about the attempt before its session is over.
pub fn waits_for_ledger(attempt: &Attempt, subject: Subject, capabilities: &Capabilities) -> bool {
    let accepted = attempt.status == AttemptStatus::Accepted && attempt.expires_at.is_some();
    subject == Subject::Deposit && accepted && ledger_alone(capabilities)
}

fn ledger_alone(capabilities: &Capabilities) -> bool {
    let inquiry = &capabilities.deposit_inquiry;
    inquiry.by_ledger && !inquiry.by_our_reference && !inquiry.by_psp_reference
}

fn over_since(attempt: &Attempt, now: Timestamp) -> Option<Timestamp> {
    let accepted = attempt.status == AttemptStatus::Accepted;
    attempt.expires_at.filter(|expires| accepted && *expires <= now)
}
