//! Reading for edges and flows: what is there now, without a lock. Nothing that is read here may
//! decide about money; lanes load and lock for themselves.

use super::rows::PlayerRow;
use super::{StoreError, db, json, load_payments};
use crate::book::Payment;
use crate::domain::{
    AttemptId, Balance, Direction, OperatorId, PaymentId, Player, PlayerId, PlayerKey,
};
use crate::screening::limits::Limit;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

/// The player's record and limits.
pub async fn player(
    pool: &PgPool,
    key: &PlayerKey,
) -> Result<Option<(Player, Vec<Limit>)>, StoreError> {
    let row = sqlx::query_as!(
        PlayerRow,
        r#"select operator_id, player_id, version, country, currency, full_name, given_name,
             family_name, date_of_birth, national_id, email, phone, address, locale, status,
             exclusion_source, exclusion_from, exclusion_until, kyc_status, kyc_level,
             kyc_verified_at, has_paid, limits::text as "limits!", created_at, updated_at
           from player where operator_id = $1 and player_id = $2"#,
        key.operator.as_str(),
        key.player.as_str()
    )
    .fetch_optional(pool)
    .await?;
    row.map(PlayerRow::into_player).transpose()
}

/// The player's wallets, by currency.
pub async fn wallets(pool: &PgPool, key: &PlayerKey) -> Result<Vec<Balance>, StoreError> {
    let rows = sqlx::query!(
        "select currency, cash, bonus, held, owed, version, head from wallet
         where operator_id = $1 and player_id = $2 order by currency",
        key.operator.as_str(),
        key.player.as_str()
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Balance {
                currency: json::currency(&row.currency)?,
                cash: row.cash,
                bonus: row.bonus,
                held: row.held,
                owed: row.owed,
                version: row.version,
                head: row.head.try_into().unwrap_or([0; 32]),
            })
        })
        .collect()
}

/// One payment of an operator; another operator's is not found.
pub async fn payment(
    pool: &PgPool,
    operator: &OperatorId,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    let mut snapshot = db::snapshot(pool).await?;
    let found = load_payments::by_ids(&mut snapshot, &[id.uuid]).await?;
    snapshot.rollback().await?;
    Ok(found.into_iter().find(|payment| payment.player.operator == *operator && payment.id == id))
}

/// Which payments a list shows.
#[derive(Debug, Clone, Default)]
pub struct PaymentFilter {
    pub player: Option<PlayerId>,
    pub statuses: Vec<String>,
    pub reference: Option<String>,
    /// Below this id: ids grow with time.
    pub before: Option<Uuid>,
    pub limit: i64,
}

impl PaymentFilter {
    /// Whether a payment that was found in another way is one of these; the limit is the finder's.
    pub fn covers(&self, direction: Direction, payment: &Payment) -> bool {
        payment.direction() == direction
            && self.player.as_ref().is_none_or(|player| *player == payment.player.player)
            && (self.statuses.is_empty()
                || self.statuses.iter().any(|status| *status == payment.status.as_str()))
            && self.reference.as_ref().is_none_or(|it| payment.reference.as_ref() == Some(it))
            && self.before.is_none_or(|before| payment.id.uuid < before)
    }
}

/// An operator's payments of one direction, newest first.
pub async fn payments(
    pool: &PgPool,
    operator: &OperatorId,
    direction: Direction,
    filter: &PaymentFilter,
) -> Result<Vec<Payment>, StoreError> {
    let mut snapshot = db::snapshot(pool).await?;
    let ids = sqlx::query_scalar!(
        "select payment_id from payment
         where operator_id = $1 and direction = $2
           and ($3::text is null or player_id = $3)
           and (cardinality($4::text[]) = 0 or status = any($4))
           and ($5::text is null or reference = $5)
           and ($6::uuid is null or payment_id < $6)
         order by payment_id desc limit $7",
        operator.as_str(),
        direction.as_str(),
        filter.player.as_ref().map(PlayerId::as_str),
        &filter.statuses,
        filter.reference,
        filter.before,
        filter.limit
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let mut found = load_payments::by_ids(&mut snapshot, &ids).await?;
    snapshot.rollback().await?;
    found.sort_by_key(|payment| std::cmp::Reverse(payment.id.uuid));
    Ok(found)
}

/// Payments of so many attempts one reference of PSPs finds at most.
const OF_ONE_REFERENCE: i64 = 200;

/// An operator's payments that one of these PSPs has under this reference, newest first.
pub async fn of_psp_reference(
    pool: &PgPool,
    operator: &OperatorId,
    (psps, reference): (&[String], &str),
) -> Result<Vec<Payment>, StoreError> {
    let mut snapshot = db::snapshot(pool).await?;
    let ids = sqlx::query_scalar!(
        "select payment_id from attempt where psp = any($1) and psp_reference = $2 limit $3",
        psps,
        reference,
        OF_ONE_REFERENCE
    )
    .fetch_all(&mut *snapshot)
    .await?;
    own(snapshot, operator, ids).await
}

/// An operator's payment of an id, or of an attempt's: its digits are what a PSP calls our reference.
pub async fn of_id(
    pool: &PgPool,
    operator: &OperatorId,
    text: &str,
) -> Result<Vec<Payment>, StoreError> {
    let named = PaymentId::parse(text).map(|id| id.uuid);
    let named = named.or_else(|| AttemptId::parse(text).map(|id| id.0));
    let Some(id) = named.or_else(|| Uuid::try_parse(text).ok()) else { return Ok(Vec::new()) };
    let mut snapshot = db::snapshot(pool).await?;
    let of_attempt =
        sqlx::query_scalar!("select payment_id from attempt where attempt_id = $1", id)
            .fetch_optional(&mut *snapshot)
            .await?;
    own(snapshot, operator, vec![of_attempt.unwrap_or(id)]).await
}

async fn own(
    mut snapshot: Transaction<'static, Postgres>,
    operator: &OperatorId,
    mut ids: Vec<Uuid>,
) -> Result<Vec<Payment>, StoreError> {
    ids.sort_unstable();
    ids.dedup();
    let mut found = load_payments::by_ids(&mut snapshot, &ids).await?;
    snapshot.rollback().await?;
    found.retain(|payment| payment.player.operator == *operator);
    found.sort_by_key(|payment| std::cmp::Reverse(payment.id.uuid));
    Ok(found)
}
