//! Kill switches and maintenance: rows that are only added, a lift being a row of its own.

use super::{Pool, StoreError, cases};
use crate::book::Review;
use crate::domain::{Direction, Method, OperatorId, PersonId, ReviewId, Timestamp};
use crate::routing::switches::{LiftProposal, Lifted, Scope, Switch, SwitchKind};
use sqlx::PgExecutor;
use uuid::Uuid;

/// What became of a switch that was to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Set {
    New,
    /// This idempotency key set it before; it is what it was asked for then.
    Before(Box<Switch>),
}

/// Sets a switch, and opens the case in which others look at it, in one commit.
pub async fn set(
    pool: &Pool,
    switch: &Switch,
    case: Option<&Review>,
    idempotency_key: &str,
) -> Result<Set, StoreError> {
    let Scope { psp, country, direction, method } = &switch.scope;
    let mut tx = pool.begin().await?;
    let inserted = sqlx::query!(
        "insert into routing_switch (switch_id, operator_id, kind, psp, country, direction, method,
           reason, set_by, set_at, begins_at, ends_at, created_by_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (operator_id, created_by_key) do nothing",
        switch.id,
        switch.operator.as_str(),
        switch.kind.as_str(),
        psp.as_deref(),
        country.as_deref(),
        direction.map(|direction| direction.as_str()),
        method.map(|method| method.as_str()),
        switch.reason,
        switch.set_by.as_str(),
        switch.set_at,
        switch.from,
        switch.until,
        idempotency_key,
    )
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 1 {
        if let Some(case) = case {
            cases::insert(&mut tx, &switch.operator, case).await?;
        }
        tx.commit().await?;
        return Ok(Set::New);
    }
    drop(tx);
    let before = by_key(pool, &switch.operator, idempotency_key).await?;
    Ok(before.map_or(Set::New, |before| Set::Before(Box::new(before))))
}

/// How many of an operator's switches are still to come, and not lifted.
pub async fn to_come(
    pool: &Pool,
    operator: &OperatorId,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let planned = sqlx::query_scalar!(
        r#"select count(*) as "planned!" from routing_switch s
           where s.operator_id = $1 and $2 < s.begins_at and s.set_at < s.begins_at
             and not exists (select from routing_switch_lift l where l.switch_id = s.switch_id)"#,
        operator.as_str(),
        now,
    )
    .fetch_one(pool)
    .await?;
    Ok(planned)
}

/// The switch that an idempotency key set.
pub async fn by_key(
    pool: &Pool,
    operator: &OperatorId,
    idempotency_key: &str,
) -> Result<Option<Switch>, StoreError> {
    let id = sqlx::query_scalar!(
        "select switch_id from routing_switch where operator_id = $1 and created_by_key = $2",
        operator.as_str(),
        idempotency_key,
    )
    .fetch_optional(pool)
    .await?;
    match id {
        Some(id) => one(pool, operator, id).await,
        None => Ok(None),
    }
}

/// Lifts a switch. False: somebody had lifted it before, and theirs stands.
pub async fn lift(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    lifted: &Lifted,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into routing_switch_lift (switch_id, lifted_by, reason, lifted_at)
         values ($1, $2, $3, $4) on conflict (switch_id) do nothing",
        id,
        lifted.by.as_str(),
        lifted.reason,
        lifted.at,
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One switch of an operator.
pub async fn one(
    pool: &Pool,
    operator: &OperatorId,
    id: Uuid,
) -> Result<Option<Switch>, StoreError> {
    let filter = SwitchFilter {
        operator: Some(operator),
        id: Some(id),
        before: None,
        limit: Some(1),
        on_at: None,
        on_first: None,
    };
    Ok(list(pool, &filter).await?.pop())
}

/// Which switches are wanted.
#[derive(Debug, Clone, Copy)]
pub struct SwitchFilter<'a> {
    /// None: of all operators.
    pub operator: Option<&'a OperatorId>,
    pub id: Option<Uuid>,
    pub before: Option<Uuid>,
    /// None: all of them.
    pub limit: Option<i64>,
    /// Only those that are on at this time, or will be.
    pub on_at: Option<Timestamp>,
    /// Those that are on at this time stand before all others, so that no limit cuts them off.
    pub on_first: Option<Timestamp>,
}

/// Switches, newest first.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &SwitchFilter<'_>,
) -> Result<Vec<Switch>, StoreError> {
    let rows = sqlx::query!(
        r#"select s.switch_id, s.operator_id, s.kind, s.psp, s.country, s.direction, s.method,
             s.reason, s.set_by, s.set_at, s.begins_at, s.ends_at,
             r.review_id as "review_id?", l.lifted_by as "lifted_by?", l.lifted_at as "lifted_at?", l.reason as "lift_reason?",
             p.proposed_by as "proposed_by?", p.proposed_at as "proposed_at?", p.note as "proposed_why?"
           from routing_switch s left join routing_switch_lift l on l.switch_id = s.switch_id
             left join review r on r.switch_id = s.switch_id and r.is_open
             left join lateral (
               select o.proposed_by, o.proposed_at, o.note
               from review c join review_proposal o on o.review_id = c.review_id
               where c.switch_id = s.switch_id and o.outcome = 'reject' and o.state in ('open', 'approved')
               order by o.proposal_id desc limit 1) p on true
           where ($1::text is null or s.operator_id = $1)
             and ($2::uuid is null or s.switch_id = $2)
             and ($3::uuid is null or s.switch_id < $3)
             and ($5::timestamptz is null
               or (l.switch_id is null and (s.ends_at is null or $5 < s.ends_at)))
           order by coalesce($6::timestamptz is not null and l.switch_id is null
             and (s.begins_at <= $6 or s.begins_at <= s.set_at) and (s.ends_at is null or $6 < s.ends_at), false) desc, s.switch_id desc limit $4"#,
        filter.operator.map(OperatorId::as_str),
        filter.id,
        filter.before,
        filter.limit,
        filter.on_at,
        filter.on_first,
    )
    .fetch_all(executor)
    .await?;
    let switches = rows.into_iter().map(|row| {
        let lifted = row.lifted_by.zip(row.lifted_at).zip(row.lift_reason);
        let proposed = row.proposed_by.zip(row.proposed_at).zip(row.proposed_why);
        Switch {
            id: row.switch_id,
            operator: OperatorId::trusted(&row.operator_id),
            // A kind that only a newer release knows switches off all the same, until somebody lifts it.
            kind: SwitchKind::parse(&row.kind).unwrap_or(SwitchKind::Kill),
            scope: Scope {
                psp: row.psp,
                country: row.country,
                direction: row.direction.as_deref().and_then(|text| text.parse::<Direction>().ok()),
                method: row.method.as_deref().and_then(|text| text.parse::<Method>().ok()),
            },
            reason: row.reason,
            set_by: PersonId::trusted(&row.set_by),
            set_at: row.set_at,
            from: row.begins_at,
            until: row.ends_at,
            review: row.review_id.map(ReviewId),
            lift_proposed: proposed.map(|((by, at), reason)| LiftProposal {
                by: PersonId::trusted(&by),
                at,
                reason,
            }),
            lifted: lifted.map(|((by, at), reason)| Lifted {
                by: PersonId::trusted(&by),
                at,
                reason,
            }),
        }
    });
    Ok(switches.collect())
}
