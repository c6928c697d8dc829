//! Replaces a player's record.

use crate::decide::command::PutPlayer;
use crate::decide::{Answer, Command};
use crate::domain::Player;
use crate::flows::Flows;
use crate::lane::SubmitError;

/// Replaces the record; its version and times are the lane's to give.
pub async fn put_player(flows: &Flows, player: Player) -> Result<Player, SubmitError> {
    let key = player.key.clone();
    let command = Command::PutPlayer(Box::new(PutPlayer { player }));
    match flows.lanes.submit(&key, command).await? {
        Answer::Player(player) => Ok(*player),
        _ => Err(SubmitError::Failed),
    }
}
