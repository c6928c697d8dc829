//! What instances tell each other of PSPs, and what the next start begins with. None of it is a record:
//! what is lost is learned again.

use super::{Pool, StoreError};
use crate::domain::{AttemptId, Currency, Direction, Method, OperatorId, PaymentId, Timestamp};
use crate::routing::health::{Bucket, Kept, Level, Told};
use crate::routing::plan::Volumes;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use time::Date;
use uuid::Uuid;

/// As it is written: short, since there may be hundreds in a second.
#[derive(Debug, Serialize, Deserialize)]
enum Written {
    /// PSP, direction, sent, answered, whether it was a fault.
    #[serde(rename = "c")]
    Called(String, String, i64, i64, Option<bool>),
    /// PSP, bucket, sent, ended, whether it was approved.
    #[serde(rename = "d")]
    Decided(String, [String; 4], i64, i64, bool),
    #[serde(rename = "t")]
    Tripped(String, String, i64),
}

fn written(told: &Told) -> Written {
    match told {
        Told::Called { psp, direction, sent_at, at, fault } => {
            Written::Called(psp.clone(), direction.to_string(), *sent_at, *at, *fault)
        }
        Told::Decided { psp, bucket, sent_at, at, approved } => {
            Written::Decided(psp.clone(), words(bucket), *sent_at, *at, *approved)
        }
        Told::Tripped { psp, direction, at } => {
            Written::Tripped(psp.clone(), direction.to_string(), *at)
        }
    }
}

/// None: of another version of the service, which has words that this one does not know.
fn told(written: Written) -> Option<Told> {
    Some(match written {
        Written::Called(psp, direction, sent_at, at, fault) => Told::Called {
            psp,
            direction: direction.parse::<Direction>().ok()?,
            sent_at,
            at,
            fault,
        },
        Written::Decided(psp, words, sent_at, at, approved) => {
            let [direction, country, method, currency] = words;
            let bucket = bucket(&direction, country, &method, &currency)?;
            Told::Decided { psp, bucket, sent_at, at, approved }
        }
        Written::Tripped(psp, direction, at) => {
            Told::Tripped { psp, direction: direction.parse::<Direction>().ok()?, at }
        }
    })
}

fn words(bucket: &Bucket) -> [String; 4] {
    let Bucket { direction, country, method, currency } = bucket;
    [direction.to_string(), country.clone(), method.to_string(), currency.to_string()]
}

fn bucket(direction: &str, country: String, method: &str, currency: &str) -> Option<Bucket> {
    Some(Bucket {
        direction: direction.parse::<Direction>().ok()?,
        country,
        method: method.parse::<Method>().ok()?,
        currency: currency.parse::<Currency>().ok()?,
    })
}

