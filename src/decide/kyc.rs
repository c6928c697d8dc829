//! What a vendor of identity said becomes the player's record: a function of what is known and what was
//! said, and of nothing else.
//!
//! A casino's own PUT is as good as a vendor's word: whichever came last stands. What is older than news
//! that was taken never gets here.

use super::command::{Answer, Ctx, SetKyc};
use super::refusal::Refusal;
use crate::book::Book;
use crate::domain::{Kyc, KycStatus, Timestamp};
use crate::screening::hooks::KycStanding;

/// The news, in our words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KycNews {
    pub standing: KycStanding,
    /// What the vendor's level is worth here. None: nobody has said, and then nothing is proven by it.
    pub level: Option<i16>,
    pub told_at: Timestamp,
}

/// Takes news, if the record is still the one that it was compared with.
pub fn set(book: &mut Book, set: &SetKyc, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let player = book.player.as_mut().ok_or(Refusal::PlayerUnknown)?;
    if player.version != set.player_version {
        return Err(Refusal::PlayerChanged);
    }
    let kyc = after(&player.kyc, &set.news);
    book.record.kyc_taken = Some(set.taken.clone());
    if kyc != player.kyc {
        player.kyc = kyc;
        player.version += 1;
        player.updated_at = ctx.now;
        book.dirty.player = true;
        book.record.player_changed = true;
    }
    let player = book.player.clone().ok_or(Refusal::PlayerUnknown)?;
    Ok(Answer::Player(Box::new(player)))
}

/// The record after the news.
///
/// A rejection always counts and never raises a level. Anything else about a level that nobody has said
/// the worth of changes nothing. What is under way or to be repeated puts in question what the player
/// already has of that level, and leaves alone what is proven below it.
fn after(known: &Kyc, news: &KycNews) -> Kyc {
    let with = |status| Kyc { status, level: known.level, verified_at: None };
    if news.standing == KycStanding::Rejected {
        return with(KycStatus::Rejected);
    }
    let Some(level) = news.level else { return known.clone() };
    let is_verified = known.status == KycStatus::Verified;
    let leaves_alone = is_verified && known.level < level;
    match news.standing {
        KycStanding::Verified if is_verified && level < known.level => known.clone(),
        KycStanding::Verified => {
            Kyc { status: KycStatus::Verified, level, verified_at: Some(news.told_at) }
        }
        KycStanding::Pending | KycStanding::Retry if leaves_alone => known.clone(),
        KycStanding::Pending => with(KycStatus::Pending),
        // Nobody rejected what was verified before: the player only went away.
        KycStanding::Abandoned if is_verified => known.clone(),
        KycStanding::Retry | KycStanding::Abandoned => with(KycStatus::Unverified),
        KycStanding::Rejected => with(KycStatus::Rejected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const AT: Timestamp = datetime!(2026-11-21 8:00 UTC);

    fn kyc(status: KycStatus, level: i16) -> Kyc {
        let verified_at = (status == KycStatus::Verified).then_some(AT - time::Duration::DAY);
        Kyc { status, level, verified_at }
    }

    #[test]
    fn each_news_changes_each_record_as_it_must() {
        use KycStanding as News;
        use KycStatus::{Pending, Rejected, Unverified, Verified};
        for (known, standing, level, status, expected) in [
            ((Unverified, 0), News::Verified, Some(2), Verified, 2),
            ((Rejected, 3), News::Verified, Some(1), Verified, 1),
            ((Verified, 1), News::Verified, Some(2), Verified, 2),
            ((Verified, 3), News::Verified, Some(2), Verified, 3),
            ((Unverified, 0), News::Verified, None, Unverified, 0),
            ((Unverified, 0), News::Pending, Some(2), Pending, 0),
            ((Verified, 1), News::Pending, Some(2), Verified, 1),
            ((Verified, 2), News::Pending, Some(2), Pending, 2),
            ((Verified, 2), News::Pending, None, Verified, 2),
            ((Verified, 2), News::Retry, Some(2), Unverified, 2),
            ((Verified, 1), News::Retry, Some(2), Verified, 1),
            ((Pending, 0), News::Retry, Some(2), Unverified, 0),
            ((Pending, 0), News::Abandoned, Some(2), Unverified, 0),
            ((Verified, 2), News::Abandoned, Some(2), Verified, 2),
            ((Verified, 2), News::Rejected, Some(3), Rejected, 2),
            ((Unverified, 0), News::Rejected, Some(3), Rejected, 0),
            ((Verified, 3), News::Rejected, None, Rejected, 3),
        ] {
            let news = KycNews { standing, level, told_at: AT };
            let found = after(&kyc(known.0, known.1), &news);
            assert_eq!((found.status, found.level), (status, expected), "{known:?} {news:?}");
            let is_dated = found.verified_at.is_some();
            assert_eq!(is_dated, status == Verified, "{known:?} {news:?}");
        }
    }

    #[test]
    fn no_news_but_verified_ever_raises_what_is_proven() {
        let proven = |kyc: &Kyc| if kyc.status == KycStatus::Verified { kyc.level } else { 0 };
        let mut looked_at = 0;
        for status in
            [KycStatus::Unverified, KycStatus::Pending, KycStatus::Verified, KycStatus::Rejected]
        {
            for (level, standing) in
                (0..=3).flat_map(|level| KycStanding::ALL.map(|standing| (level, standing)))
            {
                for told in [None, Some(0), Some(1), Some(2), Some(3)] {
                    let known = kyc(status, level);
                    let news = KycNews { standing, level: told, told_at: AT };
                    let raised = proven(&known) < proven(&after(&known, &news));
                    assert!(!raised || standing == KycStanding::Verified, "{known:?} {news:?}");
                    looked_at += usize::from(raised);
                }
            }
        }
        assert_ne!(looked_at, 0, "the control: a verification does raise");
    }
}
