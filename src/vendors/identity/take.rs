//! The newest news becomes the player's record, through their lane.

use super::results::standing_of;
use crate::book::{KycTaken, NewKycTaken};
use crate::decide::command::SetKyc;
use crate::decide::kyc::KycNews;
use crate::decide::{Command, Refusal};
use crate::domain::{PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::lane::SubmitError;
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

/// Has the record take the newest news, if it has not taken it.
///
/// The record's version is read before the news: news that came in between voids nothing, and is seen by
/// the next turn of this loop or by whoever brought it. News that was taken once is never taken again, so
/// that a casino's own PUT after it stands.
pub async fn take_newest(flows: &Flows, key: &PlayerKey) -> Result<(), TakeError> {
    let pool = flows.db.pool();
    for _ in 0..TRIES_MAX {
        let Some((player, _)) = read_models::player(pool, key).await? else { return Ok(()) };
        let vendors = flows.checks.identity_ids(&key.operator);
        let newest = player_results::newest_news(pool, key, &vendors).await?;
        let Some(news) = newest else { return Ok(()) };
        let taken = taken_of(&news);
        if !is_newer(&taken, identity_events::taken(pool, key).await?.as_ref()) {
            return Ok(());
        }
        let corrupt = || StoreError::Corrupt(format!("the result {}", news.id));
        let (standing, level) = standing_of(&news.result).ok_or_else(corrupt)?;
        let set = SetKyc {
            player_version: player.version,
            news: KycNews { standing, level, told_at: news.told_at },
            taken: NewKycTaken { result: news.id, vendor: news.result.vendor, taken },
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
fn is_newer(news: &KycTaken, taken: Option<&(KycTaken, Timestamp)>) -> bool {
    let rank = |it: &KycTaken| (it.told_at, it.is_final);
    taken.is_none_or(|(taken, taken_at)| {
        let is_older = rank(news) < rank(taken);
        let is_same = news.said == taken.said;
        !is_older && (!is_same || *taken_at < news.told_at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn only_newer_news_is_taken_and_the_same_news_is_taken_once() {
        const AT: Timestamp = datetime!(2026-11-21 8:00 UTC);
        let news = |seconds, is_final, said: &str| {
            let told_at = AT + time::Duration::seconds(seconds);
            KycTaken { told_at, is_final, said: said.to_owned() }
        };
        let taken = (news(0, true, "approved"), AT + time::Duration::seconds(2));
        assert!(is_newer(&taken.0, None));
        for (other, expected) in [
            (news(1, true, "approved"), false),
            (news(3, true, "approved"), true),
            (news(1, false, "pending"), true),
            (news(0, true, "approved"), false),
            (news(0, true, "rejected"), true),
            (news(0, false, "pending"), false),
            (news(-1, true, "rejected"), false),
        ] {
            assert_eq!(is_newer(&other, Some(&taken)), expected, "{other:?}");
        }
        assert!(is_newer(&taken.0, Some(&(news(0, false, "pending"), AT))));
    }
}
