//! Payment methods.

use crate::api::Edge;
use crate::api::bodies::wallet::{MethodsParams, MethodsQuery};
use crate::api::caller::{Caller, player_not_found};
use crate::api::extract::StrictQuery;
use crate::api::problem::Problem;
use crate::api::views::ListView;
use crate::api::views::wallet::MethodView;
use crate::payments::offer_methods::{Wanted, offer_methods};
use axum::Json;
use axum::extract::State;

/// List the methods that a player can use right now
#[utoipa::path(get, path = "/v1/payment-methods", tag = "payments", params(MethodsParams),
    responses((status = 200, description = "Best first.", body = ListView<MethodView>)))]
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
