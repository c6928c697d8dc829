//! Loads the books of a batch, under the players' locks.
//!
//! The players' rows are locked first, in the order of their keys, skipping those that another
//! lane holds; everything else is read in later statements, because a lock that was waited for
//! does not refresh the snapshot of its own statement.

use super::rows::{PlayerRow, read_viewer};
use super::{
    StoreError, backgrounds, deadlines, erasures, json, load_holdings, load_payments, loop_history,
    payins,
};
use crate::book::{Book, GameEntry, GameKind, KeyId, StoredKey};
use crate::decide::Needs;
use crate::domain::{Direction, Money, OperatorId, PaymentId, PlayerId, PlayerKey, Timestamp};
use crate::screening::Policies;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The books that could be locked, and the players whose rows another lane holds.
#[derive(Debug)]
pub struct Loaded {
    pub books: BTreeMap<PlayerKey, Book>,
    pub locked_elsewhere: BTreeSet<PlayerKey>,
}

pub(super) fn key(operator: &str, player: &str) -> PlayerKey {
    PlayerKey { operator: OperatorId::trusted(operator), player: PlayerId::trusted(player) }
}

/// Operators and players as two arrays for `unnest`.
pub fn columns<'a>(keys: impl Iterator<Item = &'a PlayerKey>) -> (Vec<String>, Vec<String>) {
    keys.map(|key| (key.operator.as_str().to_owned(), key.player.as_str().to_owned())).unzip()
}

/// Locks the players and opens a book for each that is not locked elsewhere.
pub async fn lock_players(
    connection: &mut PgConnection,
    players: &BTreeSet<PlayerKey>,
    now: Timestamp,
) -> Result<Loaded, StoreError> {
    let (operators, ids) = columns(players.iter());
    let rows = sqlx::query_as!(
        PlayerRow,
        r#"select p.operator_id, p.player_id, version, country, currency, full_name, given_name,
             family_name, date_of_birth, national_id, email, phone, address, locale, status,
             exclusion_source, exclusion_from, exclusion_until, kyc_status, kyc_level,
             kyc_verified_at, has_paid, limits::text as "limits!", created_at, updated_at
           from player p
           join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
             on wanted.operator_id = p.operator_id and wanted.player_id = p.player_id
           order by p.operator_id, p.player_id
           for no key update of p skip locked"#,
        &operators,
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut books = BTreeMap::new();
    for row in rows {
        let (player, limits) = row.into_player()?;
        let mut book = Book::empty(player.key.clone(), now);
        book.limits = limits;
        book.player = Some(player);
        books.insert(book.key.clone(), book);
    }
    let missing: BTreeSet<PlayerKey> =
        players.iter().filter(|key| !books.contains_key(*key)).cloned().collect();
    let locked_elsewhere = existing(connection, &missing).await?;
    for unknown in missing.difference(&locked_elsewhere) {
        books.insert(unknown.clone(), Book::empty(unknown.clone(), now));
    }
    Ok(Loaded { books, locked_elsewhere })
}

async fn existing(
    connection: &mut PgConnection,
    missing: &BTreeSet<PlayerKey>,
) -> Result<BTreeSet<PlayerKey>, StoreError> {
    if missing.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (operators, ids) = columns(missing.iter());
    let rows = sqlx::query!(
        "select p.operator_id, p.player_id from player p
         join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
           on wanted.operator_id = p.operator_id and wanted.player_id = p.player_id",
        &operators,
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(|row| key(&row.operator_id, &row.player_id)).collect())
}

/// Loads what the batch needs into its books; what belongs to no book is left out.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
    policies: &Policies,
) -> Result<(), StoreError> {
    load_holdings::load(connection, books, needs, policies).await?;
    load_keys(connection, books, needs).await?;
    load_references(connection, books, needs).await?;
    load_game(connection, books, needs).await?;
    payins::load(connection, books, needs).await?;
    payins::load_below_unit(connection, books, needs).await?;
    loop_history::load(connection, books, needs).await?;
    backgrounds::load(connection, books, needs, policies).await?;
    load_payments::load(connection, books, needs).await?;
    deadlines::load(connection, books, needs).await?;
    if needs.cases.is_empty() { Ok(()) } else { erasures::load(connection, books).await }
}

