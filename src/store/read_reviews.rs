//! Reviews as officers read them, each with its payment.

use super::{StoreError, load_payments};
use crate::book::{Payment, Review};
use crate::domain::OperatorId;
use sqlx::PgPool;
use uuid::Uuid;

/// A review with its payment, of one operator.
pub async fn review(
    pool: &PgPool,
    operator: &OperatorId,
    id: Uuid,
) -> Result<Option<(Review, Payment)>, StoreError> {
    let mut connection = pool.acquire().await?;
    let payment = sqlx::query_scalar!(
        "select payment_id from review where review_id = $1 and operator_id = $2",
        id,
        operator.as_str()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(payment) = payment else { return Ok(None) };
    let review = load_payments::reviews_of(&mut connection, &[payment]).await?;
    let review = review.into_iter().find(|review| review.id.0 == id);
    let payment = load_payments::by_ids(&mut connection, &[payment]).await?.pop();
    Ok(review.zip(payment))
}

/// An operator's reviews, newest first.
pub async fn reviews(
    pool: &PgPool,
    operator: &OperatorId,
    open: Option<bool>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Review, Payment)>, StoreError> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query!(
        "select review_id, payment_id from review
         where operator_id = $1 and ($2::boolean is null or is_open = $2)
           and ($3::uuid is null or review_id < $3)
         order by review_id desc limit $4",
        operator.as_str(),
        open,
        before,
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    let of: Vec<Uuid> = rows.iter().map(|row| row.payment_id).collect();
    let payments = load_payments::by_ids(&mut connection, &of).await?;
    let reviews = load_payments::reviews_of(&mut connection, &of).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let review = reviews.iter().find(|review| review.id.0 == row.review_id)?;
            let payment = payments.iter().find(|payment| payment.id.uuid == row.payment_id)?;
            Some((review.clone(), payment.clone()))
        })
        .collect())
}
