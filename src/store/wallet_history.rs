//! A player's balances as they were at a time: each account's newest entry until then.

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
        r#"select distinct on (currency, account) currency, account, wallet_version as "version!",
             balance_after as "balance!", head as "head!"
           from entry
           where operator_id = $1 and player_id = $2 and wallet_version is not null
             and recorded_at <= $3
           order by currency, account, wallet_version desc"#,
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
        if wallet.version < row.version {
            wallet.version = row.version;
            wallet.head = <[u8; 32]>::try_from(row.head.as_slice())
                .map_err(|_| StoreError::Corrupt("the head of a wallet's chain".to_owned()))?;
        }
    }
    Ok(wallets.into_values().collect())
}
