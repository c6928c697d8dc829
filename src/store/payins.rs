//! Addresses that players were given, and arrivals of money that named no attempt.

use super::StoreError;
use super::load::columns;
use super::load::payment_id;
use super::write_records::Numbered;
use crate::book::{Book, BookedPayin, PayinKey};
use crate::decide::Needs;
use crate::domain::{
    AttemptId, AttemptStatus, Currency, Direction, OperatorId, PlayerId, PlayerKey, Timestamp,
};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An address as PSPs and players name it.
#[derive(Debug, Clone)]
pub struct Address<'a> {
    pub psp: &'a str,
    pub network: &'a str,
    pub asset: &'a str,
    pub address: &'a str,
    pub tag: Option<&'a str>,
}

/// Whose an address is.
#[derive(Debug, Clone)]
pub struct AddressOwner {
    pub player: PlayerKey,
    /// The newest deposit that still waits for money there.
    pub open_request: Option<Uuid>,
}

/// Whose an address is: the first player who was given it.
pub async fn owner_of(
    pool: &PgPool,
    address: &Address<'_>,
) -> Result<Option<AddressOwner>, StoreError> {
    let live = live_statuses();
    let rows = sqlx::query!(
        r#"select d.operator_id, d.player_id, d.payment_id,
             (p.received_amount is null and exists (
               select from attempt a where a.payment_id = d.payment_id and a.psp = d.psp
                 and a.status = any($6))) as "is_open!"
           from deposit_address d join payment p on p.payment_id = d.payment_id
           where d.psp = $1 and d.network = $2 and d.asset = $3 and d.address = $4 and d.tag = $5
           order by d.given_at, d.payment_id"#,
        address.psp,
        address.network,
        address.asset,
        address.address,
        address.tag.unwrap_or_default(),
        &live
    )
    .fetch_all(pool)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let player = PlayerKey {
        operator: OperatorId::trusted(&first.operator_id),
        player: PlayerId::trusted(&first.player_id),
    };
    let open_request = rows
        .iter()
        .rfind(|row| row.is_open && row.player_id == player.player.as_str())
        .map(|row| row.payment_id);
    Ok(Some(AddressOwner { player, open_request }))
}

fn live_statuses() -> Vec<String> {
    let live = AttemptStatus::ALL.iter().filter(|status| status.is_live());
    live.map(|status| status.as_str().to_owned()).collect()
}

/// The player's newest deposit that waits for coins of this currency at an account. For PSPs that tell
/// whose address money came to and not which: a player has one address of a coin, for all requests.
pub async fn open_request(
    pool: &PgPool,
    psp: &str,
    currency: Currency,
    player: &PlayerKey,
) -> Result<Option<Uuid>, StoreError> {
    let found = sqlx::query_scalar!(
        "select p.payment_id from payment p
         where p.operator_id = $1 and p.player_id = $2 and p.direction = 'deposit'
           and p.method = 'crypto' and p.currency = $3 and p.received_amount is null
           and exists (select from attempt a where a.payment_id = p.payment_id and a.psp = $4
             and a.status = any($5))
         order by p.payment_id desc limit 1",
        player.operator.as_str(),
        player.player.as_str(),
        currency.code(),
        psp,
        &live_statuses()
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}

/// The player's attempt at an account that an arrival is about, or the newest one: by it what the PSP told of
/// the arrival is found again, to be erased with the player.
pub async fn attempt_about(
    pool: &PgPool,
    psp: &str,
    psp_reference: &str,
    player: &PlayerKey,
) -> Result<Option<AttemptId>, StoreError> {
    let found = sqlx::query_scalar!(
        "select a.attempt_id from payment p join attempt a on a.payment_id = p.payment_id
         where p.operator_id = $1 and p.player_id = $2 and p.direction = 'deposit'
           and p.method = 'crypto' and a.psp = $3
         order by a.psp_reference is not distinct from $4 desc, a.attempt_id desc limit 1",
        player.operator.as_str(),
        player.player.as_str(),
        psp,
        psp_reference
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(AttemptId))
}

/// The players whom PSPs know under this name; several only if two ids ever collided.
pub async fn by_pseudonym(pool: &PgPool, pseudonym: Uuid) -> Result<Option<PlayerKey>, StoreError> {
    let found = sqlx::query!(
        "select operator_id, player_id from player
         where player_pseudonym(operator_id, player_id) = $1",
        pseudonym
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| PlayerKey {
        operator: OperatorId::trusted(&row.operator_id),
        player: PlayerId::trusted(&row.player_id),
    }))
}

