//! What a deposit is first screened with, for many players at once.

use super::load::columns;
use super::rows::PlayerRow;
use super::{StoreError, backgrounds, movements};
use crate::domain::{OperatorId, Player, PlayerId, PlayerKey, Timestamp};
use crate::screening::Policies;
use crate::screening::background::Background;
use crate::screening::limits::Limit;
use crate::screening::movement::Movement;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A player as they are now: the record, their limits, and what they moved.
#[derive(Debug, Clone)]
pub struct PlayerFacts {
    pub player: Player,
    pub limits: Vec<Limit>,
    pub movements: Vec<Movement>,
    /// What two people vouch for, where the player's market asks for it.
    pub background: Background,
}

/// Reads the players, in the order in which they are asked for; None for one that is not known.
pub async fn players(
    connection: &mut PgConnection,
    keys: &[PlayerKey],
    policies: &Policies,
    now: Timestamp,
) -> Result<Vec<Option<PlayerFacts>>, StoreError> {
    let (operators, ids) = columns(keys.iter());
    let mut found = BTreeMap::new();
    for (player, limits) in player_rows(connection, &operators, &ids).await? {
        let (movements, background) = (Vec::new(), Background::default());
        found.insert(player.key.clone(), PlayerFacts { player, limits, movements, background });
    }
    add_movements(connection, &mut found, policies, now).await?;
    backgrounds::add(connection, &mut found, policies, now).await?;
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

/// The players that are known, each once, with their limits.
pub(super) async fn player_rows(
    connection: &mut PgConnection,
    operators: &[String],
    ids: &[String],
) -> Result<Vec<(Player, Vec<Limit>)>, StoreError> {
    let rows = sqlx::query_as!(
        PlayerRow,
        r#"select p.operator_id, p.player_id, version, country, currency, full_name, given_name,
             family_name, date_of_birth, national_id, email, phone, address, locale, status,
             exclusion_source, exclusion_from, exclusion_until, kyc_status, kyc_level,
             kyc_verified_at, has_paid, limits::text as "limits!", created_at, updated_at
           from (select distinct * from unnest($1::text[], $2::text[])) as wanted (operator_id, player_id)
           join player p
             on p.operator_id = wanted.operator_id and p.player_id = wanted.player_id"#,
        operators,
        ids
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(PlayerRow::into_player).collect()
}

async fn add_movements(
    connection: &mut PgConnection,
    found: &mut BTreeMap<PlayerKey, PlayerFacts>,
    policies: &Policies,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (operators, ids) = columns(found.keys());
    let since = |facts: &PlayerFacts| now - policies.reach(&facts.player.country, now);
    let since: Vec<Timestamp> = found.values().map(since).collect();
    let rows = sqlx::query!(
        "select u.operator_id, u.player_id, payment_id, direction, amount, currency, at, state,
           instrument, method
         from unnest($1::text[], $2::text[], $3::timestamptz[])
           as wanted (operator_id, player_id, since)
         join limit_use u on u.operator_id = wanted.operator_id
           and u.player_id = wanted.player_id and u.at > wanted.since",
        &operators,
        &ids,
        &since
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let key = PlayerKey {
            operator: OperatorId::trusted(&row.operator_id),
            player: PlayerId::trusted(&row.player_id),
        };
        let movement = movements::Row {
            payment_id: row.payment_id,
            direction: row.direction,
            amount: row.amount,
            currency: row.currency,
            at: row.at,
            state: row.state,
            instrument: row.instrument,
            method: row.method,
        };
        if let Some(facts) = found.get_mut(&key) {
            facts.movements.push(movement.into_movement()?);
        }
    }
    Ok(())
}
