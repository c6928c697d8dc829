//! Policy versions: one person proposes, another approves. They hold for the whole installation, which is
//! one licence holder's: whoever may act for compliance of any of its operators sees them all.

use super::shared::{before, one_more};
use crate::api::Edge;
use crate::api::bodies::policy::{
    ApprovePolicyBody, ApprovePolicySchema, PolicyBody, PolicyParams, PolicyQuery, PolicySchema,
    RefusePolicyBody, RefusePolicySchema,
};
use crate::api::caller::Caller;
use crate::api::extract::{NoBody, PathParams, Strict, StrictQuery, not_here};
use crate::api::idempotency::{IdempotencyKey, mark_replayed};
use crate::api::problem::{FieldError, Problem, ProblemView};
use crate::api::refusals::{refused, sentence};
use crate::api::views::ListView;
use crate::api::views::policy::PolicyView;
use crate::screening::file::Fault;
use crate::screening::propose_policy::{ProposeError, newest, propose_policy};
use crate::screening::publish_policy::{EndError, publish_policy};
use crate::screening::refuse_policy::refuse_policy;
use crate::store::policy_versions::{self, ProposalFilter, ProposalLine};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Propose a policy version
///
/// The text is held to everything that `interlock policy check` holds a file to. A newer proposal of a
/// version takes the place of an open one.
#[utoipa::path(post, path = "/v1/policies", tag = "policies",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = PolicySchema,
    responses(
        (status = 201, description = "The proposal.", body = PolicyView),
        (status = 409, description = "`policy.published`, `policy.other_file`, `policy.moment_taken`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`policy.faulty` with every fault, `policy.too_soon`, \
            `idempotency.key_reused`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn propose(
    State(edge): State<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<PolicyBody>,
) -> Result<Response, Problem> {
    let (operator, person) = (caller.operator().clone(), caller.person()?.clone());
    let (flows, text) = (edge.flows.clone(), body.value.text);
    let work = async move {
        let proposed = propose_policy(&flows, (&operator, &person), &text, &key.key).await;
        // Here and below: what was ended or proposed is read again after its commit.
        proposed.map_err(|error| not_proposed(error).after_commit())
    };
    let (line, is_replay) = edge.detach.run(work).await?;
    let view = Json(PolicyView::whole(line));
    let mut response = (StatusCode::CREATED, view).into_response();
    if is_replay {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// List policy versions
#[utoipa::path(get, path = "/v1/policies", tag = "policies", params(PolicyParams),
    responses((status = 200, description = "Newest first, without their texts.",
        body = ListView<PolicyView>)))]
pub async fn list(
    State(edge): State<Edge>,
    StrictQuery(query): StrictQuery<PolicyQuery>,
) -> Result<Json<ListView<PolicyView>>, Problem> {
    let wanted = ProposalFilter {
        market: query.market,
        state: query.state,
        before: before(&query.page)?,
        limit: one_more(&query.page),
        ..ProposalFilter::default()
    };
    let found = policy_versions::proposals(edge.flows.db.pool(), &wanted).await?;
    let position = |line: &ProposalLine| line.proposed.id.simple().to_string();
    Ok(Json(ListView::cut("policies", query.page.limit, found, position, PolicyView::of)))
}

/// Read a policy version
///
/// The version when it was published, else its newest proposal.
#[utoipa::path(get, path = "/v1/policies/{version}", tag = "policies",
    params(("version" = String, Path, description = "`SE-2026-12-01`")),
    responses((status = 200, description = "With its text.", body = PolicyView)))]
pub async fn get(
    State(edge): State<Edge>,
    PathParams(version): PathParams<String>,
    _: NoBody,
) -> Result<Json<PolicyView>, Problem> {
    let line = newest(edge.flows.db.pool(), &version).await?.ok_or_else(not_here)?;
    Ok(Json(PolicyView::whole(line)))
}

