//! Loads what players have: wallets, and their movements. One statement for both, since nearly every
//! batch asks for both.

use super::load::{columns, key};
use super::{StoreError, json, movements};
use crate::book::Book;
use crate::decide::Needs;
use crate::domain::{Balance, PlayerKey, Timestamp};
use crate::screening::Policies;
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
/// looks.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
    policies: &Policies,
) -> Result<(), StoreError> {
    let of_wallets: BTreeSet<&PlayerKey> = needs.wallets.iter().map(|(key, _)| key).collect();
    let of_movements = needs.movements.union(&needs.accounts).filter_map(|key| {
        let book = books.get(key)?;
        let screens = |country| policies.screens_accounts(country, book.record.at);
        // Nobody was screened yet, and nothing counted, where there is no player.
        let country = &book.player.as_ref()?.country;
        if !needs.movements.contains(key) && !screens(country) {
            return None;
        }
        Some((key, book.record.at - policies.reach(country, book.record.at)))
    });
    let (of_movements, since): (Vec<&PlayerKey>, Vec<Timestamp>) = of_movements.unzip();
    if of_wallets.is_empty() && of_movements.is_empty() {
        return Ok(());
    }
    let wallets = columns(of_wallets.into_iter());
    let moved = columns(of_movements.into_iter());
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
             and u.player_id = wanted.player_id and u.at > wanted.since"#,
        &wallets.0,
        &wallets.1,
        &moved.0,
        &moved.1,
        &since
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
