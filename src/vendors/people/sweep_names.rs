//! Matches all active players anew when a matcher's lists have changed, page by page, and those whose
//! record changed.

use super::matcher::Matcher;
use super::rescreen::{RescreenError, rescreen};
use crate::domain::{OperatorId, PlayerId, PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::screening::hooks::HookFailure;
use crate::store::StoreError;
use crate::store::incidents::{self, ServiceIncident};
use crate::store::name_screenings::{self, DueName, Sweep, Walked};
use time::Duration;

/// Players of one page of a walk, and of one look at those who are due. With the worker's rest this
/// bounds how many questions a second a matcher is asked.
const PAGE: i64 = 20;
/// Longer than a page takes, each question at its deadline.
const LEASE: Duration = Duration::minutes(15);
/// How long a failed question waits, at first and at most.
const PAUSE: Duration = Duration::seconds(2);
const PAUSE_MAX: Duration = Duration::days(1);
/// After so many failures people are told.
const TRIES_TO_TELL: i32 = 12;

/// What one look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    pub screened: u64,
    pub failed: u64,
}

/// One look: players who are due, then one page of each walk.
///
/// # Errors
/// When the database fails: what was claimed is due again by itself.
pub async fn sweep_names(flows: &Flows, now: Timestamp) -> Result<Swept, RescreenError> {
    let mut swept = Swept::default();
    let until = now + LEASE;
    for due in name_screenings::claim(flows.db.pool(), now, until, PAGE).await? {
        match match_all(flows, &due.player).await {
            Ok(()) => {
                name_screenings::done(flows.db.pool(), &due.player, until).await?;
                swept.screened += 1;
            }
            // One player whose answer cannot be kept or recorded must not keep the others waiting.
            Err(error) => {
                put_off(flows, &due, &error, now).await?;
                swept.failed += 1;
            }
        }
    }
    for matcher in &flows.checks.matchers {
        let walked = walk(flows, matcher, now).await?;
        swept.screened += walked.screened;
        swept.failed += walked.failed;
    }
    Ok(swept)
}

async fn match_all(flows: &Flows, player: &PlayerKey) -> Result<(), RescreenError> {
    for matcher in &flows.checks.matchers {
        rescreen(flows, matcher, player).await?;
    }
    Ok(())
}

async fn put_off(
    flows: &Flows,
    due: &DueName,
    error: &RescreenError,
    now: Timestamp,
) -> Result<(), StoreError> {
    let pool = flows.db.pool();
    let pause = PAUSE * 2_i32.saturating_pow(due.tries.clamp(1, 16).unsigned_abs());
    name_screenings::later(pool, &due.player, now + pause.min(PAUSE_MAX)).await?;
    if due.tries == TRIES_TO_TELL {
        let detail = format!(
            "the name of player {}/{} could not be matched in {} tries: {error}",
            due.player.operator, due.player.player, due.tries
        );
        let incident = ServiceIncident { kind: "name_not_matched", detail: &detail, psp: None };
        incidents::raise(pool, flows.ids.next(), &incident, now).await?;
    }
    Ok(())
}

/// One page of a matcher's walk; a new walk where its lists have changed.
async fn walk(flows: &Flows, matcher: &Matcher, now: Timestamp) -> Result<Swept, RescreenError> {
    let pool = flows.db.pool();
    let Some(mut sweep) = open_sweep(flows, matcher, now).await? else {
        return Ok(Swept::default());
    };
    let place = (matcher.id.as_str(), sweep.number);
    if !name_screenings::claim_sweep(pool, place, now, now + LEASE).await? {
        return Ok(Swept::default());
    }
    let players = name_screenings::players_after(pool, &sweep.after, PAGE).await?;
    let is_last = i64::try_from(players.len()).unwrap_or(PAGE) < PAGE;
    let (mut walked, mut swept, mut stopped) = (Walked::default(), Swept::default(), false);
    for player in players {
        match rescreen(flows, matcher, &player).await {
            Ok(is_new) => {
                walked.screened += 1;
                walked.deltas += i64::from(is_new);
                swept.screened += 1;
            }
            // The matcher itself is away: the walk goes on from here when it is back. One that says which lists
            // it has is there, and refuses this player.
            Err(RescreenError::Hook(failure))
                if failure != HookFailure::Unreadable
                    && matcher.version(matcher.link.deadline()).await.is_err() =>
            {
                swept.failed += 1;
                stopped = true;
                break;
            }
            // This very player is at fault, or what is to be written of them: the walk goes on without
            // them, and they are matched by themselves.
            Err(error) => {
                tracing::warn!(matcher = matcher.id, %error, "a player is matched later");
                name_screenings::ask(pool, &player, now + PAUSE).await?;
                swept.failed += 1;
            }
        }
        sweep.after = player;
    }
    let finished_at = (is_last && !stopped).then(|| flows.clock.now());
    name_screenings::walked(pool, &sweep, walked, finished_at).await?;
    Ok(swept)
}

/// The walk that is under way, or a new one where the matcher's lists are others than those of the
/// last. None: nothing has changed, or the matcher does not say.
async fn open_sweep(
    flows: &Flows,
    matcher: &Matcher,
    now: Timestamp,
) -> Result<Option<Sweep>, StoreError> {
    let pool = flows.db.pool();
    let newest = name_screenings::newest_sweep(pool, &matcher.id).await?;
    if let Some(open) = newest.as_ref().filter(|newest| !newest.finished) {
        return Ok(Some(open.clone()));
    }
    let Ok(version) = matcher.version(matcher.link.deadline()).await else { return Ok(None) };
    let old = newest.as_ref().map(|newest| newest.new_version.as_str());
    if old == Some(version.as_str()) {
        return Ok(None);
    }
    let number = newest.as_ref().map_or(1, |newest| newest.number + 1);
    let place = (matcher.id.as_str(), number);
    name_screenings::begin_sweep(pool, place, (old, &version), now).await?;
    Ok(Some(Sweep {
        matcher: matcher.id.clone(),
        number,
        old_version: old.map(str::to_owned),
        new_version: version,
        after: PlayerKey { operator: OperatorId::trusted(""), player: PlayerId::trusted("") },
        finished: false,
    }))
}
