//! What two people vouch for: written by a lane with the approval that makes it, read by screening.

use super::load::{columns, key};
use super::write_records::Numbered;
use super::{Pool, StoreError, json};
use crate::domain::{Money, PlayerKey, Timestamp};
use crate::screening::attestation::{Attestation, AttestationKind, AttestationTerms};
use sqlx::PgConnection;
use uuid::Uuid;

/// Writes those of a batch: rare enough for a statement each.
pub(super) async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    for numbered in records {
        let player = &numbered.record.player;
        for made in &numbered.record.attestations {
            let terms = &made.terms;
            sqlx::query!(
                "insert into attestation (attestation_id, operator_id, player_id, kind, reference, amount,
                   currency, given_at, valid_until, review_id, slot, seq)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                made.id,
                player.operator.as_str(),
                player.player.as_str(),
                terms.kind.as_str(),
                terms.reference,
                terms.amount.map(|money| money.minor),
                terms.amount.map(|money| money.currency.code()),
                made.given_at,
                terms.valid_until,
                made.review,
                slot,
                numbered.seq
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// A row of `attestation`.
struct Row {
    operator_id: String,
    player_id: String,
    attestation_id: Uuid,
    kind: String,
    reference: String,
    amount: Option<i64>,
    currency: Option<String>,
    given_at: Timestamp,
    valid_until: Option<Timestamp>,
    review_id: Uuid,
}

impl Row {
    fn into_attestation(self) -> Result<Attestation, StoreError> {
        let kind = AttestationKind::parse(&self.kind)
            .ok_or_else(|| StoreError::Corrupt(format!("attestation {}", self.kind)))?;
        let currency = self.currency.as_deref().map(json::currency).transpose()?;
        let amount = self.amount.zip(currency);
        Ok(Attestation {
            id: self.attestation_id,
            terms: AttestationTerms {
                kind,
                reference: self.reference,
                amount: amount.map(|(minor, currency)| Money::new(minor, currency)),
                valid_until: self.valid_until,
            },
            given_at: self.given_at,
            review: self.review_id,
        })
    }
}

/// All of a player's, the newest first, those that have ended too.
pub async fn of_player(pool: &Pool, key: &PlayerKey) -> Result<Vec<Attestation>, StoreError> {
    let mut connection = pool.acquire().await?;
    let found = of_players(&mut connection, std::slice::from_ref(key)).await?;
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

/// The exceptions that two people made of this name, as their proposals say. No time is compared: a name may
/// change at the very moment of an approval, and no two machines have the same clock. An exception of a release
/// whose proposals did not say of which name they were is not among them.
pub async fn of_name(
    pool: &Pool,
    key: &PlayerKey,
    name_sha256: [u8; 32],
) -> Result<Vec<Uuid>, StoreError> {
    let made = sqlx::query_scalar!(
        "select a.attestation_id from attestation a
         join review_proposal p on p.review_id = a.review_id and p.state = 'approved'
         where a.operator_id = $1 and a.player_id = $2 and a.kind = 'name_exception'
           and p.payload ->> 'named' = $3",
        key.operator.as_str(),
        key.player.as_str(),
        hex::encode(name_sha256)
    )
    .fetch_all(pool)
    .await?;
    Ok(made)
}

/// All of some players', the newest first, those that have ended too.
pub(super) async fn of_players(
    connection: &mut PgConnection,
    keys: &[PlayerKey],
) -> Result<Vec<(PlayerKey, Attestation)>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (operators, players) = columns(keys.iter());
    let rows = sqlx::query_as!(
        Row,
        "select a.operator_id, a.player_id, attestation_id, kind, reference, amount, currency, given_at,
           valid_until, review_id
         from unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
         join attestation a on a.operator_id = wanted.operator_id
           and a.player_id = wanted.player_id
         order by attestation_id desc",
        &operators,
        &players
    )
    .fetch_all(connection)
    .await?;
    let read = rows.into_iter().map(|row| {
        let owner = key(&row.operator_id, &row.player_id);
        Ok((owner, row.into_attestation()?))
    });
    read.collect()
}
