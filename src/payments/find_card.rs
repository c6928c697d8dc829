//! Which card a PSP's token stands for.

use crate::domain::{Direction, Instrument, PlayerKey};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::read_models::{self, PaymentFilter};
use uuid::Uuid;

/// Deposits that are looked at, the newest first.
const LOOKED_AT: i64 = 200;

/// The source of the player's newest deposit that a PSP named by this token, with the deposit.
///
/// # Errors
/// When the database fails.
pub async fn find_card(
    flows: &Flows,
    player: &PlayerKey,
    token: &str,
) -> Result<Option<(Uuid, Instrument)>, StoreError> {
    let filter = PaymentFilter {
        player: Some(player.player.clone()),
        statuses: vec!["succeeded".to_owned()],
        limit: LOOKED_AT,
        ..PaymentFilter::default()
    };
    let pool = flows.db.pool();
    let paid = read_models::payments(pool, &player.operator, Direction::Deposit, &filter).await?;
    Ok(paid.into_iter().find_map(|deposit| {
        let source = deposit.source.filter(|source| source.tokens.values().any(|t| t == token))?;
        Some((deposit.id.uuid, source))
    }))
}
