//! Cases opened and worked on under the lock of their own row: every kind's desk, and all of the service's.
//! The rule comes from [`crate::decide`] as a function of the locked row; what it leaves is written, with
//! whatever must stand in the same commit.

use super::once_keys::{self, Kept, Once};
use super::reviews::{self, Writer};
use super::{Pool, StoreError, erasures, mail_outbox, policy_versions, switches};
use crate::book::Review;
use crate::decide::service_case::PolicyEnd;
use crate::domain::{OperatorId, PlayerKey, Timestamp};
use crate::routing::switches::Lifted;
use sqlx::PgConnection;
use uuid::Uuid;

/// What became of a case that was to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    New,
    /// The key opened this one, for the same request.
    Before(Uuid),
    KeyReused,
}

/// Who asks for a case, so that a repeat opens none.
#[derive(Debug, Clone)]
pub struct CaseKey<'a> {
    pub key: &'a str,
    pub fingerprint: [u8; 32],
}

/// Lets one of two requests of one key open a case.
const ONCE_PER_KEY: &str = "review_opened_once_per_key";

/// Opens a case.
pub async fn open(
    pool: &Pool,
    operator: &OperatorId,
    review: &Review,
    key: &CaseKey<'_>,
) -> Result<Opened, StoreError> {
    match open_first(pool, operator, review, key).await {
        // Another request of this key was faster by a moment, and is committed.
        Err(StoreError::Constraint { constraint, .. }) if constraint == ONCE_PER_KEY => {
            let opened = opened_before(&mut *pool.acquire().await?, operator, key).await?;
            opened.ok_or(StoreError::Raced)
        }
        opened => opened,
    }
}

async fn opened_before(
    connection: &mut PgConnection,
    operator: &OperatorId,
    key: &CaseKey<'_>,
) -> Result<Option<Opened>, StoreError> {
    let taken = sqlx::query!(
        "select review_id, fingerprint from review where operator_id = $1 and created_by_key = $2",
        operator.as_str(),
        key.key
    )
    .fetch_optional(connection)
    .await?;
    Ok(taken.map(|taken| {
        let same = taken.fingerprint.as_deref() == Some(key.fingerprint.as_slice());
        if same { Opened::Before(taken.review_id) } else { Opened::KeyReused }
    }))
}

async fn open_first(
    pool: &Pool,
    operator: &OperatorId,
    review: &Review,
    key: &CaseKey<'_>,
) -> Result<Opened, StoreError> {
    let mut tx = pool.begin().await?;
    if let Some(opened) = opened_before(&mut tx, operator, key).await? {
        return Ok(opened);
    }
    if let Some(player) = &review.player {
        let of = PlayerKey { operator: operator.clone(), player: player.clone() };
        erasures::before_writing(&mut tx, std::iter::once(&of), review.opened_at).await?;
    }
    reviews::write(&mut tx, operator, review, Writer::Row).await?;
    sqlx::query!(
        "update review set created_by_key = $2, fingerprint = $3 where review_id = $1",
        review.id.0,
        key.key,
        key.fingerprint.as_slice()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Opened::New)
}

/// What an act on a locked case leaves to be written beside it.
#[derive(Debug)]
pub struct Worked<T> {
    pub answer: T,
    /// A switch that is lifted by it.
    pub lift: Option<(Uuid, Lifted)>,
    /// A proposed policy that ended by it.
    pub policy: Option<(Uuid, PolicyEnd)>,
    /// Letters that it makes needed.
    pub mails: Vec<mail_outbox::NewMail>,
}

impl<T> Worked<T> {
    pub const fn plain(answer: T) -> Self {
        Self { answer, lift: None, policy: None, mails: Vec::new() }
    }
}

/// Lets `act` change one case of an operator under its lock. None: there is none of this id. Where `act`
/// refuses nothing is written.
pub async fn work<T, E>(
    pool: &Pool,
    operator: &OperatorId,
    id: Uuid,
    act: impl FnOnce(&mut Review) -> Result<Worked<T>, E> + Send,
) -> Result<Option<Result<(T, Review), E>>, StoreError> {
    let mut tx = pool.begin().await?;
    let Some(mut review) = locked(&mut tx, operator, id).await? else { return Ok(None) };
    let worked = match act(&mut review) {
        Ok(worked) => worked,
        Err(refusal) => return Ok(Some(Err(refusal))),
    };
    reviews::write(&mut tx, operator, &review, Writer::Row).await?;
    if let Some((switch, lifted)) = &worked.lift {
        switches::lift(&mut *tx, *switch, lifted).await?;
    }
    if let Some((proposal, end)) = &worked.policy {
        policy_versions::end(&mut tx, *proposal, end).await?;
    }
    for mail in &worked.mails {
        mail_outbox::insert(&mut tx, operator, mail).await?;
    }
    tx.commit().await?;
    review.news.clear();
    Ok(Some(Ok((worked.answer, review))))
}

async fn locked(
    connection: &mut PgConnection,
    operator: &OperatorId,
    id: Uuid,
) -> Result<Option<Review>, StoreError> {
    let found = sqlx::query_scalar!(
        "select review_id from review where review_id = $1 and operator_id = $2 for update",
        id,
        operator.as_str()
    )
    .fetch_optional(&mut *connection)
    .await?;
    if found.is_none() {
        return Ok(None);
    }
    // Read after the lock was had: waiting for it does not refresh its own statement.
    Ok(reviews::by_ids(connection, &[id]).await?.pop())
}

