//! What vendors said of a player: registers, lists of names, identity. One row an answer, for good; the
//! newest of a vendor stands. The bytes that it was read from are named by their hash and not kept:
//! they name people.

use super::{Pool, StoreError, erasures, vendors_json};
use crate::domain::{PlayerKey, Timestamp};
use crate::screening::signals::{Hook, Risk, VendorResult, VendorState};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// An answer, and the version of the player's record that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub result: VendorResult,
    pub player_version: Option<i64>,
}

/// An answer that is to be kept.
#[derive(Debug, Clone)]
pub struct NewResult {
    pub id: Uuid,
    pub player: PlayerKey,
    /// The version of the record that was asked about.
    pub player_version: i64,
    pub result: VendorResult,
    pub asked_at: Timestamp,
    /// By the vendor's own clock, where its news is ordered by it.
    pub told_at: Option<Timestamp>,
}

#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    operator: Vec<String>,
    player: Vec<String>,
    hook: Vec<String>,
    vendor: Vec<String>,
    request: Vec<String>,
    state: Vec<String>,
    risk: Vec<Option<String>>,
    score: Vec<Option<String>>,
    signals: Vec<String>,
    version: Vec<String>,
    raw: Vec<Vec<u8>>,
    received_at: Vec<Timestamp>,
    asked_at: Vec<Timestamp>,
    player_version: Vec<i64>,
    told_at: Vec<Option<Timestamp>>,
}

fn columns(results: &[NewResult]) -> Columns {
    let mut c = Columns::default();
    for NewResult { id, player, player_version, result, asked_at, told_at } in results {
        c.id.push(*id);
        c.operator.push(player.operator.as_str().to_owned());
        c.player.push(player.player.as_str().to_owned());
        c.hook.push(result.hook.as_str().to_owned());
        c.vendor.push(result.vendor.clone());
        c.request.push(result.request_id.clone());
        c.state.push(result.state.as_str().to_owned());
        c.risk.push(result.risk.map(|risk| risk.as_str().to_owned()));
        c.score.push(result.score.clone());
        c.signals.push(vendors_json::signals(&result.signals).to_string());
        c.version.push(result.version.clone());
        c.raw.push(result.raw_sha256.to_vec());
        c.received_at.push(result.received_at);
        c.asked_at.push(*asked_at);
        c.player_version.push(*player_version);
        c.told_at.push(*told_at);
    }
    c
}

/// Keeps answers about the records as they were asked about: all of them, or none.
pub async fn keep(connection: &mut PgConnection, results: &[NewResult]) -> Result<(), StoreError> {
    let newest = results.iter().map(|new| new.result.received_at).max();
    let Some(newest) = newest else { return Ok(()) };
    let mut tx = connection.begin().await?;
    erasures::before_writing(&mut tx, results.iter().map(|new| &new.player), newest).await?;
    let c = columns(results);
    sqlx::query!(
        "insert into vendor_result (vendor_result_id, operator_id, player_id, hook, vendor,
           request_id, state, risk, score, signals, version, raw_sha256, received_at, asked_at,
           player_version, told_at)
         select a, b, c, d, e, f, g, h, i, j::json, k, l, m, n, o, p
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
           $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[],
           $13::timestamptz[], $14::timestamptz[], $15::bigint[], $16::timestamptz[])
           as w (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)",
        &c.id,
        &c.operator,
        &c.player,
        &c.hook,
        &c.vendor,
        &c.request,
        &c.state,
        &c.risk as &[Option<String>],
        &c.score as &[Option<String>],
        &c.signals,
        &c.version,
        &c.raw,
        &c.received_at,
        &c.asked_at,
        &c.player_version,
        &c.told_at as &[Option<Timestamp>]
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// As [`keep`], one answer, durably before this returns.
pub async fn keep_one(pool: &Pool, result: NewResult) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    keep(&mut connection, &[result]).await
}

/// Whose answer about whom is looked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub player: PlayerKey,
    pub hook: Hook,
    pub vendor: String,
}

