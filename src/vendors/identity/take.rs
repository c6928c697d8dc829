//! The newest news becomes the player's record, through their lane.

use super::results::standing_of;
use crate::decide::command::SetKyc;
use crate::decide::kyc::KycNews;
use crate::decide::{Command, Refusal};
use crate::domain::PlayerKey;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::screening::signals::VendorState;
use crate::store::identity_events::{self, NewTaken, Taken};
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
        };
        match flows.submit_persistently(key, Command::SetKyc(set)).await {
            Ok(_) => {
                let new = NewTaken { result: news.id, vendor: &news.result.vendor, taken: &taken };
                identity_events::take(pool, key, &new, flows.clock.now()).await?;
            }
            Err(SubmitError::Refused(Refusal::PlayerChanged)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(TakeError::Busy)
}

fn taken_of(news: &News) -> Taken {
    let News { result, told_at, .. } = news;
    let standing = result.signals.first().map(|signal| (&signal.code, &signal.rule_ref));
    let said = format!("{} {} {standing:?}", result.vendor, result.request_id);
    Taken { told_at: *told_at, is_final: result.state == VendorState::Final, said }
}

/// Later by the vendor's time; of one moment, what is final comes after what was under way, and what was
/// asked for last after what was asked for before, if it says another thing.
fn is_newer(news: &Taken, taken: Option<&Taken>) -> bool {
    let rank = |it: &Taken| (it.told_at, it.is_final);
    taken.is_none_or(|taken| {
        rank(taken) < rank(news) || (rank(taken) == rank(news) && taken.said != news.said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use time::macros::datetime;

    #[test]
    fn only_newer_news_is_taken_and_the_same_news_is_taken_once() {
        const AT: Timestamp = datetime!(2026-11-21 8:00 UTC);
        let news = |seconds, is_final, said: &str| {
            let told_at = AT + time::Duration::seconds(seconds);
            Taken { told_at, is_final, said: said.to_owned() }
        };
        let taken = news(0, true, "approved");
        assert!(is_newer(&taken, None));
        for (other, expected) in [
            (news(1, true, "approved"), true),
            (news(1, false, "pending"), true),
            (news(0, true, "approved"), false),
            (news(0, true, "rejected"), true),
            (news(0, false, "pending"), false),
            (news(-1, true, "rejected"), false),
        ] {
            assert_eq!(is_newer(&other, Some(&taken)), expected, "{other:?}");
        }
        assert!(is_newer(&taken, Some(&news(0, false, "pending"))));
    }
}
