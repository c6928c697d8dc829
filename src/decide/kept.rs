//! What is kept of an attempt's news beside its status: a few phrases, each said once.

use crate::book::{Attempt, Book, Payment};
use crate::domain::{AttemptId, Money, PartId};
use uuid::Uuid;

/// Before what was booked of a taking-back; what is kept without it was only told.
const BOOKED: &str = "booked ";
/// Before what is known of the message of a success that its taking-back overtook.
const SUCCESS: &str = "its success is ";
/// What was booked as come back of a payout or a return, where that was not all of it.
const BACK: &str = "back ";
/// What a second payment of a deposit brought, where that is not what was asked for.
const CAME: &str = "came ";
/// What was booked, or told, of a deposit's money that was taken back.
const RETURNED: &str = "returned ";
const REVERSED: &str = "reversed ";
/// Of a payout that is over by what was known, and may be paid yet: two people say what became of it.
const MAY_BE_PAID: &str = "it may be paid yet";
/// What of a payout that was paid late the wallet did not cover, or of a deposit that was taken back. An older
/// release kept it among what was booked, which a still older one takes for a taking-back.
const OWED: &str = "left owed ";
const OWED_BEFORE: &str = "booked owed ";
/// What two people wrote off of a deposit's money in suspense.
const WRITTEN_OFF: &str = "written off ";
/// What of a return of suspended money that was paid late the wallet bore.
const OF_WALLET: &str = "of the wallet ";
/// What arrived, by a success that its taking-back overtook.
const ARRIVED: &str = "arrived ";

/// Of an attempt of which a PSP said, without proof enough, that other money moved.
pub const OTHER_MONEY: &str = "other_money";
/// Of one of which a PSP's answer was about something else.
pub const MISMATCH: &str = "mismatch";
/// Of a payout that was over without money when its PSP said that the money came back. A success that is told after
/// it is the other half of that news.
pub const CAME_BACK_UNPAID: &str = "returned";

/// Of a deposit's attempt whose money went back, as its PSP says: people were asked whether it went by a return that was
/// held to be unpaid. What they say of that one stands, and the same news is booked once they have denied it again.
pub const RETURN_ASKED_ABOUT: &str = "a return of it was asked about";

/// Whether a PSP contradicted what it was asked for, so that people may have to say what is true.
pub fn speaks_of_other_money(attempt: &Attempt) -> bool {
    says(attempt, OTHER_MONEY) || says(attempt, MISMATCH)
}

/// Whether what a PSP said of other money of a payout is before people already, or settled: what is told once more
/// of one that is over, and that nobody is asked about, is a question.
pub fn is_a_question(attempt: &Attempt) -> bool {
    let is_open =
        attempt.status.is_live() || attempt.status.has_succeeded() || may_be_paid(attempt);
    is_open && speaks_of_other_money(attempt)
}

/// People have looked at what was told of other money, and denied it.
pub fn forget_other_money(book: &mut Book, id: Uuid, attempt: AttemptId) {
    for told in [OTHER_MONEY, MISMATCH] {
        forget(book, id, attempt, told);
    }
}

/// Whether this is kept.
pub fn says(attempt: &Attempt, text: &str) -> bool {
    attempt.kept().any(|known| known == text)
}

/// Whether an attempt that is over by its status may be paid yet, and people were asked whether it is.
pub fn may_be_paid(attempt: &Attempt) -> bool {
    let is_over = !attempt.status.is_live() && !attempt.status.has_succeeded();
    is_over && says(attempt, MAY_BE_PAID)
}

/// Keeps that it may be paid yet.
pub fn keep_may_be_paid(book: &mut Book, id: Uuid, attempt: AttemptId) {
    keep_too(book, id, attempt, MAY_BE_PAID);
}

/// People have said that it is not.
pub fn forget_may_be_paid(book: &mut Book, id: Uuid, attempt: AttemptId) {
    forget(book, id, attempt, MAY_BE_PAID);
}

