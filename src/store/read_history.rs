//! What was known at a time: decisions as they were recorded, and the records behind them as of then.
//!
//! A player's record is kept version by version with the time from which it was known; what became of
//! a payment is told by its transitions. So the knowledge of any moment can be had again.

use super::{StoreError, facts_json, json, movements};
use crate::domain::{
    DecisionId, Exclusion, Instrument, Kyc, KycStatus, OperatorId, Player, PlayerId, PlayerKey,
    PlayerStatus, Timestamp,
};
use crate::screening::facts::{Facts, LoopFacts};
use crate::screening::limits::Limit;
use crate::screening::movement::{Movement, UseState};
use serde::Deserialize;
use sqlx::PgPool;
use time::Date;
use uuid::Uuid;

/// A decision, byte for byte as it was recorded.
#[derive(Debug, Clone)]
pub struct RecordedDecision {
    pub id: Uuid,
    pub player: PlayerKey,
    pub payment: Option<Uuid>,
    pub market: Option<String>,
    pub policy_version: Option<String>,
    pub policy_sha256: Option<Vec<u8>>,
    pub outcome: String,
    /// Stored JSON.
    pub rules: String,
    pub reasons: String,
    /// None: the first engine, which kept none.
    pub inputs: Option<String>,
    pub engine: String,
    pub occurred_at: Timestamp,
}

/// Which decisions are wanted, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Span {
    pub operator: Option<OperatorId>,
    pub market: Option<String>,
    pub ids: Option<Vec<Uuid>>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Nil: from the first one on.
    pub after: Uuid,
    pub limit: i64,
}

/// A page of decisions in the order of their ids, which is that of their making.
pub async fn decisions(pool: &PgPool, span: &Span) -> Result<Vec<RecordedDecision>, StoreError> {
    let rows = sqlx::query!(
        r#"select decision_id, operator_id, player_id, payment_id, market, policy_version,
             policy_sha256, outcome, rules::text as "rules!", reasons::text as "reasons!",
             inputs::text as inputs, engine, occurred_at
           from decision
           where ($1::text is null or operator_id = $1)
             and ($2::text is null or market = $2)
             and ($3::uuid[] is null or decision_id = any($3))
             and ($4::timestamptz is null or occurred_at >= $4)
             and ($5::timestamptz is null or occurred_at < $5)
             and decision_id > $6
           order by decision_id limit $7"#,
        span.operator.as_ref().map(OperatorId::as_str),
        span.market,
        span.ids.as_deref(),
        span.from,
        span.until,
        span.after,
        span.limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RecordedDecision {
            id: row.decision_id,
            player: PlayerKey {
                operator: OperatorId::trusted(&row.operator_id),
                player: PlayerId::trusted(&row.player_id),
            },
            payment: row.payment_id,
            market: row.market,
            policy_version: row.policy_version,
            policy_sha256: row.policy_sha256,
            outcome: row.outcome,
            rules: row.rules,
            reasons: row.reasons,
            inputs: row.inputs,
            engine: row.engine,
            occurred_at: row.occurred_at,
        })
        .collect())
}

/// The newest version of a player's record, and their limits, that was known at a time.
pub async fn player(
    pool: &PgPool,
    key: &PlayerKey,
    known: Timestamp,
) -> Result<Option<(Player, Vec<Limit>)>, StoreError> {
    let row = sqlx::query!(
        r#"select v.version, v.known_at, v.body::text as "body!", p.created_at
           from player_version v join player p using (operator_id, player_id)
           where v.operator_id = $1 and v.player_id = $2 and v.known_at <= $3
           order by v.version desc limit 1"#,
        key.operator.as_str(),
        key.player.as_str(),
        known
    )
    .fetch_optional(pool)
    .await?;
    // What was known of an erased player is known no more.
    let Some(row) = row.filter(|row| row.body != "null") else { return Ok(None) };
    let body: Body = json::read(&row.body, "a version of a player's record")?;
    let limits = json::read_limits(body.limits.get())?;
    Ok(Some((body.into_player(key, row.version, row.created_at, row.known_at)?, limits)))
}

