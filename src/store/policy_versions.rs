//! Policy versions and what was proposed to become one. Nothing here is ever changed: a proposal ends by a
//! row of its own, and a version is published by two people, which a constraint holds.

use super::{Pool, StoreError, cases};
use crate::book::Review;
use crate::decide::service_case::PolicyEnd;
use crate::domain::{OperatorId, PersonId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// A version that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub version: String,
    pub market: String,
    pub sha256: [u8; 32],
    /// When it comes into force. In a sandbox that may be later than its text says.
    pub effective_from: Timestamp,
    pub text: String,
}

/// A text that somebody wants in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    pub id: Uuid,
    pub version: String,
    pub market: String,
    pub sha256: [u8; 32],
    /// As the text says.
    pub effective_from: Timestamp,
    pub text: String,
    pub by: PersonId,
    pub at: Timestamp,
}

/// How a proposal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub published: bool,
    pub by: PersonId,
    pub at: Timestamp,
    pub note: String,
}

/// A proposal with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalLine {
    pub proposed: Proposed,
    /// None while nobody ended it.
    pub ended: Option<Ended>,
    /// A newer proposal of the same version took its place.
    pub replaced: bool,
    /// When it came or comes into force; none when it was not published.
    pub in_force_from: Option<Timestamp>,
}

/// Every published version, in the order of publication.
pub async fn published(pool: &Pool) -> Result<Vec<Published>, StoreError> {
    let rows = sqlx::query!(
        "select version, market, sha256, effective_from, body from policy_version
         order by published_at, version"
    )
    .fetch_all(pool)
    .await?;
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        let sha256 = hash(&row.version, &row.sha256)?;
        let (version, market, text) = (row.version, row.market, row.body);
        let effective_from = row.effective_from;
        versions.push(Published { version, market, sha256, effective_from, text });
    }
    Ok(versions)
}

/// Whether there is a published version that is not among these.
pub async fn any_beside(pool: &Pool, known: &[String]) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from policy_version where version <> all($1)) as "found!""#,
        known,
    )
    .fetch_one(pool)
    .await?;
    Ok(found)
}

fn hash(version: &str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    let hash = bytes.try_into();
    hash.map_err(|_| StoreError::Corrupt(format!("the hash of the policy version {version}")))
}

/// Keeps a proposal with its case. The id of the proposal that this idempotency key made before, if it did.
pub async fn propose(
    pool: &Pool,
    (proposed, case): (&Proposed, &Review),
    operator: &OperatorId,
    idempotency_key: &str,
) -> Result<Option<Uuid>, StoreError> {
    let mut tx = pool.begin().await?;
    let inserted = sqlx::query!(
        "insert into policy_proposal (proposal_id, version, market, sha256, effective_from, body,
           proposed_by, proposed_at, operator_id, created_by_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (operator_id, created_by_key) do nothing",
        proposed.id,
        proposed.version,
        proposed.market,
        &proposed.sha256[..],
        proposed.effective_from,
        proposed.text,
        proposed.by.as_str(),
        proposed.at,
        operator.as_str(),
        idempotency_key,
    )
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 1 {
        cases::insert(&mut tx, operator, case).await?;
        tx.commit().await?;
        return Ok(None);
    }
    drop(tx);
    proposed_by_key(pool, operator, idempotency_key).await
}

/// The proposal that an idempotency key made.
pub async fn proposed_by_key(
    pool: &Pool,
    operator: &OperatorId,
    idempotency_key: &str,
) -> Result<Option<Uuid>, StoreError> {
    let found = sqlx::query_scalar!(
        "select proposal_id from policy_proposal where operator_id = $1 and created_by_key = $2",
        operator.as_str(),
        idempotency_key,
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}

/// Ends a proposal: published, its text becomes a version in the same statement; refused, it is gone.
///
/// # Errors
/// [`StoreError::Constraint`] where the constraint's name says why not; [`StoreError::Raced`] where a newer
/// text of the version took its place.
pub async fn end(
    connection: &mut PgConnection,
    proposal: Uuid,
    end: &PolicyEnd,
) -> Result<(), StoreError> {
    let outcome = if end.published { "published" } else { "refused" };
    let done = sqlx::query!(
        "with ended as (
           insert into policy_proposal_end (proposal_id, outcome, ended_by, ended_at, note)
           select p.proposal_id, $2, $3, $4, $5 from policy_proposal p
           where p.proposal_id = $1 and ($2 = 'refused' or not exists (
             select 1 from policy_proposal n
             where n.version = p.version and p.proposal_id < n.proposal_id))
           returning proposal_id, outcome),
         version as (
           insert into policy_version (version, market, sha256, effective_from, body, proposal_id,
             proposed_by, approved_by, published_at)
           select p.version, p.market, p.sha256, p.effective_from, p.body, p.proposal_id,
             p.proposed_by, $3, $4
           from policy_proposal p join ended e on e.proposal_id = p.proposal_id
           where e.outcome = 'published')
         select proposal_id from ended",
        proposal,
        outcome,
        end.by.as_str(),
        end.at,
        end.note,
    )
    .fetch_optional(connection)
    .await?;
    if done.is_some() { Ok(()) } else { Err(StoreError::Raced) }
}

