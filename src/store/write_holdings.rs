//! Writes what a player has: wallets, movements, and claimed keys; and the
//! postings behind the wallets. One statement, since nearly every batch has some of each.

use super::StoreError;
use super::rows::viewer_text;
use super::write_entries::{self, EntryRow, HouseRow};
use super::write_records::Numbered;
use super::written::written;
use crate::book::Book;
use crate::domain::Timestamp;
use crate::screening::movement::Movement;
use sqlx::PgConnection;
use uuid::Uuid;

/// Writes what the books have of them that changed, and the batch's postings.
pub async fn write(
    connection: &mut PgConnection,
    slot: i16,
    books: &[&Book],
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (wallets, uses, keys) = (wallet_rows(books), use_rows(books), key_rows(books));
    let (legs, house) = write_entries::rows(records)?;
    if wallets.is_empty() && uses.is_empty() && keys.is_empty() && legs.is_empty() {
        return Ok(());
    }
    insert(connection, (slot, now), (wallets, uses, keys), (legs, house)).await
}

written! {
    WalletRow<'a> as "written_wallet" {
        operator_id: &'a str,
        player_id: &'a str,
        currency: &'a str,
        cash: i64,
        bonus: i64,
        held: i64,
        owed: i64,
        version: i64,
        head: &'a [u8],
    }
}

fn wallet_rows<'a>(books: &[&'a Book]) -> Vec<WalletRow<'a>> {
    let mut rows = Vec::new();
    for book in books {
        for wallet in book.dirty.wallets.iter().filter_map(|code| book.wallets.get(code)) {
            rows.push(WalletRow {
                operator_id: book.key.operator.as_str(),
                player_id: book.key.player.as_str(),
                currency: wallet.currency.code(),
                cash: wallet.cash,
                bonus: wallet.bonus,
                held: wallet.held,
                owed: wallet.owed,
                version: wallet.version,
                head: &wallet.head,
            });
        }
    }
    rows
}

written! {
    UseRow<'a> as "written_movement" {
        operator_id: &'a str,
        player_id: &'a str,
        payment_id: Uuid,
        amount: i64,
        currency: &'a str,
        at: Timestamp,
        state: &'a str,
        direction: &'a str,
        instrument: Option<&'a [u8]>,
        method: Option<&'a str>,
    }
}

fn use_rows<'a>(books: &[&'a Book]) -> Vec<UseRow<'a>> {
    let mut rows = Vec::new();
    for book in books {
        let dirty = |found: &&Movement| book.dirty.movements.contains(&found.payment);
        for found in book.movements.iter().filter(dirty) {
            rows.push(UseRow {
                operator_id: book.key.operator.as_str(),
                player_id: book.key.player.as_str(),
                payment_id: found.payment,
                amount: found.money.minor,
                currency: found.money.currency.code(),
                at: found.at,
                state: found.state.as_str(),
                direction: found.direction.as_str(),
                instrument: found.instrument.as_ref().map(|instrument| &instrument.0[..]),
                method: found.method.map(|method| method.as_str()),
            });
        }
    }
    rows
}

written! {
    KeyRow<'a> as "written_key" {
        operator_id: &'a str,
        scope: &'a str,
        key: &'a str,
        fingerprint: &'a [u8],
        viewer: &'a str,
        payment_id: Option<Uuid>,
        direction: Option<&'a str>,
        status: Option<i16>,
        body: Option<&'a [u8]>,
        created_at: Timestamp,
    }
}

fn key_rows<'a>(books: &[&'a Book]) -> Vec<KeyRow<'a>> {
    let mut rows = Vec::new();
    for book in books {
        let found = |id| book.keys.get(id).map(|stored| (id, stored));
        for (id, stored) in book.dirty.keys.iter().filter_map(found) {
            let answer = stored.answer.as_ref();
            rows.push(KeyRow {
                operator_id: id.operator.as_str(),
                scope: &id.scope,
                key: &id.key,
                fingerprint: &stored.fingerprint,
                viewer: viewer_text(stored.viewer),
                payment_id: stored.payment.map(|id| id.uuid),
                direction: stored.payment.map(|id| id.direction.as_str()),
                status: answer.and_then(|(status, _)| i16::try_from(*status).ok()),
                body: answer.map(|(_, body)| &body[..]),
                created_at: stored.created_at,
            });
        }
    }
    rows
}

/// Wallets, movements, keys, the legs, and the house's balances of this slot: rows that no other lane
/// writes. New keys are inserted, never updated: a key that another lane claimed meanwhile stops the
/// batch, and the commands are then decided one by one on what is there.
async fn insert(
    connection: &mut PgConnection,
    (slot, now): (i16, Timestamp),
    (wallets, uses, keys): (Vec<WalletRow<'_>>, Vec<UseRow<'_>>, Vec<KeyRow<'_>>),
    (legs, house): (Vec<EntryRow<'_>>, Vec<HouseRow<'_>>),
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/store/sql/write_holdings.sql",
        slot,
        now,
        wallets as Vec<WalletRow<'_>>,
        uses as Vec<UseRow<'_>>,
        keys as Vec<KeyRow<'_>>,
        legs as Vec<EntryRow<'_>>,
        house as Vec<HouseRow<'_>>
    )
    .execute(connection)
    .await?;
    Ok(())
}
