//! Reviews: one person proposes, another approves.

use super::shared::{before, one_more};
use crate::api::Edge;
use crate::api::bodies::review::{
    ApproveBody, ApproveSchema, ProposeBody, ProposeSchema, RefuseBody, RefuseSchema, ReviewFilter,
    ReviewParams,
};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict, StrictQuery, not_here};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::review::ReviewView;
use crate::book::{Payment, Review};
use crate::domain::ReviewId;
use crate::payments::review_payment::{ReviewAct, review_payment};
use crate::store::read_reviews;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

/// List reviews
#[utoipa::path(get, path = "/v1/reviews", tag = "reviews", params(ReviewParams),
    responses((status = 200, description = "Newest first.", body = ListView<ReviewView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(filter): StrictQuery<ReviewFilter>,
) -> Result<Json<ListView<ReviewView>>, Problem> {
    let (from, limit) = (before(&filter.page)?, one_more(&filter.page));
    let pool = edge.flows.db.pool();
    let found = read_reviews::reviews(pool, caller.operator(), filter.open, from, limit).await?;
    let position = |(review, _): &(Review, Payment)| review.id.0.simple().to_string();
    let view = |(review, payment): (Review, Payment)| ReviewView::of(&review, payment.id);
    Ok(Json(ListView::cut("reviews", filter.page.limit, found, position, view)))
}

/// Read a review
#[utoipa::path(get, path = "/v1/reviews/{id}", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    responses((status = 200, description = "As it is now.", body = ReviewView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<ReviewView>, Problem> {
    let (review, payment) = known(&edge, &caller, &id).await?;
    Ok(Json(ReviewView::of(&review, payment.id)))
}

/// Propose an outcome
///
/// A newer proposal takes the place of an open one. Another person must approve it.
#[utoipa::path(post, path = "/v1/reviews/{id}/propose", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body = ProposeSchema,
    responses(
        (status = 201, description = "The review with the proposal.", body = ReviewView),
        (status = 409, description = "`review.conflict`: closed, or impossible for it.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn propose(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<ProposeBody>,
) -> Result<(StatusCode, Json<ReviewView>), Problem> {
    let ProposeBody { outcome, note } = body.value;
    let view = act(&edge, &caller, &id, ReviewAct::Propose { outcome, note }).await?;
    Ok((StatusCode::CREATED, view))
}

/// Approve another person's proposal
///
/// What was proposed is carried out in the same commit.
#[utoipa::path(post, path = "/v1/reviews/{id}/approve", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body = ApproveSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.same_person`, `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn approve(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<ApproveBody>,
) -> Result<Json<ReviewView>, Problem> {
    let proposal = body.value.proposal;
    act(&edge, &caller, &id, ReviewAct::Approve { proposal }).await
}

/// Refuse the open proposal
#[utoipa::path(post, path = "/v1/reviews/{id}/refuse", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body = RefuseSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.conflict`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn refuse(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<RefuseBody>,
) -> Result<Json<ReviewView>, Problem> {
    let note = body.value.note;
    act(&edge, &caller, &id, ReviewAct::Refuse { note }).await
}

async fn act(
    edge: &Edge,
    caller: &Caller,
    id: &str,
    act: ReviewAct,
) -> Result<Json<ReviewView>, Problem> {
    let person = caller.person()?.clone();
    let (review, payment) = known(edge, caller, id).await?;
    let flows = edge.flows.clone();
    let (player, of) = (payment.player.clone(), payment.id);
    let work =
        async move { Ok(review_payment(&flows, &player, review.id, of.uuid, act, person).await?) };
    let review = edge.detach.run(work).await?;
    Ok(Json(ReviewView::of(&review, of)))
}

async fn known(edge: &Edge, caller: &Caller, id: &str) -> Result<(Review, Payment), Problem> {
    let id = ReviewId::parse(id).ok_or_else(not_here)?;
    let found = read_reviews::review(edge.flows.db.pool(), caller.operator(), id.0).await?;
    found.ok_or_else(not_here)
}
