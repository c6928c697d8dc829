//! Reviews as rows: read for lanes, people and the sweep; written by a lane in its commit, and by
//! [`super::cases`] under the lock of the row.

use super::{StoreError, case_json};
use crate::book::{Approval, Desk, Lock, Proposal, ProposalState, ProposedPolicy, Review};
use crate::domain::{AttemptId, OperatorId, PersonId, PlayerId, ProposalId, ReviewId, Timestamp};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Who writes: what the other of the two may have changed meanwhile is not theirs to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A lane, under the player's lock: everything but the desk.
    Lane,
    /// Under the lock of the row itself: the desk, what expired, and all of a case of the service.
    Row,
}

/// The reviews of these payments.
pub async fn of_payments(
    connection: &mut PgConnection,
    payments: &[Uuid],
) -> Result<Vec<Review>, StoreError> {
    let ids =
        sqlx::query_scalar!("select review_id from review where payment_id = any($1)", payments)
            .fetch_all(&mut *connection)
            .await?;
    by_ids(connection, &ids).await
}

/// Reviews in the order of their ids.
pub async fn by_ids(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Review>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.review_id, payment_id, player_id, attempt_id, switch_id, policy_proposal_id,
           p.version as "version?", kind, is_open, opened_at, opened_by, closed_at, approvals_needed,
           priority, assigned_to, locked_by, locked_until, waiting_since, due_at, escalate_at, escalations
         from review r left join policy_proposal p on p.proposal_id = r.policy_proposal_id
         where review_id = any($1) order by review_id"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut proposals = proposals_of(connection, ids).await?;
    let person = |text: Option<String>| text.as_deref().map(PersonId::trusted);
    Ok(rows
        .into_iter()
        .map(|row| Review {
            id: ReviewId(row.review_id),
            payment: row.payment_id,
            player: row.player_id.as_deref().map(PlayerId::trusted),
            attempt: row.attempt_id.map(AttemptId),
            switch: row.switch_id,
            policy: row
                .policy_proposal_id
                .zip(row.version)
                .map(|(proposal, version)| ProposedPolicy { proposal, version }),
            kind: row.kind,
            open: row.is_open,
            opened_at: row.opened_at,
            opened_by: person(row.opened_by),
            closed_at: row.closed_at,
            approvals_needed: row.approvals_needed,
            desk: Desk {
                priority: row.priority,
                assigned_to: person(row.assigned_to),
                lock: person(row.locked_by)
                    .zip(row.locked_until)
                    .map(|(by, until)| Lock { by, until }),
                waiting_since: row.waiting_since,
                due_at: row.due_at,
                escalate_at: row.escalate_at,
                escalations: row.escalations,
            },
            proposals: proposals.remove(&row.review_id).unwrap_or_default(),
            news: Vec::new(),
        })
        .collect())
}

async fn proposals_of(
    connection: &mut PgConnection,
    reviews: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Proposal>>, StoreError> {
    if reviews.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "select proposal_id, review_id, outcome, note, payload::text as payload, payload_sha256,
           proposed_by, proposed_at, state, decided_by, decided_at, decided_note
         from review_proposal where review_id = any($1) order by proposal_id",
        reviews
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.proposal_id).collect();
    let mut approvals = approvals_of(connection, &ids).await?;
    let mut found: BTreeMap<Uuid, Vec<Proposal>> = BTreeMap::new();
    for row in rows {
        let state = ProposalState::parse(&row.state)
            .ok_or_else(|| StoreError::Corrupt(format!("proposal {}", row.state)))?;
        let payload = row.payload.zip(row.payload_sha256);
        let payload = payload.map(|(text, hash)| case_json::read(&text, &hash)).transpose()?;
        let (payload, payload_sha256) = payload.unzip();
        found.entry(row.review_id).or_default().push(Proposal {
            id: ProposalId(row.proposal_id),
            outcome: row.outcome,
            note: row.note,
            payload,
            payload_sha256,
            proposed_by: PersonId::trusted(&row.proposed_by),
            proposed_at: row.proposed_at,
            state,
            approvals: approvals.remove(&row.proposal_id).unwrap_or_default(),
            decided_by: row.decided_by.as_deref().map(PersonId::trusted),
            decided_at: row.decided_at,
            decided_note: row.decided_note,
        });
    }
    Ok(found)
}

