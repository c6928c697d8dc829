//! News of an attempt goes to its lane. Where it brings money that comes late, registers and matchers are asked who its
//! player is by now, with nothing open and no lane held, and it is told once more with what they said.

use crate::decide::command::News;
use crate::decide::{Answer, Command};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::know_before_taking::known_of;
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
    let told = submit(flows, player, &news, (None, tries)).await?;
    if !matches!(told, Answer::AnswersWanted(_)) {
        return Ok(told);
    }
    let asked = known_of(flows, player, Checkpoint::DepositPost).await?;
    submit(flows, player, &news, (Some(asked), tries)).await
}

async fn submit(
    flows: &Flows,
    player: &PlayerKey,
    news: &Arc<News>,
    (asked, tries): (Option<crate::screening::hooks::CheckFacts>, Tries),
) -> Result<Answer, SubmitError> {
    let command = Command::NewsOrAsk { news: news.clone(), asked };
    match tries {
        Tries::Once => flows.lanes.submit(player, command).await,
        Tries::Persistent => flows.submit_persistently(player, command).await,
    }
}
