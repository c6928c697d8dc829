//! Payment methods.

use crate::api::Edge;
use crate::api::bodies::wallet::{MethodsParams, MethodsQuery};
use crate::api::caller::{Caller, player_not_found};
use crate::api::extract::StrictQuery;
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::wallet::MethodView;
use crate::payments::offer_methods::{Wanted, offer_methods};
use axum::Json;
use axum::extract::State;

/// List the methods that a player can use right now
#[utoipa::path(get, path = "/v1/payment-methods", tag = "payments", params(MethodsParams),
    responses(
        (status = 200, description = "Best first. Who would be asked about the player only by the payment itself \
            (a register, a file of limits, a list of names) is not asked here: what they have not said yet \
            keeps no method out.", body = ListView<MethodView>),
        (status = 422, description = "An amount that makes no sense: `amount.malformed`, `amount.zero`, \
            `amount.too_many_decimals`, `amount.too_large`.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(query): StrictQuery<MethodsQuery>,
) -> Result<Json<ListView<MethodView>>, Problem> {
    let wanted = Wanted {
        player: caller.may_see(query.player)?,
        direction: query.direction,
        currency: query.currency,
        money: query.money,
    };
    let offers = offer_methods(&edge.flows, &wanted).await?.ok_or_else(player_not_found)?;
    let view = |offer| MethodView::of(offer, wanted.direction);
    let data = offers.into_iter().map(view).collect();
    Ok(Json(ListView { data, next: None }))
}
