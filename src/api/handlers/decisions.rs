//! Decisions.

use super::shared::{before, one_more};
use crate::api::Edge;
use crate::api::bodies::review::{DecisionFilter, DecisionParams};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, StrictQuery, not_here};
use crate::api::problem::Problem;
use crate::api::views::ListView;
use crate::api::views::decision::DecisionView;
use crate::domain::DecisionId;
use crate::screening::Outcome;
use crate::store::read_decisions::{self, DecisionFilter as Wanted, DecisionLine};
use axum::Json;
use axum::extract::State;

/// List decisions
#[utoipa::path(get, path = "/v1/decisions", tag = "decisions", params(DecisionParams),
    responses((status = 200, description = "Newest first.", body = ListView<DecisionView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(filter): StrictQuery<DecisionFilter>,
) -> Result<Json<ListView<DecisionView>>, Problem> {
    let wanted = Wanted {
        id: None,
        payment: filter.payment.map(|id| id.uuid),
        player: filter.player,
        outcomes: filter.outcome.map(recorded).unwrap_or_default(),
        policy_version: filter.policy_version,
        before: before(&filter.page)?,
        limit: one_more(&filter.page),
    };
    let pool = edge.flows.db.pool();
    let found = read_decisions::decisions(pool, caller.operator(), &wanted).await?;
    let position = |line: &DecisionLine| line.id.simple().to_string();
    let limit = filter.page.limit;
    let view = |line| DecisionView::for_backend(line, &edge.flows.policies);
    Ok(Json(ListView::cut("decisions", limit, found, position, view)))
}

/// A hold is told as a review, so whoever asks for reviews gets both.
fn recorded(told: Outcome) -> Vec<String> {
    let outcomes: &[Outcome] = match told {
        Outcome::Review | Outcome::Hold => &[Outcome::Review, Outcome::Hold],
        Outcome::Approve => &[Outcome::Approve],
        Outcome::Deny => &[Outcome::Deny],
    };
    outcomes.iter().map(|outcome| outcome.as_str().to_owned()).collect()
}

/// Read a decision
#[utoipa::path(get, path = "/v1/decisions/{id}", tag = "decisions",
    params(("id" = String, Path, description = "`dec_…`")),
    responses((status = 200, description = "As it was recorded.", body = DecisionView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<DecisionView>, Problem> {
    let id = DecisionId::parse(&id).ok_or_else(not_here)?;
    let wanted = Wanted { id: Some(id.0), limit: 1, ..Wanted::default() };
    let pool = edge.flows.db.pool();
    let found = read_decisions::decisions(pool, caller.operator(), &wanted).await?;
    let line = found.into_iter().next().ok_or_else(not_here)?;
    Ok(Json(DecisionView::for_backend(line, &edge.flows.policies)))
}
