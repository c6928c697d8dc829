//! A player's balances as they were at a time.
//!
//! A wallet's versions, and not times, say what came after what: machines' clocks differ, and a version may
//! bear an earlier time than the one before it. So the time chooses one version of the whole wallet, and each
//! account is told as of that. Each account by its own newest time would be a wallet that never was.

use super::{StoreError, json};
use crate::domain::{Balance, Currency, PlayerKey, Timestamp};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// Every wallet that the player had at that time, in the order of the currencies' codes.
pub async fn wallets_at(
    pool: &PgPool,
    key: &PlayerKey,
    at: Timestamp,
) -> Result<Vec<Balance>, StoreError> {
    let rows = sqlx::query!(
        r#"select w.currency, account as "account!", newest.version as "version!",
             newest.head as "head!", e.balance_after as "balance!"
           from wallet w
           cross join lateral (
             select wallet_version as version, head from entry
             where operator_id = w.operator_id and player_id = w.player_id and currency = w.currency
               and wallet_version is not null and recorded_at <= $3
             order by wallet_version desc limit 1) newest
           cross join (values ('player_cash'), ('player_bonus'), ('player_held'),
             ('player_receivable')) a (account)
           cross join lateral (
             select balance_after from entry
             where operator_id = w.operator_id and player_id = w.player_id and currency = w.currency
               and wallet_version <= newest.version and entry.account = a.account
             order by wallet_version desc limit 1) e
           where w.operator_id = $1 and w.player_id = $2"#,
        key.operator.as_str(),
        key.player.as_str(),
        at
    )
    .fetch_all(pool)
    .await?;
    let mut wallets: BTreeMap<String, Balance> = BTreeMap::new();
    for row in rows {
        let currency: Currency = json::currency(&row.currency)?;
        let wallet = wallets.entry(row.currency).or_insert_with(|| Balance::empty(currency));
        match row.account.as_str() {
            "player_cash" => wallet.cash = row.balance,
            "player_bonus" => wallet.bonus = row.balance,
            "player_held" => wallet.held = row.balance,
            "player_receivable" => wallet.owed = row.balance,
            other => return Err(StoreError::Corrupt(format!("account {other} in a wallet"))),
        }
        wallet.version = row.version;
        wallet.head = <[u8; 32]>::try_from(row.head.as_slice())
            .map_err(|_| StoreError::Corrupt("the head of a wallet's chain".to_owned()))?;
    }
    Ok(wallets.into_values().collect())
}