/// Tells others what this instance saw. Told again under the same number it changes nothing, so that it can be
/// repeated when the answer is lost.
pub async fn tell(pool: &Pool, stream: Uuid, number: i64, all: &[Told]) -> Result<(), StoreError> {
    let text = serde_json::to_string(&all.iter().map(written).collect::<Vec<_>>());
    let text =
        text.map_err(|error| StoreError::Corrupt(format!("what is told of PSPs: {error}")))?;
    sqlx::query!(
        "insert into psp_health_told (stream, number, told) values ($1, $2, $3::text::json)
         on conflict (stream, number) do nothing",
        stream,
        number,
        text,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How far this instance has heard the others.
#[derive(Debug, Clone)]
pub struct Heard {
    own: Uuid,
    /// By the database's clock: what was told before has been heard.
    since: Timestamp,
    last: BTreeMap<Uuid, i64>,
}

/// A row may become visible so much after the time that it carries: a commit may wait for a slow disk.
const LATE_MAX: time::Duration = time::Duration::seconds(5);

/// Begins to listen now.
pub async fn listen(pool: &Pool, own: Uuid) -> Result<Heard, StoreError> {
    let since =
        sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(pool).await?;
    Ok(Heard { own, since, last: BTreeMap::new() })
}

/// What others have told since the last time.
pub async fn hear(pool: &Pool, heard: &mut Heard) -> Result<Vec<Told>, StoreError> {
    // The time comes along: whoever is alone hears nobody, and would read its own words over and over.
    let rows = sqlx::query!(
        r#"select n.now as "now!", t.stream as "stream?", t.number as "number?", t.told::text
           from (select clock_timestamp() as now) n
           left join psp_health_told t on $1 < t.told_at and t.stream <> $2
           order by t.told_at, t.stream, t.number"#,
        heard.since - LATE_MAX,
        heard.own,
    )
    .fetch_all(pool)
    .await?;
    let mut all = Vec::new();
    for row in rows {
        heard.since = heard.since.max(row.now);
        let (Some(stream), Some(number), Some(words)) = (row.stream, row.number, row.told) else {
            continue;
        };
        let last = heard.last.entry(stream).or_insert(-1);
        if number <= *last {
            continue;
        }
        *last = number;
        // Another version may write what this one cannot read; what it can read it takes.
        let written: Vec<serde_json::Value> = serde_json::from_str(&words).unwrap_or_default();
        let known = written.into_iter().filter_map(|one| serde_json::from_value(one).ok());
        all.extend(known.filter_map(told));
    }
    Ok(all)
}

/// Forgets what everybody has heard, and the numbers of runs that are long over.
pub async fn prune(pool: &Pool) -> Result<u64, StoreError> {
    let gone = sqlx::query!(
        "delete from psp_health_told where told_at < clock_timestamp() - interval '1 minute'"
    )
    .execute(pool)
    .await?;
    sqlx::query!(
        "delete from psp_volume_told where told_at < clock_timestamp() - interval '30 days'"
    )
    .execute(pool)
    .await?;
    Ok(gone.rows_affected())
}

/// Keeps the levels for the next start.
pub async fn keep(pool: &Pool, levels: &[Level], now: Timestamp) -> Result<(), StoreError> {
    // In one order, so that two instances that write at once wait for each other and no more.
    let mut sorted: Vec<(&String, [String; 4], &Level)> =
        levels.iter().map(|level| (&level.psp, words(&level.bucket), level)).collect();
    sorted.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let word = |n: usize| sorted.iter().map(|of| of.1[n].clone()).collect::<Vec<String>>();
    let psps: Vec<String> = sorted.iter().map(|of| of.0.clone()).collect();
    let approved: Vec<i32> = sorted.iter().map(|of| of.2.approved_ppm).collect();
    let outcomes: Vec<i32> = sorted.iter().map(|of| of.2.outcomes).collect();
    let demoted: Vec<bool> = sorted.iter().map(|of| of.2.demoted).collect();
    sqlx::query!(
        "insert into psp_health_level
           (psp, direction, country, method, currency, approved_ppm, outcomes, demoted, kept_at)
         select *, $9 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
           $6::integer[], $7::integer[], $8::boolean[])
         on conflict (psp, direction, country, method, currency) do update
         set approved_ppm = excluded.approved_ppm, outcomes = excluded.outcomes,
           demoted = excluded.demoted, kept_at = excluded.kept_at",
        &psps,
        &word(0),
        &word(1),
        &word(2),
        &word(3),
        &approved,
        &outcomes,
        &demoted,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whom nobody has found failing for so long does so no more, as far as anybody knows: no instance has run.
pub const FAILING_FOR: time::Duration = time::Duration::minutes(10);

/// Keeps whether a PSP fails for the next start. True: nobody had said so before.
pub async fn keep_failing(
    db: &mut PgConnection,
    psp: &str,
    direction: Direction,
    failing: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let kept = sqlx::query!(
        "insert into psp_failing as f (psp, direction, failing, changed_at) values ($1, $2, $3, $4)
         on conflict (psp, direction) do update
         set failing = excluded.failing, changed_at = excluded.changed_at
         where f.failing <> excluded.failing or (excluded.failing and f.changed_at < $5)",
        psp,
        direction.as_str(),
        failing,
        now,
        now - FAILING_FOR,
    )
    .execute(db)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Ends what nobody has found for long. True: nobody had ended it before, nor has found it since.
pub async fn forget_failing(
    db: &mut PgConnection,
    psp: &str,
    direction: Direction,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let forgotten = sqlx::query!(
        "update psp_failing set failing = false, changed_at = $3
         where psp = $1 and direction = $2 and failing and changed_at < $4",
        psp,
        direction.as_str(),
        now,
        now - FAILING_FOR,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected() == 1)
}

/// Keeps that these fail still, those apart of which another instance said meanwhile that they are well.
pub async fn still_failing(
    pool: &Pool,
    failing: &[(String, Direction)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let psps: Vec<String> = failing.iter().map(|(psp, _)| psp.clone()).collect();
    let directions: Vec<String> = failing.iter().map(|(_, it)| it.to_string()).collect();
    // What another instance writes at this moment it writes for all.
    sqlx::query!(
        "with still as (
           select f.psp, f.direction from psp_failing f
           join unnest($1::text[], $2::text[]) n (psp, direction)
             on f.psp = n.psp and f.direction = n.direction
           where f.failing for no key update of f skip locked)
         update psp_failing f set changed_at = $3 from still
         where f.psp = still.psp and f.direction = still.direction",
        &psps,
        &directions,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What was kept; and of whom it was kept before `failing_since`, and not since, that they fail.
pub async fn kept(
    pool: &Pool,
    failing_since: Timestamp,
) -> Result<(Kept, Vec<(String, Direction)>), StoreError> {
    let levels = sqlx::query!(
        "select psp, direction, country, method, currency, approved_ppm, outcomes, demoted
         from psp_health_level"
    )
    .fetch_all(pool)
    .await?;
    let levels = levels.into_iter().filter_map(|row| {
        Some(Level {
            psp: row.psp,
            bucket: bucket(&row.direction, row.country, &row.method, &row.currency)?,
            approved_ppm: row.approved_ppm,
            outcomes: row.outcomes,
            demoted: row.demoted,
        })
    });
    let rows = sqlx::query!(
        r#"select psp, direction, $1 <= changed_at as "is_fresh!" from psp_failing where failing"#,
        failing_since,
    )
    .fetch_all(pool)
    .await?;
    let (mut failing, mut unwatched) = (Vec::new(), Vec::new());
    for row in rows {
        let Ok(direction) = row.direction.parse::<Direction>() else { continue };
        let these = if row.is_fresh { &mut failing } else { &mut unwatched };
        these.push((row.psp, direction));
    }
    Ok((Kept { levels: levels.collect(), failing }, unwatched))
}

/// Of a PSP's own ids so many are looked through, the last first.
const REFERENCES_MAX: i64 = 20_000;

/// A payout that a PSP has taken and given an id: about any of them it can be asked, unless its payment's own
/// inquiry was later than `not_since`, or it is among `others`. None: there is none among its last ids.
pub async fn payout_at(
    pool: &Pool,
    psp: &str,
    not_since: Timestamp,
    others: &[AttemptId],
) -> Result<Option<(OperatorId, PaymentId, AttemptId)>, StoreError> {
    let row = sqlx::query!(
        "select p.operator_id, p.payment_id, a.attempt_id
         from (select attempt_id, payment_id, part_id, was_accepted, last_inquiry_at from attempt
               where psp = $1 and psp_reference is not null
               order by psp_reference desc limit $2) a
         cross join lateral (
           select operator_id, payment_id, direction, of_deposit from payment
           where payment_id = a.payment_id offset 0) p
         where a.part_id is not null and a.was_accepted and p.direction = 'withdrawal'
           and p.of_deposit is null and coalesce(a.last_inquiry_at <= $3, true)
           and a.attempt_id <> all($4)
         limit 1",
        psp,
        REFERENCES_MAX,
        not_since,
        &others.iter().map(|attempt| attempt.0).collect::<Vec<_>>(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| {
        let payment = PaymentId { direction: Direction::Withdrawal, uuid: row.payment_id };
        (OperatorId::trusted(&row.operator_id), payment, AttemptId(row.attempt_id))
    }))
}

/// When a payment's own inquiry about this attempt was last made.
pub async fn last_asked(pool: &Pool, attempt: AttemptId) -> Result<Option<Timestamp>, StoreError> {
    let asked =
        sqlx::query_scalar!("select last_inquiry_at from attempt where attempt_id = $1", attempt.0);
    Ok(asked.fetch_optional(pool).await?.flatten())
}

/// Adds what this instance has carried since it last told. Added again under the same number it changes
/// nothing, so that it can be repeated when the answer is lost. Numbers grow.
pub async fn add_volumes(
    pool: &Pool,
    (stream, number): (Uuid, i64),
    day: Date,
    untold: &Volumes,
) -> Result<(), StoreError> {
    // A map is in one order: two instances that add at once wait for each other and no more.
    let psps: Vec<String> = untold.keys().map(|key| key.0.clone()).collect();
    let directions: Vec<String> = untold.keys().map(|key| key.1.to_string()).collect();
    let currencies: Vec<String> = untold.keys().map(|key| key.2.to_string()).collect();
    let minor: Vec<i64> = untold.values().copied().collect();
    sqlx::query!(
        "with told as (
           insert into psp_volume_told as t (stream, number) values ($6, $7)
           on conflict (stream) do update
           set number = excluded.number, told_at = excluded.told_at where t.number < excluded.number
           returning t.number)
         insert into psp_day_volume as v (day, psp, direction, currency, minor)
         select $1, n.* from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) n
         where exists (select from told)
         on conflict (day, psp, direction, currency) do update set minor = v.minor + excluded.minor",
        day,
        &psps,
        &directions,
        &currencies,
        &minor,
        stream,
        number,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What all instances have carried on a day.
pub async fn volumes(pool: &Pool, day: Date) -> Result<Volumes, StoreError> {
    let rows = sqlx::query!(
        "select psp, direction, currency, minor from psp_day_volume where day = $1",
        day,
    )
    .fetch_all(pool)
    .await?;
    let volumes = rows.into_iter().filter_map(|row| {
        let direction = row.direction.parse::<Direction>().ok()?;
        Some(((row.psp, direction, row.currency.parse::<Currency>().ok()?), row.minor))
    });
    Ok(volumes.collect())
}
