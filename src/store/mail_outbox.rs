//! Letters that wait to be sent. They are written in the commit that makes them needed, claimed for a
//! while by whoever sends them, and acknowledged: after a crash one may be sent twice, and none is lost.

use super::{Pool, StoreError};
use crate::domain::{OperatorId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// A letter about a case.
#[derive(Debug, Clone)]
pub struct NewMail {
    pub id: Uuid,
    pub review: Uuid,
    /// Of the reminders of the case.
    pub step: i16,
    pub recipient: String,
    pub subject: String,
    pub body: String,
    pub at: Timestamp,
}

/// A letter that this instance sends now.
#[derive(Debug, Clone)]
pub struct ClaimedMail {
    pub id: Uuid,
    pub recipient: String,
    pub subject: String,
    pub body: String,
    pub created_at: Timestamp,
    /// This one included.
    pub tries: i16,
}

/// Keeps a letter; one a step of a case and recipient.
pub(super) async fn insert(
    connection: &mut PgConnection,
    operator: &OperatorId,
    mail: &NewMail,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into mail_outbox (mail_id, operator_id, review_id, step, recipient, subject, body,
           created_at, state, tries, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', 0, $8)
         on conflict (review_id, step, recipient) do nothing",
        mail.id,
        operator.as_str(),
        mail.review,
        mail.step,
        mail.recipient,
        mail.subject,
        mail.body,
        mail.at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes letters that are due, until `lease_until`: another instance takes them only after that.
pub async fn claim(
    pool: &Pool,
    now: Timestamp,
    lease_until: Timestamp,
    most: i64,
) -> Result<Vec<ClaimedMail>, StoreError> {
    let rows = sqlx::query!(
        "update mail_outbox m set due_at = $2, tries = m.tries + 1
         from (select mail_id from mail_outbox where state = 'waiting' and due_at <= $1
               order by due_at limit $3 for update skip locked) due
         where m.mail_id = due.mail_id
         returning m.mail_id, m.recipient, m.subject, m.body, m.created_at, m.tries",
        now,
        lease_until,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ClaimedMail {
            id: row.mail_id,
            recipient: row.recipient,
            subject: row.subject,
            body: row.body,
            created_at: row.created_at,
            tries: row.tries,
        })
        .collect())
}

/// It was handed over.
pub async fn sent(pool: &Pool, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "update mail_outbox set state = 'sent', sent_at = $2, due_at = null, error = null
         where mail_id = $1",
        id,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// It was not; it is tried again at `again_at`, or given up.
pub async fn failed(
    pool: &Pool,
    id: Uuid,
    error: &str,
    again_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update mail_outbox set state = case when $3::timestamptz is null then 'given_up' else state end,
           due_at = $3, error = $2
         where mail_id = $1",
        id,
        error,
        again_at
    )
    .execute(pool)
    .await?;
    Ok(())
}
