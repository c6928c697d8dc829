//! What idempotency keys remember, for many requests at once.

use super::StoreError;
use crate::book::KeyId;
use crate::domain::PaymentId;
use sqlx::PgConnection;

/// A key that was used.
#[derive(Debug, Clone)]
pub struct KeyState {
    pub fingerprint: Vec<u8>,
    pub payment: Option<PaymentId>,
    /// Status and body as first told; None while the first request is under way.
    pub answer: Option<(u16, Vec<u8>)>,
}

/// Reads the keys, in the order in which they are asked for; None for one that was not used.
pub async fn states(
    connection: &mut PgConnection,
    ids: &[KeyId],
) -> Result<Vec<Option<KeyState>>, StoreError> {
    let numbers: Vec<i32> = (0..).take(ids.len()).collect();
    let operators: Vec<String> = ids.iter().map(|id| id.operator.as_str().to_owned()).collect();
    let scopes: Vec<String> = ids.iter().map(|id| id.scope.clone()).collect();
    let keys: Vec<String> = ids.iter().map(|id| id.key.clone()).collect();
    let rows = sqlx::query!(
        r#"select w.number as "number!", k.fingerprint, k.payment_id, k.direction, k.status, k.body
           from unnest($1::integer[], $2::text[], $3::text[], $4::text[])
             as w (number, operator_id, scope, key)
           join idempotency_key k
             on k.operator_id = w.operator_id and k.scope = w.scope and k.key = w.key"#,
        &numbers,
        &operators,
        &scopes,
        &keys
    )
    .fetch_all(connection)
    .await?;
    let mut found = vec![None; ids.len()];
    for row in rows {
        let number = usize::try_from(row.number).unwrap_or(usize::MAX);
        let Some(place) = found.get_mut(number) else { continue };
        let answer = row.status.zip(row.body);
        *place = Some(KeyState {
            fingerprint: row.fingerprint,
            payment: super::load::payment_id(row.payment_id, row.direction.as_deref()),
            answer: answer.map(|(status, body)| (u16::try_from(status).unwrap_or(500), body)),
        });
    }
    Ok(found)
}
