//! Incidents: what a person must look at, raised by a payment's lane or by the service itself, and
//! closed by whoever has looked.

use super::{StoreError, erasures, load};
use crate::domain::{AttemptId, IncidentId, OperatorId, PaymentId, PersonId, PlayerId, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

/// An incident of the service itself, which belongs to no payment.
#[derive(Debug, Clone)]
pub struct ServiceIncident<'a> {
    pub kind: &'static str,
    /// Plain, without personal data.
    pub detail: &'a str,
    /// The PSP account that it is about: the account's operators see it.
    pub psp: Option<&'a str>,
}

/// Keeps an incident of the service itself.
pub async fn raise(
    pool: &PgPool,
    id: Uuid,
    incident: &ServiceIncident<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into service_incident (incident_id, kind, detail, psp, raised_at)
         values ($1, $2, $3, $4, $5)",
        id,
        incident.kind,
        incident.detail,
        incident.psp,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// As [`raise`], but not where the same words are open already. False: they are.
pub async fn raise_unless_open(
    pool: &PgPool,
    id: Uuid,
    incident: &ServiceIncident<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into service_incident (incident_id, kind, detail, psp, raised_at)
         select $1, $2, $3, $4, $5
         where not exists (
           select from incident_open o join service_incident s on s.incident_id = o.incident_id
           where o.kind = $2 and s.detail = $3)",
        id,
        incident.kind,
        incident.detail,
        incident.psp,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An incident as people read it.
#[derive(Debug, Clone)]
pub struct IncidentLine {
    pub id: IncidentId,
    pub kind: String,
    pub detail: String,
    pub player: Option<PlayerId>,
    pub payment: Option<PaymentId>,
    pub attempt: Option<AttemptId>,
    pub psp: Option<String>,
    pub raised_at: Timestamp,
    pub closed: Option<Closing>,
}

/// Who looked, when, and what they found.
#[derive(Debug, Clone)]
pub struct Closing {
    pub by: PersonId,
    pub note: String,
    pub at: Timestamp,
}

/// Which incidents are wanted: of an operator's payments, of the PSP accounts it may use, of its vendors, and
/// of the whole service.
#[derive(Debug, Clone, Copy)]
pub struct IncidentFilter<'a> {
    pub operator: &'a OperatorId,
    pub accounts: &'a [String],
    /// Its vendors of identity.
    pub vendors: &'a [String],
    /// None: open and closed.
    pub open: Option<bool>,
    /// Of this kind alone.
    pub kind: Option<&'a str>,
    /// One of them alone.
    pub id: Option<Uuid>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// What is about the whole service: every operator's people are told, as nobody else would be.
const OF_THE_HOUSE: [&str; 5] =
    ["ledger.broken", "ledger.unproven", "evidence.broken", "rates.ageing", "rates.too_old"];

/// What all operators may read of an incident. The proof's findings are a sentence and a place, and the place
/// can be a player of one of them: `interlock prove` tells it.
fn told(kind: &str, detail: String) -> String {
    match detail.split_once(": ") {
        Some((sentence, _)) if kind == "ledger.broken" => {
            format!("{sentence}: this is not so; `interlock prove` tells where")
        }
        _ => detail,
    }
}

/// Incidents, newest first. One of the service that names no PSP account is an operator's where its detail
/// names a vendor or a deposit of theirs. Those about a player's name are in no list: an operator's people
/// must not learn of them.
pub async fn list(
    pool: &PgPool,
    filter: &IncidentFilter<'_>,
) -> Result<Vec<IncidentLine>, StoreError> {
    let rows = sqlx::query!(
        r#"select i.incident_id as "id!", i.kind as "kind!", i.detail as "detail!",
             i.player_id as "player?", i.payment_id as "payment?", p.direction as "direction?",
             i.attempt_id as "attempt?", i.psp as "psp?", i.raised_at as "raised_at!",
             c.closed_by as "closed_by?", c.note as "note?", c.closed_at as "closed_at?"
           from (
             select incident_id, kind, detail, player_id, payment_id, attempt_id,
               null::text as psp, raised_at
             from incident where operator_id = $1
             union all
             select incident_id, kind, detail, null, null, null, psp, raised_at
             from service_incident s
             where psp = any($2) or (psp is null and (
                 kind = any($7)
                 or (kind like 'kyc\_%' and exists (
                       select from unnest($8::text[]) v
                       where strpos(detail, ' of ' || v || ' ') > 0
                         or starts_with(detail, v || ' sent a signed message about ')))
                 or (kind in ('reservation_unsettled', 'row_unreadable') and exists (
                       select from payment d
                       where d.operator_id = $1 and d.payment_id = substring(s.detail
                         from ' the (?:deposit dep_|payment )([0-9a-f]{32})')::uuid))))) i
           left join incident_close c on c.incident_id = i.incident_id
           left join payment p on p.payment_id = i.payment_id
           where ($3::boolean is null or (c.incident_id is null) = $3)
             and ($4::uuid is null or i.incident_id = $4)
             and ($5::uuid is null or i.incident_id < $5)
             and ($9::text is null or i.kind = $9)
           order by i.incident_id desc limit $6"#,
        filter.operator.as_str(),
        filter.accounts,
        filter.open,
        filter.id,
        filter.before,
        filter.limit,
        &OF_THE_HOUSE as &[&str],
        filter.vendors,
        filter.kind
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let closed = row.closed_by.zip(row.note).zip(row.closed_at);
            IncidentLine {
                id: IncidentId(row.id),
                detail: told(&row.kind, row.detail),
                kind: row.kind,
                player: row.player.as_deref().map(PlayerId::trusted),
                payment: super::load::payment_id(row.payment, row.direction.as_deref()),
                attempt: row.attempt.map(AttemptId),
                psp: row.psp,
                raised_at: row.raised_at,
                closed: closed.map(|((by, note), at)| Closing {
                    by: PersonId::trusted(&by),
                    note,
                    at,
                }),
            }
        })
        .collect())
}

