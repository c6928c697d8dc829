//! What an outcome means for its attempt: the one place where a lost answer is decided.
//!
//! Three things are told apart, here and nowhere else: the PSP *provably* did nothing (another PSP
//! may be asked), the PSP has it or refused it, and we *do not know*. Not knowing never moves on
//! for money that leaves; for a deposit it does so only where nothing can move without the answer
//! that was lost and the payer was shown nothing.
//!
//! | Row | Evidence | As an outcome | Deposit | Payout |
//! |---|---|---|---|---|
//! | O1 | kept away or switched off, DNS, refused, TLS, no time before the first byte | `NotSent` | not sent, moves on | the same |
//! | O2 | HTTP/2 says "not processed" | `NotSent` | not sent, moves on | the same |
//! | O3 | 4xx for our own fault | `Declined` when the adapter lists it as definite, else `Unknown` | moves on if retryable | the same, else unknown |
//! | O4 | 429/503 documented as "not processed" | `Declined`, PSP's fault | moves on | moves on |
//! | O5 | hard decline | `Declined`, not retryable | stops | stops, the hold is released |
//! | O6 | soft decline | `Declined`, retryable where listed | moves on until an action was told | moves on if retryable |
//! | O7 | the payer must act | `Accepted` with an action | accepted | cannot be |
//! | O8 | accepted, processing | `Accepted`, `Pending` | accepted, waits | accepted, never moves on |
//! | O9 | read timeout, reset after bytes left | `Unknown` | abandoned or unknown | unknown |
//! | O10 | undocumented 5xx | `Unknown` | abandoned or unknown | unknown |
//! | O11 | unreadable, or about other money | `Unknown` | abandoned or unknown | unknown |
//! | O12 | the PSP itself does not know | `Unknown` | abandoned or unknown | unknown |
//! | O13 | "this reference was used before" | `Unknown` | abandoned or unknown | unknown |
//! | O14 | our process ended between sending and recording | `Unknown` | abandoned or unknown | unknown |
//! | O15 | our process ended after recording | the same outcome again | the same verdict | the same verdict |
//! | O16 | our own commit is in doubt | recorded: as O14; not recorded: nothing was sent | as O14 | as O14 |
//! | O17 | an inquiry finds nothing | `NotFound` | nothing; absence is [`super::resolution`]'s to prove | nothing |
//! | O18 | success after we gave up | `Succeeded` | succeeded, the caller sees whose money it is | succeeded |
//! | O19 | back after success | `Returned`, `Reversed` | returned, reversed | returned, reversed |
//! | O20 | sources contradict each other | a regression | nothing; the machine refuses the rest | the same |
//!
//! A refused *replay* that does not name the PSP's own payment is no row of this table: it says nothing
//! about the first sending, so nothing changes. Only where the PSP needs the payer to act on the answer
//! that was lost can nothing have moved, and the refusal counts.
//!
//! "Abandoned or unknown": abandoned when the PSP needs the payer to act on the answer that was
//! lost and no action of this deposit was told yet, else unknown.

use crate::domain::{AttemptStatus, Money};
use psp_contract::{Capabilities, Outcome, Report, Status, Subject};

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The PSP has it.
    Accepted,
    /// The money moved. Whether it is the money that was asked for is [`Facts::is_as_asked`]'s to
    /// say, and where it goes is the ledger's.
    Succeeded,
    /// A definite refusal, and whether another PSP may be asked. A payout refused after it was
    /// accepted stays put unless the adapter lists the code as irreversible.
    Declined {
        move_on: bool,
    },
    /// It provably never reached the PSP: another may be asked.
    NotSent,
    /// It may have reached the PSP: nobody else is asked, ever.
    Unknown,
    /// The answer is lost and nothing can move without it: another may be asked.
    Abandoned,
    Expired,
    Cancelled,
    Returned,
    Reversed,
    /// News that changes nothing: it is kept on the attempt.
    Nothing,
}

impl Verdict {
    /// Whether another PSP may now be asked.
    pub const fn moves_on(self) -> bool {
        match self {
            Verdict::Declined { move_on } => move_on,
            Verdict::NotSent | Verdict::Abandoned => true,
            Verdict::Accepted
            | Verdict::Succeeded
            | Verdict::Unknown
            | Verdict::Expired
            | Verdict::Cancelled
            | Verdict::Returned
            | Verdict::Reversed
            | Verdict::Nothing => false,
        }
    }

    /// The status that the attempt goes to, by [`super::attempt_machine::steps`].
    pub const fn status(self) -> Option<AttemptStatus> {
        match self {
            Verdict::Accepted => Some(AttemptStatus::Accepted),
            Verdict::Succeeded => Some(AttemptStatus::Succeeded),
            Verdict::Declined { .. } => Some(AttemptStatus::Declined),
            Verdict::NotSent => Some(AttemptStatus::NotSent),
            Verdict::Unknown => Some(AttemptStatus::Unknown),
            Verdict::Abandoned => Some(AttemptStatus::Abandoned),
            Verdict::Expired => Some(AttemptStatus::Expired),
            Verdict::Cancelled => Some(AttemptStatus::Cancelled),
            Verdict::Returned => Some(AttemptStatus::Returned),
            Verdict::Reversed => Some(AttemptStatus::Reversed),
            Verdict::Nothing => None,
        }
    }
}

