//! Payments that wait for vendors, and what the vendors said.
//!
//! Lanes open checks, in the commit that makes a payment wait. Everything else here is no money state:
//! workers claim checks, append answers and close what is decided.

use super::StoreError;
use super::claimed::Claimed;
use super::json::currency;
use super::load::key;
use super::vendors_json;
use super::write_records::Numbered;
use crate::book::{AskedPlace, ChainPlace};
use crate::domain::{Currency, Money, PlayerKey, Timestamp};
use crate::screening::signals::{Hook, Risk, StandingAnswers, VendorResult, VendorState};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A check whose time has come.
#[derive(Debug, Clone)]
pub struct DueCheck {
    pub player: PlayerKey,
    pub payment: Uuid,
    pub hook: Hook,
    pub round: i16,
    /// What is asked about; empty: nobody can be asked.
    pub places: Vec<AskedPlace>,
    pub opened_at: Timestamp,
    pub deadline_at: Timestamp,
    /// Looks so far, this one included.
    pub tries: i32,
}

/// Opens the checks of a lane's batch.
pub(super) async fn write(
    connection: &mut PgConnection,
    records: &[Numbered],
) -> Result<(), StoreError> {
    for numbered in records {
        let (record, player) = (&numbered.record, &numbered.record.player);
        for check in &record.vendor_checks {
            // One address stands in the columns that the release before reads, several in their own.
            let alone = check.places.first().filter(|_| check.places.len() == 1);
            let place = alone.map(|asked| &asked.place);
            let several = (1 < check.places.len()).then(|| places_json(&check.places));
            // Payments that wait are few beside those that do not: one statement each.
            sqlx::query!(
                "insert into vendor_check (payment_id, hook, operator_id, player_id, network, asset,
                   address, transaction, amount, currency, opened_at, deadline_at, due_at, round, places)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $13, $14::text::json)
                 on conflict (payment_id, hook) do update set network = excluded.network,
                   asset = excluded.asset, address = excluded.address, amount = excluded.amount,
                   opened_at = excluded.opened_at, deadline_at = excluded.deadline_at,
                   due_at = excluded.due_at, round = excluded.round, places = excluded.places,
                   tries = 0, closed_at = null",
                check.payment.uuid,
                check.hook.as_str(),
                player.operator.as_str(),
                player.player.as_str(),
                place.map(|place| place.network.as_str()),
                place.map(|place| place.asset.as_str()),
                place.map(|place| place.address.as_str()),
                place.and_then(|place| place.transaction.as_deref()),
                check.money.minor,
                check.money.currency.code(),
                record.at,
                check.deadline_at,
                check.round,
                several
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// Claims checks that are due, for as long as `until`: another instance leaves them alone. Payments that are
/// being asked about here are left as they are: a claim that nobody follows would put off their next look.
pub async fn claim(
    pool: &PgPool,
    (now, until): (Timestamp, Timestamp),
    running: &[Uuid],
    most: i64,
) -> Result<Claimed<DueCheck>, StoreError> {
    let rows = sqlx::query!(
        "update vendor_check c set due_at = $2, tries = tries + 1
         from (select payment_id, hook from vendor_check
               where due_at <= $1 and payment_id <> all($4)
               order by due_at limit $3 for update skip locked) due
         where c.payment_id = due.payment_id and c.hook = due.hook
         returning c.payment_id, c.hook, c.operator_id, c.player_id, c.network, c.asset, c.address,
           c.transaction, c.amount, c.currency, c.opened_at, c.deadline_at, c.tries, c.round,
           c.places::text as places",
        now,
        until,
        most,
        running
    )
    .fetch_all(pool)
    .await?;
    let what = |payment: Uuid| format!("the check of the payment {}", payment.simple());
    Ok(Claimed::read(
        rows,
        |row| what(row.payment_id),
        |row| {
            let money = Money::new(row.amount, currency(&row.currency)?);
            let alone = row.network.zip(row.asset).zip(row.address);
            let places = match (alone, row.places) {
                (Some(((network, asset), address)), _) => {
                    let transaction = row.transaction;
                    let place = ChainPlace { network, asset, address, transaction };
                    vec![AskedPlace { place, money }]
                }
                (None, Some(several)) => read_places(&several, money.currency)?,
                (None, None) => Vec::new(),
            };
            Ok(DueCheck {
                player: key(&row.operator_id, &row.player_id),
                payment: row.payment_id,
                hook: hook(&row.hook)?,
                round: row.round,
                places,
                opened_at: row.opened_at,
                deadline_at: row.deadline_at,
                tries: row.tries,
            })
        },
    ))
}

/// `[["ethereum", "USDT", "0x…", 1000], …]`: network, asset, address and minor units.
fn places_json(places: &[AskedPlace]) -> String {
    let of = |AskedPlace { place, money }: &AskedPlace| {
        json!([place.network, place.asset, place.address, money.minor])
    };
    places.iter().map(of).collect::<Value>().to_string()
}

fn read_places(text: &str, currency: Currency) -> Result<Vec<AskedPlace>, StoreError> {
    let read: Result<Vec<(String, String, String, i64)>, _> = serde_json::from_str(text);
    // Not what it says: that may be an address, and people read where this is told.
    let at = |error: serde_json::Error| format!("places of a check, at column {}", error.column());
    let read = read.map_err(|error| StoreError::Corrupt(at(error)))?;
    let of = |(network, asset, address, minor)| AskedPlace {
        place: ChainPlace { network, asset, address, transaction: None },
        money: Money::new(minor, currency),
    };
    Ok(read.into_iter().map(of).collect())
}

fn hook(text: &str) -> Result<Hook, StoreError> {
    Hook::parse(text).ok_or_else(|| StoreError::Corrupt(format!("the hook {text}")))
}

/// The next look is then.
pub async fn look_again(
    pool: &PgPool,
    check: &DueCheck,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update vendor_check set due_at = $3
         where payment_id = $1 and hook = $2 and round = $4 and closed_at is null",
        check.payment,
        check.hook.as_str(),
        due_at,
        check.round
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// It is decided: nobody looks again.
pub async fn close(pool: &PgPool, check: &DueCheck, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "update vendor_check set due_at = null, closed_at = $3
         where payment_id = $1 and hook = $2 and round = $4 and closed_at is null",
        check.payment,
        check.hook.as_str(),
        now,
        check.round
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// An answer, its raw bytes and when it was asked for.
#[derive(Debug, Clone)]
pub struct Answered<'a> {
    pub id: Uuid,
    /// Which of the check's places it is about.
    pub place: i16,
    pub result: &'a VendorResult,
    pub raw: &'a [u8],
    pub asked_at: Timestamp,
}

/// Keeps an answer for good, with the bytes that it was read from.
pub async fn keep(
    pool: &PgPool,
    check: &DueCheck,
    answered: &Answered<'_>,
) -> Result<(), StoreError> {
    let result = answered.result;
    sqlx::query!(
        "with raw as (
           insert into vendor_raw (sha256, body, kept_at) values ($13, $15, $14)
           on conflict (sha256) do nothing)
         insert into vendor_result (vendor_result_id, payment_id, operator_id, player_id, hook,
           vendor, request_id, state, risk, score, signals, version, raw_sha256, received_at,
           asked_at, place, round)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::json, $12, $13, $14, $16, $17,
           $18)",
        answered.id,
        check.payment,
        check.player.operator.as_str(),
        check.player.player.as_str(),
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
        answered.raw,
        answered.asked_at,
        answered.place,
        check.round
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// An answer, and which of the check's places it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub place: i16,
    pub result: VendorResult,
}

impl Told {
    /// The answer as decisions keep it.
    pub fn into_result(self) -> VendorResult {
        VendorResult { place: Some(self.place), ..self.result }
    }
}

/// The newest answer of each vendor about each place of a payment, in one round of asking: by vendor, then by
/// place.
pub async fn newest(
    pool: &PgPool,
    payment: Uuid,
    hook: Hook,
    round: i16,
) -> Result<Vec<Told>, StoreError> {
    let rows = sqlx::query!(
        r#"select distinct on (vendor, coalesce(place, 0::smallint)) vendor,
             coalesce(place, 0::smallint) as "place!", request_id, state,
             risk, score,
             signals::text as "signals!", version, raw_sha256, received_at
           from vendor_result where payment_id = $1 and hook = $2 and coalesce(round, 1::smallint) = $3
           order by vendor, coalesce(place, 0::smallint), received_at desc, vendor_result_id desc"#,
        payment,
        hook.as_str(),
        round
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let corrupt = || StoreError::Corrupt(format!("a result of {}", row.vendor));
            let risk = row.risk.as_deref().map(|risk| Risk::parse(risk).ok_or_else(corrupt));
            let result = VendorResult {
                hook,
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
            Ok(Told { place: row.place, result })
        })
        .collect()
}

/// What vendors said last of a payment, and whether they are being asked.
pub async fn standing(
    pool: &PgPool,
    payment: Uuid,
    hook: Hook,
) -> Result<StandingAnswers, StoreError> {
    let check = sqlx::query!(
        r#"select round, closed_at is null as "is_open!" from vendor_check
           where payment_id = $1 and hook = $2"#,
        payment,
        hook.as_str()
    )
    .fetch_optional(pool)
    .await?;
    let Some(check) = check else { return Ok(StandingAnswers::default()) };
    let told = newest(pool, payment, hook, check.round).await?;
    let results = told.into_iter().map(Told::into_result).collect();
    Ok(StandingAnswers { results, round: check.round, is_open: check.is_open })
}
