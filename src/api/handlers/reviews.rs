//! Reviews: one person proposes, others approve.

use super::shared::{before, noted, one_more};
use crate::api::Edge;
use crate::api::bodies::case::{CaseBody, CaseSchema, PayloadBody, ReviewParams, ReviewQuery};
use crate::api::bodies::review::{
    ApproveBody, ApproveSchema, ProposeBody, ProposeSchema, RefuseBody, RefuseSchema,
};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict, StrictQuery, not_here};
use crate::api::idempotency::{IdempotencyKey, key_reused, mark_replayed};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::review::ReviewView;
use crate::book::{CaseKind, CasePayload};
use crate::domain::{PersonId, PlayerId, ReviewId};
use crate::reviews::decide_case::{CaseDecision, decide_case};
use crate::reviews::name_proposal::name_proposal;
use crate::reviews::open_case::{CaseOrder, open_case};
use crate::store::decision_reads::ReadAct;
use crate::store::read_models;
use crate::store::read_reviews::{self, ReviewFilter, ReviewLine};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Open a review
///
/// About a player, with the proposal of what is to be done. Another person must approve it.
#[utoipa::path(post, path = "/v1/reviews", tag = "reviews",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = CaseSchema,
    responses(
        (status = 201, description = "The review with its first proposal.", body = ReviewView),
        (status = 409, description = "`review.conflict`.", body = ProblemView,
            content_type = "application/problem+json"),
        (status = 422, description = "`review.payload_missing`, `review.payload_strange`, \
            `payment.currency_not_allowed`, `idempotency.key_reused`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn create(
    State(edge): State<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<CaseBody>,
) -> Result<Response, Problem> {
    let fingerprint = key.fingerprint(&body.canonical);
    let CaseBody { kind, player, note, priority, payload } = body.value;
    let order = CaseOrder {
        operator: caller.operator().clone(),
        player,
        payload: payload.for_kind(kind)?,
        note,
        priority,
        person: caller.person()?.clone(),
    };
    let flows = edge.flows.clone();
    let work = async move { Ok(open_case(&flows, order, &key.key, fingerprint).await?) };
    let (id, is_replay) = edge.detach.run(work).await?;
    let view = as_it_is_now(&edge, &caller, &id.to_string()).await?;
    let mut response = (StatusCode::CREATED, view).into_response();
    if is_replay {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// List reviews
///
/// Proposals may hold what a player's record is to say, so who lists is noted.
#[utoipa::path(get, path = "/v1/reviews", tag = "reviews", params(ReviewParams),
    responses((status = 200, description = "Newest first.", body = ListView<ReviewView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ReviewQuery>,
) -> Result<Json<ListView<ReviewView>>, Problem> {
    let wanted = ReviewFilter {
        open: query.open,
        kind: query.kind,
        assigned_to: query.assigned_to,
        player: query.player,
        due_before: query.due_before,
        before: before(&query.page)?,
        limit: one_more(&query.page),
    };
    noted(&edge, &caller, ReadAct::List, &asked(&wanted)).await?;
    let found = read_reviews::reviews(edge.flows.db.pool(), caller.operator(), &wanted).await?;
    let position = |line: &ReviewLine| line.review.id.0.simple().to_string();
    Ok(Json(ListView::cut("reviews", query.page.limit, found, position, ReviewView::from)))
}

/// What a list was asked for.
fn asked(wanted: &ReviewFilter) -> String {
    let player = wanted.player.as_ref().map_or("any", PlayerId::as_str);
    let kind = wanted.kind.as_deref().unwrap_or("any");
    let of = wanted.assigned_to.as_ref().map_or("anybody", PersonId::as_str);
    let state = wanted.open.map_or("open or closed", |open| if open { "open" } else { "closed" });
    format!("reviews of player {player}, kind {kind}, assigned to {of}, {state}")
}

/// Read a review
///
/// With everything that was done in it. Whoever reads one about a player or a payment is noted, as with decisions.
#[utoipa::path(get, path = "/v1/reviews/{id}", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    responses((status = 200, description = "As it is now.", body = ReviewView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<ReviewView>, Problem> {
    let line = known(&edge, &caller, &id).await?;
    detailed(&edge, &caller, line).await
}

/// Propose an outcome
///
/// A newer proposal takes the place of an open one and voids the approvals that it had. Another person must
/// approve it. A repeat under the same Idempotency-Key proposes nothing anew.
#[utoipa::path(post, path = "/v1/reviews/{id}/propose", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = ProposeSchema,
    responses(
        (status = 201, description = "The review with the proposal.", body = ReviewView),
        (status = 409, description = "`review.locked`; `review.conflict`: closed, or impossible for it.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency.key_reused`, `review.payload_strange`, \
            `payment.currency_not_allowed`, or a field that makes no sense.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn propose(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    body: Strict<ProposeBody>,
) -> Result<Response, Problem> {
    let once = key.once(&caller, &body.canonical);
    let ProposeBody { outcome, note, payload } = body.value;
    // Before a key is kept for it.
    known(&edge, &caller, &id).await?;
    let proposal = name_proposal(&edge.flows, &once).await?.ok_or_else(key_reused)?;
    let line = known(&edge, &caller, &id).await?;
    if line.review.proposal(proposal).is_some() {
        let mut response =
            (StatusCode::CREATED, detailed(&edge, &caller, line).await?).into_response();
        mark_replayed(&mut response);
        return Ok(response);
    }
    let payload = meant(&line, &outcome, payload)?;
    let proposed = CaseDecision::Propose { id: proposal, outcome, note, payload };
    let view = act(&edge, &caller, line, proposed).await?;
    Ok((StatusCode::CREATED, view).into_response())
}

/// What an approval is to do: what this proposal says, else what the open one does.
fn meant(
    line: &ReviewLine,
    outcome: &str,
    payload: Option<PayloadBody>,
) -> Result<Option<CasePayload>, Problem> {
    let review = &line.review;
    let strange = || {
        let detail = "Only an approval in a case of a player takes a payload.";
        Problem::unprocessable("review.payload_strange", detail).at("/payload")
    };
    match (CaseKind::parse(&review.kind), payload) {
        (Some(kind), Some(payload)) if outcome == "approve" => payload.for_kind(kind).map(Some),
        (_, Some(_)) => Err(strange()),
        (Some(_), None) if outcome == "approve" => {
            let last = review.proposals.iter().rev().find_map(|it| it.payload.clone());
            Ok(last)
        }
        (_, None) => Ok(None),
    }
}

/// Approve another person's proposal
///
/// With the last approval that is needed, what was proposed is carried out in the same commit.
#[utoipa::path(post, path = "/v1/reviews/{id}/approve", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body = ApproveSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.same_person`, `review.locked`, `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`wallet.insufficient_funds`: the adjustment takes more than there is.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn approve(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<ApproveBody>,
) -> Result<Json<ReviewView>, Problem> {
    let proposal = body.value.proposal;
    let line = known(&edge, &caller, &id).await?;
    act(&edge, &caller, line, CaseDecision::Approve { proposal }).await
}

/// Refuse the open proposal
#[utoipa::path(post, path = "/v1/reviews/{id}/refuse", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body = RefuseSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`, `review.conflict`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn refuse(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<RefuseBody>,
) -> Result<Json<ReviewView>, Problem> {
    let note = body.value.note;
    let line = known(&edge, &caller, &id).await?;
    act(&edge, &caller, line, CaseDecision::Refuse { note }).await
}

async fn act(
    edge: &Edge,
    caller: &Caller,
    line: ReviewLine,
    act: CaseDecision,
) -> Result<Json<ReviewView>, Problem> {
    let (person, operator) = (caller.person()?.clone(), caller.operator().clone());
    let (flows, id) = (edge.flows.clone(), line.review.id);
    let work = async move { Ok(decide_case(&flows, &operator, &line.review, act, person).await?) };
    edge.detach.run(work).await?;
    as_it_is_now(edge, caller, &id.to_string()).await
}

/// A review, after an act on it was recorded.
pub(super) async fn as_it_is_now(
    edge: &Edge,
    caller: &Caller,
    id: &str,
) -> Result<Json<ReviewView>, Problem> {
    let line = known(edge, caller, id).await.map_err(Problem::after_commit)?;
    detailed(edge, caller, line).await.map_err(Problem::after_commit)
}

/// A review of the caller's operator.
pub(super) async fn known(edge: &Edge, caller: &Caller, id: &str) -> Result<ReviewLine, Problem> {
    let id = ReviewId::parse(id).ok_or_else(not_here)?;
    let found = read_reviews::review(edge.flows.db.pool(), caller.operator(), id.0).await?;
    found.ok_or_else(not_here)
}

/// All of a case. Of a person nobody reads what is not noted, also with the answer to what they did in it.
async fn detailed(
    edge: &Edge,
    caller: &Caller,
    line: ReviewLine,
) -> Result<Json<ReviewView>, Problem> {
    if line.review.player.is_some() {
        noted(edge, caller, ReadAct::Read, &line.review.id.to_string()).await?;
    }
    let pool = edge.flows.db.pool();
    let history = read_reviews::history(pool, &line.review).await?;
    // Names are asked for only where they are compared.
    let player = match &line.payment {
        Some(payment) => read_models::player(pool, &payment.player).await?,
        None => None,
    };
    let player = player.map(|(player, _)| player);
    let beside = read_reviews::beside(pool, caller.operator(), &line.review).await?;
    Ok(Json(ReviewView::detailed(line, history, player, &beside)))
}
