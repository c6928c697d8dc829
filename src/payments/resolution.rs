//! How an attempt of unknown outcome is asked about: when, by what means, and when silence proves
//! something.
//!
//! The means, first possible first: inquire by our reference · by the PSP's id, when we hold it ·
//! read the PSP's ledger · replay the request, same attempt, same bytes, same key, while the PSP
//! still knows the key · await the webhook · two people. All of them are about the *same* attempt;
//! nothing here ever leads to another PSP.
//!
//! No timer ends an unknown attempt. A deposit's absence is proven by repeated misses over a
//! horizon; a payout's never by misses alone, because a payout that is believed absent and paid
//! again is gone twice. People are paged early and asked late.

use crate::domain::{AttemptStatus, Timestamp};
use psp_contract::{Capabilities, InquiryBy, InquiryCapability, KeyReplay, Subject};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The waits between one question and the next. After the last rung: hourly, then daily.
const LADDER: [Duration; 9] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(2 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    HOUR,
];
/// The PSP has it and has promised to tell: the ladder of an accepted attempt begins at 30 s.
const CALM_START: usize = 3;
/// From this age on once a day is enough.
const DAILY_FROM: Duration = Duration::from_secs(72 * 60 * 60);

/// An attempt that is still unknown after this long is shown to the people on call.
pub const PAGE_PEOPLE_AFTER_PAYOUT: Duration = Duration::from_secs(60 * 60);
pub const PAGE_PEOPLE_AFTER_DEPOSIT: Duration = Duration::from_secs(15 * 60);
/// A payout that its PSP has, and of which it has told no end for so long, is shown to them too.
pub const PAGE_PEOPLE_AFTER_ACCEPTED_PAYOUT: Duration = DAILY_FROM;
/// A payout that was refused after its PSP had taken it may be paid after all: so long it is asked
/// about, because the message that says so may be lost.
pub const WATCHED_AFTER_REFUSAL: Duration = Duration::from_secs(14 * 24 * 60 * 60);

const MISSES_THAT_PROVE: u32 = 3;
const HORIZON_DEPOSIT: Duration = Duration::from_secs(15 * 60);
/// So long a silence that proves nothing by itself is put before two people.
const HORIZON_PEOPLE: Duration = DAY;

/// What to do next about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    Inquire(InquiryBy),
    /// Send the same bytes with the same key again: the PSP answers what it answered first.
    Replay,
    /// Nothing can be asked now; the PSP's webhook may still come.
    AwaitNews,
    /// Open a review: two people read the PSP's own pages and say what happened.
    AskPeople,
}

/// What must be known of an attempt to choose.
#[derive(Debug, Clone, Copy)]
pub struct AttemptFacts<'a> {
    pub subject: Subject,
    pub status: AttemptStatus,
    /// The PSP's own id, when we hold it.
    pub psp_reference: Option<&'a str>,
    /// The PSP had confirmed before that it has this attempt.
    pub was_accepted: bool,
    pub first_sent_at: Timestamp,
    /// When it ended; when it was sent, as long as it has not.
    pub over_since: Timestamp,
    /// Questions asked so far, replays included.
    pub inquiries: u32,
    pub last_inquiry_at: Option<Timestamp>,
    /// When the PSP's ledger was last read for this attempt.
    pub last_ledger_at: Option<Timestamp>,
    /// Consecutive answers "not found"; any other answer of the PSP sets it back to zero.
    pub misses: u32,
    pub first_missed_at: Option<Timestamp>,
    pub last_missed_at: Option<Timestamp>,
    /// Its PSP was told to take a deposit's money, and nobody has heard what came of it.
    pub word_is_out: bool,
    /// Over by what two people said, or against what its PSP says: it may be paid yet.
    pub may_be_paid: bool,
    /// Two people have been asked already. Questions then go on: an answer beats a vote. Nothing is sent again:
    /// what they read at the PSP must stay true.
    pub people_asked: bool,
}

/// The first possible means, now.
pub fn choose(facts: &AttemptFacts<'_>, capabilities: &Capabilities, now: Timestamp) -> Means {
    if !facts.people_asked && silence_needs_people(facts, now) {
        return Means::AskPeople;
    }
    let inquiry = capabilities.inquiry(facts.subject);
    let direct_is_due = has_passed(facts.last_inquiry_at, inquiry.min_interval, now);
    if let Some(by) = direct(facts, inquiry).filter(|_| direct_is_due) {
        return Means::Inquire(by);
    }
    if inquiry.by_ledger && has_passed(facts.last_ledger_at, inquiry.ledger_min_interval, now) {
        return Means::Inquire(InquiryBy::Ledger);
    }
    if may_replay(facts, capabilities, now) {
        return Means::Replay;
    }
    let nothing_to_ask = !can_be_asked(facts, capabilities, now);
    if nothing_to_ask && !facts.people_asked && page_is_due(facts, now) {
        return Means::AskPeople;
    }
    Means::AwaitNews
}

