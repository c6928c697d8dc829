//! Loads what players have: wallets, and their movements. One statement for both, since nearly every
//! batch asks for both.

use super::load::{columns, key};
use super::{StoreError, json, movements};
use crate::book::Book;
use crate::decide::Needs;
use crate::domain::{Balance, PlayerKey, Timestamp};
use crate::screening::gather::has_reserved;
use crate::screening::movement::{Movement, UseState};
use crate::screening::{Checkpoint, Policies};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A wallet's row, or that of a movement: then `payment_id` is there, and `amount` is its own.
struct Row {
    operator_id: String,
    player_id: String,
    currency: String,
    /// Of a wallet: its cash.
    amount: i64,
    bonus: i64,
    held: i64,
    owed: i64,
    version: i64,
    head: Option<Vec<u8>>,
    payment_id: Option<Uuid>,
    at: Option<Timestamp>,
    state: Option<String>,
    direction: Option<String>,
    instrument: Option<Vec<u8>>,
    method: Option<String>,
}

/// Loads what the batch needs of them into its books; movements as far back as each player's market
/// looks, and no others than the payment's own where nobody counts them.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
    policies: &Policies,
) -> Result<(), StoreError> {
    let all = of_all(books, needs, policies);
    let own: BTreeSet<(&PlayerKey, Uuid)> = needs
        .own_movements
        .iter()
        .chain(needs.credited.keys())
        .filter(|(key, _)| !all.contains(key))
        .map(|(key, payment)| (key, *payment))
        .collect();
    let wallets: BTreeSet<&PlayerKey> = needs.wallets.iter().map(|(key, _)| key).collect();
    read(connection, books, policies, (&wallets, &all, &own)).await?;
    // What has no room reserved for all that came is measured against all others: it was given up, or
    // is older than the market looks, or less was asked for.
    let alone: BTreeSet<&PlayerKey> = needs
        .credited
        .iter()
        .filter(|((key, payment), money)| {
            // What counts already is screened no more: the news only repeats it.
            let has_room = |one: &Movement| {
                let is_counted = one.state == UseState::Counted;
                one.payment == *payment && (is_counted || has_reserved(one, **money))
            };
            let needs_none = |book: &Book| book.movements.iter().any(has_room);
            !all.contains(key) && books.get(key).is_some_and(|book| !needs_none(book))
        })
        .map(|((key, _), _)| key)
        .collect();
    for key in &alone {
        if let Some(book) = books.get_mut(*key) {
            book.movements.clear();
        }
    }
    read(connection, books, policies, (&BTreeSet::new(), &alone, &BTreeSet::new())).await
}

/// The players of whom all movements are wanted.
fn of_all<'a>(
    books: &BTreeMap<PlayerKey, Book>,
    needs: &'a Needs,
    policies: &Policies,
) -> BTreeSet<&'a PlayerKey> {
    let asks = |key: &PlayerKey, ask: fn(&Policies, &str, Timestamp) -> bool| {
        let book = books.get(key);
        let player = book.and_then(|book| book.player.as_ref().map(|player| (book, player)));
        player.is_some_and(|(book, player)| ask(policies, &player.country, book.record.at))
    };
    let accounts = needs.accounts.iter().filter(|key| asks(key, Policies::screens_accounts));
    let credited = needs.credited.keys().map(|(key, _)| key).filter(|key| {
        asks(key, |policies, country, at| {
            policies.counts_movements(country, Checkpoint::DepositPost, at)
        })
    });
    needs.movements.iter().chain(accounts).chain(credited).collect()
}

/// Since when a player's movements count. None: nobody was screened yet, and nothing counted, where
/// there is no player.
fn since(
    books: &BTreeMap<PlayerKey, Book>,
    key: &PlayerKey,
    policies: &Policies,
) -> Option<Timestamp> {
    let book = books.get(key)?;
    let country = &book.player.as_ref()?.country;
    Some(book.record.at - policies.reach(country, book.record.at))
}

type Asked<'a> =
    (&'a BTreeSet<&'a PlayerKey>, &'a BTreeSet<&'a PlayerKey>, &'a BTreeSet<(&'a PlayerKey, Uuid)>);

/// Wallets of some, all movements of some, single movements of others.
async fn read(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    policies: &Policies,
    (of_wallets, of_all, of_own): Asked<'_>,
) -> Result<(), StoreError> {
    let dated = |key: &PlayerKey| since(books, key, policies);
    let (all, all_since): (Vec<&PlayerKey>, Vec<Timestamp>) =
        of_all.iter().filter_map(|key| Some((*key, dated(key)?))).unzip();
    let (own, own_since): (Vec<Uuid>, Vec<Timestamp>) =
        of_own.iter().filter_map(|(key, payment)| Some((*payment, dated(key)?))).unzip();
    if of_wallets.is_empty() && all.is_empty() && own.is_empty() {
        return Ok(());
    }
    let wallets = columns(of_wallets.iter().copied());
    let moved = columns(all.into_iter());
    let rows = sqlx::query_as!(
        Row,
        r#"select w.operator_id as "operator_id!", w.player_id as "player_id!",
             w.currency as "currency!", w.cash as "amount!", w.bonus as "bonus!", w.held as "held!",
             w.owed as "owed!", w.version as "version!", w.head, null::uuid as payment_id,
             null::timestamptz as at, null::text as state, null::text as direction,
             null::bytea as instrument, null::text as method
           from wallet w join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
             on wanted.operator_id = w.operator_id and wanted.player_id = w.player_id
           union all
           select u.operator_id, u.player_id, u.currency, u.amount, 0, 0, 0, 0, null, u.payment_id,
             u.at, u.state, u.direction, u.instrument, u.method
           from unnest($3::text[], $4::text[], $5::timestamptz[])
             as wanted (operator_id, player_id, since)
           join limit_use u on u.operator_id = wanted.operator_id
             and u.player_id = wanted.player_id and u.at > wanted.since
           union all
           select u.operator_id, u.player_id, u.currency, u.amount, 0, 0, 0, 0, null, u.payment_id,
             u.at, u.state, u.direction, u.instrument, u.method
           from unnest($6::uuid[], $7::timestamptz[]) as wanted (payment_id, since)
           join limit_use u on u.payment_id = wanted.payment_id and u.at > wanted.since"#,
        &wallets.0,
        &wallets.1,
        &moved.0,
        &moved.1,
        &all_since,
        &own,
        &own_since
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        if let Some(book) = books.get_mut(&key(&row.operator_id, &row.player_id)) {
            add(book, row)?;
        }
    }
    Ok(())
}

fn add(book: &mut Book, row: Row) -> Result<(), StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
    let currency = json::currency(&row.currency)?;
    let Some(payment) = row.payment_id else {
        let head = row.head.and_then(|head| <[u8; 32]>::try_from(head).ok());
        let balance = Balance {
            currency,
            cash: row.amount,
            bonus: row.bonus,
            held: row.held,
            owed: row.owed,
            version: row.version,
            head: head.ok_or_else(|| corrupt("the head of a wallet's chain"))?,
        };
        book.wallets.insert(currency, balance);
        return Ok(());
    };
    let movement = movements::Row {
        payment_id: payment,
        direction: row.direction.ok_or_else(|| corrupt("the direction of a movement"))?,
        amount: row.amount,
        currency: row.currency,
        at: row.at.ok_or_else(|| corrupt("the time of a movement"))?,
        state: row.state.ok_or_else(|| corrupt("the state of a movement"))?,
        instrument: row.instrument,
        method: row.method,
    };
    book.movements.push(movement.into_movement()?);
    Ok(())
}
