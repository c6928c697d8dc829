//! A payout that was paid comes back.
//!
//! Of all payments of one part the player's hold, or their wallet, bore one; every other is in
//! suspense. What comes back clears suspense as long as another payment of the part stands, because
//! the player has that one, and is the player's own only once. What was never paid cannot come back:
//! that is news, and moves nothing.

use super::command::{Ctx, Source};
use super::kept::{self, CAME_BACK_UNPAID};
use super::late_payout;
use super::payout::{from_suspense, settle, succeed};
use super::people::{ask_what_became, close_found_out, raise};
use super::{paid_twice, returns};
use crate::book::{Attempt, Book, Part};
use crate::domain::{AttemptId, AttemptStatus, Money, PartStatus};
use crate::ledger::templates::{self, Shares};
use uuid::Uuid;

/// The payout bounced. The money is the player's again, by a new entry, once: what is told of it later is
/// for people.
pub fn take_back(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    part: &Part,
    money: Money,
    source: Source,
    ctx: &Ctx<'_>,
) {
    if attempt.status == AttemptStatus::Returned {
        return tell_of_more(book, id, attempt, money, ctx);
    }
    if attempt.status != AttemptStatus::Succeeded {
        if !attempt.status.is_live() {
            return leave_as_news(book, id, attempt, ctx);
        }
        // Who tells of the return vouches for the payment before it, which the hold still bears.
        succeed(book, id, attempt, part, attempt.asked, source, ctx);
    }
    if book.move_attempt(id, attempt.id, AttemptStatus::Returned, source.as_str()).is_err() {
        return;
    }
    if money != attempt.asked {
        // What the attempt's status does not say: a repeat of it is no news, and another sum is.
        kept::keep_booked_back(book, id, attempt.id, money);
    }
    let another = book.payments[&id].live_attempt(Some(part.id)).cloned();
    let another = another.or_else(|| late_payout::another_may_be_paid(book, id, attempt));
    let another_is_live = another.is_some();
    if another_is_live || !is_the_players(book, id, part) {
        book.post_covered(&templates::payout_recovered(&attempt.psp, money), id);
        let detail = if another_is_live {
            "a payment of a payout came back while another one of it is under way: it waits in suspense, and \
             is the player's if that one is not paid"
        } else {
            "one of two payments of a payout came back: there is no second to recover"
        };
        raise(book, "payout.recovered", id, Some(attempt.id), detail, ctx);
        let is_asked = |another: &Attempt| another.paged || kept::may_be_paid(another);
        if let Some(another) = another.filter(is_asked) {
            // Nothing else asks people about it once more, and money waits for their word.
            ask_what_became(book, id, another.id, ctx);
        }
        paid_twice::look(book, id, part.id, ctx);
        return;
    }
    let (wallets, suspended) = whose(book, id, part, money);
    if 0 < suspended.minor {
        book.post_covered(&templates::deposit_suspended(&attempt.psp, suspended), id);
        returns::suspend_again(book, id, suspended, ctx);
    }
    if 0 < wallets.minor {
        let shares = debt_first(book, (id, attempt.id), part, wallets, ctx);
        let posting = templates::payout_returned(&attempt.psp, money.currency, shares);
        book.post_covered(&posting, id);
    }
    let moved = book.move_part(id, part.id, PartStatus::Returned, "bounced");
    debug_assert!(moved.is_ok(), "a paid part may come back");
    settle(book, id, ctx);
}

/// What of it goes to the wallet again, and what to suspense: where each share of it came from. Of all payments of the
/// part the wallet bore one, whichever comes back last.
fn whose(book: &Book, id: Uuid, part: &Part, money: Money) -> (Money, Money) {
    let of = |minor| Money::new(minor, money.currency);
    let bore = match from_suspense(book, id) {
        true => most(book, id, part, kept::booked_of_wallet).min(money.minor),
        false => money.minor,
    };
    (of(bore), of(money.minor - bore))
}

/// What is kept of one of the part's payments.
fn most(book: &Book, id: Uuid, part: &Part, of: impl Fn(&Attempt) -> i64) -> i64 {
    let of_part = book.payments[&id].attempts.iter().filter(|it| it.part == Some(part.id));
    of_part.map(of).max().unwrap_or(0)
}

