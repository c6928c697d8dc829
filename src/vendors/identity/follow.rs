//! A message is followed: the vendor is asked, what it says is kept, and the newest of it becomes the
//! player's record.
//!
//! Running twice equals running once: what is asked is the present standing, and of that the vendor's own
//! time decides what is newer than what was taken.

use super::results;
use super::take::{TakeError, take_newest};
use super::vendor::IdentityVendor;
use super::wire::Told;
use crate::domain::{Player, PlayerId, PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::screening::hooks::{HookFailure, KycStanding};
use crate::screening::signals::{Hook, VendorResult};
use crate::store::StoreError;
use crate::store::identity_events::{self, DueEvent};
use crate::store::incidents::{self, ServiceIncident};
use crate::store::player_results::{self, NewResult};
use crate::store::read_models;
use crate::vendors::people::results::of_failure;
use time::Duration;

/// Longer than a question and a lane take; then another may look.
pub(super) const LEASE: Duration = Duration::minutes(2);
/// How long a question waits for its next try, at first and at most.
const PAUSE: Duration = Duration::seconds(2);
const PAUSE_MAX: Duration = Duration::hours(1);
const NO_PLAYER: &str = "no such player";
/// What is said of somebody whose data was erased has no effect and is not kept.
const ERASED: &str = "erased";

/// Why a look came to nothing; the message stays due.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("reading or keeping what the vendor said")]
    Store(#[from] StoreError),
    #[error("the player's record could not take it")]
    Take(#[from] TakeError),
}

/// What a look came to.
enum Looked {
    /// It had its effect, or never will.
    Done(&'static str),
    /// The vendor has no answer yet, or none that can be used.
    Open(Why),
}

/// Why a message stays open, in the words of an incident.
#[derive(Debug, Clone, Copy)]
enum Why {
    Hook(HookFailure),
    PlayerUnknown,
}

/// Looks once. True: the message is closed.
///
/// # Errors
/// When the database or the lane fails: it is due again by itself.
pub async fn follow(flows: &Flows, event: &DueEvent) -> Result<bool, FollowError> {
    let Some(vendor) = flows.checks.identity_named(&event.vendor) else {
        let detail = "is not configured any more: its message was never followed";
        return Ok(give_up(flows, event, "vendor gone", detail).await?);
    };
    let why = match look(flows, vendor, event).await? {
        Looked::Done(note) => {
            let now = flows.clock.now();
            identity_events::close(flows.db.pool(), event, note, now).await?;
            return Ok(true);
        }
        Looked::Open(why) => why,
    };
    let is_told = matches!(why, Why::PlayerUnknown)
        && identity_events::note(flows.db.pool(), event, NO_PLAYER).await?;
    if is_told {
        tell(flows, event, "kyc_player_unknown", "is about no player that is known here").await?;
    }
    let now = flows.clock.now();
    if event.deadline_at <= now {
        let (note, detail) = match why {
            Why::PlayerUnknown => {
                identity_events::close(flows.db.pool(), event, NO_PLAYER, now).await?;
                return Ok(true);
            }
            Why::Hook(HookFailure::Pending) => {
                ("still pending", "is still under way at the vendor; look there, or verify by hand")
            }
            Why::Hook(_) => (
                "no usable answer",
                "got no answer that can be used; ask the vendor, or verify by hand",
            ),
        };
        return Ok(give_up(flows, event, note, detail).await?);
    }
    let doubled = 2_i32.saturating_pow(event.tries.clamp(0, 12).unsigned_abs());
    let due_at = now + (PAUSE * doubled).min(PAUSE_MAX);
    let due_at = due_at.min(event.deadline_at);
    identity_events::look_again(flows.db.pool(), event, due_at).await?;
    Ok(false)
}

async fn look(
    flows: &Flows,
    vendor: &IdentityVendor,
    event: &DueEvent,
) -> Result<Looked, FollowError> {
    let asked_at = flows.clock.now();
    let (told, sha256) = match vendor.ask(&event.reference, asked_at).await {
        Ok(answer) => answer,
        Err(failure) => {
            return keep_failure(flows, vendor, event, (failure, asked_at)).await;
        }
    };
    if told.is_sandbox && !vendor.sandbox {
        let detail = "is of the vendor's sandbox, and this account takes none: it had no effect";
        tell(flows, event, "kyc_sandbox", detail).await?;
        return Ok(Looked::Done("of the sandbox"));
    }
    let Some(player) = player_of(flows, vendor, event, &told).await? else {
        return Ok(Looked::Open(Why::PlayerUnknown));
    };
    if player.is_erased() {
        return Ok(Looked::Done(ERASED));
    }
    let level = vendor.levels.get(&told.level_name).copied();
    let told_at = ordered_at(flows, &player, (event, &told), asked_at).await?;
    let now = flows.clock.now();
    let result = results::of_told(&vendor.id, &told, level, (sha256, now));
    keep(flows, &player, &result, (asked_at, Some(told_at))).await?;
    if level.is_none() {
        let detail = format!(
            "is of the level {:?}, and checks.{}.levels does not say what that is worth; it verified \
             nobody",
            told.level_name, vendor.id
        );
        tell(flows, event, "kyc_level_unknown", &detail).await?;
    }
    take_newest(flows, &player.key).await?;
    Ok(match told.standing {
        KycStanding::Pending => Looked::Open(Why::Hook(HookFailure::Pending)),
        _ => Looked::Done("taken"),
    })
}

/// The vendor's own time: when it decided, or else of the message or the beginning, whichever is later. A
/// clock that is ahead is not believed, and where no time is told it is when the message came. Vendors
/// write some times to the millisecond and others to the second: all are compared to the second.
fn told_at(event: &DueEvent, told: &Told, asked_at: Timestamp) -> Timestamp {
    let open = event.happened_at.max(told.begun_at).unwrap_or(event.received_at);
    let newest = told.decided_at.unwrap_or(open).min(asked_at);
    newest.replace_nanosecond(0).unwrap_or(newest)
}

/// As [`told_at`]; what a verification came to is never older than that it was under way, whatever times
/// the vendor gives to both.
async fn ordered_at(
    flows: &Flows,
    player: &Player,
    (event, told): (&DueEvent, &Told),
    asked_at: Timestamp,
) -> Result<Timestamp, StoreError> {
    let at = told_at(event, told, asked_at);
    if told.standing == KycStanding::Pending {
        return Ok(at);
    }
    let question = (event.vendor.as_str(), told.reference.as_str());
    let pool = flows.db.pool();
    let pending = player_results::pending_told_at(pool, &player.key, question, asked_at).await?;
    Ok(pending.map_or(at, |pending| pending.max(at)))
}

/// Whom the vendor's answer is about. One that is not ready need not say so yet, and then the signed
/// message does: that can verify nobody.
async fn player_of(
    flows: &Flows,
    vendor: &IdentityVendor,
    event: &DueEvent,
    told: &Told,
) -> Result<Option<Player>, StoreError> {
    let by_message = event.player.as_ref().filter(|_| told.standing == KycStanding::Pending);
    let named = told.player.as_ref().or(by_message);
    match named {
        Some(named) => known(flows, vendor, named).await,
        None => Ok(None),
    }
}

async fn known(
    flows: &Flows,
    vendor: &IdentityVendor,
    named: &str,
) -> Result<Option<Player>, StoreError> {
    let Some(player) = PlayerId::parse(named) else { return Ok(None) };
    let key = PlayerKey { operator: vendor.operator.clone(), player };
    Ok(read_models::player(flows.db.pool(), &key).await?.map(|(player, _)| player))
}

/// Keeps that there was no answer, where the message names a player.
async fn keep_failure(
    flows: &Flows,
    vendor: &IdentityVendor,
    event: &DueEvent,
    (failure, asked_at): (HookFailure, Timestamp),
) -> Result<Looked, FollowError> {
    let open = Looked::Open(Why::Hook(failure));
    metrics::counter!("vendor_looks_failed_total", "vendor" => vendor.id.clone()).increment(1);
    let Some(named) = &event.player else { return Ok(open) };
    let Some(player) = known(flows, vendor, named).await? else { return Ok(open) };
    if player.is_erased() {
        return Ok(Looked::Done(ERASED));
    }
    let now = flows.clock.now();
    let result = of_failure(&vendor.id, Hook::Kyc, &event.reference, (failure, now));
    keep(flows, &player, &result, (asked_at, None)).await?;
    Ok(open)
}

async fn keep(
    flows: &Flows,
    player: &Player,
    result: &VendorResult,
    (asked_at, told_at): (Timestamp, Option<Timestamp>),
) -> Result<(), StoreError> {
    metrics::counter!("vendor_answers_total", "vendor" => result.vendor.clone(),
        "state" => result.state.as_str())
    .increment(1);
    let new = NewResult {
        id: flows.ids.next(),
        player: player.key.clone(),
        player_version: player.version,
        result: result.clone(),
        asked_at,
        told_at,
    };
    player_results::keep_one(flows.db.pool(), new).await
}

/// Nobody waits any longer, and people are told: once, by whoever closes it.
async fn give_up(
    flows: &Flows,
    event: &DueEvent,
    note: &str,
    detail: &str,
) -> Result<bool, StoreError> {
    let now = flows.clock.now();
    if identity_events::close(flows.db.pool(), event, note, now).await? {
        tell(flows, event, "kyc_undecided", detail).await?;
    }
    Ok(true)
}

async fn tell(
    flows: &Flows,
    event: &DueEvent,
    kind: &'static str,
    detail: &str,
) -> Result<(), StoreError> {
    let detail = format!("{} of {} {detail}", event.reference, event.vendor);
    let incident = ServiceIncident { kind, detail: &detail, psp: None };
    incidents::raise(flows.db.pool(), flows.ids.next(), &incident, flows.clock.now()).await
}