/// The answer of a matcher about a player of which people were told last, where they were told of any.
pub async fn told(
    pool: &Pool,
    player: &PlayerKey,
    matcher: &str,
) -> Result<Option<VendorResult>, StoreError> {
    let row = sqlx::query!(
        r#"select request_id, score, signals::text as "signals!", version, raw_sha256, received_at
           from name_told t join vendor_result r using (vendor_result_id)
           where t.operator_id = $1 and t.player_id = $2 and t.matcher = $3"#,
        player.operator.as_str(),
        player.player.as_str(),
        matcher
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = |_| StoreError::Corrupt(format!("a result of {matcher}"));
    Ok(Some(VendorResult {
        vendor: matcher.to_owned(),
        hook: Hook::Names,
        place: None,
        request_id: row.request_id,
        state: VendorState::Final,
        risk: None,
        score: row.score,
        signals: vendors_json::read_signals(&row.signals)?,
        raw_sha256: row.raw_sha256.as_slice().try_into().map_err(corrupt)?,
        version: row.version,
        received_at: row.received_at,
    }))
}

/// People were told of all that this answer adds, or nothing was to be told.
pub async fn tell(
    pool: &Pool,
    player: &PlayerKey,
    matcher: &str,
    answer: Uuid,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into name_told (operator_id, player_id, matcher, vendor_result_id)
         values ($1, $2, $3, $4)
         on conflict (operator_id, player_id, matcher)
           do update set vendor_result_id = excluded.vendor_result_id",
        player.operator.as_str(),
        player.player.as_str(),
        matcher,
        answer
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The newest final answer of each vendor about each player, in the order in which they are asked for.
pub async fn newest(
    connection: &mut PgConnection,
    wanted: &[Wanted],
) -> Result<Vec<Option<Kept>>, StoreError> {
    let numbers: Vec<i32> = (0..).take(wanted.len()).collect();
    let of = |field: fn(&Wanted) -> &str| -> Vec<String> {
        wanted.iter().map(|one| field(one).to_owned()).collect()
    };
    let rows = sqlx::query!(
        r#"select w.number as "number!", v.request_id, v.state, v.risk, v.score,
             v.signals::text as "signals!", v.version, v.raw_sha256, v.received_at, v.player_version
           from unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[])
             as w (number, operator_id, player_id, hook, vendor)
           cross join lateral (select * from vendor_result r
             where r.operator_id = w.operator_id and r.player_id = w.player_id
               and r.hook = w.hook and r.vendor = w.vendor
               and r.payment_id is null and r.state = 'final'
             order by r.received_at desc, r.vendor_result_id desc limit 1) v"#,
        &numbers,
        &of(|one| one.player.operator.as_str()),
        &of(|one| one.player.player.as_str()),
        &of(|one| one.hook.as_str()),
        &of(|one| &one.vendor)
    )
    .fetch_all(connection)
    .await?;
    let mut found = vec![None; wanted.len()];
    for row in rows {
        let number = usize::try_from(row.number).unwrap_or(usize::MAX);
        let Some((asked, place)) = wanted.get(number).zip(found.get_mut(number)) else { continue };
        let corrupt = || StoreError::Corrupt(format!("a result of {}", asked.vendor));
        let risk = row.risk.as_deref().map(|risk| Risk::parse(risk).ok_or_else(corrupt));
        let result = VendorResult {
            vendor: asked.vendor.clone(),
            hook: asked.hook,
            place: None,
            request_id: row.request_id,
            state: VendorState::parse(&row.state).ok_or_else(corrupt)?,
            risk: risk.transpose()?,
            score: row.score,
            signals: vendors_json::read_signals(&row.signals)?,
            raw_sha256: row.raw_sha256.as_slice().try_into().map_err(|_| corrupt())?,
            version: row.version,
            received_at: row.received_at,
        };
        *place = Some(Kept { result, player_version: row.player_version });
    }
    Ok(found)
}

/// News of a vendor of identity, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub id: Uuid,
    pub result: VendorResult,
    pub told_at: Timestamp,
}

/// When a verification was told to be under way last, by an answer that was asked for before that time.
pub async fn pending_told_at(
    pool: &Pool,
    player: &PlayerKey,
    (vendor, request_id): (&str, &str),
    asked_before: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let told_at = sqlx::query_scalar!(
        "select max(told_at) from vendor_result
         where operator_id = $1 and player_id = $2 and hook = 'kyc' and vendor = $3
           and payment_id is null and state = 'pending' and request_id = $4 and asked_at < $5",
        player.operator.as_str(),
        player.player.as_str(),
        vendor,
        request_id,
        asked_before
    )
    .fetch_one(pool)
    .await?;
    Ok(told_at)
}

/// The newest news of these vendors about a player's identity.
pub async fn newest_news(
    pool: &Pool,
    player: &PlayerKey,
    vendors: &[String],
) -> Result<Option<News>, StoreError> {
    Ok(news(pool, player, vendors, 1).await?.pop())
}

/// News of these vendors about a player's identity, newest first by the vendors' own time. Of two of one
/// moment the one that is final is the newer.
pub async fn news(
    pool: &Pool,
    player: &PlayerKey,
    vendors: &[String],
    most: i64,
) -> Result<Vec<News>, StoreError> {
    let rows = sqlx::query!(
        r#"select vendor_result_id, vendor, request_id, state, risk, score,
             signals::text as "signals!", version, raw_sha256, received_at, told_at as "told_at!"
           from vendor_result
           where operator_id = $1 and player_id = $2 and hook = 'kyc' and vendor = any($3)
             and payment_id is null and state <> 'error' and told_at is not null
           order by told_at desc, state, asked_at desc, vendor_result_id desc limit $4"#,
        player.operator.as_str(),
        player.player.as_str(),
        vendors,
        most
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let corrupt = || StoreError::Corrupt(format!("a result of {}", row.vendor));
            let risk = row.risk.as_deref().map(|risk| Risk::parse(risk).ok_or_else(corrupt));
            let result = VendorResult {
                hook: Hook::Kyc,
                place: None,
                request_id: row.request_id.clone(),
                state: VendorState::parse(&row.state).ok_or_else(corrupt)?,
                risk: risk.transpose()?,
                score: row.score.clone(),
                signals: vendors_json::read_signals(&row.signals)?,
                raw_sha256: row.raw_sha256.as_slice().try_into().map_err(|_| corrupt())?,
                version: row.version.clone(),
                received_at: row.received_at,
                vendor: row.vendor.clone(),
            };
            Ok(News { id: row.vendor_result_id, result, told_at: row.told_at })
        })
        .collect()
}