/// Publishes what a sandbox brings along. False: another instance did at the same moment.
pub async fn seed(
    pool: &Pool,
    proposed: &Proposed,
    approver: &PersonId,
    in_force_from: Timestamp,
    is_first: bool,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "with proposed as (
           insert into policy_proposal (proposal_id, version, market, sha256, effective_from, body,
             proposed_by, proposed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)),
         ended as (
           insert into policy_proposal_end (proposal_id, outcome, ended_by, ended_at, note)
           values ($1, 'published', $9, $8, 'brought along by the sandbox'))
         insert into policy_version (version, market, sha256, effective_from, body, proposal_id,
           proposed_by, approved_by, published_at, is_first)
         values ($2, $3, $4, $10, $6, $1, $7, $9, $8, $11)",
        proposed.id,
        proposed.version,
        proposed.market,
        &proposed.sha256[..],
        proposed.effective_from,
        proposed.text,
        proposed.by.as_str(),
        proposed.at,
        approver.as_str(),
        in_force_from,
        is_first,
    )
    .execute(pool)
    .await;
    match done.map_err(StoreError::from) {
        Ok(_) => Ok(true),
        Err(StoreError::Constraint { constraint, .. })
            if [
                "policy_version_pkey",
                "policy_moment_is_taken",
                "policy_has_one_first_version",
            ]
            .contains(&constraint.as_str()) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Which proposals are wanted.
#[derive(Debug, Clone, Default)]
pub struct ProposalFilter {
    pub id: Option<Uuid>,
    pub version: Option<String>,
    pub market: Option<String>,
    /// `proposed`, `replaced`, `refused` or `published`.
    pub state: Option<String>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Proposals, newest first.
pub async fn proposals(
    pool: &Pool,
    wanted: &ProposalFilter,
) -> Result<Vec<ProposalLine>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.proposal_id, p.version, p.market, p.sha256, p.effective_from, p.body,
             p.proposed_by, p.proposed_at, e.outcome as "outcome?", e.ended_by as "ended_by?",
             e.ended_at as "ended_at?", e.note as "note?", s.replaced as "replaced!",
             v.effective_from as "in_force_from?"
           from policy_proposal p
           left join policy_proposal_end e on e.proposal_id = p.proposal_id
           left join policy_version v on v.proposal_id = p.proposal_id
           cross join lateral (select e.proposal_id is null and exists (
             select from policy_proposal n where n.version = p.version
               and p.proposal_id < n.proposal_id) as replaced) s
           where ($1::uuid is null or p.proposal_id = $1)
             and ($2::text is null or p.version = $2)
             and ($3::text is null or p.market = $3)
             and ($4::text is null or $4 = case when s.replaced then 'replaced'
               else coalesce(e.outcome, 'proposed') end)
             and ($5::uuid is null or p.proposal_id < $5)
           order by p.proposal_id desc limit $6"#,
        wanted.id,
        wanted.version,
        wanted.market,
        wanted.state,
        wanted.before,
        wanted.limit,
    )
    .fetch_all(pool)
    .await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let sha256 = hash(&row.version, &row.sha256)?;
        let ended = row.outcome.zip(row.ended_by).zip(row.ended_at).zip(row.note);
        lines.push(ProposalLine {
            proposed: Proposed {
                id: row.proposal_id,
                version: row.version,
                market: row.market,
                sha256,
                effective_from: row.effective_from,
                text: row.body,
                by: PersonId::trusted(&row.proposed_by),
                at: row.proposed_at,
            },
            ended: ended.map(|(((outcome, by), at), note)| Ended {
                published: outcome == "published",
                by: PersonId::trusted(&by),
                at,
                note,
            }),
            replaced: row.replaced,
            in_force_from: row.in_force_from,
        });
    }
    Ok(lines)
}
