//! What is known of a deposit before its money is taken at our word, and of a withdrawal before its money leaves.
//!
//! Registers and matchers are asked as when the deposit began; what they said within the policy's `max_age_s`
//! still counts, so that mostly nobody is. One that gives no answer now is believed what it said then, for as
//! long as the policy believes an answer: a payer who has approved is not refused because a register is away
//! for a moment. What was said of a record that is another by now is no answer. Room in the market's file of limits is the deposit's own since it began.
//!
//! Of a withdrawal's player the market's rules say what is asked before the payout. Where a matcher gives no answer
//! then, and none is kept that is young enough, people decide.

use crate::book::Payment;
use crate::decide::command::PlayerChecks;
use crate::decide::completion::KnownBefore;
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::screening::Checkpoint;
use crate::screening::hooks::{CheckFacts, NameFacts};
use crate::store::{StoreError, read_history};
use crate::vendors::people::ask_checks::{ask_checks, ask_checks_surely};

/// Why the money was not taken now. The deposit stays due.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("reading what the deposit was let go by")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Gathers it.
pub async fn know_before_taking(
    flows: &Flows,
    deposit: &Payment,
) -> Result<KnownBefore, TakeError> {
    if deposit.withdrawal_status().is_some() {
        let checks = known_before_payout::<TakeError>(flows, &deposit.player).await?;
        return Ok(KnownBefore { began: None, checks });
    }
    if deposit.suspended.is_some() {
        let began = read_history::facts_of_money(flows.db.pool(), deposit.id.uuid).await?;
        let checks = known_of(flows, &deposit.player, Checkpoint::DepositPost).await?;
        return Ok(KnownBefore { began, checks });
    }
    let began = read_history::facts_of(flows.db.pool(), deposit.decision).await?;
    let now = known_of(flows, &deposit.player, Checkpoint::DepositPre).await?;
    let mut checks = now;
    if let Some(began) = &began {
        let same_record = began.player.as_ref().map(|player| player.version) == checks.version;
        checks.facts = newest_usable(checks.facts, &began.checks, same_record);
    }
    Ok(KnownBefore { began, checks })
}

/// What is said of a player now. What was said of the same record a short while ago is not asked again.
pub async fn known_of(
    flows: &Flows,
    player: &PlayerKey,
    checkpoint: Checkpoint,
) -> Result<PlayerChecks, SubmitError> {
    let known = flows.desks.players.ask(player.clone()).await?;
    let Some(known) = known else { return Ok(PlayerChecks::default()) };
    let facts = ask_checks(flows, &known.player, checkpoint).await;
    Ok(PlayerChecks { version: Some(known.player.version), facts })
}

/// As [`known_of`], before money leaves. Nobody waits for it: what the database does not tell at this moment is no
/// finding against the player, and the payout stays due.
pub async fn known_before_payout<E: From<StoreError> + From<SubmitError>>(
    flows: &Flows,
    player: &PlayerKey,
) -> Result<PlayerChecks, E> {
    let known = flows.desks.players.ask(player.clone()).await.map_err(SubmitError::from)?;
    let Some(known) = known else { return Ok(PlayerChecks::default()) };
    let checkpoint = Checkpoint::WithdrawalPrePayout;
    let facts = ask_checks_surely(flows, &known.player, checkpoint).await?;
    Ok(PlayerChecks { version: Some(known.player.version), facts })
}

/// What was said now, and what was said then by who says nothing now: of registers and matchers, where they were
/// asked about the same record.
fn newest_usable(mut now: CheckFacts, then: &CheckFacts, same_record: bool) -> CheckFacts {
    let speechless = same_record && now.register.as_ref().is_some_and(|told| told.found.is_err());
    let before = then.register.as_ref().filter(|told| speechless && told.found.is_ok());
    now.register = before.cloned().or(now.register);
    let speechless = now.kyc.as_ref().is_some_and(|told| told.found.is_err());
    let before = then.kyc.as_ref().filter(|told| speechless && told.found.is_ok());
    now.kyc = before.cloned().or(now.kyc);
    for told in now.names.iter_mut().filter(|told| same_record && told.found.is_err()) {
        let same = |before: &&NameFacts| before.matcher == told.matcher && before.found.is_ok();
        if let Some(before) = then.names.iter().find(same) {
            told.found = before.found.clone();
        }
    }
    now.file.clone_from(&then.file);
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::hooks::{
        FileAnswer, FileFacts, HookFailure, NameAnswer, RegisterAnswer, RegisterFacts, Standing,
    };
    use time::macros::datetime;

    fn register(found: Result<Standing, HookFailure>) -> Option<RegisterFacts> {
        let answered_at = datetime!(2026-11-01 12:00 UTC);
        let answer = |standing| RegisterAnswer { standing, reference: "r".into(), answered_at };
        Some(RegisterFacts { register: "oasis".into(), found: found.map(answer) })
    }

    fn names(matcher: &str, found: Result<&str, HookFailure>) -> NameFacts {
        let asked_at = datetime!(2026-11-01 12:00 UTC);
        let answer =
            |version: &str| NameAnswer { hits: Vec::new(), version: version.into(), asked_at };
        NameFacts { matcher: matcher.into(), found: found.map(answer) }
    }

    #[test]
    fn who_says_nothing_now_is_believed_what_they_said_then_and_nobody_else() {
        let then = CheckFacts {
            register: register(Ok(Standing::NotExcluded)),
            names: vec![names("a", Ok("then")), names("b", Ok("then"))],
            ..CheckFacts::default()
        };
        let now = CheckFacts {
            register: register(Err(HookFailure::Late)),
            names: vec![names("b", Ok("now")), names("a", Err(HookFailure::Refused))],
            ..CheckFacts::default()
        };
        let known = newest_usable(now.clone(), &then, true);
        assert_eq!(known.register, then.register);
        assert_eq!(known.names, vec![names("b", Ok("now")), names("a", Ok("then"))]);
        let excluded = || CheckFacts { register: register(Ok(Standing::Excluded)), ..then.clone() };
        assert_eq!(newest_usable(excluded(), &then, true).register, excluded().register);
        let known = newest_usable(now.clone(), &then, false);
        assert_eq!(known, now, "what was said then was said of another record");
    }

    #[test]
    fn what_was_an_error_then_mends_no_error_of_now() {
        let failing = |why| CheckFacts { register: register(Err(why)), ..CheckFacts::default() };
        let known = newest_usable(failing(HookFailure::Late), &failing(HookFailure::Stale), true);
        assert_eq!(known, failing(HookFailure::Late));
    }

    #[test]
    fn room_over_all_operators_is_the_deposits_own_since_it_began() {
        let granted = FileAnswer { granted: true, reference: "r".into(), remaining: None };
        let file = Some(FileFacts { file: "lugas".into(), found: Ok(granted) });
        let then = CheckFacts { file: file.clone(), ..CheckFacts::default() };
        assert_eq!(newest_usable(CheckFacts::default(), &then, false).file, file);
    }
}
