//! What moved at PSPs, by what they and people said of attempts: what the books are held against.

use interlock::book::{Attempt, Book, Payment, Proposal, ProposalState};
use interlock::domain::{AttemptId, AttemptStatus, DepositStatus, Direction, Money};
use psp_contract::Status;
use std::collections::BTreeMap;

/// Where an attempt stands, and its deposit.
#[derive(Debug)]
pub struct Standing {
    pub psp: String,
    pub direction: Direction,
    pub asked: Money,
    status: AttemptStatus,
    deposit: Option<DepositStatus>,
}

pub fn standings(book: &Book) -> BTreeMap<AttemptId, Standing> {
    let of = |payment: &Payment| {
        let (direction, deposit) = (payment.direction(), payment.deposit_status());
        let attempts = payment.attempts.iter().map(move |attempt| {
            let (psp, asked, status) = (attempt.psp.clone(), attempt.asked, attempt.status);
            (attempt.id, Standing { psp, direction, asked, status, deposit })
        });
        attempts.collect::<Vec<_>>()
    };
    book.all_payments().flat_map(of).collect()
}

/// What moved when a PSP said this of an attempt: of a deposit what came in, of a payout what went out,
/// less what went back.
pub fn moved(was: &Standing, now: &Standing, told: &Status) -> i64 {
    use AttemptStatus::{Returned, Reversed, Succeeded};
    let is_back = |at: &Standing| matches!(at.status, Returned | Reversed);
    let is_paid = |at: &Standing| at.status == Succeeded || is_back(at);
    let deposit_became = |from, to| was.deposit == Some(from) && now.deposit == Some(to);
    match told {
        // It is paid, or its dispute was won.
        Status::Succeeded { money } | Status::Won { money } => {
            let won =
                is_back(was) && deposit_became(DepositStatus::Reversed, DepositStatus::Succeeded);
            if won || (!is_paid(was) && is_paid(now)) { money.minor } else { 0 }
        }
        // Who tells of a taking-back vouches for what was paid before it: of a deposit, for no more than was
        // taken. What stands again can be taken back again.
        Status::Returned { money } | Status::Reversed { money } => {
            let arrived = if was.deposit.is_some() { *money } else { was.asked };
            let vouched = if !is_paid(was) && is_paid(now) { arrived.minor } else { 0 };
            let again =
                is_back(was) && deposit_became(DepositStatus::Succeeded, DepositStatus::Reversed);
            let gone = if again || (!is_back(was) && is_back(now)) { money.minor } else { 0 };
            vouched - gone
        }
        _ => 0,
    }
}

/// Who has had a part of a payout is asked for it once more by two people's approval alone, once an approval, and only
/// where what it said last proves that it has not paid: whatever it took must have been refused for good.
pub fn check_tries(book: &Book) {
    use AttemptStatus::{Cancelled, Declined, NotSent};
    for payout in book.payments.values().filter(|it| it.direction() == Direction::Withdrawal) {
        let approvals = book.reviews.values().filter(|case| {
            let is_approved =
                |it: &Proposal| it.state == ProposalState::Approved && it.outcome == "approve";
            let is_stuck = case.payment == Some(payout.id.uuid) && case.kind == "payout_stuck";
            is_stuck && case.proposals.iter().any(is_approved)
        });
        let most = 1 + approvals.count();
        let mut tries: BTreeMap<_, Vec<&Attempt>> = BTreeMap::new();
        for attempt in &payout.attempts {
            let was_never_had = match attempt.status {
                NotSent => true,
                Cancelled => !attempt.was_accepted,
                _ => false,
            };
            if !was_never_had {
                tries.entry((attempt.part, attempt.psp.as_str())).or_default().push(attempt);
            }
        }
        for tried in tries.into_values() {
            assert!(tried.len() <= most, "{} tries by {most}: {tried:?}", tried.len());
            let Some((_, before)) = tried.split_last() else { continue };
            for it in before {
                let is_late = it.status.has_succeeded();
                assert!(it.status == Declined || is_late, "asked again after {it:?}");
            }
        }
    }
}
