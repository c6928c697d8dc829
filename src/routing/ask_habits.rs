//! What the player did before is read only where the route asks for it: most routes do not.

use super::plan::Habits;
use crate::domain::{Currency, Direction, Method, PlayerKey};
use crate::flows::Flows;
use crate::store::{StoreError, player_habits};

/// The kind of payment that is to be planned, and the token of its instrument, where it has one.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    pub direction: Direction,
    pub country: &'a str,
    pub method: Method,
    pub currency: Currency,
    pub token: Option<&'a str>,
}

/// The player's habits, as far as the route of such payments asks for them.
pub async fn ask_habits(
    flows: &Flows,
    player: &PlayerKey,
    occasion: Occasion<'_>,
) -> Result<Habits, StoreError> {
    let Occasion { direction, country, method, currency, token } = occasion;
    let rule = flows.routing.find(direction, country, method, currency);
    if !rule.is_some_and(super::RouteRule::asks_for_habits) {
        return Ok(Habits::default());
    }
    player_habits::habits(flows.db.pool(), player, direction, method, token).await
}