/// When to look at the attempt again, given everything asked so far. Never before `now`.
pub fn next_due(
    facts: &AttemptFacts<'_>,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Timestamp {
    if !can_be_asked(facts, capabilities, now) {
        return next_concern(facts, now);
    }
    let inquiry = capabilities.inquiry(facts.subject);
    let rung = facts.last_inquiry_at.unwrap_or(facts.first_sent_at) + wait(facts, now);
    let earliest = if direct(facts, inquiry).is_some() {
        facts.last_inquiry_at.map(|at| at + inquiry.min_interval)
    } else if inquiry.by_ledger && !may_replay(facts, capabilities, now) {
        facts.last_ledger_at.map(|at| at + inquiry.ledger_min_interval)
    } else {
        None
    };
    rung.max(earliest.unwrap_or(rung)).max(now)
}

/// How long to wait for the next question after so many, where the last one's answer was lost: five minutes at most.
pub fn pause(asked: u32) -> Duration {
    let rung = LADDER.get(usize::try_from(asked).unwrap_or(usize::MAX)).copied();
    rung.unwrap_or(PAUSE_MAX).min(PAUSE_MAX)
}

const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// Whether a question about the attempt can be put at all, be it too early for the next one.
pub fn can_be_asked(facts: &AttemptFacts<'_>, capabilities: &Capabilities, now: Timestamp) -> bool {
    let inquiry = capabilities.inquiry(facts.subject);
    direct(facts, inquiry).is_some() || inquiry.by_ledger || may_replay(facts, capabilities, now)
}

/// When to look at what nobody can be asked about. The ladder counts questions: without any its next rung
/// stays in the past, and would be climbed every second.
fn next_concern(facts: &AttemptFacts<'_>, now: Timestamp) -> Timestamp {
    let old = DAILY_FROM <= now - facts.first_sent_at;
    let later = now + if old { DAY } else { HOUR };
    let page = page_due_at(facts).filter(|at| now < *at);
    page.map_or(later, |page| page.min(later))
}

/// Whether the PSP provably never had this attempt: what turns `unknown` into `not_sent`.
///
/// For deposits only, by three consecutive misses over fifteen minutes that all lie past the PSP's
/// own quiet time, and only where the PSP can be asked by our reference: a ledger shows what was
/// booked and says nothing of what is still under way. Who gave us an id of theirs had it.
pub fn absence_is_proven(facts: &AttemptFacts<'_>, capabilities: &Capabilities) -> bool {
    let inquiry = capabilities.inquiry(facts.subject);
    let can_be_absent = matches!(facts.status, AttemptStatus::Unknown)
        && facts.psp_reference.is_none()
        && inquiry.by_our_reference;
    match facts.subject {
        Subject::Deposit => {
            let quiet_until = facts.first_sent_at + inquiry.not_found_quiet;
            can_be_absent && missed_for(facts, quiet_until, HORIZON_DEPOSIT)
        }
        Subject::Payout | Subject::Return => false,
    }
}

/// Whether the people on call must be shown this attempt.
pub fn page_is_due(facts: &AttemptFacts<'_>, now: Timestamp) -> bool {
    page_due_at(facts).is_some_and(|at| at <= now)
}

fn page_due_at(facts: &AttemptFacts<'_>) -> Option<Timestamp> {
    let patience = match (facts.status, facts.subject) {
        (AttemptStatus::Unknown, Subject::Deposit) => PAGE_PEOPLE_AFTER_DEPOSIT,
        (AttemptStatus::Unknown, Subject::Payout | Subject::Return) => PAGE_PEOPLE_AFTER_PAYOUT,
        (AttemptStatus::Accepted, Subject::Payout | Subject::Return) => {
            PAGE_PEOPLE_AFTER_ACCEPTED_PAYOUT
        }
        _ => return None,
    };
    Some(facts.first_sent_at + patience)
}

