//! Decisions.

use super::shared::{before, noted, one_more};
use crate::api::Edge;
use crate::api::bodies::review::{
    DecisionFilter, DecisionParams, OUTCOME_UNKNOWN, ReplayBody, ReplaySchema,
};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict, StrictQuery, not_here};
use crate::api::keys::Scope;
use crate::api::problem::{Problem, ProblemView};
use crate::api::refusals::sentence;
use crate::api::views::ListView;
use crate::api::views::decision::{DecisionView, ReplayView};
use crate::domain::{Audience, DecisionId, PlayerId};
use crate::screening::Outcome;
use crate::screening::replay::{Question, ReplayError, replay as make_again};
use crate::store::decision_reads::ReadAct;
use crate::store::read_decisions::{self, DecisionFilter as Wanted, DecisionLine};
use crate::store::read_history::{self, Span};
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
    let reader = reader(&caller);
    let outcomes = filter.outcome.map_or_else(|| Ok(Vec::new()), |it| recorded(it, reader))?;
    let wanted = Wanted {
        id: None,
        payment: filter.payment.map(|id| id.uuid),
        player: filter.player,
        outcomes,
        policy_version: filter.policy_version,
        before: before(&filter.page)?,
        limit: one_more(&filter.page),
    };
    noted(&edge, &caller, ReadAct::List, &asked(&wanted)).await?;
    let pool = edge.flows.db.pool();
    let found = read_decisions::decisions(pool, caller.operator(), &wanted).await?;
    let position = |line: &DecisionLine| line.id.simple().to_string();
    let limit = filter.page.limit;
    let policies = edge.flows.policies.current();
    let view = |line| DecisionView::of(line, &policies, reader);
    Ok(Json(ListView::cut("decisions", limit, found, position, view)))
}

/// What a list was asked for.
fn asked(wanted: &Wanted) -> String {
    let player = wanted.player.as_ref().map_or("any", PlayerId::as_str);
    let payment = wanted.payment.map_or_else(|| "any".to_owned(), |id| id.simple().to_string());
    let outcomes = wanted.outcomes.join(",");
    let version = wanted.policy_version.as_deref().unwrap_or("any");
    format!("player {player}, payment {payment}, outcomes {outcomes}, policy {version}")
}

/// What a key may see: a person's with the scope `compliance` sees all of it.
fn reader(caller: &Caller) -> Audience {
    match caller.require(Scope::Compliance) {
        Ok(()) => Audience::Compliance,
        Err(_) => Audience::Operator,
    }
}

/// What this reader asks for by the outcome that they are told. All but compliance are told of a hold as of a review:
/// whoever asks for reviews gets both, and whoever could ask for holds would learn of them.
fn recorded(told: Outcome, reader: Audience) -> Result<Vec<String>, Problem> {
    let outcomes: &[Outcome] = match told {
        told if reader == Audience::Compliance => &[told],
        Outcome::Hold => {
            let (code, detail) = OUTCOME_UNKNOWN;
            return Err(Problem::bad_request(code, detail).at("/outcome"));
        }
        Outcome::Review => &[Outcome::Review, Outcome::Hold],
        told => &[told],
    };
    Ok(outcomes.iter().map(|outcome| outcome.as_str().to_owned()).collect())
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
    noted(&edge, &caller, ReadAct::Read, &id.to_string()).await?;
    let wanted = Wanted { id: Some(id.0), limit: 1, ..Wanted::default() };
    let pool = edge.flows.db.pool();
    let found = read_decisions::decisions(pool, caller.operator(), &wanted).await?;
    let line = found.into_iter().next().ok_or_else(not_here)?;
    Ok(Json(DecisionView::of(line, &edge.flows.policies.current(), reader(&caller))))
}

/// Make a decision again
///
/// Without a body's fields as it was: the recorded facts under the recorded version. With
/// `policy_version` as that version would have decided; with `as_of` by the policy and the knowledge
/// of that time.
#[utoipa::path(post, path = "/v1/decisions/{id}/replay", tag = "decisions",
    params(("id" = String, Path, description = "`dec_…`")),
    request_body = ReplaySchema,
    responses(
        (status = 200, description = "What came out, and what differs.", body = ReplayView),
        (status = 422, description = "`decision.not_replayable`, `policy.version_unknown`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn replay(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<ReplayBody>,
) -> Result<Json<ReplayView>, Problem> {
    let id = DecisionId::parse(&id).ok_or_else(not_here)?;
    noted(&edge, &caller, ReadAct::Read, &id.to_string()).await?;
    let span = Span {
        operator: Some(caller.operator().clone()),
        ids: Some(vec![id.0]),
        limit: 1,
        ..Span::default()
    };
    let pool = edge.flows.db.pool();
    let found = read_history::decisions(pool, &span).await?.into_iter().next();
    let found = found.ok_or_else(not_here)?;
    let ReplayBody { as_of, policy_version } = body.value;
    let question = Question { as_of, version: policy_version };
    let done = make_again(pool, &edge.flows.policies.current(), &found, &question).await;
    Ok(Json(ReplayView::of(id, as_of, done.map_err(not_replayed)?)))
}

fn not_replayed(error: ReplayError) -> Problem {
    match error {
        ReplayError::Store(error) => error.into(),
        ReplayError::UnknownVersion(_) | ReplayError::OtherMarket { .. } => {
            Problem::unprocessable("policy.version_unknown", sentence(&error)).at("/policy_version")
        }
        ReplayError::NoInputs(_) | ReplayError::OtherContent(_) => {
            Problem::unprocessable("decision.not_replayable", sentence(&error))
        }
    }
}
