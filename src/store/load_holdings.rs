//! Loads what players have: wallets, and what their deposits use of their limits. One statement for
//! both, since nearly every batch asks for both.

use super::load::{columns, key};
use super::{StoreError, json};
use crate::book::Book;
use crate::decide::Needs;
use crate::domain::{Balance, Money, PlayerKey, Timestamp};
use crate::screening::limits::{LimitUse, UseState};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A wallet's row, or that of a use of limits: then `payment_id` is there, and `amount` is its own.
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
}

/// Loads what the batch needs of them into its books. No limit looks further back than 31 days.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    let of_wallets: BTreeSet<&PlayerKey> = needs.wallets.iter().map(|(key, _)| key).collect();
    if of_wallets.is_empty() && needs.limit_uses.is_empty() {
        return Ok(());
    }
    let wallets = columns(of_wallets.into_iter());
    let uses = columns(needs.limit_uses.iter());
    let rows = sqlx::query_as!(
        Row,
        r#"select w.operator_id as "operator_id!", w.player_id as "player_id!",
             w.currency as "currency!", w.cash as "amount!", w.bonus as "bonus!", w.held as "held!",
             w.owed as "owed!", w.version as "version!", w.head, null::uuid as payment_id,
             null::timestamptz as at, null::text as state
           from wallet w join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
             on wanted.operator_id = w.operator_id and wanted.player_id = w.player_id
           union all
           select u.operator_id, u.player_id, u.currency, u.amount, 0, 0, 0, 0, null, u.payment_id,
             u.at, u.state
           from limit_use u join unnest($3::text[], $4::text[]) as wanted (operator_id, player_id)
             on wanted.operator_id = u.operator_id and wanted.player_id = u.player_id
           where u.at > now() - interval '31 days'"#,
        &wallets.0,
        &wallets.1,
        &uses.0,
        &uses.1
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
    let state = row.state.as_deref().and_then(UseState::parse);
    book.limit_uses.push(LimitUse {
        payment,
        money: Money::new(row.amount, currency),
        at: row.at.ok_or_else(|| corrupt("the time of a limit use"))?,
        state: state.ok_or_else(|| corrupt("the state of a limit use"))?,
    });
    Ok(())
}
