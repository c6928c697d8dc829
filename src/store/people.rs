//! Who is a person of an operator's, as far as the console knows.

use super::{Pool, StoreError};
use crate::domain::{OperatorId, PersonId};

/// Whether an account of the console that is in use is this person's.
pub async fn has_account(
    pool: &Pool,
    operator: &OperatorId,
    person: &PersonId,
) -> Result<bool, StoreError> {
    let known = sqlx::query_scalar!(
        r#"select exists (
             select from console_account
             where operator_id = $1 and person_id = $2 and disabled_at is null) as "known!""#,
        operator.as_str(),
        person.as_str()
    )
    .fetch_one(pool)
    .await?;
    Ok(known)
}
