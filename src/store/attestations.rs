//! What two people vouch for: written by a lane with the approval that makes it, read by screening.

use super::write_records::Numbered;
use super::{Pool, StoreError, json};
use crate::domain::{Money, PlayerKey};
use crate::screening::attestation::{Attestation, AttestationKind, AttestationTerms};
use sqlx::PgConnection;

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

/// All of a player's, the newest first, those that have ended too.
pub async fn of_player(pool: &Pool, key: &PlayerKey) -> Result<Vec<Attestation>, StoreError> {
    let rows = sqlx::query!(
        "select attestation_id, kind, reference, amount, currency, given_at, valid_until, review_id
         from attestation where operator_id = $1 and player_id = $2 order by attestation_id desc",
        key.operator.as_str(),
        key.player.as_str()
    )
    .fetch_all(pool)
    .await?;
    let read = rows.into_iter().map(|row| {
        let kind = AttestationKind::parse(&row.kind)
            .ok_or_else(|| StoreError::Corrupt(format!("attestation {}", row.kind)))?;
        let currency = row.currency.as_deref().map(json::currency).transpose()?;
        let amount = row.amount.zip(currency);
        Ok(Attestation {
            id: row.attestation_id,
            terms: AttestationTerms {
                kind,
                reference: row.reference,
                amount: amount.map(|(minor, currency)| Money::new(minor, currency)),
                valid_until: row.valid_until,
            },
            given_at: row.given_at,
            review: row.review_id,
        })
    });
    read.collect()
}
