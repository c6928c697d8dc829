//! What a withdrawal is first screened with, for many players at once.

use super::read_facts::player_rows;
use super::{StoreError, json, loop_history};
use crate::domain::{Currency, Money, OperatorId, Player, PlayerId, PlayerKey};
use crate::screening::sources::History;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Who is to be paid, and in which currency.
#[derive(Debug, Clone)]
pub struct Payee {
    pub player: PlayerKey,
    pub currency: Currency,
}

/// A player as they are now, what their wallets owe, and what came in and went out in the currency.
#[derive(Debug, Clone)]
pub struct PayeeFacts {
    pub player: Player,
    pub owed: Vec<Money>,
    pub history: History,
}

/// Reads them in the order in which they are asked for; None for a player that is not known.
pub async fn payees(
    connection: &mut PgConnection,
    payees: &[Payee],
) -> Result<Vec<Option<PayeeFacts>>, StoreError> {
    let (operators, ids) = super::load::columns(payees.iter().map(|payee| &payee.player));
    let players = player_rows(connection, &operators, &ids).await?;
    let players: BTreeMap<PlayerKey, Player> =
        players.into_iter().map(|(player, _)| (player.key.clone(), player)).collect();
    let owed = owed(connection, &operators, &ids).await?;
    let histories = loop_history::histories(connection, payees).await?;
    let facts = payees.iter().zip(histories).map(|(payee, history)| {
        Some(PayeeFacts {
            player: players.get(&payee.player)?.clone(),
            owed: owed.get(&payee.player).cloned().unwrap_or_default(),
            history,
        })
    });
    Ok(facts.collect())
}

/// What each player's wallets owe, by currency.
async fn owed(
    connection: &mut PgConnection,
    operators: &[String],
    ids: &[String],
) -> Result<BTreeMap<PlayerKey, Vec<Money>>, StoreError> {
    let rows = sqlx::query!(
        "select w.operator_id, w.player_id, w.currency, w.owed
         from (select distinct * from unnest($1::text[], $2::text[])) as wanted (operator_id, player_id)
         join wallet w
           on w.operator_id = wanted.operator_id and w.player_id = wanted.player_id
         order by w.currency",
        operators,
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut found: BTreeMap<PlayerKey, Vec<Money>> = BTreeMap::new();
    for row in rows {
        let key = PlayerKey {
            operator: OperatorId::trusted(&row.operator_id),
            player: PlayerId::trusted(&row.player_id),
        };
        let owed = Money::new(row.owed, json::currency(&row.currency)?);
        found.entry(key).or_default().push(owed);
    }
    Ok(found)
}
