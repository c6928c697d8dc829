//! Where the attempts belong that webhooks name.

use super::StoreError;
use super::load::payment_id;
use crate::domain::{AttemptId, OperatorId, PaymentId, PlayerId, PlayerKey};
use sqlx::PgConnection;
use uuid::Uuid;

/// Where an attempt belongs.
#[derive(Debug, Clone)]
pub struct AttemptPlace {
    pub player: PlayerKey,
    pub payment: PaymentId,
    pub is_return: bool,
    pub attempt: AttemptId,
}

/// What an event says about the attempt that it is about.
#[derive(Debug, Clone)]
pub struct Named {
    pub psp: String,
    /// By our reference.
    pub attempt: Option<AttemptId>,
    /// By the PSP's own id.
    pub psp_reference: Option<String>,
}

/// Attempts that one PSP reference may stand for at most.
const PLACES_MAX: usize = 10;

/// For each, the attempts that it may mean: the one of our reference first, then those that carry
/// the PSP's id, the newest first.
pub async fn find(
    connection: &mut PgConnection,
    named: &[Named],
) -> Result<Vec<Vec<AttemptPlace>>, StoreError> {
    let psps: Vec<String> = named.iter().map(|one| one.psp.clone()).collect();
    let attempts: Vec<Option<Uuid>> =
        named.iter().map(|one| one.attempt.map(|attempt| attempt.0)).collect();
    let references: Vec<Option<String>> =
        named.iter().map(|one| one.psp_reference.clone()).collect();
    let numbers: Vec<i32> = (0..).take(named.len()).collect();
    let rows = sqlx::query!(
        r#"select w.number as "number!", a.attempt_id, p.payment_id, p.operator_id, p.player_id,
             p.direction, p.of_deposit is not null as "is_return!"
           from unnest($1::integer[], $2::text[], $3::uuid[], $4::text[])
             as w (number, psp, attempt_id, psp_reference)
           cross join lateral (
             select attempt_id, payment_id, true as is_ours from attempt
             where attempt_id = w.attempt_id and psp = w.psp
             union all
             select attempt_id, payment_id, false from attempt
             where psp = w.psp and psp_reference = w.psp_reference
               and attempt_id is distinct from w.attempt_id) a
           join payment p on p.payment_id = a.payment_id
           order by w.number, a.is_ours desc, a.attempt_id desc"#,
        &numbers,
        &psps,
        &attempts as &[Option<Uuid>],
        &references as &[Option<String>]
    )
    .fetch_all(connection)
    .await?;
    let mut found = vec![Vec::new(); named.len()];
    for row in rows {
        let (Ok(number), Some(attempt)) = (usize::try_from(row.number), row.attempt_id) else {
            continue;
        };
        let Some(payment) = payment_id(Some(row.payment_id), Some(&row.direction)) else {
            continue;
        };
        let Some(places) = found.get_mut(number).filter(|places| places.len() < PLACES_MAX) else {
            continue;
        };
        places.push(AttemptPlace {
            player: PlayerKey {
                operator: OperatorId::trusted(&row.operator_id),
                player: PlayerId::trusted(&row.player_id),
            },
            payment,
            is_return: row.is_return,
            attempt: AttemptId(attempt),
        });
    }
    Ok(found)
}