/// Approve another person's proposal
///
/// It is published at once, and comes into force at its time on every instance.
#[utoipa::path(post, path = "/v1/policies/{version}/approve", tag = "policies",
    params(("version" = String, Path, description = "`SE-2026-12-01`")),
    request_body = ApprovePolicySchema,
    responses(
        (status = 200, description = "The version as it is now.", body = PolicyView),
        (status = 409, description = "`policy.same_person`, `policy.ended`, `policy.other_text`, \
            `policy.too_soon`, `policy.moment_taken`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn approve(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(version): PathParams<String>,
    body: Strict<ApprovePolicyBody>,
) -> Result<Json<PolicyView>, Problem> {
    let (person, flows) = (caller.person()?.clone(), edge.flows.clone());
    let ApprovePolicyBody { sha256, note } = body.value;
    let work = async move {
        let ended = publish_policy(&flows, &version, &sha256, &person, &note).await;
        ended.map_err(|error| not_ended(error).after_commit())
    };
    Ok(Json(PolicyView::whole(edge.detach.run(work).await?)))
}

/// Refuse a proposal, or take one's own back
#[utoipa::path(post, path = "/v1/policies/{version}/refuse", tag = "policies",
    params(("version" = String, Path, description = "`SE-2026-12-01`")),
    request_body = RefusePolicySchema,
    responses(
        (status = 200, description = "The proposal as it is now.", body = PolicyView),
        (status = 409, description = "`policy.ended`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn refuse(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(version): PathParams<String>,
    body: Strict<RefusePolicyBody>,
) -> Result<Json<PolicyView>, Problem> {
    let (person, flows) = (caller.person()?.clone(), edge.flows.clone());
    let note = body.value.note;
    let work = async move {
        let ended = refuse_policy(&flows, &version, &person, &note).await;
        ended.map_err(|error| not_ended(error).after_commit())
    };
    Ok(Json(PolicyView::whole(edge.detach.run(work).await?)))
}

fn not_proposed(error: ProposeError) -> Problem {
    match error {
        ProposeError::Faulty(faults) => {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            let detail = format!("The policy is not sound: {first}");
            let told = faults.iter().map(|fault: &Fault| FieldError {
                pointer: "/text".to_owned(),
                code: "policy.faulty".to_owned(),
                detail: fault.to_string(),
            });
            Problem::unprocessable("policy.faulty", detail).with_errors(told.collect())
        }
        ProposeError::Published(_) => Problem::conflict("policy.published", sentence(&error)),
        ProposeError::OtherFile(_) => Problem::conflict("policy.other_file", sentence(&error)),
        ProposeError::MomentTaken(_) => Problem::conflict("policy.moment_taken", sentence(&error)),
        ProposeError::NobodyAnswers { .. } => {
            Problem::unprocessable("policy.nobody_answers", sentence(&error)).at("/text")
        }
        ProposeError::TooSoon => Problem::unprocessable("policy.too_soon", TOO_SOON).at("/text"),
        ProposeError::KeyReused => Problem::unprocessable(
            "idempotency.key_reused",
            "This Idempotency-Key proposed another text before.",
        ),
        ProposeError::Case(refusal) => refused(&refusal),
        ProposeError::Store(error) => error.into(),
    }
}

const TOO_SOON: &str = "A policy comes into force a minute after its publication or later, so that every \
    instance knows it by then: propose it with a later effective_from.";

fn not_ended(error: EndError) -> Problem {
    match error {
        EndError::NotFound => not_here(),
        EndError::SamePerson => Problem::conflict(
            "policy.same_person",
            "Who proposed cannot approve, with whichever key: another person must.",
        ),
        EndError::Ended => Problem::conflict(
            "policy.ended",
            "This version was published or refused before; GET tells by whom and why.",
        ),
        EndError::OtherText => Problem::conflict(
            "policy.other_text",
            "The open proposal is another text than the one of this sha256: read it, then approve.",
        ),
        EndError::TooSoon => Problem::conflict("policy.too_soon", TOO_SOON),
        EndError::MomentTaken => Problem::conflict("policy.moment_taken", sentence(&error)),
        EndError::Case(refusal) => refused(&refusal),
        EndError::Store(error) => error.into(),
    }
}
