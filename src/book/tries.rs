//! Which PSPs of a plan may be asked next, by what came of the tries before.
//!
//! A PSP that refused a payout has had its try. Two people may have it asked once more, where what it said proves that
//! it has not paid: it refused the payout in its very answer, or by a code that its adapter lists as final.

use super::payment::{Attempt, Payment};
use crate::domain::{AttemptStatus, PartId, PartStatus};
use psp_contract::{NotSent, Subject};

/// Kept of a refused payout: two people let its PSP be asked once more, and it has not been since.
pub const ASKED_ANEW: &str = "people let its PSP be asked anew";
/// Kept of a payout that its PSP had taken, and refused later by a code that is listed as final.
pub const REFUSED_FOR_GOOD: &str = "refused for good";

impl Attempt {
    fn keeps(&self, phrase: &str) -> bool {
        self.kept().any(|known| known == phrase)
    }

    /// Whether its PSP has refused it so that it is surely unpaid, and nothing that was ever told of it says otherwise.
    fn is_surely_refused(&self) -> bool {
        let is_final = !self.was_accepted || self.keeps(REFUSED_FOR_GOOD);
        let mut kept = self.kept();
        let is_undoubted = kept.all(|known| [ASKED_ANEW, REFUSED_FOR_GOOD].contains(&known));
        self.status == AttemptStatus::Declined && is_final && is_undoubted
    }

    /// Whether its refusal counts no more, because people let its PSP be asked once more.
    fn is_asked_anew(&self) -> bool {
        self.is_surely_refused() && self.keeps(ASKED_ANEW)
    }
}

impl Payment {
    /// Whether two people who send a held part again may have this attempt's PSP asked once more. Of a return never:
    /// one that is refused ends, and another is opened for it.
    pub fn may_ask_anew(&self, refused: &Attempt) -> bool {
        let mut of_part = self.attempts.iter().filter(|it| it.part == refused.part);
        self.subject() == Subject::Payout
            && self.is_held(refused.part)
            && refused.is_surely_refused()
            && !of_part.any(|it| it.status.is_live() || it.status.has_succeeded())
    }

    /// Whether this PSP has had its try at a deposit or a part. What provably never reached it counts
    /// while the payment is under way; once people send a held part again, it is no reason to pass it over,
    /// and neither is what was called off before anybody sent it. That people found it unpaid is one. So is a
    /// refusal, until people let it be asked anew.
    pub fn was_tried(&self, part: Option<PartId>, psp: &str) -> bool {
        let held = self.is_held(part);
        let anew = self.tries(part, psp).filter(|it| it.is_asked_anew()).map(|it| it.number).max();
        let is_over = |attempt: &Attempt| held || Some(attempt.number) < anew;
        let counts = |attempt: &Attempt| match attempt.status {
            AttemptStatus::NotSent => {
                !is_over(attempt) || attempt.was_not_sent_for(NotSent::FoundUnpaid)
            }
            // What we called off before it was sent, its PSP never had.
            AttemptStatus::Cancelled => !is_over(attempt) || attempt.was_accepted,
            AttemptStatus::Declined => !attempt.is_asked_anew(),
            _ => true,
        };
        self.tries(part, psp).any(counts)
    }

    fn tries<'a>(
        &'a self,
        part: Option<PartId>,
        psp: &'a str,
    ) -> impl Iterator<Item = &'a Attempt> {
        self.attempts.iter().filter(move |it| it.part == part && it.psp == psp)
    }

    fn is_held(&self, part: Option<PartId>) -> bool {
        part.and_then(|part| self.part(part)).is_some_and(|it| it.status == PartStatus::Held)
    }

    /// Whether a PSP was only passed over, once, because it failed while others worked: nobody has refused
    /// anything there.
    fn was_passed_over(&self, part: Option<PartId>, psp: &str) -> bool {
        let mut tries = self.tries(part, psp);
        let (first, second) = (tries.next(), tries.next());
        second.is_none() && first.is_some_and(|it| it.was_not_sent_for(NotSent::BreakerOpen))
    }

    /// Whether all that a PSP has had of a part that people send again was found unpaid by people. It comes last:
    /// it may have what it denied.
    fn was_found_unpaid(&self, part: Option<PartId>, psp: &str) -> bool {
        let mut tries = self.tries(part, psp);
        self.is_held(part)
            && tries.all(|it| {
                let ours = matches!(it.status, AttemptStatus::NotSent | AttemptStatus::Cancelled);
                ours && !it.was_accepted
            })
    }

    /// The best PSP of the plan that was not tried yet and can be told where the money goes.
    pub fn next_psp(&self, part: Option<PartId>) -> Option<&str> {
        self.untried_psps(part).first().copied()
    }

    /// All of them, the best first. When they have all had their try, those come once more that were only
    /// passed over (a payment does not fail for want of a PSP that was never called), then those that refused it and
    /// that people let be asked anew, and then those of which people found that they paid nothing.
    pub fn untried_psps(&self, part: Option<PartId>) -> Vec<&str> {
        let mut ranked: Vec<_> = self
            .route_of(part)
            .candidates
            .iter()
            .filter_map(|candidate| candidate.rank.map(|rank| (rank, candidate.psp.as_str())))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let is_payable = |psp: &&str| {
            part.and_then(|part| self.part(part))
                .is_none_or(|part| self.returns.is_some() || part.can_be_named_to(psp))
        };
        let psps = ranked.into_iter().map(|(_, psp)| psp).filter(is_payable);
        let (tried, left): (Vec<_>, Vec<_>) = psps.partition(|psp| self.was_tried(part, psp));
        let (passed_over, tried): (Vec<_>, Vec<_>) =
            tried.into_iter().partition(|psp| self.was_passed_over(part, psp));
        let (refused, mut left): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|psp| self.tries(part, psp).any(Attempt::is_asked_anew));
        left.extend(passed_over);
        left.extend(refused);
        left.extend(tried.into_iter().filter(|psp| self.was_found_unpaid(part, psp)));
        left
    }
}
