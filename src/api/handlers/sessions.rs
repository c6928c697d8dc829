//! Tokens of players' browsers.

use super::shared::known_player;
use crate::access::end_player_session::end_player_session;
use crate::access::open_player_session::{
    OpenedSession, SessionOrder, open_player_session, opened_before,
};
use crate::api::Edge;
use crate::api::bodies::player::{PlayerSessionBody, PlayerSessionSchema};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict, not_here};
use crate::api::idempotency::{IdempotencyKey, mark_replayed};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::player::PlayerSessionView;
use crate::api::views::time::Time;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use uuid::Uuid;

/// Open a session for a player's browser
///
/// The token reaches only that player's own deposits, withdrawals, wallet, limits and methods. It
/// ends at once when the player is excluded or frozen. A repeat under the same Idempotency-Key is told
/// the same token, also when that has ended meanwhile; another session needs another key.
#[utoipa::path(post, path = "/v1/player-sessions", tag = "players",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = PlayerSessionSchema,
    responses(
        (status = 201, description = "The token.", body = PlayerSessionView),
        (status = 409, description = "`player.not_active`: excluded, frozen or closed.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency.key_reused`, `field.out_of_range`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn open(
    State(edge): State<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<PlayerSessionBody>,
) -> Result<Response, Problem> {
    let once = key.once(&caller, &body.canonical);
    let PlayerSessionBody { player, ttl } = body.value;
    let order = SessionOrder { player: caller.may_see(player)?, ttl, once };
    let (player, _) = known_player(&edge, &order.player).await?;
    let longest = edge.tokens.ttl_max_s();
    if ttl.whole_seconds() > longest {
        let detail = format!("a whole number from 1 to {longest} is expected");
        return Err(Problem::unprocessable("field.out_of_range", detail).at("/ttl_s"));
    }
    if let Some(opened) = opened_before(edge.flows.db.pool(), &edge.tokens, &order).await? {
        return Ok(told(&opened));
    }
    let now = edge.flows.clock.now();
    if !player.is_active(now) {
        let detail = "The player is excluded, frozen or closed, and gets no token.";
        return Err(Problem::conflict("player.not_active", detail));
    }
    let detach = edge.detach.clone();
    let work = async move {
        let (pool, ids) = (edge.flows.db.pool(), &*edge.flows.ids);
        Ok(open_player_session(pool, &edge.tokens, ids, &order, now).await?)
    };
    Ok(told(&detach.run(work).await?))
}

fn told(opened: &OpenedSession) -> Response {
    let view = PlayerSessionView {
        token: opened.token.expose_secret().to_owned(),
        jti: opened.jti.simple().to_string(),
        expires_at: Time(opened.expires_at),
    };
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    if opened.is_replay {
        mark_replayed(&mut response);
    }
    response
}

/// End a session at once
#[utoipa::path(delete, path = "/v1/player-sessions/{jti}", tag = "players",
    params(("jti" = String, Path, description = "The session's id")),
    responses((status = 204, description = "Ended, now or before.")))]
pub async fn end(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(jti): PathParams<String>,
) -> Result<StatusCode, Problem> {
    let jti = Uuid::try_parse(&jti).map_err(|_| not_here())?;
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let flows = edge.flows.clone();
    let work = async move { Ok(end_player_session(flows.db.pool(), &operator, jti, now).await?) };
    if edge.detach.run(work).await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_here()) }
}
