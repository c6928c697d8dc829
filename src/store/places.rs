//! Where the attempts belong that webhooks name.

use super::load::payment_id;
use super::{StoreError, json};
use crate::domain::{AttemptId, Money, OperatorId, PaymentId, PlayerId, PlayerKey, Timestamp};
use sqlx::{PgConnection, PgPool};
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

/// A deposit's attempt whose money is in, or was.
#[derive(Debug, Clone, Copy)]
pub struct Credited {
    /// When we learnt that its money is in.
    pub at: Timestamp,
    /// It was charged back since: what comes may be a dispute that was won.
    pub is_reversed: bool,
}

/// What is known of an attempt whose money is in, or was. None: it is not, or there is no such attempt.
pub async fn credited(pool: &PgPool, attempt: AttemptId) -> Result<Option<Credited>, StoreError> {
    let found = sqlx::query_as!(
        Credited,
        r#"select a.ended_at as "at!",
             (a.status = 'reversed' or p.status = 'reversed') as "is_reversed!"
           from attempt a join payment p on p.payment_id = a.payment_id
           where a.attempt_id = $1 and a.status in ('succeeded', 'returned', 'reversed')
             and a.ended_at is not null"#,
        attempt.0
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}

/// An attempt to send a deposit back that may have reached the PSP.
#[derive(Debug, Clone)]
pub struct SentBack {
    pub payment: PaymentId,
    pub attempt: AttemptId,
    pub asked: Money,
    pub sent_at: Timestamp,
    /// Nobody knows yet what came of it.
    pub is_live: bool,
    /// It arrived, though it may have come back since.
    pub is_paid: bool,
    pub ended_at: Option<Timestamp>,
}

/// The attempts at this PSP that send a deposit back, or did.
pub async fn sent_back(
    pool: &PgPool,
    psp: &str,
    player: &PlayerKey,
    deposit: PaymentId,
) -> Result<Vec<SentBack>, StoreError> {
    let rows = sqlx::query!(
        r#"select a.payment_id, a.attempt_id, a.asked, a.currency, a.first_sent_at, a.ended_at,
           a.status in ('in_flight', 'unknown', 'accepted') as "is_live!",
           a.status in ('succeeded', 'returned') as "is_paid!"
         from payment p join attempt a on a.payment_id = p.payment_id
         where p.operator_id = $1 and p.player_id = $2 and p.of_deposit = $3 and a.psp = $4
           and a.status in ('in_flight', 'unknown', 'accepted', 'succeeded', 'declined', 'returned')"#,
        player.operator.as_str(),
        player.player.as_str(),
        deposit.uuid,
        psp
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SentBack {
                payment: PaymentId::withdrawal(row.payment_id),
                attempt: AttemptId(row.attempt_id),
                asked: Money::new(row.asked, json::currency(&row.currency)?),
                sent_at: row.first_sent_at,
                is_live: row.is_live,
                is_paid: row.is_paid,
                ended_at: row.ended_at,
            })
        })
        .collect()
}
