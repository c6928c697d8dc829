//! Which of a deposit's returns news is about that names only the deposit.
//!
//! Trustly's refunds have no id of their own there: all of one deposit's bear its order id, and so do the
//! notifications about them. One of them must not be taken for another: the first would be told twice,
//! and the other paid without having been.

use super::place_credit::Placed;
use super::process::subject_of;
use crate::domain::{AttemptId, Timestamp};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::places::{self, AttemptPlace, SentBack};
use psp_adapters::WebhookEvent;
use psp_contract::{Status, Subject};
use time::Duration;

/// The return that an event is about which was found, as `named`, by an id that the deposit bears too.
pub(super) async fn place_return(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    named: &AttemptPlace,
    found: &[AttemptPlace],
) -> Result<Placed, StoreError> {
    let by_ours = event.attempt.is_some_and(|it| AttemptId(it.uuid()) == named.attempt);
    let deposit = found.iter().find(|place| subject_of(place) == Subject::Deposit);
    let report = event.report_for(Subject::Return);
    let (Some(deposit), Some(report), true) = (deposit, report, named.is_return && !by_ours) else {
        return Ok(Placed::AsNamed);
    };
    let pool = flows.db.pool();
    let returns = places::sent_back(pool, account, &deposit.player, deposit.payment).await?;
    Ok(match meant(&report.status, event.occurred_at, &returns) {
        Some(back) => Placed::Return(AttemptPlace {
            player: deposit.player.clone(),
            payment: back.payment,
            is_return: true,
            attempt: back.attempt,
        }),
        None => Placed::Unclear("several returns of this deposit may be meant"),
    })
}

/// How much earlier than our sending a PSP may date what came of it: two clocks differ.
const CLOCKS_DIFFER: Duration = Duration::MINUTE;
/// So long after a return was found to be paid its own message may still come.
const OWN_NEWS: Duration = Duration::HOUR;

/// The one return that such news can be about. None: there are several.
///
/// Of those that nobody knows the end of, the one of the amount that is told; but not while another of the
/// same amount, found to be paid just before, may be what is told of.
fn meant<'a>(
    status: &Status,
    occurred_at: Option<Timestamp>,
    returns: &'a [SentBack],
) -> Option<&'a SentBack> {
    if let [only] = returns {
        return Some(only);
    }
    let told = match status {
        Status::Succeeded { money } | Status::Returned { money } => Some(*money),
        _ => None,
    };
    let fits = |back: &&SentBack| {
        let sent_before = |at| back.sent_at <= at + CLOCKS_DIFFER;
        told.is_none_or(|money| back.asked == money) && occurred_at.is_none_or(sent_before)
    };
    let fitting: Vec<&SentBack> = returns.iter().filter(fits).collect();
    let (live, over): (Vec<&SentBack>, Vec<&SentBack>) =
        fitting.into_iter().partition(|back| back.is_live);
    let may_be_told = |back: &&SentBack| {
        let since = back.ended_at.filter(|_| back.is_paid).map(|at| at + OWN_NEWS);
        since.is_some_and(|until| occurred_at.is_none_or(|at| at <= until))
    };
    let is_success = matches!(status, Status::Succeeded { .. });
    match (&live[..], &over[..]) {
        ([one], _) if !over.iter().any(may_be_told) => Some(one),
        ([], [one]) => Some(one),
        // The same success again: whose it is makes no difference.
        ([], [first, ..]) if is_success && over.iter().all(|back| back.is_paid) => Some(first),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money, PaymentId};
    use time::macros::datetime;
    use uuid::Uuid;

    const SENT: Timestamp = datetime!(2026-03-02 12:00 UTC);
    const LATER: Timestamp = datetime!(2026-03-02 12:30 UTC);

    const LIVE: (bool, bool) = (true, false);
    const PAID: (bool, bool) = (false, true);
    const REFUSED: (bool, bool) = (false, false);

    /// A return of this amount, sent and over so many minutes after the others.
    fn back(number: u128, minor: i64, (is_live, is_paid): (bool, bool), minutes: i64) -> SentBack {
        let at = SENT + Duration::minutes(minutes);
        SentBack {
            payment: PaymentId::withdrawal(Uuid::from_u128(number)),
            attempt: AttemptId(Uuid::from_u128(number)),
            asked: Money::new(minor, Currency::EUR),
            sent_at: at,
            is_live,
            is_paid,
            ended_at: (!is_live).then_some(at),
        }
    }

    #[track_caller]
    fn check(status: &Status, returns: &[SentBack], expected: Option<u128>) {
        let found = meant(status, Some(LATER), returns);
        assert_eq!(found.map(|back| back.attempt.0.as_u128()), expected, "{returns:?}");
    }

    const fn paid(minor: i64) -> Status {
        Status::Succeeded { money: Money::new(minor, Currency::EUR) }
    }

    #[test]
    fn of_several_returns_the_one_of_the_amount_is_meant() {
        check(&paid(300), &[back(1, 300, LIVE, 0), back(2, 400, LIVE, 1)], Some(1));
        check(&paid(400), &[back(1, 300, LIVE, 0), back(2, 400, LIVE, 1)], Some(2));
        check(&paid(300), &[back(1, 300, LIVE, 0), back(2, 300, LIVE, 60)], Some(1));
        check(&paid(300), &[back(1, 300, REFUSED, 0), back(2, 300, LIVE, 1)], Some(2));
        check(&paid(300), &[back(1, 300, PAID, -90), back(2, 300, LIVE, 1)], Some(2));
        check(&paid(300), &[back(1, 300, PAID, 0), back(2, 400, LIVE, 1)], Some(1));
    }

    #[test]
    fn which_of_two_alike_is_meant_nobody_can_tell() {
        check(&paid(300), &[back(1, 300, LIVE, 0), back(2, 300, LIVE, 1)], None);
        check(&paid(300), &[back(1, 300, PAID, 0), back(2, 300, LIVE, 1)], None);
        check(&paid(300), &[back(1, 300, REFUSED, 0), back(2, 300, PAID, 1)], None);
        check(&paid(500), &[back(1, 300, LIVE, 0), back(2, 400, LIVE, 1)], None);
        check(&paid(300), &[back(1, 300, PAID, 0), back(2, 300, PAID, 1)], Some(1));
        let bounced = Status::Returned { money: Money::new(300, Currency::EUR) };
        check(&bounced, &[back(1, 300, PAID, 0), back(2, 300, PAID, 1)], None);
    }

    #[test]
    fn a_refusal_without_an_amount_is_of_the_only_one_under_way() {
        let failed = Status::Cancelled;
        check(&failed, &[back(1, 300, PAID, -90), back(2, 400, LIVE, 1)], Some(2));
        check(&failed, &[back(1, 300, LIVE, 0), back(2, 400, LIVE, 1)], None);
        check(&failed, &[back(1, 300, PAID, -90), back(2, 400, PAID, -80)], None);
    }

    #[test]
    fn the_only_return_is_meant_whatever_is_told() {
        check(&paid(500), &[back(1, 300, LIVE, 60)], Some(1));
        check(&paid(300), &[back(1, 300, PAID, 0), back(2, 300, PAID, 1)], Some(1));
    }
}