/// What comes back pays the debt that this very payout left, and the rest is cash. Other debts are not paid by it, and
/// what of its own was forgiven meanwhile is not given to the player besides.
fn debt_first(
    book: &mut Book,
    (id, attempt): (Uuid, AttemptId),
    part: &Part,
    money: Money,
    ctx: &Ctx<'_>,
) -> Shares {
    let own = most(book, id, part, |it| kept::booked_owed(it).unwrap_or(0));
    let shares = Shares::of(money.minor, own, book.wallet(money.currency).owed);
    if 0 < shares.forgiven {
        let detail = format!(
            "the payout had left a debt of which {} is not owed any more: so much of what came back is booked to \
             adjustments, as where it was forgiven. Where the player has paid it, credit it to them",
            Money::new(shares.forgiven, money.currency)
        );
        raise(book, "payout.back_after_write_off", id, Some(attempt), &detail, ctx);
    }
    shares
}

/// The last payment of a paid part that was under way is over unpaid: what came back of another meanwhile waits
/// in suspense, and is the player's if no other payment of it stands.
pub fn credit_what_waited(book: &mut Book, id: Uuid, part: &Part, ctx: &Ctx<'_>) {
    let Some(attempt) = what_waits(book, id, part) else { return };
    let money = kept::booked_back(&attempt);
    let (wallets, suspended) = whose(book, id, part, money);
    if 0 < suspended.minor {
        // Suspense has it: it is the deposit's there from now on, and no more a payout's.
        book.post_covered(&templates::payout_paid_twice(&attempt.psp, suspended), id);
        book.post_covered(&templates::deposit_suspended(&attempt.psp, suspended), id);
        returns::suspend_again(book, id, suspended, ctx);
    }
    if 0 < wallets.minor {
        let shares = debt_first(book, (id, attempt.id), part, wallets, ctx);
        book.post_covered(&templates::payout_back_credited(money.currency, shares), id);
    }
    let moved = book.move_part(id, part.id, PartStatus::Returned, "bounced");
    debug_assert!(moved.is_ok(), "a paid part may come back");
    settle(book, id, ctx);
}

/// The payment of a paid part that came back and waits in suspense, where no other one stands.
pub fn what_waits(book: &Book, id: Uuid, part: &Part) -> Option<Attempt> {
    let of_part = |attempt: &&Attempt| attempt.part == Some(part.id);
    let came_back = |attempt: &&Attempt| attempt.status == AttemptStatus::Returned;
    let newest = book.payments[&id].attempts.iter().filter(of_part).filter(came_back);
    let newest = newest.max_by_key(|attempt| attempt.ended_at).cloned();
    newest.filter(|_| is_the_players(book, id, part))
}

/// Whether another payment of the same part stands.
pub fn another_stands(book: &Book, id: Uuid, than: &Attempt) -> bool {
    let mut others = book.payments[&id].attempts.iter().filter(|it| it.id != than.id);
    others.any(|it| it.part == than.part && it.status == AttemptStatus::Succeeded)
}

/// Another sum is told of a payout that came back before. PSPs tell what came back just now, or all that
/// has by now, and the sum does not say which: nothing is booked, and people ask, once for each sum.
fn tell_of_more(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    let booked = kept::booked_back(attempt);
    let told = format!("came back {money}");
    if booked == money || kept::says(attempt, &told) {
        return;
    }
    kept::keep_too(book, id, attempt.id, &told);
    let detail = format!(
        "{money} came back of a payout of which {booked} is booked as come back, and nothing is booked \
         for it: ask the PSP whether it is besides or in all, and adjust the wallet"
    );
    raise(book, "payout.returned_again", id, Some(attempt.id), &detail, ctx);
}

/// Whether the player is paid no more by what came back: the part was paid, has not come back
/// before, and no other payment of it stands.
fn is_the_players(book: &Book, id: Uuid, part: &Part) -> bool {
    let payment = &book.payments[&id];
    let mut of_part = payment.attempts.iter().filter(|attempt| attempt.part == Some(part.id));
    let is_paid = payment.part(part.id).is_some_and(|part| part.status == PartStatus::Paid);
    is_paid && !of_part.any(|attempt| attempt.status == AttemptStatus::Succeeded)
}

/// The attempt was over and no money of it is booked, so what came back is the house's already: the
/// player has the hold, or the cash, or another PSP pays. Both halves of the news are left out.
fn leave_as_news(book: &mut Book, id: Uuid, attempt: &Attempt, ctx: &Ctx<'_>) {
    kept::keep(book, id, attempt.id, CAME_BACK_UNPAID);
    let detail = "a payout came back whose payment was never told: nothing is booked for it";
    raise(book, "payout.returned_unpaid", id, Some(attempt.id), detail, ctx);
    close_found_out(book, id, ctx);
}

/// Whether the money of an attempt that was over is known to be back, so that the payment before it,
/// told late, is none to book: no more news of it is believed.
pub fn came_back_unpaid(attempt: &Attempt) -> bool {
    kept::says(attempt, CAME_BACK_UNPAID)
}