/// The record as [`super::write_player::write_version`] keeps it.
#[derive(Debug, Deserialize)]
struct Body {
    country: String,
    currency: String,
    full_name: String,
    given_name: Option<String>,
    family_name: Option<String>,
    date_of_birth: String,
    national_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    locale: Option<String>,
    status: String,
    exclusion: Option<BodyExclusion>,
    kyc: BodyKyc,
    limits: Box<serde_json::value::RawValue>,
}

#[derive(Debug, Deserialize)]
struct BodyExclusion {
    source: String,
    from: i64,
    until: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct BodyKyc {
    status: String,
    level: i16,
    verified_at: Option<i64>,
}

impl Body {
    fn into_player(
        self,
        key: &PlayerKey,
        version: i64,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Result<Player, StoreError> {
        let wrong = |what: &str| StoreError::Corrupt(format!("a version of a player: {what}"));
        let at = |seconds| Timestamp::from_unix_timestamp(seconds).map_err(|_| wrong("a time"));
        let exclusion = match self.exclusion {
            None => None,
            Some(found) => Some(Exclusion {
                source: found.source,
                from: at(found.from)?,
                until: found.until.map(at).transpose()?,
            }),
        };
        let born =
            Date::parse(&self.date_of_birth, &time::format_description::well_known::Iso8601::DATE);
        Ok(Player {
            key: key.clone(),
            version,
            country: self.country,
            currency: json::currency(&self.currency)?,
            full_name: self.full_name,
            given_name: self.given_name,
            family_name: self.family_name,
            date_of_birth: born.map_err(|_| wrong("the birth date"))?,
            national_id: self.national_id,
            email: self.email,
            phone: self.phone,
            address: self.address,
            locale: self.locale,
            status: PlayerStatus::parse(&self.status).ok_or_else(|| wrong("the status"))?,
            exclusion,
            kyc: Kyc {
                status: KycStatus::parse(&self.kyc.status).ok_or_else(|| wrong("kyc"))?,
                level: self.kyc.level,
                verified_at: self.kyc.verified_at.map(at).transpose()?,
            },
            // Of no interest to a screening.
            has_paid: true,
            created_at,
            updated_at,
        })
    }
}

/// The player's movements that had begun by a time, in the state that was known at another.
///
/// A deposit that failed and succeeded late takes room from the moment on when the late success was
/// known: at a moment before its money came, as if its room had never been given up. What arrived
/// instead of what was asked for counts once it was known that it arrived. A withdrawal that was paid
/// later than that time was under way.
///
/// A deposit that was let go once more after it had begun was measured then, and counts from then on. Each such
/// look is on record; one that was not let go waits for people as before, or is over.
pub async fn movements(
    pool: &PgPool,
    key: &PlayerKey,
    begun: Timestamp,
    known: Timestamp,
) -> Result<Vec<Movement>, StoreError> {
    let rows = sqlx::query!(
        r#"select u.payment_id, u.direction, u.currency, u.at, u.amount, u.instrument, u.method,
             p.amount as asked, p.currency as asked_currency,
             (select t.to_status from transition t
              where t.subject_id = u.payment_id and t.subject = 'payment' and t.at <= $4
              order by t.at desc, t.seq desc, t.n desc limit 1) as status,
             coalesce(
               (select max(d.occurred_at) from decision d
                where u.direction = 'deposit' and d.payment_id = u.payment_id
                  and d.checkpoint = 'deposit.pre' and d.decision_id <> p.decision_id
                  and d.occurred_at <= least($3::timestamptz, $4::timestamptz)
                  and (select t.to_status from transition t
                       where t.subject_id = u.payment_id and t.subject = 'payment'
                         and t.at <= d.occurred_at
                       order by t.at desc, t.seq desc, t.n desc limit 1)
                    in ('processing', 'action_required')),
               b.begun_at) as "begun_at!"
           from limit_use u join payment p on p.payment_id = u.payment_id
           cross join lateral (select case u.direction when 'deposit' then least(u.at,
               (select min(t.at) from transition t
                where t.subject_id = u.payment_id and t.subject = 'payment'))
             else p.created_at end as begun_at) b
           where u.operator_id = $1 and u.player_id = $2
             and b.begun_at <= least($3::timestamptz, $4::timestamptz)"#,
        key.operator.as_str(),
        key.player.as_str(),
        begun,
        known
    )
    .fetch_all(pool)
    .await?;
    let mut movements = Vec::with_capacity(rows.len());
    for row in rows {
        let is_deposit = row.direction == "deposit";
        let status = row.status.as_deref().unwrap_or_default();
        let state = match status {
            "failed" | "expired" | "cancelled" | "blocked" | "rejected" => UseState::Released,
            "succeeded" | "reversed" => UseState::Counted,
            "returned" if is_deposit => UseState::Counted,
            "returned" => UseState::Released,
            "paid" | "paid_in_part" if row.at <= begun => UseState::Counted,
            _ => UseState::Reserved,
        };
        let moved = state == UseState::Counted;
        let (amount, currency) =
            if moved { (row.amount, row.currency) } else { (row.asked, row.asked_currency) };
        // A deposit whose money came late counts from then on. Before that there was what it had begun with.
        let is_there = if is_deposit { row.at <= begun.min(known) } else { moved };
        let at = if is_there { row.at } else { row.begun_at };
        let stored = movements::Row {
            payment_id: row.payment_id,
            direction: row.direction,
            amount,
            currency,
            at,
            state: state.as_str().to_owned(),
            instrument: row.instrument,
            method: row.method,
        };
        movements.push(stored.into_movement()?);
    }
    Ok(movements)
}

/// Who paid a deposit, where the PSP has told, and when anything of the deposit changed last: who paid may have
/// been told as late as that.
pub async fn source(
    pool: &PgPool,
    payment: Uuid,
) -> Result<(Option<Instrument>, Option<Timestamp>), StoreError> {
    let row = sqlx::query!(
        "select source::text as source, updated_at from payment where payment_id = $1",
        payment
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok((None, None)) };
    let source = row.source.map(|text| super::instrument_json::read_instrument(&text));
    Ok((source.transpose()?, Some(row.updated_at)))
}

/// Where a withdrawal goes, by its parts.
pub async fn destinations(pool: &PgPool, payment: Uuid) -> Result<Vec<Instrument>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"select instrument::text as "instrument!" from part where payment_id = $1
           order by number"#,
        payment
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(|text| super::instrument_json::read_instrument(text)).collect()
}

/// The facts that a decision was made from. None: the first engine kept none.
///
/// # Errors
/// When the database fails.
pub async fn facts_of(pool: &PgPool, decision: DecisionId) -> Result<Option<Facts>, StoreError> {
    let inputs =
        sqlx::query_scalar!("select inputs::text from decision where decision_id = $1", decision.0);
    let inputs = inputs.fetch_optional(pool).await?.flatten();
    inputs.map(|inputs| facts_json::read(&inputs)).transpose()
}

/// The facts that a deposit's money was last decided by. None: it has not come, or a release that kept none decided.
///
/// # Errors
/// When the database fails.
pub async fn facts_of_money(pool: &PgPool, payment: Uuid) -> Result<Option<Facts>, StoreError> {
    let inputs = sqlx::query_scalar!(
        "select inputs::text from decision
         where payment_id = $1 and checkpoint = 'deposit.post' order by decision_id desc limit 1",
        payment
    );
    let inputs = inputs.fetch_optional(pool).await?.flatten();
    inputs.map(|inputs| facts_json::read(&inputs)).transpose()
}

/// How a withdrawal was shared out among the sources when it was asked for. None: it is a deposit, or of
/// a release that kept nothing of that.
///
/// # Errors
/// When the database fails.
pub async fn shared_out(pool: &PgPool, payment: Uuid) -> Result<Option<LoopFacts>, StoreError> {
    let inputs = sqlx::query_scalar!(
        "select inputs::text from decision
         where payment_id = $1 and checkpoint = 'withdrawal.request' and inputs is not null
         order by decision_id limit 1",
        payment
    )
    .fetch_optional(pool)
    .await?
    .flatten();
    let facts = inputs.map(|inputs| facts_json::read(&inputs)).transpose()?;
    Ok(facts.and_then(|facts| facts.closed_loop))
}
