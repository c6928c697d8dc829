//! A player's own deposit limits.

use super::shared::{known_player, player_of};
use crate::api::Edge;
use crate::api::bodies::player::{LimitBody, LimitSchema};
use crate::api::caller::Caller;
use crate::api::extract::{NoBody, PathParams, Strict};
use crate::api::fields::Items;
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::player::LimitView;
use crate::domain::PlayerKey;
use crate::players::set_limits::{Change, set_limits};
use crate::screening::limits::Limit;
use axum::Json;
use axum::extract::State;

/// Read a player's limits
#[utoipa::path(get, path = "/v1/players/{player_id}/limits", tag = "players",
    params(("player_id" = String, Path, description = "The casino's own id")),
    responses((status = 200, description = "At most one a period.", body = Vec<LimitView>)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<Vec<LimitView>>, Problem> {
    let (_, limits) = known_player(&edge, &player_of(&caller, &id)?).await?;
    Ok(shown(&limits))
}

/// Replace a player's limits
///
/// Lower is at once. Higher, and one that is left out, waits for the market's delay and for a
/// confirmation.
#[utoipa::path(put, path = "/v1/players/{player_id}/limits", tag = "players",
    params(("player_id" = String, Path, description = "The casino's own id")),
    request_body = Vec<LimitSchema>,
    responses(
        (status = 200, description = "The limits as they are now.", body = Vec<LimitView>),
        (status = 422, description = "`limit.invalid`, or a field that makes no sense.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn put(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<Items<LimitBody>>,
) -> Result<Json<Vec<LimitView>>, Problem> {
    let player = player_of(&caller, &id)?;
    let wanted = body.value.0.iter().map(|limit| (limit.period, limit.money)).collect();
    change(&edge, player, Change::Replace(wanted)).await
}

/// Confirm higher limits
#[utoipa::path(post, path = "/v1/players/{player_id}/limits/confirm", tag = "players",
    params(("player_id" = String, Path, description = "The casino's own id")),
    responses(
        (status = 200, description = "The limits as they are now.", body = Vec<LimitView>),
        (status = 422, description = "`limit.invalid`: no higher limit waits, or the market wants its delay to \
            be over first; the detail says from when on it can be confirmed.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn confirm(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<Json<Vec<LimitView>>, Problem> {
    let player = player_of(&caller, &id)?;
    change(&edge, player, Change::Confirm).await
}

async fn change(
    edge: &Edge,
    player: PlayerKey,
    change: Change,
) -> Result<Json<Vec<LimitView>>, Problem> {
    let flows = edge.flows.clone();
    let work = async move { Ok(set_limits(&flows, &player, change).await?) };
    Ok(shown(&edge.detach.run(work).await?))
}

fn shown(limits: &[Limit]) -> Json<Vec<LimitView>> {
    Json(limits.iter().map(LimitView::from).collect())
}