/// What was booked of a taking-back, where the attempt's status does not say it all.
pub fn booked(attempt: &Attempt) -> Option<&str> {
    let booked = attempt.kept().filter_map(|known| known.strip_prefix(BOOKED));
    let mut of_takings = booked.filter(|it| it.starts_with(RETURNED) || it.starts_with(REVERSED));
    of_takings.next()
}

/// The sum that is booked in this way.
fn booked_as(attempt: &Attempt, way: &str) -> Option<Money> {
    let booked = attempt.kept().filter_map(|known| known.strip_prefix(BOOKED));
    booked.filter_map(|text| text.strip_prefix(way)).next().and_then(sum)
}

/// A sum as it is kept: `12.00 EUR`.
fn sum(text: &str) -> Option<Money> {
    let (sum, currency) = text.split_once(' ')?;
    Money::parse_with_zero(sum, currency.parse().ok()?).ok()
}

/// What a dispute took of a deposit last, where that is not all that arrived.
pub fn booked_reversed(attempt: &Attempt) -> Option<Money> {
    booked_as(attempt, REVERSED)
}

/// What was booked as come back of a payout or a return that came back: all of it unless kept otherwise.
pub fn booked_back(attempt: &Attempt) -> Money {
    booked_as(attempt, BACK).unwrap_or(attempt.asked)
}

/// What of a deposit's money is booked as taken back last, where that is not all that arrived.
pub fn booked_taken(attempt: &Attempt) -> Option<Money> {
    booked_as(attempt, RETURNED).or_else(|| booked_as(attempt, REVERSED))
}

/// What a payout that was paid late, or a taking-back, left as a debt. None: of a taking-back, that an older release
/// booked it.
pub fn booked_owed(attempt: &Attempt) -> Option<i64> {
    let owed = attempt.kept().find_map(|known| {
        known.strip_prefix(OWED).or_else(|| known.strip_prefix(OWED_BEFORE)).and_then(sum)
    });
    owed.map(|owed| owed.minor)
}

/// What the wallet bore of a return of suspended money.
pub fn booked_of_wallet(attempt: &Attempt) -> i64 {
    booked_as(attempt, OF_WALLET).map_or(0, |money| money.minor)
}

/// What two people wrote off of a deposit's money in suspense, in minor units.
pub fn written_off(deposit: &Payment) -> i64 {
    deposit.attempts.iter().map(written_off_of).sum()
}

/// As [`written_off`], what is kept of it at this attempt.
pub fn written_off_of(attempt: &Attempt) -> i64 {
    booked_as(attempt, WRITTEN_OFF).map_or(0, |money| money.minor)
}

/// Keeps that this is written off: of several the last.
pub fn keep_written_off(book: &mut Book, id: Uuid, attempt: AttemptId, lost: Money) {
    retain(book, id, attempt, |known| {
        !known.strip_prefix(BOOKED).is_some_and(|text| text.starts_with(WRITTEN_OFF))
    });
    if 0 < lost.minor {
        keep_booked(book, id, attempt, &format!("{WRITTEN_OFF}{lost}"));
    }
}

/// Keeps that so much is booked as sent back, and nothing else: what its PSP tells of it is no news.
pub fn keep_returned(book: &mut Book, id: Uuid, attempt: AttemptId, money: Money) {
    forget_takings_back(book, id, attempt);
    keep_booked(book, id, attempt, &format!("{RETURNED}{money}"));
}

/// Keeps that the wallet bore this of a return of suspended money.
pub fn keep_of_wallet(book: &mut Book, id: Uuid, attempt: AttemptId, money: Money) {
    keep_booked(book, id, attempt, &format!("{OF_WALLET}{money}"));
}

/// Keeps what arrived by what is told now. False: it was told before.
pub fn keep_arrived(book: &mut Book, id: Uuid, attempt: AttemptId, money: Money) -> bool {
    let told = format!("{ARRIVED}{money}");
    let is_new = book.payments[&id].attempt(attempt).is_some_and(|known| !says(known, &told));
    keep_too(book, id, attempt, &told);
    is_new
}

