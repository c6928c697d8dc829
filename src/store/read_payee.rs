//! What a withdrawal is first screened with, for many players at once.

use super::read_facts::player_rows;
use super::{StoreError, instrument_json, json};
use crate::domain::{Currency, Instrument, Money, OperatorId, Player, PlayerId, PlayerKey};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Who is to be paid, and in which currency.
#[derive(Debug, Clone)]
pub struct Payee {
    pub player: PlayerKey,
    pub currency: Currency,
}

/// A player as they are now, what their wallets owe, and where their newest deposit in the currency
/// came from that can be paid back to its source.
#[derive(Debug, Clone)]
pub struct PayeeFacts {
    pub player: Player,
    pub owed: Vec<Money>,
    pub newest_source: Option<(Uuid, Instrument)>,
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
    let mut sources = sources(connection, (&operators, &ids), payees).await?;
    let facts = payees.iter().zip(0..).map(|(payee, number)| {
        Some(PayeeFacts {
            player: players.get(&payee.player)?.clone(),
            owed: owed.get(&payee.player).cloned().unwrap_or_default(),
            newest_source: sources.remove(&number),
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

/// By the payee's place in the list.
async fn sources(
    connection: &mut PgConnection,
    (operators, ids): (&[String], &[String]),
    payees: &[Payee],
) -> Result<BTreeMap<i32, (Uuid, Instrument)>, StoreError> {
    let numbers: Vec<i32> = (0..).take(payees.len()).collect();
    let currencies: Vec<String> =
        payees.iter().map(|payee| payee.currency.code().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select w.number as "number!", d.payment_id, d.source as "source!"
           from unnest($1::integer[], $2::text[], $3::text[], $4::text[])
             as w (number, operator_id, player_id, currency)
           cross join lateral (
             select p.payment_id, p.source::text as source from payment p
             where p.operator_id = w.operator_id and p.player_id = w.player_id
               and p.direction = 'deposit' and p.status = 'succeeded' and p.currency = w.currency
               and p.source is not null
             order by p.payment_id desc limit 1) d"#,
        &numbers,
        operators,
        ids,
        &currencies
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok((row.number, (row.payment_id, instrument_json::read_instrument(&row.source)?)))
        })
        .collect()
}
