//! Writes what a player has: wallets, movements, and claimed keys; and the
//! postings behind the wallets. One statement, since nearly every batch has some of each.

use super::StoreError;
use super::rows::viewer_text;
use super::write_entries::{self, EntryColumns, House};
use super::write_records::Numbered;
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
    let (wallets, uses, keys) = (wallet_columns(books), use_columns(books), key_columns(books));
    let posted = write_entries::columns(records);
    if wallets.operator.is_empty()
        && uses.operator.is_empty()
        && keys.operator.is_empty()
        && posted.0.seq.is_empty()
    {
        return Ok(());
    }
    insert(connection, (slot, now), (wallets, uses, keys), posted).await
}

#[derive(Default)]
struct WalletColumns {
    operator: Vec<String>,
    player: Vec<String>,
    currency: Vec<String>,
    cash: Vec<i64>,
    bonus: Vec<i64>,
    held: Vec<i64>,
    owed: Vec<i64>,
    version: Vec<i64>,
    head: Vec<Vec<u8>>,
}

fn wallet_columns(books: &[&Book]) -> WalletColumns {
    let mut c = WalletColumns::default();
    for book in books {
        for wallet in book.dirty.wallets.iter().filter_map(|code| book.wallets.get(code)) {
            c.operator.push(book.key.operator.as_str().to_owned());
            c.player.push(book.key.player.as_str().to_owned());
            c.currency.push(wallet.currency.code().to_owned());
            c.cash.push(wallet.cash);
            c.bonus.push(wallet.bonus);
            c.held.push(wallet.held);
            c.owed.push(wallet.owed);
            c.version.push(wallet.version);
            c.head.push(wallet.head.to_vec());
        }
    }
    c
}

#[derive(Default)]
struct UseColumns {
    operator: Vec<String>,
    player: Vec<String>,
    payment: Vec<Uuid>,
    amount: Vec<i64>,
    currency: Vec<String>,
    at: Vec<Timestamp>,
    state: Vec<String>,
    direction: Vec<String>,
    instrument: Vec<Option<Vec<u8>>>,
    method: Vec<Option<String>>,
}

fn use_columns(books: &[&Book]) -> UseColumns {
    let mut c = UseColumns::default();
    for book in books {
        let dirty = |found: &&Movement| book.dirty.movements.contains(&found.payment);
        for found in book.movements.iter().filter(dirty) {
            c.operator.push(book.key.operator.as_str().to_owned());
            c.player.push(book.key.player.as_str().to_owned());
            c.payment.push(found.payment);
            c.amount.push(found.money.minor);
            c.currency.push(found.money.currency.code().to_owned());
            c.at.push(found.at);
            c.state.push(found.state.as_str().to_owned());
            c.direction.push(found.direction.as_str().to_owned());
            c.instrument.push(found.instrument.map(|instrument| instrument.0.to_vec()));
            c.method.push(found.method.map(|method| method.as_str().to_owned()));
        }
    }
    c
}

#[derive(Default)]
struct KeyColumns {
    operator: Vec<String>,
    scope: Vec<String>,
    key: Vec<String>,
    fingerprint: Vec<Vec<u8>>,
    viewer: Vec<String>,
    payment: Vec<Option<Uuid>>,
    direction: Vec<Option<String>>,
    status: Vec<Option<i16>>,
    body: Vec<Option<Vec<u8>>>,
    at: Vec<Timestamp>,
}

fn key_columns(books: &[&Book]) -> KeyColumns {
    let mut c = KeyColumns::default();
    for book in books {
        let found = |id| book.keys.get(id).map(|stored| (id, stored));
        for (id, stored) in book.dirty.keys.iter().filter_map(found) {
            let answer = stored.answer.as_ref();
            c.operator.push(id.operator.as_str().to_owned());
            c.scope.push(id.scope.clone());
            c.key.push(id.key.clone());
            c.fingerprint.push(stored.fingerprint.to_vec());
            c.viewer.push(viewer_text(stored.viewer).to_owned());
            c.payment.push(stored.payment.map(|id| id.uuid));
            c.direction.push(stored.payment.map(|id| id.direction.as_str().to_owned()));
            c.status.push(answer.and_then(|(status, _)| i16::try_from(*status).ok()));
            c.body.push(answer.map(|(_, body)| body.to_vec()));
            c.at.push(stored.created_at);
        }
    }
    c
}

/// Wallets, movements, keys, the legs, and the house's balances of this slot: rows that no other lane
/// writes. New keys are inserted, never updated: a key that another lane claimed meanwhile stops the
/// batch, and the commands are then decided one by one on what is there.
async fn insert(
    connection: &mut PgConnection,
    (slot, now): (i16, Timestamp),
    (w, u, k): (WalletColumns, UseColumns, KeyColumns),
    (e, house): (EntryColumns, House),
) -> Result<(), StoreError> {
    let (accounts, sums): (Vec<_>, Vec<_>) = house.into_iter().unzip();
    let (accounts, currencies): (Vec<String>, Vec<String>) = accounts.into_iter().unzip();
    let (sums, counts): (Vec<i64>, Vec<i64>) = sums.into_iter().unzip();
    sqlx::query_file!(
        "src/store/sql/write_holdings.sql",
        &w.operator,
        &w.player,
        &w.currency,
        &w.cash,
        &w.bonus,
        &w.held,
        &w.owed,
        &w.version,
        &w.head,
        &u.operator,
        &u.player,
        &u.payment,
        &u.amount,
        &u.currency,
        &u.at,
        &u.state,
        &k.operator,
        &k.scope,
        &k.key,
        &k.fingerprint,
        &k.viewer,
        &k.payment as &[Option<Uuid>],
        &k.direction as &[Option<String>],
        &k.status as &[Option<i16>],
        &k.body as &[Option<Vec<u8>>],
        &k.at,
        slot,
        now,
        &e.seq,
        &e.leg,
        &e.kind,
        &e.operator,
        &e.player,
        &e.payment as &[Option<Uuid>],
        &e.reference as &[Option<String>],
        &e.account,
        &e.amount,
        &e.currency,
        &e.version as &[Option<i64>],
        &e.balance as &[Option<i64>],
        &e.head as &[Option<Vec<u8>>],
        &accounts,
        &currencies,
        &sums,
        &counts,
        &u.direction,
        &u.instrument as &[Option<Vec<u8>>],
        &u.method as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
