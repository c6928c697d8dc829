//! What players paid in and were paid, for the closed loop: read before a withdrawal is split, and again
//! under the player's lock. Nobody else asks, so nothing of it is kept ready on the way of a deposit.

use super::load::key;
use super::read_payee::Payee;
use super::{StoreError, instrument_json};
use crate::book::Book;
use crate::decide::Needs;
use crate::domain::{Instrument, Method, PlayerKey, Timestamp};
use crate::screening::sources::{Fate, History, PaidIn, PaidOut};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

struct Row {
    number: i32,
    payment_id: Uuid,
    is_deposit: bool,
    amount: i64,
    method: String,
    created_at: Timestamp,
    instrument: Option<String>,
    /// Of a part.
    status: Option<String>,
}

/// Reads each history, in the order in which they are asked for.
///
/// A deposit counts while it stands as succeeded: one that was charged back or went back whole has left
/// nothing to pay back, and neither counts what returned it. A part that was released counts only when
/// the last PSP that was asked refused it.
pub async fn histories(
    connection: &mut PgConnection,
    payees: &[Payee],
) -> Result<Vec<History>, StoreError> {
    let mut found = vec![History::default(); payees.len()];
    if payees.is_empty() {
        return Ok(found);
    }
    let (operators, ids) = super::load::columns(payees.iter().map(|payee| &payee.player));
    let numbers: Vec<i32> = (0..).take(payees.len()).collect();
    let currencies: Vec<String> =
        payees.iter().map(|payee| payee.currency.code().to_owned()).collect();
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/sql/loop_history.sql",
        &numbers,
        &operators,
        &ids,
        &currencies
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let history = usize::try_from(row.number).ok().and_then(|number| found.get_mut(number));
        let history =
            history.ok_or_else(|| StoreError::Corrupt("a history's number".to_owned()))?;
        add(history, row)?;
    }
    Ok(found)
}

fn add(history: &mut History, row: Row) -> Result<(), StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
    let method: Method = row.method.parse().map_err(|_| corrupt("method"))?;
    let instrument: Option<Instrument> =
        row.instrument.as_deref().map(instrument_json::read_instrument).transpose()?;
    if row.is_deposit {
        history.paid_in.push(PaidIn {
            deposit: row.payment_id,
            minor: row.amount,
            method,
            at: row.created_at,
            from: instrument,
        });
        return Ok(());
    }
    history.paid_out.push(PaidOut {
        payment: row.payment_id,
        minor: row.amount,
        method,
        at: row.created_at,
        to: instrument.ok_or_else(|| corrupt("a part's destination"))?,
        fate: match row.status.as_deref() {
            Some("held" | "processing") => Fate::UnderWay,
            Some("paid") => Fate::Paid,
            _ => Fate::Refused,
        },
    });
    Ok(())
}

/// Loads what the batch needs of them into its books.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    let wanted: Vec<Payee> = needs
        .histories
        .iter()
        .filter(|(player, _)| books.contains_key(player))
        .map(|(player, currency)| Payee { player: player.clone(), currency: *currency })
        .collect();
    let found = histories(connection, &wanted).await?;
    for (payee, history) in wanted.into_iter().zip(found) {
        let owner = key(payee.player.operator.as_str(), payee.player.player.as_str());
        if let Some(book) = books.get_mut(&owner) {
            book.histories.insert(payee.currency, Arc::new(history));
        }
    }
    Ok(())
}