/// Whether the attempt is asked about at all: while it is unknown or accepted; once it is abandoned, or
/// cancelled while our word to take its money was out, until the PSP's own session has run out; and for
/// a fortnight after its end where money that leaves may be paid all the same.
pub fn is_asked_about(
    facts: &AttemptFacts<'_>,
    capabilities: &Capabilities,
    now: Timestamp,
) -> bool {
    match facts.status {
        AttemptStatus::Unknown | AttemptStatus::Accepted => true,
        AttemptStatus::Abandoned => in_session(facts, capabilities, now),
        AttemptStatus::Cancelled if matches!(facts.subject, Subject::Deposit) => {
            facts.word_is_out && in_session(facts, capabilities, now)
        }
        AttemptStatus::Declined
        | AttemptStatus::NotSent
        | AttemptStatus::Cancelled
        | AttemptStatus::Expired => {
            may_still_be_paid(facts) && now < facts.over_since + WATCHED_AFTER_REFUSAL
        }
        AttemptStatus::Prepared
        | AttemptStatus::InFlight
        | AttemptStatus::Succeeded
        | AttemptStatus::Returned
        | AttemptStatus::Reversed => false,
    }
}

/// Whether money that leaves may be paid although its attempt is over: its PSP had taken it, or people called it
/// unpaid.
pub const fn may_still_be_paid(facts: &AttemptFacts<'_>) -> bool {
    let is_over = matches!(
        facts.status,
        AttemptStatus::Declined
            | AttemptStatus::NotSent
            | AttemptStatus::Cancelled
            | AttemptStatus::Expired
    );
    let leaves = !matches!(facts.subject, Subject::Deposit);
    leaves && is_over && (facts.was_accepted || facts.may_be_paid)
}

fn in_session(facts: &AttemptFacts<'_>, capabilities: &Capabilities, now: Timestamp) -> bool {
    let deposit = capabilities.deposit.as_ref();
    let life = deposit.map_or(Duration::ZERO, |deposit| deposit.session_life);
    now < facts.first_sent_at + life
}

fn direct(facts: &AttemptFacts<'_>, inquiry: &InquiryCapability) -> Option<InquiryBy> {
    if inquiry.by_our_reference {
        return Some(InquiryBy::OurReference);
    }
    let held = facts.psp_reference.filter(|_| inquiry.by_psp_reference)?;
    Some(InquiryBy::PspReference(held.to_owned()))
}

fn may_replay(facts: &AttemptFacts<'_>, capabilities: &Capabilities, now: Timestamp) -> bool {
    let idempotency = &capabilities.idempotency;
    let window = idempotency.key_life.saturating_sub(idempotency.margin);
    let may_pay = !matches!(facts.subject, Subject::Deposit);
    matches!(idempotency.replay, KeyReplay::SameAnswer)
        && matches!(facts.status, AttemptStatus::Unknown)
        && !(may_pay && facts.people_asked)
        && now < facts.first_sent_at + window
}

/// The PSP does not know it for a whole day, and that proved nothing: it may be gone, and it may be
/// lost inside the PSP. Machines stop concluding here.
fn silence_needs_people(facts: &AttemptFacts<'_>, now: Timestamp) -> bool {
    let first = facts.first_missed_at;
    matches!(facts.status, AttemptStatus::Unknown)
        && facts.misses >= MISSES_THAT_PROVE
        && first.is_some_and(|at| now - at >= HORIZON_PEOPLE)
}

fn missed_for(facts: &AttemptFacts<'_>, not_before: Timestamp, horizon: Duration) -> bool {
    let (Some(first), Some(last)) = (facts.first_missed_at, facts.last_missed_at) else {
        return false;
    };
    facts.misses >= MISSES_THAT_PROVE && last - first.max(not_before) >= horizon
}

fn has_passed(since: Option<Timestamp>, interval: Duration, now: Timestamp) -> bool {
    since.is_none_or(|at| now >= at + interval)
}

fn wait(facts: &AttemptFacts<'_>, now: Timestamp) -> Duration {
    if now - facts.first_sent_at >= DAILY_FROM {
        return DAY;
    }
    let asked = usize::try_from(facts.inquiries).unwrap_or(usize::MAX);
    let first = match facts.status {
        AttemptStatus::Accepted
        | AttemptStatus::Declined
        | AttemptStatus::Expired
        | AttemptStatus::Cancelled => CALM_START,
        AttemptStatus::Unknown
        | AttemptStatus::Abandoned
        | AttemptStatus::Prepared
        | AttemptStatus::InFlight
        | AttemptStatus::NotSent
        | AttemptStatus::Succeeded
        | AttemptStatus::Returned
        | AttemptStatus::Reversed => 0,
    };
    let rung = LADDER.get(asked.saturating_add(first)).copied();
    rung.unwrap_or(HOUR)
}

#[cfg(test)]
#[path = "resolution_tests.rs"]
mod tests;
