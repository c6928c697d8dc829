//! A player's entries as the API lists them: the newest first, a page at a time.
//!
//! Each wallet is read by its own versions, in the index that makes them unique, and the wallets' lists are
//! merged by time: a page reads as many entries as it shows, of each wallet, however many there are.

use super::{StoreError, json, read_models};
use crate::domain::{Currency, Money, PlayerKey, Timestamp};
use sqlx::PgPool;
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// How far a list has come in one wallet: everything below is still to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub version: i64,
    /// Of the entries of that version, the account of the one that was shown last. Empty: none of them is to
    /// be shown.
    pub account: String,
}

/// How far a list has come, in each wallet that the player had when it began.
pub type Places = BTreeMap<Currency, Place>;

/// A leg of a posting on one of the player's accounts.
#[derive(Debug, Clone)]
pub struct EntryLine {
    pub kind: String,
    pub account: String,
    pub amount: Money,
    pub balance_after: i64,
    pub payment: Option<Uuid>,
    pub payment_direction: Option<String>,
    pub reference: Option<String>,
    pub wallet_version: i64,
    pub recorded_at: Timestamp,
    slot: i16,
    seq: i64,
    /// Where the list goes on after this line.
    pub after: Places,
}

/// The player's entries, newest first, from the top or below places that an earlier page gave.
pub async fn entries(
    pool: &PgPool,
    key: &PlayerKey,
    below: Option<Places>,
    limit: i64,
) -> Result<Vec<EntryLine>, StoreError> {
    let places = match below {
        Some(places) => places,
        None => top(pool, key).await?,
    };
    let lists = of_each_wallet(pool, key, &places, limit).await?;
    Ok(merge(lists, places, limit))
}

async fn top(pool: &PgPool, key: &PlayerKey) -> Result<Places, StoreError> {
    let above = |version| Place { version: version + 1, account: String::new() };
    let wallets = read_models::wallets(pool, key).await?;
    Ok(wallets.into_iter().map(|wallet| (wallet.currency, above(wallet.version))).collect())
}

type Lists = BTreeMap<Currency, VecDeque<EntryLine>>;

async fn of_each_wallet(
    pool: &PgPool,
    key: &PlayerKey,
    places: &Places,
    limit: i64,
) -> Result<Lists, StoreError> {
    let currencies: Vec<&str> = places.keys().map(|currency| currency.code()).collect();
    let versions: Vec<i64> = places.values().map(|place| place.version).collect();
    let accounts: Vec<&str> = places.values().map(|place| place.account.as_str()).collect();
    let rows = sqlx::query!(
        r#"select e.slot, e.seq, e.kind, e.account, e.amount, e.currency,
             e.balance_after as "balance_after!", e.payment_id, p.direction as "direction?",
             e.reference, e.wallet_version as "wallet_version!", e.recorded_at
           from unnest($3::text[], $4::bigint[], $5::text[]) as place (currency, version, account)
           cross join lateral (
             select * from entry
             where operator_id = $1 and player_id = $2 and currency = place.currency
               and wallet_version is not null
               and (wallet_version, account) < (place.version, place.account)
             order by wallet_version desc, account desc limit $6) e
           left join payment p on p.payment_id = e.payment_id"#,
        key.operator.as_str(),
        key.player.as_str(),
        &currencies as &[&str],
        &versions,
        &accounts as &[&str],
        limit
    )
    .fetch_all(pool)
    .await?;
    let mut lists: BTreeMap<Currency, Vec<EntryLine>> = BTreeMap::new();
    for row in rows {
        let currency = json::currency(&row.currency)?;
        lists.entry(currency).or_default().push(EntryLine {
            kind: row.kind,
            account: row.account,
            amount: Money::new(row.amount, currency),
            balance_after: row.balance_after,
            payment: row.payment_id,
            payment_direction: row.direction,
            reference: row.reference,
            wallet_version: row.wallet_version,
            recorded_at: row.recorded_at,
            slot: row.slot,
            seq: row.seq,
            after: Places::new(),
        });
    }
    for list in lists.values_mut() {
        list.sort_by(|a, b| (b.wallet_version, &b.account).cmp(&(a.wallet_version, &a.account)));
    }
    Ok(lists.into_iter().map(|(currency, list)| (currency, list.into())).collect())
}

/// Of the wallets' next lines the newest, again and again. Clocks of instances may be apart: each wallet's lines
/// stay in the order of its versions, and every line is on one page.
fn merge(mut lists: Lists, mut places: Places, limit: i64) -> Vec<EntryLine> {
    let mut merged = Vec::new();
    while merged.len() < usize::try_from(limit).unwrap_or(0) {
        let next = lists.values_mut().filter(|list| !list.is_empty()).min_by_key(|list| {
            Reverse(list.front().map(|line| (line.recorded_at, line.slot, line.seq)))
        });
        let Some(mut line) = next.and_then(VecDeque::pop_front) else { break };
        let place = Place { version: line.wallet_version, account: line.account.clone() };
        places.insert(line.amount.currency, place);
        line.after = places.clone();
        merged.push(line);
    }
    merged
}
