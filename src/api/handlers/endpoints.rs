//! Where casinos hear what happened.

use super::shared::{before, one_more};
use crate::api::Edge;
use crate::api::bodies::endpoint::{
    DeliveryPage, EndpointBody, EndpointPage, EndpointSchema, MissedBody, MissedSchema, PageParams,
};
use crate::api::caller::Caller;
use crate::api::extract::{NoBody, PathParams, Strict, StrictQuery, not_here};
use crate::api::idempotency::{IdempotencyKey, mark_replayed};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::endpoint::{
    DeliveryView, EndpointView, NewEndpointView, RedeliveryView, RotatedSecretView,
};
use crate::domain::{EndpointId, EventId};
use crate::store::deliveries::{self, Delivery};
use crate::store::webhook_endpoints::{self, Endpoint};
use crate::webhooks::change_endpoint::{Change, change_endpoint};
use crate::webhooks::redeliver::{Wanted, redeliver as redeliver_flow};
use crate::webhooks::register_endpoint::{RegisterEndpoint, register_endpoint};
use crate::webhooks::rotate_secret::rotate_secret;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;

/// Register an endpoint
#[utoipa::path(post, path = "/v1/webhook-endpoints", tag = "webhooks",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = EndpointSchema,
    responses(
        (status = 201, description = "The endpoint with its secret.", body = NewEndpointView),
        (status = 409, description = "`webhook.too_many_endpoints`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 422, description = "`webhook.url_refused`, `webhook.events_unknown`, `webhook.event_not_sent`, \
            `idempotency.key_reused`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn create(
    State(edge): State<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<EndpointBody>,
) -> Result<Response, Problem> {
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let EndpointBody { url, events } = body.value;
    let detach = edge.detach.clone();
    let work = async move {
        let request = RegisterEndpoint {
            operator: &operator,
            url: &url,
            events: &events,
            idempotency_key: &key.key,
        };
        let (pool, ids) = (edge.flows.db.pool(), &*edge.flows.ids);
        let made = register_endpoint(pool, &edge.names, ids, request, now).await?;
        let secret = made.secret.expose_secret().to_owned();
        let view = NewEndpointView { id: made.id.to_string(), url, events, secret };
        Ok((view, made.is_replay))
    };
    let (view, is_replay) = detach.run(work).await?;
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    if is_replay {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// List endpoints
#[utoipa::path(get, path = "/v1/webhook-endpoints", tag = "webhooks", params(PageParams),
    responses((status = 200, description = "Newest first.", body = ListView<EndpointView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(EndpointPage(page)): StrictQuery<EndpointPage>,
) -> Result<Json<ListView<EndpointView>>, Problem> {
    let after = before(&page)?.map(EndpointId);
    let pool = edge.flows.db.pool();
    let found = webhook_endpoints::list(pool, caller.operator(), after, one_more(&page)).await?;
    let position = |endpoint: &Endpoint| endpoint.id.0.simple().to_string();
    Ok(Json(ListView::cut("webhook-endpoints", page.limit, found, position, EndpointView::from)))
}

/// Read an endpoint
#[utoipa::path(get, path = "/v1/webhook-endpoints/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "`whe_…`")),
    responses((status = 200, description = "Without its secret.", body = EndpointView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<EndpointView>, Problem> {
    Ok(Json(EndpointView::from(known(&edge, &caller, &id).await?)))
}

/// Delete an endpoint
#[utoipa::path(delete, path = "/v1/webhook-endpoints/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "`whe_…`")),
    responses((status = 204, description = "What waited for it is cancelled.")))]
pub async fn delete(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<StatusCode, Problem> {
    let id = EndpointId::parse(&id).ok_or_else(not_here)?;
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let flows = edge.flows.clone();
    let work = async move {
        Ok(change_endpoint(flows.db.pool(), &operator, id, Change::Delete, now).await?)
    };
    if edge.detach.run(work).await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_here()) }
}

/// Put a disabled endpoint to work again
///
/// What was cancelled while it was disabled is sent when that is asked for. An active one stays as it is.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/enable", tag = "webhooks",
    params(("id" = String, Path, description = "`whe_…`")),
    responses((status = 200, description = "It is active.", body = EndpointView)))]
pub async fn enable(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<Json<EndpointView>, Problem> {
    let endpoint = EndpointId::parse(&id).ok_or_else(not_here)?;
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let flows = edge.flows.clone();
    let work = async move {
        Ok(change_endpoint(flows.db.pool(), &operator, endpoint, Change::Enable, now).await?)
    };
    if !edge.detach.run(work).await? {
        return Err(not_here());
    }
    Ok(Json(EndpointView::from(known(&edge, &caller, &id).await?)))
}

/// Send again what an endpoint missed
///
/// All that failed or was cancelled there since a time: at most 10,000 deliveries, and asking again brings the next.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/redeliver", tag = "webhooks",
    params(("id" = String, Path, description = "`whe_…`")),
    request_body = MissedSchema,
    responses(
        (status = 202, description = "How many deliveries are due.", body = RedeliveryView),
        (status = 409, description = "`webhook.endpoint_disabled`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn redeliver_missed(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<MissedBody>,
) -> Result<(StatusCode, Json<RedeliveryView>), Problem> {
    let endpoint = known(&edge, &caller, &id).await?;
    if !endpoint.is_active {
        let detail = "the endpoint is disabled, and nothing is sent to it: enable it first";
        return Err(Problem::conflict("webhook.endpoint_disabled", detail));
    }
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let flows = edge.flows.clone();
    let wanted = Wanted::MissedSince(endpoint.id, body.value.since);
    let work = async move {
        let (pool, ids) = (flows.db.pool(), &*flows.ids);
        Ok(redeliver_flow(pool, ids, &operator, wanted, now).await?)
    };
    let deliveries = edge.detach.run(work).await?.ok_or_else(not_here)?;
    Ok((StatusCode::ACCEPTED, Json(RedeliveryView { deliveries })))
}

/// Rotate an endpoint's secret
///
/// The old one signs beside it for a day.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/rotate-secret", tag = "webhooks",
    params(("id" = String, Path, description = "`whe_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, description = "The new secret.", body = RotatedSecretView),
        (status = 409, description = "`webhook.too_many_secrets`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn rotate(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    _: NoBody,
) -> Result<Response, Problem> {
    let endpoint = EndpointId::parse(&id).ok_or_else(not_here)?;
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let flows = edge.flows.clone();
    let work = async move {
        let (pool, ids) = (flows.db.pool(), &*flows.ids);
        Ok(rotate_secret(pool, ids, &operator, endpoint, &key.key, now).await?)
    };
    let rotated = edge.detach.run(work).await?;
    let secret = rotated.secret.expose_secret().to_owned();
    let view = RotatedSecretView { id: endpoint.to_string(), secret };
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    if rotated.is_replay {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// List an endpoint's deliveries
#[utoipa::path(get, path = "/v1/webhook-endpoints/{id}/deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "`whe_…`"), PageParams),
    responses((status = 200, description = "Newest first.", body = ListView<DeliveryView>)))]
pub async fn deliveries(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    StrictQuery(DeliveryPage(page)): StrictQuery<DeliveryPage>,
) -> Result<Json<ListView<DeliveryView>>, Problem> {
    let endpoint = known(&edge, &caller, &id).await?;
    let (pool, after) = (edge.flows.db.pool(), before(&page)?);
    let limit = one_more(&page);
    let found = deliveries::list(pool, caller.operator(), endpoint.id, after, limit).await?;
    let position = |delivery: &Delivery| delivery.delivery_id.simple().to_string();
    Ok(Json(ListView::cut("deliveries", page.limit, found, position, DeliveryView::from)))
}

/// Send an event again
///
/// To every active endpoint that listens to its type.
#[utoipa::path(post, path = "/v1/events/{id}/redeliver", tag = "webhooks",
    params(("id" = String, Path, description = "`evt_…`")),
    responses((status = 202, description = "How many deliveries are due.", body = RedeliveryView)))]
pub async fn redeliver(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<(StatusCode, Json<RedeliveryView>), Problem> {
    let event = EventId::parse(&id).ok_or_else(not_here)?;
    let (operator, now) = (caller.operator().clone(), edge.flows.clock.now());
    let flows = edge.flows.clone();
    let work = async move {
        let (pool, ids) = (flows.db.pool(), &*flows.ids);
        Ok(redeliver_flow(pool, ids, &operator, Wanted::Event(event), now).await?)
    };
    let deliveries = edge.detach.run(work).await?.ok_or_else(not_here)?;
    Ok((StatusCode::ACCEPTED, Json(RedeliveryView { deliveries })))
}

async fn known(edge: &Edge, caller: &Caller, id: &str) -> Result<Endpoint, Problem> {
    let id = EndpointId::parse(id).ok_or_else(not_here)?;
    let found = webhook_endpoints::get(edge.flows.db.pool(), caller.operator(), id).await?;
    found.ok_or_else(not_here)
}
