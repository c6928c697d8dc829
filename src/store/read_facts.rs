//! What a deposit is first screened with, for many players at once.

use super::load::columns;
use super::rows::PlayerRow;
use super::{StoreError, json};
use crate::domain::{Money, OperatorId, Player, PlayerId, PlayerKey};
use crate::screening::limits::{Limit, LimitUse, UseState};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A player as they are now: the record, their limits, and what their deposits use of them.
#[derive(Debug, Clone)]
pub struct PlayerFacts {
    pub player: Player,
    pub limits: Vec<Limit>,
    pub uses: Vec<LimitUse>,
}

/// Reads the players, in the order in which they are asked for; None for one that is not known.
pub async fn players(
    connection: &mut PgConnection,
    keys: &[PlayerKey],
) -> Result<Vec<Option<PlayerFacts>>, StoreError> {
    let (operators, ids) = columns(keys.iter());
    let mut found = BTreeMap::new();
    for (player, limits) in player_rows(connection, &operators, &ids).await? {
        found.insert(player.key.clone(), PlayerFacts { player, limits, uses: Vec::new() });
    }
    add_uses(connection, (&operators, &ids), &mut found).await?;
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

/// The uses of the last 31 days: no limit looks further back.
async fn add_uses(
    connection: &mut PgConnection,
    (operators, ids): (&[String], &[String]),
    found: &mut BTreeMap<PlayerKey, PlayerFacts>,
) -> Result<(), StoreError> {
    let rows = sqlx::query!(
        "select u.operator_id, u.player_id, payment_id, amount, currency, at, state
         from (select distinct * from unnest($1::text[], $2::text[])) as wanted (operator_id, player_id)
         join limit_use u
           on u.operator_id = wanted.operator_id and u.player_id = wanted.player_id
         where at > now() - interval '31 days'",
        operators,
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let used = LimitUse {
            payment: row.payment_id,
            money: Money::new(row.amount, json::currency(&row.currency)?),
            at: row.at,
            state: UseState::parse(&row.state)
                .ok_or_else(|| StoreError::Corrupt(format!("limit use {}", row.state)))?,
        };
        let key = PlayerKey {
            operator: OperatorId::trusted(&row.operator_id),
            player: PlayerId::trusted(&row.player_id),
        };
        if let Some(facts) = found.get_mut(&key) {
            facts.uses.push(used);
        }
    }
    Ok(())
}
