//! Gives back the room of a deposit that the lane did not take.

use crate::flows::Flows;
use crate::store::limit_reservations::{self, RoomState};
use uuid::Uuid;

/// Gives it back at once. What fails here the worker does, ten minutes later: until then nobody could
/// tell it from a deposit that is still on its way.
pub async fn give_room_back(flows: &Flows, file: &str, deposit: Uuid) {
    let Some(client) = flows.checks.file_named(file) else { return };
    if client.release(deposit).await.is_err() {
        return;
    }
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let change = (RoomState::Reserved, RoomState::Released);
    let due = Some(now + time::Duration::days(1));
    if let Err(error) = limit_reservations::settle(pool, deposit, change, due, now).await {
        tracing::warn!(%error, "that room was given back could not be noted; it is given back again");
    }
}
