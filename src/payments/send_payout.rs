//! An approved withdrawal is sent, part by part.

use crate::decide::{Answer, Command};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::run_attempts::run_attempts;
use uuid::Uuid;

/// Takes an approved withdrawal and calls the PSPs of its parts. True: it was ours to send.
///
/// The commit that takes it holds the decision `withdrawal.pre_payout` and every attempt, so that
/// nothing is sent whose intent is not durable.
pub async fn send_payout(
    flows: &Flows,
    player: &PlayerKey,
    payment: Uuid,
) -> Result<bool, SubmitError> {
    match flows.lanes.submit(player, Command::TakePayout { payment }).await? {
        Answer::Sending { payment, attempts } => {
            // At once: an attempt's lease runs from the commit, and must not run out while another
            // part's PSP makes us wait.
            let parts = attempts
                .into_iter()
                .map(|attempt| run_attempts(flows, payment.as_ref().clone(), attempt));
            futures_util::future::join_all(parts).await;
            Ok(true)
        }
        _ => Ok(false),
    }
}
