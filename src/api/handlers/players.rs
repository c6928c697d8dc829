//! Players.

use super::shared::{known_player, player_of};
use crate::access::end_player_session::end_all_sessions;
use crate::api::Edge;
use crate::api::bodies::player::{
    PlayerBody, PlayerSchema, is_national_id, is_phone, is_plausible_birth,
};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::player::PlayerView;
use crate::domain::{Player, PlayerId, PlayerKey, Timestamp};
use crate::players::put_player::put_player;
use crate::store::read_models;
use axum::Json;
use axum::extract::State;

/// Replace a player's record
///
/// Makes the player when there is none. Every version is kept with the time it was known at.
#[utoipa::path(put, path = "/v1/players/{player_id}", tag = "players",
    params(("player_id" = String, Path, description = "The casino's own id")),
    request_body = PlayerSchema,
    responses(
        (status = 200, description = "The record as it is now.", body = PlayerView),
        (status = 409, description = "`player.field_locked`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 422, description = "`phone.malformed`, `national_id.malformed`, `date.implausible`, or another \
            field that makes no sense.", body = ProblemView, content_type = "application/problem+json")))]
pub async fn put(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<PlayerBody>,
) -> Result<Json<PlayerView>, Problem> {
    let id = PlayerId::of_casino(&id).ok_or_else(|| {
        let detail =
            "A player's id has 1 to 64 visible ASCII characters, and `~unclaimed` is nobody's.";
        Problem::unprocessable("player.id_malformed", detail)
    })?;
    let now = edge.flows.clock.now();
    let player = record(caller.may_see(id)?, body.value, now)?;
    has_shape(&edge, &player).await?;
    let detach = edge.detach.clone();
    let player = detach.run(async move { keep(&edge, player, now).await }).await?;
    Ok(Json(PlayerView::from(player)))
}

/// Whether what is new has the shape of what it is. What an older release took stands, and keeps nobody from changing
/// another field.
async fn has_shape(edge: &Edge, player: &Player) -> Result<(), Problem> {
    let Player { phone, national_id, country, .. } = player;
    let wrong_phone = phone.as_ref().filter(|phone| !is_phone(phone));
    let wrong_id = national_id.as_ref().filter(|id| !is_national_id(id, country));
    if wrong_phone.is_none() && wrong_id.is_none() {
        return Ok(());
    }
    let known = read_models::player(edge.flows.db.pool(), &player.key).await?;
    let known = known.map(|(known, _)| known);
    let has = |field: fn(&Player) -> Option<&String>| known.as_ref().and_then(field);
    if wrong_phone.is_some() && wrong_phone != has(|known| known.phone.as_ref()) {
        let detail = "A phone number has 6 to 15 digits, best as E.164 has it: +46701234567.";
        return Err(Problem::unprocessable("phone.malformed", detail).at("/phone"));
    }
    if wrong_id.is_some() && wrong_id != has(|known| known.national_id.as_ref()) {
        return Err(national_id_malformed(country).at("/national_id"));
    }
    Ok(())
}

fn national_id_malformed(country: &str) -> Problem {
    let detail = match country {
        "BR" => "The national id of a player in Brazil is a CPF, of 11 digits: 529.982.247-25.",
        _ => {
            "A national id has letters and digits, and between them blanks, `-`, `.`, `/` or `+` alone."
        }
    };
    Problem::unprocessable("national_id.malformed", detail)
}

async fn keep(edge: &Edge, player: Player, now: Timestamp) -> Result<Player, Problem> {
    let player = put_player(&edge.flows, player).await?;
    if !player.is_active(now) {
        let ended = end_all_sessions(edge.flows.db.pool(), &player.key, now).await;
        ended.map_err(|error| Problem::from(error).after_commit())?;
    }
    Ok(player)
}

fn record(key: PlayerKey, body: PlayerBody, now: Timestamp) -> Result<Player, Problem> {
    if !is_plausible_birth(body.date_of_birth, now) {
        let detail = "Nobody alive was born on that day.";
        return Err(Problem::unprocessable("date.implausible", detail).at("/date_of_birth"));
    }
    Ok(Player {
        key,
        // Version, first payment and times are the lane's to give.
        version: 0,
        country: body.country,
        currency: body.currency,
        full_name: body.full_name,
        given_name: body.given_name,
        family_name: body.family_name,
        date_of_birth: body.date_of_birth,
        national_id: body.national_id,
        email: body.email,
        phone: body.phone,
        address: body.address,
        locale: body.locale,
        status: body.status,
        exclusion: body.exclusion,
        kyc: body.kyc,
        has_paid: false,
        created_at: now,
        updated_at: now,
    })
}

/// Read a player's record
#[utoipa::path(get, path = "/v1/players/{player_id}", tag = "players",
    params(("player_id" = String, Path, description = "The casino's own id")),
    responses((status = 200, description = "The record as it is now.", body = PlayerView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<PlayerView>, Problem> {
    let (player, _) = known_player(&edge, &player_of(&caller, &id)?).await?;
    Ok(Json(PlayerView::from(player)))
}
