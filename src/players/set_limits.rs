//! Sets and confirms a player's own deposit limits.

use crate::decide::{Answer, Command};
use crate::domain::{Money, PlayerKey};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::players::set_limits::Change::{Confirm, Replace};
use crate::screening::limits::{Limit, Period};

/// What is to change.
#[derive(Debug, Clone)]
pub enum Change {
    /// The whole list: lower at once, higher or left out after the market's delay.
    Replace(Vec<(Period, Money)>),
    /// The second word for rises that wait.
    Confirm,
}

/// Changes the limits; the market of the player's residence says how long a rise waits.
///
/// # Errors
/// The lane's, and nothing changes.
pub async fn set_limits(
    flows: &Flows,
    player: &PlayerKey,
    change: Change,
) -> Result<Vec<Limit>, SubmitError> {
    let command = match change {
        Replace(wanted) => Command::PutLimits { wanted },
        Confirm => Command::ConfirmLimits,
    };
    match flows.lanes.submit(player, command).await? {
        Answer::Limits(limits) => Ok(limits),
        _ => Err(SubmitError::Failed),
    }
}
