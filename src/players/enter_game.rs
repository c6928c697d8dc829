//! Books an entry of the game platform: a stake, a win, a void, a bonus.

use crate::book::{GameEntry, KeyClaim};
use crate::decide::{Answer, Command};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;

/// Books the entry. The answer is the entry, or the replay of a key that was used before.
pub async fn enter_game(
    flows: &Flows,
    player: &PlayerKey,
    claim: KeyClaim,
    entry: GameEntry,
) -> Result<Answer, SubmitError> {
    flows.lanes.submit(player, Command::WalletEntry { claim, entry }).await
}