/// Keeps that a payout which was paid late, or a taking-back, left this as a debt: of several the last.
pub fn keep_owed(book: &mut Book, id: Uuid, attempt: AttemptId, owed: Money) {
    retain(book, id, attempt, |known| !is_owed(known));
    keep_too(book, id, attempt, &format!("{OWED}{owed}"));
}

/// No longer keeps what late payments of a part took from the wallet: it came back, and the next one takes anew.
pub fn forget_late(book: &mut Book, id: Uuid, part: PartId) {
    let of_part = book.payments[&id].attempts.iter().filter(|it| it.part == Some(part));
    for attempt in of_part.map(|it| it.id).collect::<Vec<_>>() {
        retain(book, id, attempt, |known| {
            let text = known.strip_prefix(BOOKED).unwrap_or_default();
            !is_owed(known) && !text.starts_with(OF_WALLET)
        });
    }
}

fn is_owed(known: &str) -> bool {
    known.starts_with(OWED) || known.starts_with(OWED_BEFORE)
}

/// Keeps news that is no transition: visible, without effect. It takes the place of the last such; what was
/// booked stays, whether a success that was vouched for was told, what people were asked, and that it came back.
pub fn keep(book: &mut Book, id: Uuid, attempt: AttemptId, text: &str) {
    retain(book, id, attempt, |known| {
        let stands = [MAY_BE_PAID, CAME_BACK_UNPAID, RETURN_ASKED_ABOUT].contains(&known);
        let told = [BOOKED, SUCCESS, ARRIVED, OWED].iter().any(|told| known.starts_with(told));
        stands || told
    });
    keep_too(book, id, attempt, text);
}

/// Keeps news beside what is kept already.
pub fn keep_too(book: &mut Book, id: Uuid, attempt: AttemptId, text: &str) {
    change(book, id, attempt, |kept| {
        if !kept.iter().any(|known| known == text) {
            kept.push(text.to_owned());
        }
    });
}

/// Keeps what is booked, which an attempt's status does not say.
pub fn keep_booked(book: &mut Book, id: Uuid, attempt: AttemptId, text: &str) {
    keep_too(book, id, attempt, &format!("{BOOKED}{text}"));
}

/// Keeps that this much came back of a payout or a return.
pub fn keep_booked_back(book: &mut Book, id: Uuid, attempt: AttemptId, money: Money) {
    keep_booked(book, id, attempt, &format!("{BACK}{money}"));
}

/// Keeps what a second payment of a deposit brought: no row of the payment says it.
pub fn keep_came(book: &mut Book, id: Uuid, attempt: AttemptId, money: Money) {
    keep_booked(book, id, attempt, &format!("{CAME}{money}"));
}

/// No longer keeps this one of what is kept.
pub fn forget(book: &mut Book, id: Uuid, attempt: AttemptId, text: &str) {
    retain(book, id, attempt, |known| known != text);
}

/// What was told of takings-back before says nothing of the next one.
pub fn forget_takings_back(book: &mut Book, id: Uuid, attempt: AttemptId) {
    retain(book, id, attempt, |known| {
        let text = known.strip_prefix(BOOKED).unwrap_or(known);
        !text.starts_with(RETURNED) && !text.starts_with(REVERSED)
    });
}

fn retain(book: &mut Book, id: Uuid, attempt: AttemptId, stays: impl Fn(&str) -> bool) {
    change(book, id, attempt, |kept| kept.retain(|known| stays(known)));
}

fn change(book: &mut Book, id: Uuid, attempt: AttemptId, edit: impl FnOnce(&mut Vec<String>)) {
    let Some(known) = book.payments[&id].attempt(attempt) else { return };
    let before: Vec<String> = known.kept().map(str::to_owned).collect();
    let mut after = before.clone();
    edit(&mut after);
    if after != before {
        let text = after.join(Attempt::BETWEEN_KEPT);
        book.attempt_mut(id, attempt).kept_news = Some(text).filter(|text| !text.is_empty());
    }
}