async fn approvals_of(
    connection: &mut PgConnection,
    proposals: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Approval>>, StoreError> {
    let mut found: BTreeMap<Uuid, Vec<Approval>> = BTreeMap::new();
    if proposals.is_empty() {
        return Ok(found);
    }
    let rows = sqlx::query!(
        "select proposal_id, approved_by, approved_at from review_approval
         where proposal_id = any($1) order by approved_at, approved_by",
        proposals
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let by = PersonId::trusted(&row.approved_by);
        found.entry(row.proposal_id).or_default().push(Approval { by, at: row.approved_at });
    }
    Ok(found)
}

/// Writes a review as it was left, with what was done in it.
pub async fn write(
    connection: &mut PgConnection,
    operator: &OperatorId,
    review: &Review,
    writer: Writer,
) -> Result<(), StoreError> {
    let desk = &review.desk;
    let is_rows = writer == Writer::Row;
    // A lane closes and never opens again; who holds the row closes what is no player's.
    let decides = writer == Writer::Lane || review.player.is_none();
    let unlocks = !is_rows && desk.lock.is_none() && review.news.iter().any(released);
    sqlx::query!(
        "insert into review as r (review_id, operator_id, player_id, payment_id, attempt_id, switch_id,
           kind, subject, is_open, opened_at, opened_by, closed_at, approvals_needed, priority,
           assigned_to, locked_by, locked_until, waiting_since, due_at, escalate_at, escalations,
           policy_proposal_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
           $20, $21, $25)
         on conflict (review_id) do update set
           is_open = case when $23 then excluded.is_open else r.is_open end,
           closed_at = case when $23 then excluded.closed_at else r.closed_at end,
           priority = case when $22 then excluded.priority else r.priority end,
           assigned_to = case when $22 then excluded.assigned_to else r.assigned_to end,
           locked_by = case when $22 or $24 then excluded.locked_by else r.locked_by end,
           locked_until = case when $22 or $24 then excluded.locked_until else r.locked_until end,
           waiting_since = case when $22 then excluded.waiting_since else r.waiting_since end,
           due_at = case when $22 then excluded.due_at else r.due_at end,
           escalate_at = case when $22 then excluded.escalate_at else r.escalate_at end,
           escalations = case when $22 then excluded.escalations else r.escalations end",
        review.id.0,
        operator.as_str(),
        review.player.as_ref().map(PlayerId::as_str),
        review.payment,
        review.attempt.map(|id| id.0),
        review.switch,
        review.kind,
        review.subject(),
        review.open,
        review.opened_at,
        review.opened_by.as_ref().map(PersonId::as_str),
        review.closed_at,
        review.approvals_needed,
        desk.priority,
        desk.assigned_to.as_ref().map(PersonId::as_str),
        desk.lock.as_ref().map(|lock| lock.by.as_str()),
        desk.lock.as_ref().map(|lock| lock.until),
        desk.waiting_since,
        desk.due_at,
        desk.escalate_at,
        desk.escalations,
        is_rows,
        decides,
        unlocks,
        review.policy.as_ref().map(|policy| policy.proposal)
    )
    .execute(&mut *connection)
    .await?;
    for proposal in &review.proposals {
        write_proposal(connection, review.id, proposal).await?;
    }
    write_news(connection, review).await
}

fn released(news: &crate::book::CaseNews) -> bool {
    news.act == crate::book::CaseAct::Released
}

/// A proposal that was decided meanwhile, by a lane or by the sweep, is not decided again: whoever comes
/// second decides on what is there now. The database refuses an approval by the proposer.
async fn write_proposal(
    connection: &mut PgConnection,
    review: ReviewId,
    proposal: &Proposal,
) -> Result<(), StoreError> {
    let payload = proposal.payload.as_ref().map(case_json::text);
    let (payload, hash) = payload.unzip();
    let done = sqlx::query!(
        "insert into review_proposal as p (proposal_id, review_id, outcome, note, payload, payload_sha256,
           proposed_by, proposed_at, state, decided_by, decided_at, decided_note)
         values ($1, $2, $3, $4, $5::text::json, $6, $7, $8, $9, $10, $11, $12)
         on conflict (proposal_id) do update
           set state = excluded.state, decided_by = excluded.decided_by,
               decided_at = excluded.decided_at, decided_note = excluded.decided_note
           where p.state = 'open' or p.state = excluded.state",
        proposal.id.0,
        review.0,
        proposal.outcome,
        proposal.note,
        payload,
        hash.as_ref().map(<[u8; 32]>::as_slice),
        proposal.proposed_by.as_str(),
        proposal.proposed_at,
        proposal.state.as_str(),
        proposal.decided_by.as_ref().map(PersonId::as_str),
        proposal.decided_at,
        proposal.decided_note
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() != 1 {
        return Err(StoreError::Raced);
    }
    for approval in &proposal.approvals {
        sqlx::query!(
            "insert into review_approval (proposal_id, proposed_by, approved_by, approved_at)
             values ($1, $2, $3, $4) on conflict (proposal_id, approved_by) do nothing",
            proposal.id.0,
            proposal.proposed_by.as_str(),
            approval.by.as_str(),
            approval.at
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The row was written before, so nobody else numbers its history now.
async fn write_news(connection: &mut PgConnection, review: &Review) -> Result<(), StoreError> {
    for news in &review.news {
        sqlx::query!(
            "insert into review_event (review_id, n, act, person_id, proposal_id, text, at)
             values ($1, (select coalesce(max(n), 0) + 1 from review_event where review_id = $1),
               $2, $3, $4, $5, $6)",
            review.id.0,
            news.act.as_str(),
            news.person.as_ref().map(PersonId::as_str),
            news.proposal.map(|id| id.0),
            news.text,
            news.at
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A line of a case's history.
#[derive(Debug, Clone)]
pub struct HistoryLine {
    pub number: i32,
    pub act: String,
    pub person: Option<PersonId>,
    pub proposal: Option<ProposalId>,
    pub text: Option<String>,
    pub at: Timestamp,
}

/// What was done in a case, in its order.
pub async fn history(
    connection: &mut PgConnection,
    review: ReviewId,
) -> Result<Vec<HistoryLine>, StoreError> {
    let rows = sqlx::query!(
        "select n, act, person_id, proposal_id, text, at from review_event
         where review_id = $1 order by n",
        review.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| HistoryLine {
            number: row.n,
            act: row.act,
            person: row.person_id.as_deref().map(PersonId::trusted),
            proposal: row.proposal_id.map(ProposalId),
            text: row.text,
            at: row.at,
        })
        .collect())
}
