//! What matchers found near a player, as it was kept: for people who decide whether it is them. Nobody is asked.

use super::ask_checks::except_known;
use super::results;
use crate::domain::{PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::lane::desk::DeskError;
use crate::screening::hooks::{CheckFacts, NameFacts};
use crate::screening::signals::Hook;
use crate::store::player_results::Wanted;
use crate::store::{StoreError, read_models};

/// Why it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NearError {
    #[error("reading what a matcher said")]
    Desk(#[from] DeskError),
    #[error("reading the player")]
    Store(#[from] StoreError),
}

/// The newest answer of each matcher about a player, with the entries marked that two people have excepted. None
/// of whoever was never matched, is not known or was erased.
pub async fn near_names(
    flows: &Flows,
    key: &PlayerKey,
    now: Timestamp,
) -> Result<Vec<NameFacts>, NearError> {
    let known = read_models::player(flows.db.pool(), key).await?;
    let Some((player, _)) = known.filter(|(player, _)| !player.is_erased()) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for matcher in &flows.checks.matchers {
        let wanted = Wanted { player: key.clone(), hook: Hook::Names, vendor: matcher.id.clone() };
        let kept = flows.desks.said.ask(wanted).await?;
        if let Some(answer) = kept.and_then(|kept| results::to_names(&kept.result)) {
            names.push(NameFacts { matcher: matcher.id.clone(), found: Ok(answer) });
        }
    }
    let mut facts = CheckFacts { names, ..CheckFacts::default() };
    except_known(flows, &player, &mut facts, now).await?;
    Ok(facts.names)
}