/// What must be known of an attempt to judge an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub subject: Subject,
    pub asked: Money,
    /// The payer was told a next action of this deposit. From then on the payer may pay there at
    /// any moment, so no other PSP is asked.
    pub action_told: bool,
    /// The PSP has confirmed that it has this attempt, or tells of it from its own books.
    pub was_accepted: bool,
    /// None: this instance does not know the account, and nothing is abandoned there.
    pub capabilities: Option<&'a Capabilities>,
    /// The outcome is of anything but the attempt's first sending: an inquiry, a replay, a
    /// cancellation, or a sending that came too late to be the only one. That *this* message was
    /// lost says nothing about the others.
    pub from_inquiry: bool,
    /// The outcome answers the same request sent once more. What turns such a request away at the
    /// PSP's door has not looked for the first one.
    pub from_replay: bool,
}

impl Facts<'_> {
    /// Whether money that moved is the money that was asked for. If not it goes to suspense.
    pub fn is_as_asked(&self, moved: Money) -> bool {
        moved == self.asked
    }

    const fn is_deposit(&self) -> bool {
        matches!(self.subject, Subject::Deposit)
    }

    fn needs_our_answer(&self) -> bool {
        let deposit = self.capabilities.and_then(|capabilities| capabilities.deposit.as_ref());
        self.is_deposit() && deposit.is_some_and(|deposit| deposit.needs_our_answer)
    }

    /// Whether a replay was refused without a word about the money that may have left the first time:
    /// by a check of credentials, limits or balance that comes before the PSP looks up the key.
    fn is_turned_away(&self, report: &Report) -> bool {
        self.from_replay
            && !self.needs_our_answer()
            && report.psp_reference.is_none()
            && matches!(report.status, Status::Declined(_))
    }

    /// Whether a lost message can still say something about the attempt.
    const fn is_open(&self) -> bool {
        !self.from_inquiry && !self.was_accepted
    }
}

/// Judges one outcome. The table at the head of this module is its specification.
pub fn verdict(outcome: &Outcome, facts: &Facts<'_>) -> Verdict {
    match outcome {
        Outcome::Reported(report) if facts.is_turned_away(report) => Verdict::Nothing,
        Outcome::Reported(report) => reported(&report.status, facts),
        Outcome::NotSent(_) if !facts.is_open() => Verdict::Nothing,
        // Where an action was told something had been sent, so this contradicts what we know. The
        // attempt's lease runs out and inquiry settles it.
        Outcome::NotSent(_) if facts.is_deposit() && facts.action_told => Verdict::Nothing,
        Outcome::NotSent(_) => Verdict::NotSent,
        Outcome::Unknown(_) if !facts.is_open() => Verdict::Nothing,
        Outcome::Unknown(_) if facts.needs_our_answer() && !facts.action_told => Verdict::Abandoned,
        Outcome::Unknown(_) => Verdict::Unknown,
        // One miss proves nothing; see `resolution::absence_is_proven`.
        Outcome::NotFound => Verdict::Nothing,
    }
}

fn reported(status: &Status, facts: &Facts<'_>) -> Verdict {
    match status {
        Status::Accepted { .. } => Verdict::Accepted,
        // As the first answer it says that the PSP has it; later it says nothing new.
        // The payer has approved, and nothing has moved: the PSP has it, and no more than that.
        Status::AwaitsCompletion if facts.is_open() => Verdict::Accepted,
        Status::AwaitsCompletion => Verdict::Nothing,
        Status::Pending if facts.is_open() => Verdict::Accepted,
        Status::Pending => Verdict::Nothing,
        Status::Succeeded { .. } => Verdict::Succeeded,
        // What was won had come.
        Status::Won { .. } if facts.is_deposit() => Verdict::Succeeded,
        Status::Won { .. } => Verdict::Nothing,
        Status::Declined(decline) => Verdict::Declined {
            move_on: decline.retry_elsewhere && may_move_on(decline.irreversible, facts),
        },
        Status::Expired => Verdict::Expired,
        Status::Cancelled => Verdict::Cancelled,
        Status::Returned { .. } => Verdict::Returned,
        Status::Reversed { .. } => Verdict::Reversed,
    }
}

/// Whether a retryable refusal may lead to another PSP.
const fn may_move_on(irreversible: bool, facts: &Facts<'_>) -> bool {
    match facts.subject {
        Subject::Deposit => !facts.action_told,
        Subject::Payout => !facts.was_accepted || irreversible,
        // A deposit goes back through the PSP that took it, or not at all.
        Subject::Return => false,
    }
}

#[cfg(test)]
#[path = "failover_tests.rs"]
mod tests;