/// Every book of an operator gets its keys: the same key may come with two players, and must be
/// refused for the second.
async fn load_keys(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.keys.is_empty() {
        return Ok(());
    }
    let operators: Vec<String> =
        needs.keys.iter().map(|id| id.operator.as_str().to_owned()).collect();
    let scopes: Vec<String> = needs.keys.iter().map(|id| id.scope.clone()).collect();
    let keys: Vec<String> = needs.keys.iter().map(|id| id.key.clone()).collect();
    let rows = sqlx::query!(
        "select k.operator_id, k.scope, k.key, fingerprint, viewer, payment_id, direction, status,
           body, created_at
         from idempotency_key k
         join unnest($1::text[], $2::text[], $3::text[]) as wanted (operator_id, scope, key)
           on wanted.operator_id = k.operator_id and wanted.scope = k.scope and wanted.key = k.key",
        &operators,
        &scopes,
        &keys
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let operator = OperatorId::trusted(&row.operator_id);
        let stored = StoredKey {
            fingerprint: <[u8; 32]>::try_from(row.fingerprint.as_slice())
                .map_err(|_| StoreError::Corrupt("a key's fingerprint".to_owned()))?,
            viewer: read_viewer(&row.viewer),
            payment: payment_id(row.payment_id, row.direction.as_deref()),
            answer: row
                .status
                .zip(row.body)
                .map(|(status, body)| (u16::try_from(status).unwrap_or(500), Arc::from(body))),
            created_at: row.created_at,
        };
        let id = KeyId { operator: operator.clone(), scope: row.scope, key: row.key };
        for book in books.values_mut().filter(|book| book.key.operator == operator) {
            book.keys.insert(id.clone(), stored.clone());
        }
    }
    Ok(())
}

pub fn payment_id(uuid: Option<uuid::Uuid>, direction: Option<&str>) -> Option<PaymentId> {
    let direction: Direction = direction?.parse().ok()?;
    uuid.map(|uuid| PaymentId { direction, uuid })
}

async fn load_references(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.references.is_empty() {
        return Ok(());
    }
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (key, direction, reference) in &needs.references {
        columns.0.push(key.operator.as_str().to_owned());
        columns.1.push(direction.as_str().to_owned());
        columns.2.push(reference.clone());
    }
    let rows = sqlx::query!(
        r#"-- No index can serve `is not distinct from`: only that of references is left, whatever the
         -- planner believes; `offset 0` keeps the join as it stands.
         select p.operator_id, p.direction, p.reference as "reference!", p.payment_id
         from unnest($1::text[], $2::text[], $3::text[]) as wanted (operator_id, direction, reference)
         cross join lateral (
           select operator_id, direction, reference, payment_id from payment
           where reference = wanted.reference
             and operator_id is not distinct from wanted.operator_id
             and direction is not distinct from wanted.direction offset 0) p"#,
        &columns.0,
        &columns.1,
        &columns.2
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let operator = OperatorId::trusted(&row.operator_id);
        let Some(id) = payment_id(Some(row.payment_id), Some(&row.direction)) else { continue };
        for book in books.values_mut().filter(|book| book.key.operator == operator) {
            book.references.insert((id.direction, row.reference.clone()), id);
        }
    }
    Ok(())
}

async fn load_game(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.game.is_empty() {
        return Ok(());
    }
    let operators: Vec<String> =
        needs.game.iter().map(|(key, _)| key.operator.as_str().to_owned()).collect();
    let references: Vec<String> =
        needs.game.iter().map(|(_, reference)| reference.clone()).collect();
    let rows = sqlx::query!(
        "select g.operator_id, g.reference, player_id, kind, amount, currency, from_cash,
           from_bonus, of_reference, voided, created_at
         from game_entry g join unnest($1::text[], $2::text[]) as wanted (operator_id, reference)
           on wanted.operator_id = g.operator_id and wanted.reference = g.reference",
        &operators,
        &references
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let kind = GameKind::parse(&row.kind)
            .ok_or_else(|| StoreError::Corrupt(format!("game entry {}", row.kind)))?;
        let entry = GameEntry {
            reference: row.reference.clone(),
            kind,
            money: Money::new(row.amount, json::currency(&row.currency)?),
            from_cash: row.from_cash,
            from_bonus: row.from_bonus,
            of: row.of_reference,
            voided: row.voided,
            created_at: row.created_at,
        };
        let owner = key(&row.operator_id, &row.player_id);
        for book in books.values_mut().filter(|book| book.key.operator == owner.operator) {
            if book.key == owner {
                book.game.insert(row.reference.clone(), entry.clone());
            } else {
                book.game_of_others.insert(row.reference.clone());
            }
        }
    }
    Ok(())
}
