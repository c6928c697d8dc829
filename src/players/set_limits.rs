//! Sets and confirms a player's own deposit limits.

use crate::decide::{Answer, Command, Refusal};
use crate::domain::{Money, PlayerKey};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::players::set_limits::Change::{Confirm, Replace};
use crate::screening::limits::{Limit, Period};
use crate::store::{StoreError, read_models};

/// What is to change.
#[derive(Debug, Clone)]
pub enum Change {
    /// The whole list: lower at once, higher or left out after the market's delay.
    Replace(Vec<(Period, Money)>),
    /// The second word for rises that wait.
    Confirm,
}

/// Why nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error("reading the player")]
    Store(#[from] StoreError),
}

/// Changes the limits; the market of the player's residence says how long a rise waits.
pub async fn set_limits(
    flows: &Flows,
    player: &PlayerKey,
    change: Change,
) -> Result<Vec<Limit>, LimitsError> {
    let (record, _) = read_models::player(flows.db.pool(), player)
        .await?
        .ok_or(SubmitError::Refused(Refusal::PlayerUnknown))?;
    let command = match change {
        Replace(wanted) => {
            let policies = flows.policies.current();
            let policy = policies.in_force(&record.country, flows.clock.now());
            // Where no market's rule is known, the longest of the known delays is the safe one.
            let longest = policies.all().iter().map(|policy| policy.limit_rise_delay).max();
            let delay = policy.map(|policy| policy.limit_rise_delay).or(longest);
            Command::PutLimits { wanted, delay: delay.unwrap_or_default() }
        }
        Confirm => Command::ConfirmLimits,
    };
    match flows.lanes.submit(player, command).await? {
        Answer::Limits(limits) => Ok(limits),
        _ => Err(SubmitError::Failed.into()),
    }
}
