//! What a player did before, for routes that ask for it.

use super::{Pool, StoreError, instrument_json};
use crate::domain::{Direction, Method, PlayerKey};
use crate::routing::plan::Habits;

/// More payments than these say nothing more.
const PAYMENTS_MAX: i64 = 20;

/// The player's habits in one direction and method. `token` is the instrument at hand, where it has one.
pub async fn habits(
    pool: &Pool,
    player: &PlayerKey,
    direction: Direction,
    method: Method,
    token: Option<&str>,
) -> Result<Habits, StoreError> {
    let rows = sqlx::query!(
        r#"select a.psp, p.method, p.source::text as source
           from payment p join attempt a on a.payment_id = p.payment_id
           where p.operator_id = $1 and p.player_id = $2 and p.direction = $3
             and a.status = 'succeeded'
           order by p.payment_id desc limit $4"#,
        player.operator.as_str(),
        player.player.as_str(),
        direction.as_str(),
        PAYMENTS_MAX,
    )
    .fetch_all(pool)
    .await?;
    let mut habits = Habits {
        is_first_deposit: direction == Direction::Deposit && rows.is_empty(),
        ..Habits::default()
    };
    for row in rows {
        let source = row.source.as_deref().map(instrument_json::read_instrument).transpose()?;
        let knows =
            source.is_some_and(|source| source.tokens.values().any(|t| Some(t.as_str()) == token));
        if knows && !habits.seen_by.contains(&row.psp) {
            habits.seen_by.push(row.psp.clone());
        }
        if habits.last_psp.is_none() && row.method == method.as_str() {
            habits.last_psp = Some(row.psp);
        }
    }
    Ok(habits)
}
