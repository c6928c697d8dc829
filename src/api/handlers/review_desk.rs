//! Work on a review before it is decided: taken, handed on, noted, waited for.

use super::reviews::{as_it_is_now, known};
use crate::api::Edge;
use crate::api::bodies::case::{
    AssignBody, AssignSchema, RequestInfoBody, RequestInfoSchema, TextBody, TextSchema,
};
use crate::api::caller::Caller;
use crate::api::extract::{NoBody, PathParams, Strict};
use crate::api::idempotency::{IdempotencyKey, mark_replayed};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::review::ReviewView;
use crate::decide::desk_work::{DeskAct, until_latest};
use crate::domain::PersonId;
use crate::reviews::work_on_case::{work_on_case, write_in_case};
use crate::store::once_keys::Once;
use crate::store::people;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

/// Lock a review
///
/// Nobody else can act on it until it is unlocked, until its lock runs out, or until the holder proposes.
/// Locking again prolongs it.
#[utoipa::path(post, path = "/v1/reviews/{id}/lock", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`: somebody else has it; `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn lock(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<Json<ReviewView>, Problem> {
    act(&edge, &caller, &id, DeskAct::Lock).await
}

/// Unlock a review
#[utoipa::path(post, path = "/v1/reviews/{id}/unlock", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`: it is somebody else's lock; `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn unlock(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<Json<ReviewView>, Problem> {
    act(&edge, &caller, &id, DeskAct::Unlock).await
}

/// Assign a review
///
/// To a person who has a key or an account of the console at this operator, or to nobody.
#[utoipa::path(post, path = "/v1/reviews/{id}/assign", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body = AssignSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`, `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`review.person_unknown`: nobody of the operator's is this person.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn assign(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<AssignBody>,
) -> Result<Json<ReviewView>, Problem> {
    let to = body.value.to;
    if let Some(person) = &to {
        is_known(&edge, &caller, person).await?;
    }
    act(&edge, &caller, &id, DeskAct::Assign(to)).await
}

/// A case that is given to nobody's id lies where nobody looks.
async fn is_known(edge: &Edge, caller: &Caller, person: &PersonId) -> Result<(), Problem> {
    let operator = caller.operator();
    let has_key = edge.people.contains(&(operator.clone(), person.clone()));
    if has_key || people::has_account(edge.flows.db.pool(), operator, person).await? {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "review.person_unknown",
        "Nobody of this operator's is this person: no key of the API and no account of the console.",
    )
    .at("/person_id"))
}

/// Add a note to a review
///
/// A repeat under the same Idempotency-Key adds nothing, and so it is with what is asked for and what came.
#[utoipa::path(post, path = "/v1/reviews/{id}/notes", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = TextSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`, `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency.key_reused`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn note(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    body: Strict<TextBody>,
) -> Result<Response, Problem> {
    let once = key.once(&caller, &body.canonical);
    write(&edge, &caller, &id, DeskAct::Note(body.value.text), once).await
}

/// Ask for information
///
/// The review waits for it: it is due when the information is. Asking again does not put off its reminder beyond
/// what asking once could have.
#[utoipa::path(post, path = "/v1/reviews/{id}/request-info", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = RequestInfoSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`, `review.conflict`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`review.until_too_late`: at most 30 days ahead; `idempotency.key_reused`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn request_info(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    body: Strict<RequestInfoBody>,
) -> Result<Response, Problem> {
    let once = key.once(&caller, &body.canonical);
    let RequestInfoBody { text, until } = body.value;
    let latest = until_latest(&edge.flows.reviews.terms, edge.flows.clock.now());
    if until.is_some_and(|until| latest < until) {
        return Err(Problem::unprocessable(
            "review.until_too_late",
            "Information is awaited for at most 30 days, or `reviews.info_hours` where that is longer: ask again \
             when it did not come.",
        )
        .at("/until"));
    }
    write(&edge, &caller, &id, DeskAct::RequestInfo { text, until }, once).await
}

/// Tell the information that came
#[utoipa::path(post, path = "/v1/reviews/{id}/info", tag = "reviews",
    params(("id" = String, Path, description = "`rev_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = TextSchema,
    responses(
        (status = 200, description = "The review as it is now.", body = ReviewView),
        (status = 409, description = "`review.locked`; `review.conflict`: none is awaited.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency.key_reused`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn info(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    body: Strict<TextBody>,
) -> Result<Response, Problem> {
    let once = key.once(&caller, &body.canonical);
    write(&edge, &caller, &id, DeskAct::Info(body.value.text), once).await
}

async fn act(
    edge: &Edge,
    caller: &Caller,
    id: &str,
    act: DeskAct,
) -> Result<Json<ReviewView>, Problem> {
    let (person, operator) = (caller.person()?.clone(), caller.operator().clone());
    let (flows, review) = (edge.flows.clone(), known(edge, caller, id).await?.review.id);
    let work = async move { Ok(work_on_case(&flows, &operator, review, act, person).await?) };
    edge.detach.run(work).await?;
    as_it_is_now(edge, caller, id).await
}

/// What leaves words in the case, once for its request.
async fn write(
    edge: &Edge,
    caller: &Caller,
    id: &str,
    act: DeskAct,
    once: Once,
) -> Result<Response, Problem> {
    let (person, operator) = (caller.person()?.clone(), caller.operator().clone());
    let (flows, review) = (edge.flows.clone(), known(edge, caller, id).await?.review.id);
    let by = (person, once);
    let work = async move { Ok(write_in_case(&flows, &operator, review, act, by).await?) };
    let is_replay = edge.detach.run(work).await?;
    let mut response = as_it_is_now(edge, caller, id).await?.into_response();
    if is_replay {
        mark_replayed(&mut response);
    }
    Ok(response)
}
