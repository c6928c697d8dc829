//! Players' movements: what their deposits and withdrawals mean for limits and thresholds.
//!
//! Each player's are read as far back as the policy of their country looks, and no further: 180 days
//! in one market are no reason to read so many in another.

use super::{StoreError, json};
use crate::domain::{Money, PlayerKey, Timestamp};
use crate::screening::movement::{Fingerprint, Movement, UseState};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `limit_use`.
pub(super) struct Row {
    pub payment_id: Uuid,
    pub direction: String,
    pub amount: i64,
    pub currency: String,
    pub at: Timestamp,
    pub state: String,
    pub instrument: Option<Vec<u8>>,
    pub method: Option<String>,
}

impl Row {
    pub fn into_movement(self) -> Result<Movement, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("the {what} of a movement"));
        let instrument = self.instrument.map(|bytes| {
            let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| corrupt("instrument"))?;
            Ok::<_, StoreError>(Fingerprint(bytes))
        });
        let method = self.method.map(|text| text.parse().map_err(|_| corrupt("method")));
        Ok(Movement {
            payment: self.payment_id,
            direction: self.direction.parse().map_err(|_| corrupt("direction"))?,
            money: Money::new(self.amount, json::currency(&self.currency)?),
            at: self.at,
            state: UseState::parse(&self.state).ok_or_else(|| corrupt("state"))?,
            instrument: instrument.transpose()?,
            method: method.transpose()?,
        })
    }
}

/// What a player moved since a time.
///
/// # Errors
/// When the database fails, or a row is not what was written.
pub async fn of_player(
    pool: &PgPool,
    key: &PlayerKey,
    since: Timestamp,
) -> Result<Vec<Movement>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select payment_id, direction, amount, currency, at, state, instrument, method
         from limit_use where operator_id = $1 and player_id = $2 and at > $3",
        key.operator.as_str(),
        key.player.as_str(),
        since
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::into_movement).collect()
}
