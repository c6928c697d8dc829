//! The closed loop under the player's lock: what came in and went out by now, and whether a withdrawal is
//! still shared out as it was before the lane.

use super::command::RequestWithdrawal;
use super::refusal::Refusal;
use crate::book::{Book, Payment};
use crate::domain::{AttemptStatus, Currency, DepositStatus, Direction, PartStatus, Timestamp};
use crate::screening::facts::LoopFacts;
use crate::screening::sources::{Fate, History, PaidIn, PaidOut};
use crate::screening::split::{Split, Wanted};

/// What is recorded of the split as it is now.
///
/// # Errors
/// [`Refusal::PlayerChanged`]: the shares would be others by now, so it is screened anew.
pub fn recount(
    book: &Book,
    request: &RequestWithdrawal,
    now: Timestamp,
) -> Result<LoopFacts, Refusal> {
    let money = request.payment.money;
    let now = request.split.renewed(&history(book, money.currency), now);
    let now = now.ok_or(Refusal::PlayerChanged)?;
    if is_back(&now) && now.shares(money.minor) != request.split.shares(money.minor) {
        return Err(Refusal::PlayerChanged);
    }
    Ok(now.facts(money.minor))
}

const fn is_back(split: &Split) -> bool {
    matches!(split.wanted, Wanted::Back { .. })
}

/// What was loaded, with what earlier commands of the batch changed of it.
fn history(book: &Book, currency: Currency) -> History {
    let mut history =
        book.histories.get(&currency).map(|loaded| loaded.as_ref().clone()).unwrap_or_default();
    history.paid_in.retain(|deposit| !book.payments.contains_key(&deposit.deposit));
    history.paid_out.retain(|part| !book.payments.contains_key(&part.payment));
    for payment in book.all_payments().filter(|payment| payment.currency() == currency) {
        match payment.direction() {
            Direction::Deposit => history.paid_in.extend(paid_in(payment)),
            Direction::Withdrawal => history.paid_out.extend(paid_out(book, payment)),
        }
    }
    history
}

fn paid_in(payment: &Payment) -> Option<PaidIn> {
    let stands = payment.deposit_status() == Some(DepositStatus::Succeeded);
    let credited = payment.credited.filter(|money| stands && 0 < money.minor)?;
    Some(PaidIn {
        deposit: payment.id.uuid,
        minor: credited.minor,
        method: payment.method,
        at: payment.created_at,
        from: payment.source.clone(),
    })
}

fn paid_out(book: &Book, payment: &Payment) -> Vec<PaidOut> {
    // A return counts while its deposit does: what went back whole is no source any more.
    let counts = payment.returns.as_ref().is_none_or(|returns| {
        let deposit = book.payment(returns.deposit).and_then(Payment::deposit_status);
        !returns.from_suspense && deposit == Some(DepositStatus::Succeeded)
    });
    let parts = payment.parts.iter().filter(|_| counts).filter_map(|part| {
        let own = payment.attempts.iter().filter(|attempt| attempt.part == Some(part.id));
        let last = own.max_by_key(|attempt| attempt.number);
        let refused = last.is_some_and(|attempt| attempt.status == AttemptStatus::Declined);
        let fate = match part.status {
            PartStatus::Held | PartStatus::Processing => Fate::UnderWay,
            PartStatus::Paid => Fate::Paid,
            PartStatus::Released if refused => Fate::Refused,
            PartStatus::Released | PartStatus::Returned => return None,
        };
        Some(PaidOut {
            payment: payment.id.uuid,
            minor: part.money.minor,
            method: payment.method_of(Some(part.id)),
            at: payment.created_at,
            to: part.instrument.clone(),
            fate,
        })
    });
    parts.collect()
}
