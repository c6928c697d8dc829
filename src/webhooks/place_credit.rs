//! Money that comes back from a deposit's return under the deposit's own name.
//!
//! Trustly's refunds have no message id of their own: the `credit` that tells of one that bounced names
//! the deposit's attempt and order, exactly as the `credit` of the deposit itself did. A deposit has its
//! own credit once; what is told later is about a return of it, or for people to find out.

use super::process::subject_of;
use crate::domain::{Money, Timestamp};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::places::{self, AttemptPlace, Credited, SentBack};
use psp_adapters::WebhookEvent;
use psp_contract::{Report, Status, Subject};
use time::Duration;

/// What an event is about that names this attempt.
#[derive(Debug)]
pub(super) enum Placed {
    /// The attempt that it names.
    AsNamed,
    /// A return of the deposit that it names.
    Return(AttemptPlace),
    /// It may be about money that nothing tells of. Why nobody but people can say so.
    Unclear(&'static str),
}

/// Which of the two it is, as far as can be known. An event that can only be about the attempt that it
/// names costs no question.
pub(super) async fn place_credit(
    flows: &Flows,
    account: &str,
    event: &WebhookEvent,
    named: &AttemptPlace,
) -> Result<Placed, StoreError> {
    let Some(money) = came_or_came_back(event).filter(|_| subject_of(named) == Subject::Deposit)
    else {
        return Ok(Placed::AsNamed);
    };
    let pool = flows.db.pool();
    let Some(credited) = places::credited(pool, named.attempt).await? else {
        return Ok(Placed::AsNamed);
    };
    let returns = places::sent_back(pool, account, &named.player, named.payment).await?;
    Ok(match meaning(money, event.occurred_at, credited, &returns) {
        Meaning::OwnCredit => Placed::AsNamed,
        Meaning::Returned(back) => Placed::Return(AttemptPlace {
            player: named.player.clone(),
            payment: back.payment,
            is_return: true,
            attempt: back.attempt,
        }),
        Meaning::Unclear(why) => Placed::Unclear(why),
    })
}

/// The money of an event that says that a deposit's came, or a payout's came back.
fn came_or_came_back(event: &WebhookEvent) -> Option<Money> {
    let status = |report: &Option<Report>| report.as_ref().map(|report| report.status.clone());
    match (event.subject, status(&event.if_deposit), status(&event.report)) {
        (None, Some(Status::Succeeded { .. }), Some(Status::Returned { money })) => Some(money),
        _ => None,
    }
}

#[derive(Debug)]
enum Meaning<'a> {
    /// Of the deposit itself, known already; or won back, where it was taken back.
    OwnCredit,
    Returned(&'a SentBack),
    Unclear(&'static str),
}

/// How much later than we know of it a PSP may date a deposit's own credit: we may have asked first, and
/// two clocks differ.
const OWN_CREDIT: Duration = Duration::HOUR;

/// What such an event says of a deposit whose money is in. What happened before a return was sent is not
/// about it; of those sent before, the one of this very amount counts first: banks may keep a charge.
fn meaning(
    money: Money,
    occurred_at: Option<Timestamp>,
    credited: Credited,
    returns: &[SentBack],
) -> Meaning<'_> {
    let sent: Vec<&SentBack> =
        returns.iter().filter(|back| occurred_at.is_none_or(|at| back.sent_at <= at)).collect();
    let of_amount = |fits: fn(i64, i64) -> bool| -> Vec<&SentBack> {
        let fits = |back: &&SentBack| {
            back.asked.currency == money.currency && fits(money.minor, back.asked.minor)
        };
        sent.iter().copied().filter(fits).collect()
    };
    let mut fitting = of_amount(|came, asked| came == asked);
    if fitting.is_empty() {
        fitting = of_amount(|came, asked| came < asked);
    }
    let is_late = occurred_at.is_some_and(|at| credited.at + OWN_CREDIT < at);
    match fitting[..] {
        [_] if credited.is_reversed => {
            Meaning::Unclear("a return that came back, or a dispute that was won")
        }
        [back] if occurred_at.is_some() => Meaning::Returned(back),
        [_] => Meaning::Unclear("a return that came back, or the deposit itself again"),
        [] if credited.is_reversed => Meaning::OwnCredit,
        [] if !sent.is_empty() => Meaning::Unclear("money came back, and not that of any return"),
        [] if is_late => Meaning::Unclear("money came again, long after the deposit"),
        [] => Meaning::OwnCredit,
        _ => Meaning::Unclear("several returns of this deposit fit what came back"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AttemptId, Currency, PaymentId};
    use time::macros::datetime;
    use uuid::Uuid;

    const CREDITED: Timestamp = datetime!(2026-03-01 12:00 UTC);
    const SENT: Timestamp = datetime!(2026-03-02 12:00 UTC);
    const LATER: Timestamp = datetime!(2026-03-05 12:00 UTC);

    const fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    /// Returns of these amounts, and what a credit of 700 at this time means.
    #[track_caller]
    fn check(
        returns: &[i64],
        is_reversed: bool,
        occurred_at: Option<Timestamp>,
        expected: Result<u128, &str>,
    ) {
        let returns: Vec<SentBack> = (1..)
            .zip(returns)
            .map(|(number, minor)| SentBack {
                payment: PaymentId::withdrawal(Uuid::from_u128(number)),
                attempt: AttemptId(Uuid::from_u128(number)),
                asked: eur(*minor),
                sent_at: SENT,
                is_live: false,
                is_paid: true,
                ended_at: Some(SENT),
            })
            .collect();
        let credited = Credited { at: CREDITED, is_reversed };
        let told = match meaning(eur(700), occurred_at, credited, &returns) {
            Meaning::Returned(back) => Ok(back.attempt.0.as_u128()),
            Meaning::OwnCredit => Err("own"),
            Meaning::Unclear(_) => Err("unclear"),
        };
        assert_eq!(told, expected, "{returns:?} {is_reversed} {occurred_at:?}");
    }

    #[test]
    fn what_comes_after_a_return_was_sent_is_its_money() {
        check(&[700], false, Some(LATER), Ok(1));
        check(&[750], false, Some(LATER), Ok(1));
        check(&[750, 700], false, Some(LATER), Ok(2));
    }

    #[test]
    fn what_came_before_is_the_deposits_own() {
        check(&[700], false, Some(CREDITED), Err("own"));
        check(&[], false, Some(CREDITED), Err("own"));
        check(&[], false, None, Err("own"));
    }

    #[test]
    fn what_nobody_can_tell_is_for_people() {
        check(&[700, 700], false, Some(LATER), Err("unclear"));
        check(&[500], false, Some(LATER), Err("unclear"));
        check(&[700], false, None, Err("unclear"));
        check(&[], false, Some(LATER), Err("unclear"));
        check(&[700], true, Some(LATER), Err("unclear"));
    }

    #[test]
    fn a_deposit_that_was_charged_back_is_won_back() {
        check(&[], true, Some(LATER), Err("own"));
        check(&[500], true, Some(LATER), Err("own"));
    }
}
