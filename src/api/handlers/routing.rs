//! Kill switches, maintenance, and how the PSPs do: for the operator on call.

use super::shared::{before, one_more};
use crate::api::Edge;
use crate::api::bodies::switch::{
    LiftBody, LiftSchema, SwitchBody, SwitchParams, SwitchQuery, SwitchSchema,
};
use crate::api::caller::Caller;
use crate::api::extract::{NoBody, PathParams, Strict, StrictQuery, not_here};
use crate::api::idempotency::{IdempotencyKey, mark_replayed};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::routing::{HealthView, PspStateView, SwitchView};
use crate::domain::SwitchId;
use crate::routing::describe_health::describe_health;
use crate::routing::lift_switch::{Lift, lift_switch};
use crate::routing::set_switch::{SwitchOrder, set_switch};
use crate::routing::switches::Switch;
use crate::store::switches::{self, SwitchFilter};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Switch payments off
///
/// A PSP, a market, a direction, a method, or several of them together, now or for a time to come. It holds
/// on every instance within a second; what is under way is not cut.
#[utoipa::path(post, path = "/v1/routing/switches", tag = "routing",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = SwitchSchema,
    responses(
        (status = 201, description = "The switch.", body = SwitchView),
        (status = 422, description = "`switch.names_nothing`, `switch.psp_unknown`, \
            `switch.ends_too_soon`, `switch.end_missing`, `switch.too_many_planned`, \
            `idempotency.key_reused`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn create(
    State(edge): State<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<SwitchBody>,
) -> Result<Response, Problem> {
    let SwitchBody { kind, scope, reason, from, until } = body.value;
    let order = SwitchOrder {
        operator: caller.operator().clone(),
        person: caller.person()?.clone(),
        kind,
        scope,
        reason,
        from,
        until,
    };
    let flows = edge.flows.clone();
    let work = async move { Ok(set_switch(&flows, order, &key.key).await?) };
    let (switch, is_replay) = edge.detach.run(work).await?;
    let mut response = (StatusCode::CREATED, Json(SwitchView::from(switch))).into_response();
    if is_replay {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// List switches
#[utoipa::path(get, path = "/v1/routing/switches", tag = "routing", params(SwitchParams),
    responses((status = 200, description = "Newest first.", body = ListView<SwitchView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(query): StrictQuery<SwitchQuery>,
) -> Result<Json<ListView<SwitchView>>, Problem> {
    let filter = SwitchFilter {
        operator: Some(caller.operator()),
        id: None,
        before: before(&query.page)?,
        limit: Some(one_more(&query.page)),
        on_at: query.only_on.then(|| edge.flows.clock.now()),
        on_first: None,
    };
    let found = switches::list(edge.flows.db.pool(), &filter).await?;
    let position = |switch: &Switch| switch.id.simple().to_string();
    Ok(Json(ListView::cut("routing-switches", query.page.limit, found, position, SwitchView::from)))
}

/// Lift a switch
///
/// Maintenance is lifted by one person. A kill switch takes two: the first call proposes it and answers 202,
/// another person's call (or their approval in the switch's review) lifts it.
#[utoipa::path(post, path = "/v1/routing/switches/{id}/lift", tag = "routing",
    params(("id" = String, Path, description = "`sw_…`")),
    request_body = LiftSchema,
    responses(
        (status = 200, description = "The switch as it is now.", body = SwitchView),
        (status = 202, description = "It is still on: another person must approve, in `review_id`.",
            body = SwitchView),
        (status = 409, description = "`review.locked`, `review.conflict`; `switch.over`: it was lifted before, or has ended.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn lift(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<LiftBody>,
) -> Result<(StatusCode, Json<SwitchView>), Problem> {
    let (person, reason) = (caller.person()?.clone(), body.value.reason);
    let SwitchId(id) = SwitchId::parse(&id).ok_or_else(not_here)?;
    let (flows, operator) = (edge.flows.clone(), caller.operator().clone());
    // The switch is read again after it was lifted.
    let work = async move {
        let lifted = lift_switch(&flows, &operator, id, &person, &reason).await;
        lifted.map_err(|error| Problem::from(error).after_commit())
    };
    match edge.detach.run(work).await? {
        Lift::Now(switch) => Ok((StatusCode::OK, Json(SwitchView::from(*switch)))),
        Lift::Proposed(switch, review) => {
            let switch = Switch { review: Some(review), ..*switch };
            Ok((StatusCode::ACCEPTED, Json(SwitchView::from(switch))))
        }
        Lift::Before => Err(Problem::conflict(
            "switch.over",
            "This switch was lifted before, or has ended; the list tells who and why.",
        )),
        Lift::NotFound => Err(not_here()),
    }
}

/// How the PSPs do
///
/// As the instance that answers knows it; instances tell each other several times a second.
#[utoipa::path(get, path = "/v1/routing/health", tag = "routing",
    responses((status = 200, description = "Every account in each direction.", body = HealthView)))]
pub async fn health(
    State(edge): State<Edge>,
    caller: Caller,
    _: NoBody,
) -> Result<Json<HealthView>, Problem> {
    let psps = describe_health(&edge.flows, caller.operator());
    let psps = psps.into_iter().map(PspStateView::from).collect();
    Ok(Json(HealthView { version: edge.flows.routing.version.clone(), psps }))
}
