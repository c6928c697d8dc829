//! What an approved erasure leaves to be done: the player's own row is empty already, the rest follows here.

use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::{StoreError, erase, erasures};

/// Takes out what is due, player by player. Tells how many there were.
pub async fn erase_players(flows: &Flows, now: Timestamp) -> Result<u64, StoreError> {
    let (pool, mut players) = (flows.db.pool(), 0);
    while let Some(due) = erasures::claim(pool, now).await? {
        let emptied = erase::purge(pool, &due, now).await?;
        tracing::info!(review.id = %due.review, emptied, "a player's personal data was erased");
        metrics::counter!("players_erased_total").increment(1);
        players += 1;
    }
    Ok(players)
}
