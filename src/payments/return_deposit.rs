//! Opens the return of a deposit to its source. It waits for a second person.

use crate::decide::command::OpenReturn;
use crate::decide::{Answer, Command};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;

/// Opens the return: a withdrawal of origin `return`, in review, its money held, with the caller's
/// proposal to approve it. The answer is that withdrawal, or a replay.
pub async fn return_deposit(
    flows: &Flows,
    player: &PlayerKey,
    open: OpenReturn,
) -> Result<Answer, SubmitError> {
    flows.lanes.submit(player, Command::OpenReturn(Box::new(open))).await
}
