//! Whether a player was paid there before: a browser alone may not name a new destination.

use crate::domain::{Direction, Origin, PartStatus, PlayerKey};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::read_models::{self, PaymentFilter};
use psp_contract::Portable;

/// Withdrawals that are looked at, the newest first.
const LOOKED_AT: i64 = 200;

/// True when a part of an earlier withdrawal was paid to this very account. What a deposit's return was paid
/// to says nothing: money that was never the wallet's goes back to whoever sent it.
///
/// # Errors
/// When the database fails.
pub async fn knows_destination(
    flows: &Flows,
    player: &PlayerKey,
    destination: &Portable,
) -> Result<bool, StoreError> {
    let filter = PaymentFilter {
        player: Some(player.player.clone()),
        statuses: vec!["paid".to_owned(), "paid_in_part".to_owned()],
        limit: LOOKED_AT,
        ..PaymentFilter::default()
    };
    let pool = flows.db.pool();
    let paid =
        read_models::payments(pool, &player.operator, Direction::Withdrawal, &filter).await?;
    let asked_for = paid.iter().filter(|payment| payment.origin != Origin::Return);
    let mut parts = asked_for.flat_map(|payment| &payment.parts);
    Ok(parts.any(|part| {
        part.status == PartStatus::Paid && part.instrument.portable.as_ref() == Some(destination)
    }))
}