/// What became of an act that is done once for its request.
#[derive(Debug)]
pub enum OnceDone<E> {
    Done,
    /// By an earlier sending of the request.
    Before,
    KeyReused,
    /// Nothing was written, and the key is free.
    Refused(E),
}

/// As [`work`], once for a request, whatever became of the case since its first sending. None: there is none of
/// this id.
pub async fn work_once<E>(
    pool: &Pool,
    operator: &OperatorId,
    id: Uuid,
    (once, now): (&Once, Timestamp),
    act: impl FnOnce(&mut Review) -> Result<(), E> + Send,
) -> Result<Option<OnceDone<E>>, StoreError> {
    let mut tx = pool.begin().await?;
    let Some(mut review) = locked(&mut tx, operator, id).await? else { return Ok(None) };
    match once_keys::keep(&mut tx, once, (200, &[]), now).await? {
        Kept::New => {}
        Kept::Before { .. } => return Ok(Some(OnceDone::Before)),
        Kept::Reused => return Ok(Some(OnceDone::KeyReused)),
    }
    if let Err(refusal) = act(&mut review) {
        return Ok(Some(OnceDone::Refused(refusal)));
    }
    reviews::write(&mut tx, operator, &review, Writer::Row).await?;
    tx.commit().await?;
    Ok(Some(OnceDone::Done))
}

/// The open case of a switch.
pub async fn of_switch(pool: &Pool, switch: Uuid) -> Result<Option<Uuid>, StoreError> {
    let found = sqlx::query_scalar!(
        "select review_id from review where switch_id = $1 and is_open order by review_id limit 1",
        switch
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}

/// The case of a proposed policy, and whose it is.
pub async fn of_policy(
    pool: &Pool,
    proposal: Uuid,
) -> Result<Option<(OperatorId, Uuid)>, StoreError> {
    let found = sqlx::query!(
        "select operator_id, review_id from review where policy_proposal_id = $1",
        proposal
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| (OperatorId::trusted(&row.operator_id), row.review_id)))
}

/// Open cases of older texts of a version, and whose each is.
pub async fn of_older_texts(
    pool: &Pool,
    version: &str,
    newest: Uuid,
) -> Result<Vec<(OperatorId, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        "select r.operator_id, r.review_id from review r
         join policy_proposal p on p.proposal_id = r.policy_proposal_id
         where p.version = $1 and p.proposal_id < $2 and r.is_open order by r.review_id",
        version,
        newest
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (OperatorId::trusted(&row.operator_id), row.review_id)).collect())
}

/// Writes a new case inside a transaction of the caller's.
pub(super) async fn insert(
    connection: &mut PgConnection,
    operator: &OperatorId,
    review: &Review,
) -> Result<(), StoreError> {
    reviews::write(connection, operator, review, Writer::Row).await
}

/// Cases whose time has come, or whose proposal is older than `proposed_before`: the oldest first.
pub async fn to_look_at(
    pool: &Pool,
    now: Timestamp,
    proposed_before: Timestamp,
    most: i64,
) -> Result<Vec<(OperatorId, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        "(select review_id, operator_id from review
          where is_open and coalesce(escalate_at, opened_at) <= $1
          order by coalesce(escalate_at, opened_at) limit $3)
         union
         (select r.review_id, r.operator_id from review_proposal p
          join review r on r.review_id = p.review_id
          where p.state = 'open' and p.proposed_at <= $2 and r.is_open limit $3)",
        now,
        proposed_before,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((OperatorId::trusted(&row.operator_id?), row.review_id?)))
        .collect())
}

/// Open cases of switches whose end has come: the oldest first.
pub async fn of_ended_switches(
    pool: &Pool,
    now: Timestamp,
    most: i64,
) -> Result<Vec<(OperatorId, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        "select r.review_id, r.operator_id from review r
         join routing_switch s on s.switch_id = r.switch_id
         where r.is_open and s.ends_at <= $1 order by r.review_id limit $2",
        now,
        most
    )
    .fetch_all(pool)
    .await?;
    let found = rows.into_iter().map(|row| (OperatorId::trusted(&row.operator_id), row.review_id));
    Ok(found.collect())
}

/// Open cases of a kind, those of them that are late, and those that somebody was reminded of.
#[derive(Debug, Clone)]
pub struct CaseCount {
    pub kind: String,
    pub open: i64,
    pub overdue: i64,
    pub escalated: i64,
}

/// Counts the open cases by kind.
pub async fn count_open(pool: &Pool, now: Timestamp) -> Result<Vec<CaseCount>, StoreError> {
    let rows = sqlx::query!(
        r#"select kind, count(*) as "open!", count(*) filter (where due_at <= $1) as "overdue!",
             count(*) filter (where 0 < escalations) as "escalated!"
           from review where is_open group by kind"#,
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CaseCount {
            kind: row.kind,
            open: row.open,
            overdue: row.overdue,
            escalated: row.escalated,
        })
        .collect())
}
