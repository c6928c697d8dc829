//! News of an attempt goes to its lane. Where it brings money that comes late, registers and matchers are asked who its
//! player is by now, with nothing open and no lane held, and it is told once more with what they said.

use crate::decide::command::{News, PlayerChecks};
use crate::decide::{Answer, Command};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::know_before_taking::known_of;
use crate::payments::start_deposit::SCREENINGS_MAX;
use crate::screening::Checkpoint;
use std::sync::Arc;

/// How hard it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// Whoever tells it tells it again.
    Once,
    /// Nobody else knows it.
    Persistent,
}

/// Tells it.
///
/// # Errors
/// When the lane did not take it.
pub async fn tell_news(
    flows: &Flows,
    player: &PlayerKey,
    news: News,
    tries: Tries,
) -> Result<Answer, SubmitError> {
    let news = Arc::new(news);
    let mut asked = None;
    for _ in 0..=SCREENINGS_MAX {
        let told = submit(flows, player, &news, (asked, tries)).await?;
        if !matches!(told, Answer::AnswersWanted(_)) {
            return Ok(told);
        }
        // Nobody was asked yet, or about a record that is another by now.
        asked = Some(known_of(flows, player, Checkpoint::DepositPost).await?);
    }
    Err(SubmitError::Busy)
}

async fn submit(
    flows: &Flows,
    player: &PlayerKey,
    news: &Arc<News>,
    (asked, tries): (Option<PlayerChecks>, Tries),
) -> Result<Answer, SubmitError> {
    let command = Command::NewsOrAsk { news: news.clone(), asked };
    match tries {
        Tries::Once => flows.lanes.submit(player, command).await,
        Tries::Persistent => flows.submit_persistently(player, command).await,
    }
}
