//! Cases whose time has come: proposals that nobody approved expire, and somebody is told of cases that
//! nobody decided. The letter is written in the commit that counts the reminder.

use super::ReviewRules;
use crate::book::Review;
use crate::decide::Refusal;
use crate::decide::desk_work::sweep;
use crate::decide::service_case::expired;
use crate::domain::{OperatorId, Timestamp};
use crate::flows::Flows;
use crate::notify::letters;
use crate::store::StoreError;
use crate::store::cases::{self, Worked};
use crate::store::mail_outbox::NewMail;
use uuid::Uuid;

/// How many cases one look takes on.
const MOST: i64 = 100;

/// Looks at every case that is due. Tells how many it looked at.
pub async fn sweep_cases(flows: &Flows, now: Timestamp) -> Result<u64, StoreError> {
    let (pool, rules) = (flows.db.pool(), &flows.reviews);
    let due = cases::to_look_at(pool, now, now - rules.terms.proposal_life, MOST).await?;
    let mut looked_at = 0;
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
        if let Some(Ok((step, review))) = done.await? {
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
