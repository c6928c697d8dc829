//! Takes room for a deposit in its market's file of limits over all operators.

use super::limit_file::LimitFile;
use super::room::ON_ITS_WAY;
use crate::domain::{Money, Player};
use crate::flows::Flows;
use crate::screening::hooks::{FileFacts, HookFailure};
use crate::store::limit_reservations::{self, RoomState};
use time::Duration;
use uuid::Uuid;

/// After this the worker looks whether the deposit was recorded.
const FIRST_LOOK: Duration = Duration::seconds(5);

/// Asks the file. That it is asked is kept before: whatever is lost afterwards, the worker finds the
/// row and gives back what no deposit came to need.
pub async fn reserve_room(
    flows: &Flows,
    file: &LimitFile,
    player: &Player,
    (deposit, money): (Uuid, Money),
) -> FileFacts {
    let found = asked(flows, file, player, deposit, money).await;
    metrics::counter!("vendor_answers_total", "vendor" => file.id.clone(),
        "result" => found.as_ref().map_or_else(|failure| failure.as_str(), |_| "final"))
    .increment(1);
    FileFacts { file: file.id.clone(), found }
}

async fn asked(
    flows: &Flows,
    file: &LimitFile,
    player: &Player,
    deposit: Uuid,
    money: Money,
) -> Result<crate::screening::hooks::FileAnswer, HookFailure> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let what = (deposit, file.id.as_str(), money);
    let kept = limit_reservations::open(pool, &player.key, what, now, now + FIRST_LOOK).await;
    if let Err(error) = kept {
        tracing::warn!(%error, "a reservation could not be noted, so the file was not asked");
        return Err(HookFailure::Unreachable);
    }
    let answer = file.reserve(deposit, player, money).await?;
    let now = flows.clock.now();
    let (state, due_at) = match answer.granted {
        true => (RoomState::Reserved, now + FIRST_LOOK),
        false => (RoomState::Refused, now + ON_ITS_WAY),
    };
    let (change, reference) = ((RoomState::Asked, state), Some(answer.reference.as_str()));
    let noted =
        limit_reservations::settle(pool, deposit, change, reference, Some(due_at), now).await;
    if let Err(error) = noted {
        // The row still says that the file was asked, which the worker settles too.
        tracing::warn!(%error, "a reservation's answer could not be noted");
    }
    Ok(answer)
}
