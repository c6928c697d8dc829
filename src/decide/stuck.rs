//! A payout that no PSP of its plan took: the case that people decide, and whom they may have asked again.

use super::command::{Ctx, Source};
use super::people::ask_people;
use super::{kept, psp_answers};
use crate::book::tries::{ASKED_ANEW, REFUSED_FOR_GOOD};
use crate::book::{Attempt, Book, CaseAct, Payment};
use crate::domain::{AttemptId, PartId, PartStatus};
use crate::routing::plan;
use psp_contract::{Outcome, Report, Status};
use uuid::Uuid;

/// The kind of case in which two people may have a PSP asked once more that has refused a payout.
pub const KIND: &str = "payout_stuck";

/// Whether the market has another PSP, which was not tried for this part because it cannot pay this very
/// instrument: people decide then (the first PSP will be back, or the player has another account)
/// instead of the player being told that it failed.
pub fn has_other(book: &Book, id: Uuid, part: PartId) -> bool {
    let payment = &book.payments[&id];
    let candidates = &payment.route_of(Some(part)).candidates;
    candidates.iter().any(|candidate| {
        let is_there = candidate.rank.is_some() || candidate.reason == plan::CANNOT_PAY;
        is_there && !payment.was_tried(Some(part), &candidate.psp)
    })
}

/// Puts it before people. Its case begins with the same words, and with who is asked if they approve.
pub fn ask(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    ask_people(book, id, None, KIND, ctx);
    let why = psp_answers::of(&book.payments[&id]);
    let told = why.into_iter().map(|it| match it.observed {
        Some(observed) => format!("{} ({observed})", it.message),
        None => it.message,
    });
    let mut told = told.collect::<Vec<_>>();
    told.push(match &asked_by_approval(&book.payments[&id], ctx)[..] {
        [] => "an approval asks nobody: what is left is to reject it".to_owned(),
        psps => format!("an approval asks {}", psps.join(", ")),
    });
    let told = told.join("; ");
    let mut open = book.reviews.values().filter(|it| it.open && it.payment == Some(id));
    let case = open.find(|it| it.kind == KIND).map(|it| it.id.0);
    if let Some(review) = case.and_then(|case| book.review_mut(case)) {
        review.tell(CaseAct::Note, None, Some(&told), ctx.now);
    }
}

/// Two people let a payout go on. In the case of one that is stuck they let each PSP be asked once more that has
/// surely refused a part which is held; whoever lets it go for another cause has not been asked about that.
pub fn let_ask_anew(book: &mut Book, id: Uuid, kind: &str) {
    let payment = &book.payments[&id];
    let may = |it: &Attempt| kind == KIND && payment.may_ask_anew(it);
    let refused = payment.attempts.iter().map(|it| (it.id, may(it))).collect::<Vec<_>>();
    for (attempt, may) in refused {
        if may {
            kept::keep_too(book, id, attempt, ASKED_ANEW);
        } else {
            kept::forget(book, id, attempt, ASKED_ANEW);
        }
    }
}

/// Keeps of a payout's end what its status and its code do not say: its PSP had taken it, and has refused it for good.
pub fn note_end(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    (outcome, source): (&Outcome, Source),
) {
    let is_final = matches!(
        outcome,
        Outcome::Reported(Report { status: Status::Declined(decline), .. }) if decline.irreversible
    );
    // What two people found is not the PSP's own word.
    if attempt.was_accepted && is_final && source != Source::People {
        kept::keep_too(book, id, attempt.id, REFUSED_FOR_GOOD);
    }
}

/// It may be paid yet, whatever its PSP said before.
pub fn forget_end(book: &mut Book, id: Uuid, attempt: AttemptId) {
    kept::forget(book, id, attempt, REFUSED_FOR_GOOD);
    kept::forget(book, id, attempt, ASKED_ANEW);
}

/// Who is asked, the first first, if people send again what is held.
fn asked_by_approval(payment: &Payment, ctx: &Ctx<'_>) -> Vec<String> {
    let mut approved = payment.clone();
    for attempt in approved.attempts.iter_mut().filter(|it| payment.may_ask_anew(it)) {
        let kept = attempt.kept().chain([ASKED_ANEW]).collect::<Vec<_>>();
        attempt.kept_news = Some(kept.join(Attempt::BETWEEN_KEPT));
    }
    let mut asked: Vec<String> = Vec::new();
    for part in approved.parts.iter().filter(|it| it.status == PartStatus::Held) {
        for psp in approved.untried_psps(Some(part.id)) {
            let is_known = ctx.psps.capabilities(psp).is_some();
            if is_known && !asked.iter().any(|it| it == psp) {
                asked.push(psp.to_owned());
            }
        }
    }
    asked
}