/// Loads which of the arrivals at hand were booked before.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.payins.is_empty() {
        return Ok(());
    }
    let psps: Vec<String> = needs.payins.iter().map(|key| key.psp.clone()).collect();
    let references: Vec<String> =
        needs.payins.iter().map(|key| key.psp_reference.clone()).collect();
    let rows = sqlx::query!(
        "select p.psp, p.psp_reference, p.payment_id from payin p
         join unnest($1::text[], $2::text[]) as wanted (psp, psp_reference)
           on wanted.psp = p.psp and wanted.psp_reference = p.psp_reference",
        &psps,
        &references
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let deposit = payment_id(Some(row.payment_id), Some(Direction::Deposit.as_str()));
        let Some(deposit) = deposit else { continue };
        let key = PayinKey { psp: row.psp, psp_reference: row.psp_reference };
        // Whoever it was booked for: it is booked.
        for book in books.values_mut() {
            book.payins.booked.insert(key.clone(), deposit);
        }
    }
    Ok(())
}

/// Adds up what arrived below the smallest unit, of those players of whom more has come.
pub async fn load_below_unit(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.below_unit.is_empty() {
        return Ok(());
    }
    let (operators, players) = columns(needs.below_unit.iter());
    let rows = sqlx::query!(
        r#"select p.operator_id, p.player_id, p.below_unit_currency as "currency!",
             sum(p.below_unit)::text as "below_unit!"
           from payin p
           join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
             on wanted.operator_id = p.operator_id and wanted.player_id = p.player_id
           where p.below_unit is not null
           group by 1, 2, 3"#,
        &operators,
        &players
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let key = super::load::key(&row.operator_id, &row.player_id);
        if let Some(book) = books.get_mut(&key) {
            let sum = row.below_unit.parse();
            let sum = sum.map_err(|_| StoreError::Corrupt(format!("below_unit of {key:?}")))?;
            book.payins.below_unit.insert(super::json::currency(&row.currency)?, sum);
        }
    }
    Ok(())
}

/// Writes the batch's arrivals and the addresses that it gave out.
pub async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    for numbered in records {
        for BookedPayin { key, payment, below_unit } in &numbered.record.payins {
            // Arrivals are rare and addresses rarer: one statement each keeps this readable.
            let player = &numbered.record.player;
            sqlx::query!(
                "insert into payin (psp, psp_reference, operator_id, player_id, payment_id, slot,
                   seq, received_at, below_unit, below_unit_currency)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::numeric, $10)",
                key.psp,
                key.psp_reference,
                player.operator.as_str(),
                player.player.as_str(),
                payment.uuid,
                slot,
                numbered.seq,
                numbered.record.at,
                below_unit.map(|(_, fraction)| fraction.to_string()),
                below_unit.map(|(currency, _)| currency.code())
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    let given = records.iter().filter(|numbered| !numbered.record.addresses.is_empty());
    let given: Vec<&Numbered> = given.collect();
    write_addresses(connection, &given).await
}

async fn write_addresses(
    connection: &mut PgConnection,
    records: &[&Numbered],
) -> Result<(), StoreError> {
    let all = || {
        records.iter().flat_map(|numbered| {
            let record = &numbered.record;
            record.addresses.iter().map(move |given| (record, given))
        })
    };
    if all().next().is_none() {
        return Ok(());
    }
    let text = |of: fn(&crate::book::GivenAddress) -> &str| -> Vec<String> {
        all().map(|(_, given)| of(given).to_owned()).collect()
    };
    let (operators, players) = columns(all().map(|(record, _)| &record.player));
    let payments: Vec<Uuid> = all().map(|(_, given)| given.payment.uuid).collect();
    let ats: Vec<Timestamp> = all().map(|(record, _)| record.at).collect();
    sqlx::query!(
        "insert into deposit_address (psp, network, asset, address, tag, payment_id, operator_id,
           player_id, given_at)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
           $6::uuid[], $7::text[], $8::text[], $9::timestamptz[])
         on conflict do nothing",
        &text(|given| &given.psp),
        &text(|given| &given.network),
        &text(|given| &given.asset),
        &text(|given| &given.address),
        &text(|given| given.tag.as_deref().unwrap_or_default()),
        &payments,
        &operators,
        &players,
        &ats
    )
    .execute(connection)
    .await?;
    Ok(())
}
