//! Idempotency keys of proposals. A key keeps the id that its request's proposal bears, before it is proposed:
//! whoever repeats the request proposes under the same id, and that is proposed once.

use super::{Pool, StoreError};
use crate::book::KeyId;
use crate::domain::{ProposalId, Timestamp};
use uuid::Uuid;

/// The id under which this request proposes: `fresh`, or what the same request was given before. None: the key
/// stands for another request, which has proposed. A key whose request came to nothing is free for another.
pub async fn claim(
    pool: &Pool,
    key: &KeyId,
    fingerprint: [u8; 32],
    fresh: ProposalId,
    now: Timestamp,
) -> Result<Option<ProposalId>, StoreError> {
    sqlx::query!(
        "insert into idempotency_key as k
           (operator_id, scope, key, fingerprint, viewer, status, body, created_at)
         values ($1, $2, $3, $4, 'backend', 201, $5, $6)
         on conflict (operator_id, scope, key) do update
         set fingerprint = excluded.fingerprint, body = excluded.body, created_at = excluded.created_at
         where k.fingerprint <> excluded.fingerprint and not exists (
           select from review_proposal p where p.proposal_id = encode(k.body, 'hex')::uuid)",
        key.operator.as_str(),
        key.scope,
        key.key,
        fingerprint.as_slice(),
        fresh.0.as_bytes().as_slice(),
        now
    )
    .execute(pool)
    .await?;
    let kept = sqlx::query!(
        r#"select fingerprint, body as "body!" from idempotency_key
           where operator_id = $1 and scope = $2 and key = $3"#,
        key.operator.as_str(),
        key.scope,
        key.key
    )
    .fetch_one(pool)
    .await?;
    if kept.fingerprint != fingerprint {
        return Ok(None);
    }
    let id = Uuid::from_slice(&kept.body)
        .map_err(|_| StoreError::Corrupt("the key of a proposal keeps no id".to_owned()))?;
    Ok(Some(ProposalId(id)))
}
