//! A payout that two PSPs paid. Of two payments of one part the player has both, and suspense bears one: until a PSP
//! tells that one came back, or two people say what became of it.
//!
//! They say that the PSP has given it back and tells nothing of it, which is booked as the PSP's own word would be; or
//! that the house bears it. Where the player is to bear it, the house does first, and takes it from the wallet by an
//! adjustment.

use super::command::{Answer, Ctx, News, Source};
use super::people::ask_people;
use super::refusal::Refusal;
use super::{attempt, kept, late_payout, news};
use crate::book::{Attempt, Book, Part, Payment};
use crate::domain::{AttemptId, AttemptStatus, Money, PartId, PartStatus};
use crate::ledger::templates;
use psp_contract::{Outcome, Report, Status};
use uuid::Uuid;

pub const KIND: &str = "paid_twice";

const BACK_OR_BORNE: &[&str] = &["given_back", "write_off"];
const BORNE: &[&str] = &["write_off"];

/// What two people may choose in the case about this payment.
pub fn possible(payment: &Payment, about: Option<AttemptId>) -> &'static [&'static str] {
    let Some(found) = about.and_then(|about| payment.attempt(about)) else { return &[] };
    match part_of(payment, about).map_or(0, |part| in_suspense(payment, part)) {
        short if short < 0 && found.status == AttemptStatus::Succeeded => BACK_OR_BORNE,
        more if 0 < more => BORNE,
        _ => &[],
    }
}

/// Whether a case about this payment has something left to say.
pub fn is_open(payment: &Payment, about: Option<AttemptId>) -> bool {
    !possible(payment, about).is_empty()
}

/// Puts the payments of a part before people where suspense is short of one too many (any of them may be given back), or
/// has one again that had been written off; cases that have nothing left to say are closed.
pub fn look(book: &mut Book, id: Uuid, part: PartId, ctx: &Ctx<'_>) {
    for case in cases(book, id, part) {
        let payment = &book.payments[&id];
        if book.reviews.get(&case).is_none_or(|it| is_open(payment, it.attempt)) {
            continue;
        }
        if let Some(review) = book.review_mut(case) {
            review.close(ctx.now);
        }
    }
    let payment = &book.payments[&id];
    let open = |it: &&Attempt| is_open(payment, Some(it.id));
    let mut about: Vec<&Attempt> = paid(payment, part).filter(open).collect();
    if about.iter().any(|it| possible(payment, Some(it.id)) == BORNE) {
        // That is of no one of them: one case asks.
        about.truncate(1);
    }
    for about in about.into_iter().map(|it| it.id).collect::<Vec<_>>() {
        ask_people(book, id, Some(about), "paid_twice", ctx);
    }
}

fn cases(book: &Book, id: Uuid, part: PartId) -> Vec<Uuid> {
    let payment = &book.payments[&id];
    let is_of = |about| part_of(payment, about).is_some_and(|it| it.id == part);
    let open = book.reviews.values().filter(|it| it.open && it.payment == Some(id));
    let open = open.filter(|it| it.kind == KIND && is_of(it.attempt));
    open.map(|it| it.id.0).collect()
}

/// The PSP has given one of the payments back, and no message of it books that.
pub fn given_back(
    book: &mut Book,
    id: Uuid,
    about: AttemptId,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let (payment, found) = known(book, id, about)?;
    let stands = found.status == AttemptStatus::Succeeded;
    if !stands || !possible(payment, Some(about)).contains(&"given_back") {
        return Err(MOVED_ON);
    }
    let status = Status::Returned { money: found.asked };
    let outcome =
        Outcome::Reported(Report { psp_reference: None, status, payer: None, attempt: None });
    let (direction, source, wires) = (payment.direction(), Source::People, Vec::new());
    let news = News { payment: id, direction, attempt: about, source, outcome, wires };
    if let Answer::Applied { next: Some(next), .. } = news::apply(book, &news, ctx)? {
        attempt::leave_to_worker(book, id, next, ctx);
    }
    let after = book.payments[&id].attempt(about).map(|it| it.status);
    if after == Some(AttemptStatus::Returned) { Ok(()) } else { Err(MOVED_ON) }
}

/// The house bears it; what of that comes back after all is the house's, by the same word.
pub fn write_off(
    book: &mut Book,
    id: Uuid,
    about: AttemptId,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let (payment, found) = known(book, id, about)?;
    let part = part_of(payment, Some(about)).ok_or(Refusal::NotFound)?.clone();
    let there = in_suspense(payment, &part);
    if there == 0 {
        return Err(MOVED_ON);
    }
    let money = Money::new(-there, found.asked.currency);
    // Where some of it is written off already, it is kept there.
    let kept_at = paid(payment, part.id).find(|it| kept::written_off_of(it) != 0);
    let kept_at = kept_at.map_or(about, |it| it.id);
    let before = payment.attempt(kept_at).map_or(0, kept::written_off_of);
    book.post_covered(&templates::payout_written_off(money), id);
    let lost = Money::new(before + money.minor, money.currency);
    kept::keep_written_off(book, id, kept_at, lost);
    look(book, id, part.id, ctx);
    Ok(())
}

const MOVED_ON: Refusal = Refusal::ReviewConflict("the payment has moved on meanwhile");

fn known(book: &Book, id: Uuid, about: AttemptId) -> Result<(&Payment, &Attempt), Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let found = payment.attempt(about).ok_or(Refusal::NotFound)?;
    if late_payout::another_may_be_paid(book, id, found).is_some() {
        return Err(Refusal::ReviewConflict(
            "another payment of it may be paid yet: say first, in the case about that one, what became of it",
        ));
    }
    Ok((payment, found))
}

fn part_of(payment: &Payment, about: Option<AttemptId>) -> Option<&Part> {
    payment.part(payment.attempt(about?)?.part?)
}

/// The payments of a part that its PSPs made, also those that came back.
fn paid(payment: &Payment, part: PartId) -> impl Iterator<Item = &Attempt> {
    payment.attempts.iter().filter(move |it| {
        let is_paid = matches!(it.status, AttemptStatus::Succeeded | AttemptStatus::Returned);
        it.part == Some(part) && is_paid
    })
}

/// What a payout's part has in suspense that is for people to clear: less than nothing, a payment too many; more, what
/// came back of one that had been written off. What waits there for another payment that is under way is not theirs, and
/// of one that came back in pieces the rows do not say who bore what.
fn in_suspense(payment: &Payment, part: &Part) -> i64 {
    let all: Vec<&Attempt> = paid(payment, part.id).collect();
    let back = |it: &&Attempt| match it.status {
        AttemptStatus::Returned => kept::booked_back(it).minor,
        _ => 0,
    };
    let is_known = all.iter().all(|it| {
        let whole = it.status != AttemptStatus::Returned || back(it) == it.asked.minor;
        whole && it.asked == all[0].asked
    });
    if all.len() < 2 || !is_known {
        return 0;
    }
    let stands: i64 = all.iter().map(|it| it.asked.minor - back(it)).sum();
    let own = if part.status == PartStatus::Paid { all[0].asked.minor } else { 0 };
    let written_off: i64 = all.iter().map(|it| kept::written_off_of(it)).sum();
    let there = own - stands + written_off;
    let waits = written_off == 0 || payment.live_attempt(Some(part.id)).is_some();
    if 0 < there && waits { 0 } else { there }
}
