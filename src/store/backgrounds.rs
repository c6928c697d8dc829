//! What rules want to know of players beside their movements. Where no rule of a player's market asks,
//! nothing is read.

use super::load::{columns, key};
use super::read_facts::PlayerFacts;
use super::{Pool, StoreError, attestations, json};
use crate::book::Book;
use crate::decide::Needs;
use crate::domain::{PlayerKey, Timestamp};
use crate::screening::Policies;
use crate::screening::attestation::Attestation;
use crate::screening::background::{Background, Turnover, Wants};
use crate::screening::movement::Fingerprint;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Players with the time since which their turnover counts.
type Since = (PlayerKey, Timestamp);

/// Loads what the batch needs into its books.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
    policies: &Policies,
) -> Result<(), StoreError> {
    let (mut vouched, mut played) = (Vec::new(), Vec::new());
    for key in needs.movements.union(&needs.accounts) {
        let Some(book) = books.get(key) else { continue };
        let Some(player) = &book.player else { continue };
        let wants = Wants::of(policies, &player.country, book.record.at);
        if wants.attestations {
            vouched.push(key.clone());
        }
        if needs.turnover.contains(key) {
            played.extend(wants.turnover.into_iter().map(|since| (key.clone(), since)));
        }
    }
    for (key, one) in attestations::of_players(connection, &vouched).await? {
        if let Some(book) = books.get_mut(&key) {
            book.background.attestations.push(one);
        }
    }
    for (key, turnover) in turnover(connection, &played, None).await? {
        if let Some(book) = books.get_mut(&key) {
            book.background.turnover.push(turnover);
        }
    }
    Ok(())
}

/// Loads how many others used these instruments.
pub async fn load_others(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    used: &[(PlayerKey, Fingerprint)],
) -> Result<(), StoreError> {
    if used.is_empty() {
        return Ok(());
    }
    let (operators, players) = columns(used.iter().map(|(key, _)| key));
    let instruments: Vec<Vec<u8>> = used.iter().map(|(_, print)| print.0.to_vec()).collect();
    // Whoever shares with a hundred shares with too many: none are counted beyond.
    let rows = sqlx::query!(
        r#"select wanted.operator_id as "operator_id!", wanted.player_id as "player_id!",
             wanted.instrument as "instrument!",
             (select count(*) from (select distinct u.player_id from limit_use u
                where u.operator_id = wanted.operator_id and u.instrument = wanted.instrument
                  and u.player_id <> wanted.player_id and u.state <> 'released'
                limit 100) as others) as "others!"
           from unnest($1::text[], $2::text[], $3::bytea[])
             as wanted (operator_id, player_id, instrument)"#,
        &operators,
        &players,
        &instruments
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let print = <[u8; 16]>::try_from(row.instrument)
            .map_err(|_| StoreError::Corrupt("the instrument of a movement".to_owned()))?;
        let others = u32::try_from(row.others).unwrap_or(u32::MAX);
        if let Some(book) = books.get_mut(&key(&row.operator_id, &row.player_id)) {
            book.background.others.insert(Fingerprint(print), others);
        }
    }
    Ok(())
}

/// Adds what people vouch for, where the players' markets ask for it.
pub(super) async fn add(
    connection: &mut PgConnection,
    found: &mut BTreeMap<PlayerKey, PlayerFacts>,
    policies: &Policies,
    now: Timestamp,
) -> Result<(), StoreError> {
    let asks = |facts: &&PlayerFacts| Wants::of(policies, &facts.player.country, now).attestations;
    let vouched: Vec<PlayerKey> =
        found.values().filter(asks).map(|facts| facts.player.key.clone()).collect();
    for (key, one) in attestations::of_players(connection, &vouched).await? {
        if let Some(facts) = found.get_mut(&key) {
            facts.background.attestations.push(one);
        }
    }
    Ok(())
}

/// One player's, as it was at a time and as far as it was known at another.
///
/// # Errors
/// When the database fails, or a row is not what was written.
pub async fn of_player(
    pool: &Pool,
    player: &PlayerKey,
    wants: &Wants,
    (at, known): (Timestamp, Timestamp),
) -> Result<Background, StoreError> {
    let mut background = Background::default();
    if wants.attestations {
        let all = attestations::of_player(pool, player).await?;
        let then = |one: &Attestation| one.given_at <= known;
        background.attestations = all.into_iter().filter(then).collect();
    }
    if !wants.turnover.is_empty() {
        let asked: Vec<Since> =
            wants.turnover.iter().map(|since| (player.clone(), *since)).collect();
        let mut connection = pool.acquire().await?;
        let found = turnover(&mut connection, &asked, Some(at.min(known))).await?;
        background.turnover = found.into_iter().map(|(_, turnover)| turnover).collect();
    }
    Ok(background)
}

/// Stakes less voids since each time, up to another where there is one.
async fn turnover(
    connection: &mut PgConnection,
    asked: &[Since],
    until: Option<Timestamp>,
) -> Result<Vec<(PlayerKey, Turnover)>, StoreError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (operators, players) = columns(asked.iter().map(|(key, _)| key));
    let since: Vec<Timestamp> = asked.iter().map(|(_, since)| *since).collect();
    let numbers: Vec<i32> = (0..).take(asked.len()).collect();
    // More than can be told is told as the most that can.
    // `offset 0`: while the table is new the planner would read the stakes of all players.
    let rows = sqlx::query!(
        r#"select wanted.number as "number!", g.currency,
             greatest(least(sum(case g.kind when 'stake' then g.amount else -g.amount end),
               9000000000000000000), -9000000000000000000)::bigint as "minor!"
           from unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[])
             as wanted (number, operator_id, player_id, since)
           cross join lateral (
             select g.kind, g.amount, g.currency from game_entry g
             where g.operator_id = wanted.operator_id and g.player_id = wanted.player_id
               and g.kind in ('stake', 'void') and g.created_at >= wanted.since
               and ($5::timestamptz is null or g.created_at <= $5) offset 0) g
           group by wanted.number, g.currency"#,
        &numbers,
        &operators,
        &players,
        &since,
        until
    )
    .fetch_all(connection)
    .await?;
    let empty =
        |(key, since): &Since| (key.clone(), Turnover { since: *since, sums: BTreeMap::new() });
    let mut found: Vec<(PlayerKey, Turnover)> = asked.iter().map(empty).collect();
    for row in rows {
        let place = usize::try_from(row.number).ok().and_then(|number| found.get_mut(number));
        let (_, turnover) =
            place.ok_or_else(|| StoreError::Corrupt("a turnover's number".to_owned()))?;
        turnover.sums.insert(json::currency(&row.currency)?, row.minor);
    }
    Ok(found)
}
