//! The newest news becomes the player's record, through their lane.

use super::results::standing_of;
use crate::book::{KycTaken, NewKycTaken, TakenBefore};
use crate::decide::command::SetKyc;
use crate::decide::kyc::KycNews;
use crate::decide::{Command, Refusal};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::screening::hooks::KycStanding;
use crate::screening::signals::VendorState;
use crate::store::identity_events;
use crate::store::player_results::{self, News};
use crate::store::{StoreError, read_models};

/// How often news is compared with a record that changes meanwhile.
const TRIES_MAX: u32 = 8;

/// Why a record did not take it now.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("reading what was said and what was taken")]
    Store(#[from] StoreError),
    #[error("submitting the news")]
    Submit(#[from] SubmitError),
    #[error("the player's record changes all the time")]
    Busy,
}

/// How much of what was said of a player is looked at.
const NEWS_MAX: i64 = 100;

/// Has the record take the newest news, if it has not taken it, and a rejection that came after newer news of
/// another verification.
///
/// The record's version is read before the news: news that came in between voids nothing, and is seen by
/// the next turn of this loop or by whoever brought it. News that was taken once is never taken again, so
/// that a casino's own PUT after it stands.
pub async fn take_newest(flows: &Flows, key: &PlayerKey) -> Result<(), TakeError> {
    let pool = flows.db.pool();
    for _ in 0..TRIES_MAX {
        let Some((player, _)) = read_models::player(pool, key).await? else { return Ok(()) };
        let vendors = flows.checks.identity_ids(&key.operator);
        let told = player_results::news(pool, key, &vendors, NEWS_MAX).await?;
        let before = identity_events::taken(pool, key).await?;
        let Some((news, taken)) = next(&told, before.as_ref()) else { return Ok(()) };
        let corrupt = || StoreError::Corrupt(format!("the result {}", news.id));
        let (standing, level) = standing_of(&news.result).ok_or_else(corrupt)?;
        let set = SetKyc {
            player_version: player.version,
            news: KycNews { standing, level, told_at: news.told_at },
            taken,
        };
        match flows.submit_persistently(key, Command::SetKyc(set)).await {
            Ok(_) => {}
            Err(SubmitError::Refused(Refusal::PlayerChanged)) => {}
            // There is no record any more that could take it.
            Err(SubmitError::Refused(Refusal::PlayerErased)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Err(TakeError::Busy)
}

/// What the record takes next, of what was said, newest first.
fn next<'a>(told: &'a [News], before: Option<&TakenBefore>) -> Option<(&'a News, NewKycTaken)> {
    if let Some(rejection) = unheard_rejection(told, before) {
        let own = as_taken(rejection);
        // It is heard, and what is newer stays the newest that was taken.
        let newer = before.filter(|before| own.taken.told_at < before.last.taken.told_at);
        let last = newer.map(|before| before.last.clone());
        let taken = NewKycTaken { rejection: own.rejection, ..last.unwrap_or(own) };
        return Some((rejection, taken));
    }
    let newest = told.first()?;
    let taken = as_taken(newest);
    is_newer(&taken.taken, before).then_some((newest, taken))
}

/// The newest rejection below the newest news, if the record has never heard of it. What another
/// verification said since does not answer for it, unless that verified the player. Nor is it known because an
/// older one of the same verification is, if the player was verified between the two: a vendor may keep one for
/// ever, approve it and reject it again.
fn unheard_rejection<'a>(told: &'a [News], before: Option<&TakenBefore>) -> Option<&'a News> {
    let verifies = |news: &News| {
        let said = standing_of(&news.result);
        matches!(said, Some((KycStanding::Verified, Some(_))))
    };
    let end = told.iter().position(verifies).unwrap_or(told.len());
    let unanswered = told.get(..end)?;
    let (number, rejection) = unanswered.iter().enumerate().find(|(_, news)| rejects(news))?;
    if number == 0 {
        return None;
    }
    let heard = before.and_then(|before| before.last.rejection);
    let heard = heard.and_then(|heard| unanswered.iter().find(|news| news.id == heard));
    let of = |news: &News| (news.result.vendor.clone(), news.result.request_id.clone());
    let is_known = heard.is_some_and(|heard| of(heard) == of(rejection));
    (!is_known).then_some(rejection)
}

fn rejects(news: &News) -> bool {
    matches!(standing_of(&news.result), Some((KycStanding::Rejected, _)))
}

fn as_taken(news: &News) -> NewKycTaken {
    NewKycTaken {
        result: news.id,
        vendor: news.result.vendor.clone(),
        taken: taken_of(news),
        rejection: rejects(news).then_some(news.id),
    }
}

fn taken_of(news: &News) -> KycTaken {
    let News { result, told_at, .. } = news;
    let standing = result.signals.first().map(|signal| (&signal.code, &signal.rule_ref));
    let said = format!("{} {} {standing:?}", result.vendor, result.request_id);
    KycTaken { told_at: *told_at, is_final: result.state == VendorState::Final, said }
}

/// Later by the vendor's time; of one moment, what is final comes after what was under way, and what was
/// asked for last after what was asked for before, if it says another thing.
///
/// Several messages may tell one decision, and not every vendor's answer says when it was decided: what
/// says the same is news only if the vendor came to it again after the record took it.
fn is_newer(news: &KycTaken, before: Option<&TakenBefore>) -> bool {
    let rank = |it: &KycTaken| (it.told_at, it.is_final);
    before.is_none_or(|TakenBefore { last, at }| {
        let is_older = rank(news) < rank(&last.taken);
        let is_same = news.said == last.taken.said;
        !is_older && (!is_same || *at < news.told_at)
    })
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
