//! Cases whose time has come: those of switches that have ended are closed, proposals that nobody approved
//! expire, and somebody is told of cases that nobody decided. The letter is written in the commit that counts the reminder.

use super::ReviewRules;
use crate::book::Review;
use crate::decide::Refusal;
use crate::decide::desk_work::{end_with_switch, sweep};
use crate::decide::service_case::expired;
use crate::domain::{OperatorId, ReviewId, Timestamp};
use crate::flows::Flows;
use crate::notify::letters;
use crate::store::StoreError;
use crate::store::cases::{self, Worked};
use crate::store::claimed::Unreadable;
use crate::store::mail_outbox::NewMail;
use crate::unreadable::raise_unreadable;
use uuid::Uuid;

/// How many cases one look takes on.
const MOST: i64 = 100;

/// Looks at every case that is due. Tells how many it looked at.
pub async fn sweep_cases(flows: &Flows, now: Timestamp) -> Result<u64, StoreError> {
    let (pool, rules) = (flows.db.pool(), &flows.reviews);
    // First: nobody is reminded of a case in which there is nothing left to do.
    let mut looked_at = end_with_switches(flows, now).await?;
    let due = cases::to_look_at(pool, now, now - rules.terms.proposal_life, MOST).await?;
    for (operator, id) in due {
        let letter = flows.ids.next();
        let done = cases::work(pool, &operator, id, |review| {
            let step = sweep(review, &rules.terms, now);
            let mails = step.and_then(|step| mail(rules, &operator, review, (letter, step), now));
            let mails = mails.into_iter().collect();
            let policy = review.policy.as_ref().map(|policy| policy.proposal);
            let policy = policy.zip(expired(review, now));
            Ok::<_, Refusal>(Worked { policy, mails, ..Worked::plain(step) })
        });
        if let Some(Ok((step, review))) = but_for_itself(flows, id, done.await, now).await? {
            looked_at += 1;
            if let Some(step) = step {
                tracing::warn!(review.id = %review.id, kind = review.kind, step,
                    "a review is not decided and somebody is reminded");
                metrics::counter!("reviews_escalated_total", "kind" => review.kind).increment(1);
            }
        }
    }
    if 0 < looked_at {
        flows.nudges.mail.notify_one();
    }
    Ok(looked_at)
}

/// Closes the cases of switches that have ended by themselves. A switch's end never changes, so what is
/// read here still holds under the lock of the case.
async fn end_with_switches(flows: &Flows, now: Timestamp) -> Result<u64, StoreError> {
    let pool = flows.db.pool();
    let mut closed = 0;
    for (operator, id) in cases::of_ended_switches(pool, now, MOST).await? {
        let done = cases::work(pool, &operator, id, |review| {
            end_with_switch(review, now);
            Ok::<_, Refusal>(Worked::plain(()))
        });
        let looked_at = but_for_itself(flows, id, done.await, now).await?;
        closed += u64::from(matches!(looked_at, Some(Ok(_))));
    }
    Ok(closed)
}

/// A case that cannot be read here, since another release wrote in it or it was damaged, keeps no other waiting:
/// it stays due, is passed over, and people are told.
async fn but_for_itself<T>(
    flows: &Flows,
    id: Uuid,
    done: Result<Option<T>, StoreError>,
    now: Timestamp,
) -> Result<Option<T>, StoreError> {
    match done {
        Err(error) if !error.passes() => {
            let unreadable = Unreadable { what: format!("the review {}", ReviewId(id)), error };
            raise_unreadable(flows, &[unreadable], now).await?;
            Ok(None)
        }
        done => done,
    }
}

fn mail(
    rules: &ReviewRules,
    operator: &OperatorId,
    review: &Review,
    (id, step): (Uuid, i16),
    at: Timestamp,
) -> Option<NewMail> {
    let recipient = rules.recipient(step)?.to_owned();
    let (subject, body) = letters::overdue(operator, review, step, at);
    Some(NewMail { id, review: review.id.0, step, recipient, subject, body, at })
}
