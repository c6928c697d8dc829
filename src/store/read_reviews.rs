//! Reviews as officers read them, each with its payment where it has one: all as of one moment. A case that is
//! open and has every approval, or a payment that is over beside a case that waits, never was.

use super::reviews::HistoryLine;
use super::{StoreError, db, load_payments, reviews};
use crate::book::{CaseKind, Payment, Review};
use crate::domain::{OperatorId, PersonId, PlayerId, Timestamp};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

/// A review, and the payment that it is about.
#[derive(Debug, Clone)]
pub struct ReviewLine {
    pub review: Review,
    pub payment: Option<Payment>,
}

/// A review of one operator.
pub async fn review(
    pool: &PgPool,
    operator: &OperatorId,
    id: Uuid,
) -> Result<Option<ReviewLine>, StoreError> {
    let mut snapshot = db::snapshot(pool).await?;
    let known = sqlx::query_scalar!(
        "select review_id from review where review_id = $1 and operator_id = $2",
        id,
        operator.as_str()
    )
    .fetch_optional(&mut *snapshot)
    .await?;
    let Some(id) = known else { return Ok(None) };
    Ok(lines(snapshot, &[id]).await?.pop())
}

/// The reviews of a payment, open and closed.
pub async fn of_payment(pool: &PgPool, payment: Uuid) -> Result<Vec<Review>, StoreError> {
    of_payments(pool, &[payment]).await
}

/// The reviews of several payments, open and closed.
pub async fn of_payments(pool: &PgPool, payments: &[Uuid]) -> Result<Vec<Review>, StoreError> {
    let mut snapshot = db::snapshot(pool).await?;
    let found = reviews::of_payments(&mut snapshot, payments).await?;
    snapshot.rollback().await?;
    Ok(found)
}

/// What was done in a review.
pub async fn history(pool: &PgPool, review: &Review) -> Result<Vec<HistoryLine>, StoreError> {
    let mut connection = pool.acquire().await?;
    reviews::history(&mut connection, review.id).await
}

/// Other open cases that ask whether a list names the same player: of another matcher, or of another entry.
pub async fn beside(
    pool: &PgPool,
    operator: &OperatorId,
    review: &Review,
) -> Result<Vec<Review>, StoreError> {
    let kind = CaseKind::NameMatch.as_str();
    let Some(player) = review.player.clone().filter(|_| review.kind == kind) else {
        return Ok(Vec::new());
    };
    let wanted = ReviewFilter {
        open: Some(true),
        kind: Some(kind.to_owned()),
        player: Some(player),
        limit: BESIDE_MOST,
        ..ReviewFilter::default()
    };
    let found = reviews(pool, operator, &wanted).await?.into_iter().map(|line| line.review);
    Ok(found.filter(|other| other.id != review.id).collect())
}

/// More entries near one name are found in the list of reviews.
const BESIDE_MOST: i64 = 50;

/// Which reviews are wanted.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    /// None: open and closed.
    pub open: Option<bool>,
    pub kind: Option<String>,
    pub assigned_to: Option<PersonId>,
    pub player: Option<PlayerId>,
    pub due_before: Option<Timestamp>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// An operator's reviews, newest first.
pub async fn reviews(
    pool: &PgPool,
    operator: &OperatorId,
    filter: &ReviewFilter,
) -> Result<Vec<ReviewLine>, StoreError> {
    let mut snapshot = db::snapshot(pool).await?;
    let ids = sqlx::query_scalar!(
        "select review_id from review
         where operator_id = $1 and ($2::boolean is null or is_open = $2)
           and ($3::text is null or kind = $3) and ($4::text is null or assigned_to = $4)
           and ($5::text is null or player_id = $5)
           and ($6::timestamptz is null or due_at < $6)
           and ($7::uuid is null or review_id < $7)
         order by review_id desc limit $8",
        operator.as_str(),
        filter.open,
        filter.kind,
        filter.assigned_to.as_ref().map(PersonId::as_str),
        filter.player.as_ref().map(PlayerId::as_str),
        filter.due_before,
        filter.before,
        filter.limit
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let mut found = lines(snapshot, &ids).await?;
    found.reverse();
    Ok(found)
}

/// In the order of their ids.
async fn lines(
    mut snapshot: Transaction<'static, Postgres>,
    ids: &[Uuid],
) -> Result<Vec<ReviewLine>, StoreError> {
    let reviews = reviews::by_ids(&mut snapshot, ids).await?;
    let of: Vec<Uuid> = reviews.iter().filter_map(|review| review.payment).collect();
    let payments = load_payments::by_ids(&mut snapshot, &of).await?;
    snapshot.rollback().await?;
    let line = |review: Review| {
        let payment = payments.iter().find(|it| Some(it.id.uuid) == review.payment).cloned();
        ReviewLine { review, payment }
    };
    Ok(reviews.into_iter().map(line).collect())
}