/// Closes an incident. False: somebody had closed it before, and theirs stands.
pub async fn close(
    pool: &PgPool,
    id: IncidentId,
    person: &PersonId,
    note: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let of = sqlx::query!(
        r#"select operator_id, player_id as "player_id!" from incident
           where incident_id = $1 and player_id is not null"#,
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    let of = of.map(|row| load::key(&row.operator_id, &row.player_id));
    erasures::before_writing(&mut tx, of.iter(), now).await?;
    let closed = sqlx::query!(
        "insert into incident_close (incident_id, closed_by, note, closed_at)
         values ($1, $2, $3, $4) on conflict (incident_id) do nothing",
        id.0,
        person.as_str(),
        note,
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(closed.rows_affected() == 1)
}

/// How many are open, by kind: the database itself keeps which, with every incident and every closing, so that
/// this costs what is open and not what ever was.
pub async fn count_open(pool: &PgPool) -> Result<Vec<(String, i64)>, StoreError> {
    let rows =
        sqlx::query!(r#"select o.kind, count(*) as "open!" from incident_open o group by o.kind"#)
            .fetch_all(pool)
            .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.open)).collect())
}

/// How many of an operator's incidents are open, as [`list`] lists them, up to `most`. It costs what is open, of
/// all operators, and not what ever was.
pub async fn count_open_of(
    pool: &PgPool,
    operator: &OperatorId,
    (accounts, vendors): (&[String], &[String]),
    most: i64,
) -> Result<i64, StoreError> {
    let open = sqlx::query_scalar!(
        r#"select count(*) as "open!" from (
             select from incident_open o
             left join incident i on i.incident_id = o.incident_id
             left join service_incident s on s.incident_id = o.incident_id
             where i.operator_id = $1
               or s.psp = any($2)
               or (s.incident_id is not null and s.psp is null and (
                 s.kind = any($3)
                 or (s.kind like 'kyc\_%' and exists (
                       select from unnest($4::text[]) v
                       where strpos(s.detail, ' of ' || v || ' ') > 0
                         or starts_with(s.detail, v || ' sent a signed message about ')))
                 or (s.kind in ('reservation_unsettled', 'row_unreadable') and exists (
                       select from payment d
                       where d.operator_id = $1 and d.payment_id = substring(s.detail
                         from ' the (?:deposit dep_|payment )([0-9a-f]{32})')::uuid))))
             limit $5) seen"#,
        operator.as_str(),
        accounts,
        &OF_THE_HOUSE as &[&str],
        vendors,
        most
    )
    .fetch_one(pool)
    .await?;
    Ok(open)
}
