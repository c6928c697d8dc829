//! What is known of a player without asking anybody: for an offer, which moves nothing and reserves nothing.

use super::ask_checks::{asked, except_known, identity_says, names_said, register_said};
use crate::domain::{Player, Timestamp};
use crate::flows::Flows;
use crate::screening::Checkpoint;
use crate::screening::hooks::{CheckFacts, FileFacts, HookFailure, NameFacts, RegisterFacts};
use crate::screening::policy::MarketPolicy;
use crate::screening::signals::Hook;

/// As [`super::ask_checks::ask_checks`] by what is kept alone. Whom the payment itself would ask first has not
/// been asked: [`HookFailure::NotAsked`].
pub async fn known_checks(
    flows: &Flows,
    policy: &MarketPolicy,
    (player, checkpoint): (&Player, Checkpoint),
    now: Timestamp,
) -> CheckFacts {
    let register = async {
        let ask = asked(policy, checkpoint, Hook::Register)?;
        let register = &flows.checks.register(&player.country)?.id;
        let said = register_said(flows, register, player, ask.max_age, now).await;
        let found = said.ok_or(HookFailure::NotAsked);
        Some(RegisterFacts { register: register.clone(), found })
    };
    let names = async {
        let Some(ask) = asked(policy, checkpoint, Hook::Names) else { return Vec::new() };
        let of_one = async |matcher: &str| {
            let said = names_said(flows, matcher, player, ask.max_age, now).await;
            NameFacts { matcher: matcher.to_owned(), found: said.ok_or(HookFailure::NotAsked) }
        };
        let matchers = flows.checks.matchers(&player.country);
        futures_util::future::join_all(matchers.map(|matcher| of_one(&matcher.id))).await
    };
    let kyc = async {
        asked(policy, checkpoint, Hook::Kyc)?;
        identity_says(flows, player).await.0
    };
    let (register, names, kyc) = tokio::join!(register, names, kyc);
    let file = asked(policy, checkpoint, Hook::CrossOperatorLimit);
    let file = file.and_then(|_| flows.checks.file(&player.country));
    let not_asked = Err(HookFailure::NotAsked);
    let file = file.map(|file| FileFacts { file: file.id.clone(), found: not_asked });
    let mut facts = CheckFacts { register, names, kyc, file };
    except_known(flows, player, &mut facts, now).await.ok();
    facts
}
