//! What vendors said of a player: registers, lists of names, identity. One row an answer, for good; the
//! newest of a vendor stands. The bytes that it was read from are named by their hash and not kept:
//! they name people.

use super::{Pool, StoreError, vendors_json};
use crate::domain::{Player, PlayerKey, Timestamp};
use crate::screening::signals::{Hook, Risk, VendorResult, VendorState};
use uuid::Uuid;

/// An answer, and the version of the player's record that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub result: VendorResult,
    pub player_version: Option<i64>,
}

/// Keeps an answer about the record as it was asked about. `told_at`: by the vendor's own clock, where
/// its news is ordered by it.
pub async fn keep(
    pool: &Pool,
    id: Uuid,
    player: &Player,
    result: &VendorResult,
    (asked_at, told_at): (Timestamp, Option<Timestamp>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into vendor_result (vendor_result_id, operator_id, player_id, hook, vendor,
           request_id, state, risk, score, signals, version, raw_sha256, received_at, asked_at,
           player_version, told_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json, $11, $12, $13, $14, $15,
           $16)",
        id,
        player.key.operator.as_str(),
        player.key.player.as_str(),
        result.hook.as_str(),
        result.vendor,
        result.request_id,
        result.state.as_str(),
        result.risk.map(Risk::as_str),
        result.score,
        vendors_json::signals(&result.signals).to_string(),
        result.version,
        result.raw_sha256.as_slice(),
        result.received_at,
        asked_at,
        player.version,
        told_at
    )
    .execute(pool)
    .await?;
    Ok(())
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

/// The newest final answer of a vendor about a player.
pub async fn newest(
    pool: &Pool,
    player: &PlayerKey,
    hook: Hook,
    vendor: &str,
) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query!(
        r#"select request_id, state, risk, score, signals::text as "signals!", version, raw_sha256,
             received_at, player_version
           from vendor_result
           where operator_id = $1 and player_id = $2 and hook = $3 and vendor = $4
             and payment_id is null and state = 'final'
           order by received_at desc, vendor_result_id desc limit 1"#,
        player.operator.as_str(),
        player.player.as_str(),
        hook.as_str(),
        vendor
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = || StoreError::Corrupt(format!("a result of {vendor}"));
    let risk = row.risk.as_deref().map(|risk| Risk::parse(risk).ok_or_else(corrupt));
    let result = VendorResult {
        vendor: vendor.to_owned(),
        hook,
        request_id: row.request_id,
        state: VendorState::parse(&row.state).ok_or_else(corrupt)?,
        risk: risk.transpose()?,
        score: row.score,
        signals: vendors_json::read_signals(&row.signals)?,
        raw_sha256: row.raw_sha256.as_slice().try_into().map_err(|_| corrupt())?,
        version: row.version,
        received_at: row.received_at,
    };
    Ok(Some(Kept { result, player_version: row.player_version }))
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

/// The newest news of these vendors about a player's identity, by the vendors' own time. Of two of one
/// moment the one that is final is the newer.
pub async fn newest_news(
    pool: &Pool,
    player: &PlayerKey,
    vendors: &[String],
) -> Result<Option<News>, StoreError> {
    let row = sqlx::query!(
        r#"select vendor_result_id, vendor, request_id, state, risk, score,
             signals::text as "signals!", version, raw_sha256, received_at, told_at as "told_at!"
           from vendor_result
           where operator_id = $1 and player_id = $2 and hook = 'kyc' and vendor = any($3)
             and payment_id is null and state <> 'error' and told_at is not null
           order by told_at desc, state, asked_at desc, vendor_result_id desc limit 1"#,
        player.operator.as_str(),
        player.player.as_str(),
        vendors
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = || StoreError::Corrupt(format!("a result of {}", row.vendor));
    let risk = row.risk.as_deref().map(|risk| Risk::parse(risk).ok_or_else(corrupt));
    let result = VendorResult {
        hook: Hook::Kyc,
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
    Ok(Some(News { id: row.vendor_result_id, result, told_at: row.told_at }))
}
