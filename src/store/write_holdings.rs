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
    let posted = write_entries::columns(records)?;
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
struct WalletColumns<'a> {
    operator: Vec<&'a str>,
    player: Vec<&'a str>,
    currency: Vec<&'a str>,
    cash: Vec<i64>,
    bonus: Vec<i64>,
    held: Vec<i64>,
    owed: Vec<i64>,
    version: Vec<i64>,
    head: Vec<&'a [u8]>,
}

fn wallet_columns<'a>(books: &[&'a Book]) -> WalletColumns<'a> {
    let mut c = WalletColumns::default();
    for book in books {
        for wallet in book.dirty.wallets.iter().filter_map(|code| book.wallets.get(code)) {
            c.operator.push(book.key.operator.as_str());
            c.player.push(book.key.player.as_str());
            c.currency.push(wallet.currency.code());
            c.cash.push(wallet.cash);
            c.bonus.push(wallet.bonus);
            c.held.push(wallet.held);
            c.owed.push(wallet.owed);
            c.version.push(wallet.version);
            c.head.push(&wallet.head);
        }
    }
    c
}

#[derive(Default)]
struct UseColumns<'a> {
    operator: Vec<&'a str>,
    player: Vec<&'a str>,
    payment: Vec<Uuid>,
    amount: Vec<i64>,
    currency: Vec<&'a str>,
    at: Vec<Timestamp>,
    state: Vec<&'a str>,
    direction: Vec<&'a str>,
    instrument: Vec<Option<&'a [u8]>>,
    method: Vec<Option<&'a str>>,
}

fn use_columns<'a>(books: &[&'a Book]) -> UseColumns<'a> {
    let mut c = UseColumns::default();
    for book in books {
        let dirty = |found: &&Movement| book.dirty.movements.contains(&found.payment);
        for found in book.movements.iter().filter(dirty) {
            c.operator.push(book.key.operator.as_str());
            c.player.push(book.key.player.as_str());
            c.payment.push(found.payment);
            c.amount.push(found.money.minor);
            c.currency.push(found.money.currency.code());
            c.at.push(found.at);
            c.state.push(found.state.as_str());
            c.direction.push(found.direction.as_str());
            c.instrument.push(found.instrument.as_ref().map(|instrument| &instrument.0[..]));
            c.method.push(found.method.map(|method| method.as_str()));
        }
    }
    c
}

#[derive(Default)]
struct KeyColumns<'a> {
    operator: Vec<&'a str>,
    scope: Vec<&'a str>,
    key: Vec<&'a str>,
    fingerprint: Vec<&'a [u8]>,
    viewer: Vec<&'a str>,
    payment: Vec<Option<Uuid>>,
    direction: Vec<Option<&'a str>>,
    status: Vec<Option<i16>>,
    body: Vec<Option<&'a [u8]>>,
    at: Vec<Timestamp>,
}

fn key_columns<'a>(books: &[&'a Book]) -> KeyColumns<'a> {
    let mut c = KeyColumns::default();
    for book in books {
        let found = |id| book.keys.get(id).map(|stored| (id, stored));
        for (id, stored) in book.dirty.keys.iter().filter_map(found) {
            let answer = stored.answer.as_ref();
            c.operator.push(id.operator.as_str());
            c.scope.push(&id.scope);
            c.key.push(&id.key);
            c.fingerprint.push(&stored.fingerprint);
            c.viewer.push(viewer_text(stored.viewer));
            c.payment.push(stored.payment.map(|id| id.uuid));
            c.direction.push(stored.payment.map(|id| id.direction.as_str()));
            c.status.push(answer.and_then(|(status, _)| i16::try_from(*status).ok()));
            c.body.push(answer.map(|(_, body)| &body[..]));
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
    (w, u, k): (WalletColumns<'_>, UseColumns<'_>, KeyColumns<'_>),
    (e, house): (EntryColumns<'_>, House),
) -> Result<(), StoreError> {
    let (accounts, sums): (Vec<_>, Vec<_>) = house.into_iter().unzip();
    let (accounts, currencies): (Vec<String>, Vec<String>) = accounts.into_iter().unzip();
    let (sums, counts): (Vec<i64>, Vec<i64>) = sums.into_iter().unzip();
    sqlx::query_file!(
        "src/store/sql/write_holdings.sql",
        &w.operator as &[&str],
        &w.player as &[&str],
        &w.currency as &[&str],
        &w.cash,
        &w.bonus,
        &w.held,
        &w.owed,
        &w.version,
        &w.head as &[&[u8]],
        &u.operator as &[&str],
        &u.player as &[&str],
        &u.payment,
        &u.amount,
        &u.currency as &[&str],
        &u.at,
        &u.state as &[&str],
        &k.operator as &[&str],
        &k.scope as &[&str],
        &k.key as &[&str],
        &k.fingerprint as &[&[u8]],
        &k.viewer as &[&str],
        &k.payment as &[Option<Uuid>],
        &k.direction as &[Option<&str>],
        &k.status as &[Option<i16>],
        &k.body as &[Option<&[u8]>],
        &k.at,
        slot,
        now,
        &e.seq,
        &e.leg,
        &e.kind as &[&str],
        &e.operator as &[&str],
        &e.player as &[&str],
        &e.payment as &[Option<Uuid>],
        &e.reference as &[Option<&str>],
        &e.account,
        &e.amount,
        &e.currency as &[&str],
        &e.version as &[Option<i64>],
        &e.balance as &[Option<i64>],
        &e.head as &[Option<Vec<u8>>],
        &accounts,
        &currencies,
        &sums,
        &counts,
        &u.direction as &[&str],
        &u.instrument as &[Option<&[u8]>],
        &u.method as &[Option<&str>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
