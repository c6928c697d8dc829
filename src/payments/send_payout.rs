//! An approved withdrawal is sent, part by part.

use crate::book::Payment;
use crate::decide::command::KnownBeforePayout;
use crate::decide::{Answer, Command};
use crate::domain::{Method, PlayerKey};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::know_before_taking;
use crate::payments::run_attempts::run_attempts;
use crate::payments::start_deposit::SCREENINGS_MAX;
use crate::screening::gather;
use crate::screening::signals::{Hook, StandingAnswers};
use crate::store::{StoreError, vendor_checks};
use uuid::Uuid;

/// Why a payout was not sent; it stays due.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("reading what vendors said of it")]
    Store(#[from] StoreError),
    #[error("taking it")]
    Submit(#[from] SubmitError),
}

/// What vendors said of where it goes, and what is said of its player by now.
async fn known_before_payout(
    flows: &Flows,
    payment: &Payment,
) -> Result<KnownBeforePayout, SendError> {
    let checks = know_before_taking::known_before_payout::<SendError>(flows, &payment.player);
    let ways = payment.parts.iter().map(|it| (payment.method_of(Some(it.id)), &it.instrument));
    let standing = match gather::method_of(payment.method, ways) {
        Method::Crypto => {
            vendor_checks::standing(flows.db.pool(), payment.id.uuid, Hook::KytWithdrawal).await?
        }
        // It goes over no chain: nobody is asked where it goes.
        _ => StandingAnswers::default(),
    };
    Ok(KnownBeforePayout { standing, checks: checks.await? })
}

/// Takes an approved withdrawal and calls the PSPs of its parts. True: it was ours to send.
///
/// The commit that takes it holds the decision `withdrawal.pre_payout` and every attempt, so that
/// nothing is sent whose intent is not durable.
pub async fn send_payout(
    flows: &Flows,
    player: &PlayerKey,
    payment: Uuid,
) -> Result<bool, SendError> {
    let take = |answers| Command::TakePayout { payment, answers };
    let mut taken = flows.lanes.submit(player, take(None)).await?;
    for _ in 0..SCREENINGS_MAX {
        // Asked for once more where the player's record changed meanwhile; after that it stays due.
        let Answer::AnswersWanted(wanted) = &taken else { break };
        let answers = Some(Box::new(known_before_payout(flows, wanted).await?));
        taken = flows.lanes.submit(player, take(answers)).await?;
    }
    match taken {
        Answer::Sending { payment, attempts } => {
            // At once: an attempt's lease runs from the commit, and must not run out while another
            // part's PSP makes us wait.
            let parts = attempts
                .into_iter()
                .map(|attempt| run_attempts(flows, payment.as_ref().clone(), attempt));
            futures_util::future::join_all(parts).await;
            Ok(true)
        }
        // What vendors said is too old: they are asked before it is sent.
        Answer::Payment(_) => {
            flows.nudges.screenings.notify_one();
            Ok(false)
        }
        _ => Ok(false),
    }
}
