//! Writes the player's row and game entries as a batch left them.

use super::{StoreError, json};
use crate::book::{Book, GameEntry};
use crate::domain::{Player, PlayerKey, Timestamp};
use crate::screening::limits::Limit;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

/// Writes the players and game entries of the books that changed.
pub async fn write(connection: &mut PgConnection, books: &[&Book]) -> Result<(), StoreError> {
    for book in books.iter().filter(|book| book.dirty.player) {
        if let Some(player) = &book.player {
            write_player(connection, player, &book.limits).await?;
        }
    }
    let game: Vec<_> = books
        .iter()
        .flat_map(|book| {
            book.dirty.game.iter().filter_map(|name| Some((&book.key, book.game.get(name)?)))
        })
        .collect();
    write_game(connection, &game).await
}

async fn write_player(
    connection: &mut PgConnection,
    player: &Player,
    limits: &[Limit],
) -> Result<(), StoreError> {
    let exclusion = player.exclusion.as_ref();
    sqlx::query!(
        "insert into player (operator_id, player_id, version, country, currency, full_name,
           given_name, family_name, date_of_birth, national_id, email, phone, address, locale,
           status, exclusion_source, exclusion_from, exclusion_until, kyc_status, kyc_level,
           kyc_verified_at, has_paid, limits, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
           $19, $20, $21, $22, $23::text::json, $24, $25)
         on conflict (operator_id, player_id) do update set
           version = excluded.version, country = excluded.country, currency = excluded.currency,
           full_name = excluded.full_name, given_name = excluded.given_name,
           family_name = excluded.family_name, date_of_birth = excluded.date_of_birth,
           national_id = excluded.national_id, email = excluded.email, phone = excluded.phone,
           address = excluded.address, locale = excluded.locale, status = excluded.status,
           exclusion_source = excluded.exclusion_source, exclusion_from = excluded.exclusion_from,
           exclusion_until = excluded.exclusion_until, kyc_status = excluded.kyc_status,
           kyc_level = excluded.kyc_level, kyc_verified_at = excluded.kyc_verified_at,
           has_paid = excluded.has_paid, limits = excluded.limits, updated_at = excluded.updated_at
         where player.version <= excluded.version and player.created_at = excluded.created_at",
        player.key.operator.as_str(),
        player.key.player.as_str(),
        player.version,
        player.country,
        player.currency.code(),
        player.full_name,
        player.given_name,
        player.family_name,
        player.date_of_birth,
        player.national_id,
        player.email,
        player.phone,
        player.address,
        player.locale,
        player.status.as_str(),
        exclusion.map(|e| e.source.as_str()),
        exclusion.map(|e| e.from),
        exclusion.and_then(|e| e.until),
        player.kyc.status.as_str(),
        player.kyc.level,
        player.kyc.verified_at,
        player.has_paid,
        json::limits(limits),
        player.created_at,
        player.updated_at
    )
    .execute(connection)
    .await
    .map_err(StoreError::from)
    .and_then(|done| {
        // A first PUT that meets another first PUT: nobody's lock could keep them apart, so the
        // later one is decided again, on the row that is there now.
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Raced) }
    })
}

/// Keeps a version of a player's record, as it was known from its number's commit on.
pub async fn write_version(
    connection: &mut PgConnection,
    slot: i16,
    seq: i64,
    player: &Player,
    limits: &[Limit],
) -> Result<(), StoreError> {
    let exclusion = player.exclusion.as_ref();
    let body = serde_json::json!({
        "country": player.country, "currency": player.currency.code(),
        "full_name": player.full_name, "given_name": player.given_name,
        "family_name": player.family_name, "date_of_birth": player.date_of_birth.to_string(),
        "national_id": player.national_id, "email": player.email, "phone": player.phone,
        "address": player.address, "locale": player.locale, "status": player.status.as_str(),
        "exclusion": exclusion.map(|e| serde_json::json!({
            "source": e.source, "from": e.from.unix_timestamp(),
            "until": e.until.map(|until| until.unix_timestamp()),
        })),
        "kyc": {
            "status": player.kyc.status.as_str(), "level": player.kyc.level,
            "verified_at": player.kyc.verified_at.map(|at| at.unix_timestamp()),
        },
        "limits": serde_json::from_str::<serde_json::Value>(&json::limits(limits))
            .unwrap_or_default(),
    });
    let body = body.to_string();
    let (salt, commitment) = commit_to(&body);
    sqlx::query!(
        "insert into player_version (operator_id, player_id, version, known_at, slot, seq, body,
           salt, commitment)
         values ($1, $2, $3, $4, $5, $6, $7::text::json, $8, $9)",
        player.key.operator.as_str(),
        player.key.player.as_str(),
        player.version,
        player.updated_at,
        slot,
        seq,
        body,
        &salt[..],
        &commitment[..]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A salt of chance and SHA-256(salt ‖ body). The log holds the second alone: it proves the body while
/// the salt is there, and tells nothing once it is gone.
fn commit_to(body: &str) -> ([u8; 32], [u8; 32]) {
    let mut salt = [0; 32];
    aws_lc_rs::rand::fill(&mut salt).expect("the system gives randomness");
    (salt, Sha256::new().chain_update(salt).chain_update(body).finalize().into())
}

async fn write_game(
    connection: &mut PgConnection,
    entries: &[(&PlayerKey, &GameEntry)],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let (operators, players) = super::load::columns(entries.iter().map(|(key, _)| *key));
    let references: Vec<String> = entries.iter().map(|(_, e)| e.reference.clone()).collect();
    let kinds: Vec<String> = entries.iter().map(|(_, e)| e.kind.as_str().to_owned()).collect();
    let amounts: Vec<i64> = entries.iter().map(|(_, e)| e.money.minor).collect();
    let currencies: Vec<String> =
        entries.iter().map(|(_, e)| e.money.currency.code().to_owned()).collect();
    let cash: Vec<i64> = entries.iter().map(|(_, e)| e.from_cash).collect();
    let bonus: Vec<i64> = entries.iter().map(|(_, e)| e.from_bonus).collect();
    let of: Vec<Option<String>> = entries.iter().map(|(_, e)| e.of.clone()).collect();
    let voided: Vec<bool> = entries.iter().map(|(_, e)| e.voided).collect();
    let ats: Vec<Timestamp> = entries.iter().map(|(_, e)| e.created_at).collect();
    let done = sqlx::query!(
        "insert into game_entry as g (operator_id, player_id, reference, kind, amount, currency,
           from_cash, from_bonus, of_reference, voided, created_at)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[],
           $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::boolean[], $11::timestamptz[])
         on conflict (operator_id, reference) do update set voided = excluded.voided
           where g.player_id = excluded.player_id and g.kind = excluded.kind
             and excluded.voided and not g.voided",
        &operators,
        &players,
        &references,
        &kinds,
        &amounts,
        &currencies,
        &cash,
        &bonus,
        &of as &[Option<String>],
        &voided,
        &ats
    )
    .execute(connection)
    .await?;
    // A reference that another player's entry took meanwhile was no update of ours.
    let written = usize::try_from(done.rows_affected()).unwrap_or(0);
    if written == entries.len() { Ok(()) } else { Err(StoreError::Raced) }
}
