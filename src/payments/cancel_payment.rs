//! Cancels a payment that no money has moved for.

use crate::book::Payment;
use crate::decide::{Answer, Command};
use crate::domain::{PaymentId, PlayerKey};
use crate::flows::Flows;
use crate::lane::SubmitError;
use std::sync::Arc;

/// Cancels; a session that a PSP still holds open is closed by the attempts worker at once.
pub async fn cancel_payment(
    flows: &Flows,
    player: &PlayerKey,
    payment: PaymentId,
    by_player: bool,
) -> Result<Payment, SubmitError> {
    let command = Command::Cancel { payment: payment.uuid, by_player };
    match flows.lanes.submit(player, command).await? {
        Answer::Payment(payment) => {
            flows.nudges.attempts.notify_one();
            Ok(Arc::unwrap_or_clone(payment))
        }
        _ => Err(SubmitError::Failed),
    }
}
