//! Replaces a player's record.

use crate::decide::command::PutPlayer;
use crate::decide::{Answer, Command};
use crate::domain::{Player, PlayerKey};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::store::name_screenings;

/// Replaces the record; its version and times are the lane's to give.
pub async fn put_player(flows: &Flows, player: Player) -> Result<Player, SubmitError> {
    let key = player.key.clone();
    let command = Command::PutPlayer(Box::new(PutPlayer { player }));
    match flows.lanes.submit(&key, command).await? {
        Answer::Player(player) => {
            want_name_matched(flows, &key).await;
            Ok(*player)
        }
        _ => Err(SubmitError::Failed),
    }
}

/// The name is matched in the background. Should the wish be lost, the first payment asks itself.
pub async fn want_name_matched(flows: &Flows, key: &PlayerKey) {
    if flows.checks.matchers.is_empty() {
        return;
    }
    let wanted = name_screenings::ask(flows.db.pool(), key, flows.clock.now()).await;
    match wanted {
        Ok(()) => flows.nudges.names.notify_one(),
        Err(error) => tracing::warn!(%error, "a name will be matched with the first payment only"),
    }
}
