//! Incidents: listed, and closed with a note.

use super::shared::{before, one_more};
use crate::api::Edge;
use crate::api::bodies::incident::{CloseBody, CloseSchema, IncidentParams, IncidentQuery};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict, StrictQuery, not_here};
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::incident::IncidentView;
use crate::domain::IncidentId;
use crate::evidence::close_incident::{Closed, accounts_of, close_incident};
use crate::store::incidents::{self, IncidentFilter, IncidentLine};
use axum::Json;
use axum::extract::State;

/// List incidents
///
/// Those of the operator's payments, of the PSP accounts that it may use, of its vendors of identity, and of
/// the whole service.
#[utoipa::path(get, path = "/v1/incidents", tag = "incidents", params(IncidentParams),
    responses((status = 200, description = "Newest first.", body = ListView<IncidentView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(query): StrictQuery<IncidentQuery>,
) -> Result<Json<ListView<IncidentView>>, Problem> {
    let (from, limit) = (before(&query.page)?, one_more(&query.page));
    let accounts = accounts_of(&edge.flows, caller.operator());
    let vendors = edge.flows.checks.identity_ids(caller.operator());
    let filter = IncidentFilter {
        operator: caller.operator(),
        accounts: &accounts,
        vendors: &vendors,
        open: query.open,
        kind: None,
        id: None,
        before: from,
        limit,
    };
    let found = incidents::list(edge.flows.db.pool(), &filter).await?;
    let position = |line: &IncidentLine| line.id.0.simple().to_string();
    Ok(Json(ListView::cut("incidents", query.page.limit, found, position, IncidentView::from)))
}

/// Close an incident
///
/// Says that a person has looked, and what they found. It moves no money and settles no payment.
#[utoipa::path(post, path = "/v1/incidents/{id}/close", tag = "incidents",
    params(("id" = String, Path, description = "`inc_…`")),
    request_body = CloseSchema,
    responses(
        (status = 200, description = "The incident as it is now.", body = IncidentView),
        (status = 409, description = "`incident.closed`: somebody has closed it before.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn close(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<CloseBody>,
) -> Result<Json<IncidentView>, Problem> {
    let (person, note) = (caller.person()?.clone(), body.value.note);
    let id = IncidentId::parse(&id).ok_or_else(not_here)?;
    let (flows, operator) = (edge.flows.clone(), caller.operator().clone());
    let work = async move { Ok(close_incident(&flows, &operator, id, &person, &note).await?) };
    match edge.detach.run(work).await? {
        Closed::Now(line) => Ok(Json(IncidentView::from(*line))),
        Closed::Before => Err(Problem::conflict(
            "incident.closed",
            "Somebody has closed this incident before; the list tells who and why.",
        )),
        Closed::NotFound => Err(not_here()),
    }
}
