//! Takes room for a deposit in its market's file of limits over all operators.

use super::limit_file::LimitFile;
use super::room::ON_ITS_WAY;
use crate::domain::{Money, Player};
use crate::flows::Flows;
use crate::screening::hooks::{FileFacts, HookFailure};
use crate::store::limit_reservations::{NewRoom, RoomAnswer, RoomState};
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
        "state" => found.as_ref().map_or_else(|failure| failure.as_str(), |_| "final"))
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
    let now = flows.clock.now();
    let room = NewRoom {
        deposit,
        player: player.key.clone(),
        file: file.id.clone(),
        money,
        asked_at: now,
        due_at: now + FIRST_LOOK,
    };
    if let Err(error) = flows.desks.rooms.ask(room).await {
        tracing::warn!(%error, "a reservation could not be noted, so the file was not asked");
        return Err(HookFailure::Unreachable);
    }
    let answer = file.reserve(deposit, player, money).await?;
    let now = flows.clock.now();
    let (state, due_at) = match answer.granted {
        true => (RoomState::Reserved, now + FIRST_LOOK),
        false => (RoomState::Refused, now + ON_ITS_WAY),
    };
    let reference = answer.reference.clone();
    let noted = RoomAnswer { deposit, state, reference, at: now, due_at };
    if let Err(error) = flows.desks.room_answers.ask(noted).await {
        // The row still says that the file was asked, which the worker settles too.
        tracing::warn!(%error, "a reservation's answer could not be noted");
    }
    Ok(answer)
}
