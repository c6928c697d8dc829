//! What became of a payment, as people read it: its statuses one after the other, and what it did to its player's
//! wallet.

use super::{StoreError, json};
use crate::domain::{Money, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

/// A change of its status.
#[derive(Debug, Clone)]
pub struct Step {
    pub to: String,
    pub at: Timestamp,
}

/// A leg of a posting to one of the player's own accounts.
#[derive(Debug, Clone)]
pub struct WalletMove {
    /// `deposit_reversed`
    pub kind: String,
    /// `player_cash`
    pub account: String,
    /// What the account gained.
    pub money: Money,
    pub at: Timestamp,
}

/// Its statuses, the oldest first. Each came with an event, in the same record.
pub async fn steps(pool: &PgPool, payment: Uuid) -> Result<Vec<Step>, StoreError> {
    let rows = sqlx::query!(
        "select t.to_status, t.at
         from (select slot, seq from outbox_event where payment_id = $1 group by slot, seq) e
         join transition t on t.slot = e.slot and t.seq = e.seq
         where t.subject_id = $1 and t.subject = 'payment' order by t.at, t.slot, t.seq, t.n",
        payment
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| Step { to: row.to_status, at: row.at }).collect())
}

/// What its records moved in the wallet, the oldest first.
pub async fn wallet_moves(pool: &PgPool, payment: Uuid) -> Result<Vec<WalletMove>, StoreError> {
    let rows = sqlx::query!(
        "select e.kind, e.account, e.amount, e.currency, e.recorded_at
         from record r join entry e on e.slot = r.slot and e.seq = r.seq
         where r.payment_id = $1 and e.payment_id = $1 and e.wallet_version is not null
         order by e.wallet_version, e.leg",
        payment
    )
    .fetch_all(pool)
    .await?;
    let moves = rows.into_iter().map(|row| {
        let money = Money { minor: row.amount, currency: json::currency(&row.currency)? };
        let (kind, account, at) = (row.kind, row.account, row.recorded_at);
        Ok(WalletMove { kind, account, money, at })
    });
    moves.collect()
}
