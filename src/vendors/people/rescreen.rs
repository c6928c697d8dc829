//! Matches a player's name anew, and says what is new: after the record changed, and after a list did.

use super::ask_checks::{Matched, asked, except_known, match_name};
use super::matcher::Matcher;
use super::results;
use crate::decide::{Command, Refusal};
use crate::domain::{Player, PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::lane::desk::DeskError;
use crate::reviews::open_name_case::open_name_case;
use crate::screening::Checkpoint;
use crate::screening::gather::{self, Locked, Setting};
use crate::screening::hooks::{CheckFacts, HookFailure, NameAnswer, NameFacts, NameHit};
use crate::screening::signals::Hook;
use crate::store::{StoreError, player_results};

/// Why a player was not matched.
#[derive(Debug, thiserror::Error)]
pub enum RescreenError {
    #[error("the matcher gave no answer: {}", .0.as_str())]
    Hook(HookFailure),
    #[error("the matcher's answer could not be kept")]
    NotKept,
    #[error("reading the player")]
    Desk(#[from] DeskError),
    #[error("recording the decision")]
    Submit(#[from] SubmitError),
    #[error("telling people of it")]
    Store(#[from] StoreError),
}

/// Matches one player with one matcher, unless it is not asked about players of that country. True: something is
/// new that the policy wants people to see, and a case is open for them.
pub async fn rescreen(
    flows: &Flows,
    matcher: &Matcher,
    key: &PlayerKey,
) -> Result<bool, RescreenError> {
    let Some(found) = flows.desks.players.ask(key.clone()).await? else { return Ok(false) };
    let player = found.player;
    if player.is_erased() || !matcher.serves(&player.country) {
        return Ok(false);
    }
    let pool = flows.db.pool();
    // What people were told of last, and not what was said last: between an answer and its case whoever
    // asks may die, and a payment asks too and tells nobody.
    let before = player_results::told(pool, key, &matcher.id).await?;
    let before = before.as_ref().and_then(results::to_names);
    let matched = match_name(flows, matcher, &player).await.map_err(RescreenError::Hook)?;
    let Matched { answer, kept: Some(kept) } = matched else { return Err(RescreenError::NotKept) };
    let is_new = |hit: &&NameHit| {
        let same = |old: &NameHit| {
            (&old.list, &old.entity, old.score) == (&hit.list, &hit.entity, hit.score)
        };
        !before.as_ref().is_some_and(|before| before.hits.iter().any(same))
    };
    let new: Vec<NameHit> = answer.hits.iter().filter(is_new).cloned().collect();
    let old_version = before.map_or("none".to_owned(), |before| before.version);
    record(flows, matcher, &player, &answer).await?;
    let new = NameAnswer { hits: new, ..answer.clone() };
    let noticed = noticed(flows, matcher, &player, &new).await;
    if noticed.is_empty() {
        player_results::tell(pool, key, &matcher.id, kept).await?;
        return Ok(false);
    }
    let detail = format!(
        "player {}/{} is near what is new on the lists of {} ({}); lists before: {old_version}; \
         lists now: {}",
        key.operator,
        key.player,
        matcher.id,
        noticed.join("; "),
        answer.version
    );
    open_name_case(flows, key, &detail).await?;
    player_results::tell(pool, key, &matcher.id, kept).await?;
    Ok(true)
}

/// The answer stands in a decision where the market's policy has a rule for it. A record that changed
/// meanwhile is matched again.
async fn record(
    flows: &Flows,
    matcher: &Matcher,
    player: &Player,
    answer: &NameAnswer,
) -> Result<(), RescreenError> {
    let (policies, now) = (flows.policies.current(), flows.clock.now());
    let policy = policies.in_force(&player.country, now);
    let asks = policy.and_then(|policy| asked(policy, Checkpoint::AccountEvent, Hook::Names));
    if asks.is_none() {
        return Ok(());
    }
    let names = vec![NameFacts { matcher: matcher.id.clone(), found: Ok(answer.clone()) }];
    let mut checks = CheckFacts { names, ..CheckFacts::default() };
    except_known(flows, player, &mut checks, now).await.ok();
    let command = Command::ScreenAccount { version: player.version, checks };
    match flows.submit_persistently(&player.key, command).await {
        Ok(_) | Err(SubmitError::Refused(Refusal::PlayerChanged)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What of these hits the market's policy wants seen. An entry that is excepted is nobody's concern, also
/// when it scores otherwise by now.
async fn noticed(
    flows: &Flows,
    matcher: &Matcher,
    player: &Player,
    answer: &NameAnswer,
) -> Vec<String> {
    let now: Timestamp = flows.clock.now();
    let policies = flows.policies.current();
    let Some(policy) = policies.in_force(&player.country, now) else { return Vec::new() };
    if asked(policy, Checkpoint::AccountEvent, Hook::Names).is_none() || answer.hits.is_empty() {
        return Vec::new();
    }
    let mut facts =
        gather::account(player, &Locked::NOTHING, &Setting::new(&policies, &flows.fx, now));
    let names = vec![NameFacts { matcher: matcher.id.clone(), found: Ok(answer.clone()) }];
    facts.checks = CheckFacts { names, ..CheckFacts::default() };
    except_known(flows, player, &mut facts.checks, now).await.ok();
    let rules = policy.rules.iter().filter(|rule| {
        rule.check.asks().is_some_and(|ask| ask.hook == Hook::Names)
            && rule.at.contains(&Checkpoint::AccountEvent)
    });
    let results = rules.flat_map(|rule| rule.results(&facts));
    results.filter(crate::screening::RuleResult::is_hit).map(|result| result.observed).collect()
}
