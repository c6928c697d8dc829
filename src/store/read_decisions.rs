//! Decisions and incidents as they are read back: what was decided, by which rules, and why.

use super::{StoreError, json};
use crate::domain::{OperatorId, PaymentId, PlayerId, Reason, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

/// A decision as it was recorded.
#[derive(Debug)]
pub struct DecisionLine {
    pub id: Uuid,
    pub player: PlayerId,
    pub payment: Option<PaymentId>,
    pub checkpoint: String,
    pub player_version: i64,
    pub market: Option<String>,
    pub policy_version: Option<String>,
    pub policy_sha256: Option<Vec<u8>>,
    pub outcome: String,
    pub rules: Vec<json::StoredRule>,
    pub reasons: Vec<Reason>,
    /// Canonical JSON of the facts; none of what the first engine decided.
    pub inputs: Option<String>,
    pub engine: String,
    pub occurred_at: Timestamp,
    pub known_at: Option<Timestamp>,
    pub recorded_at: Timestamp,
    pub slot: i16,
    pub seq: i64,
}

/// Which decisions a list shows.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    pub id: Option<Uuid>,
    pub payment: Option<Uuid>,
    pub player: Option<PlayerId>,
    /// Empty: every outcome.
    pub outcomes: Vec<String>,
    pub policy_version: Option<String>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// An operator's decisions, newest first.
pub async fn decisions(
    pool: &PgPool,
    operator: &OperatorId,
    filter: &DecisionFilter,
) -> Result<Vec<DecisionLine>, StoreError> {
    let rows = sqlx::query!(
        r#"select decision_id, player_id, payment_id, direction, checkpoint, player_version, market,
             policy_version, policy_sha256, outcome, rules::text as "rules!",
             reasons::text as "reasons!", inputs::text as inputs, engine, occurred_at, known_at,
             recorded_at, slot, seq
           from decision
           where operator_id = $1
             and ($2::uuid is null or decision_id = $2)
             and ($3::uuid is null or payment_id = $3)
             and ($4::text is null or player_id = $4)
             and (cardinality($5::text[]) = 0 or outcome = any($5))
             and ($6::text is null or policy_version = $6)
             and ($7::uuid is null or decision_id < $7)
           order by decision_id desc limit $8"#,
        operator.as_str(),
        filter.id,
        filter.payment,
        filter.player.as_ref().map(PlayerId::as_str),
        &filter.outcomes,
        filter.policy_version,
        filter.before,
        filter.limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(DecisionLine {
                id: row.decision_id,
                player: PlayerId::trusted(&row.player_id),
                payment: super::load::payment_id(row.payment_id, row.direction.as_deref()),
                checkpoint: row.checkpoint,
                player_version: row.player_version,
                market: row.market,
                policy_version: row.policy_version,
                policy_sha256: row.policy_sha256,
                outcome: row.outcome,
                rules: json::read(&row.rules, "rules")?,
                reasons: json::read_reasons(&row.reasons)?,
                inputs: row.inputs,
                engine: row.engine,
                occurred_at: row.occurred_at,
                known_at: row.known_at,
                recorded_at: row.recorded_at,
                slot: row.slot,
                seq: row.seq,
            })
        })
        .collect()
}
