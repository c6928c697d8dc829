//! Who is a person of an operator's, as far as the console knows.

use super::{Pool, StoreError};
use crate::access::account::Role;
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

/// Somebody of an operator's who reads cases in the console.
#[derive(Debug, Clone)]
pub struct Colleague {
    pub person: PersonId,
    /// Of their account; of one of them, where they have several.
    pub name: String,
}

/// Those who have an account that is in use and reads cases, in the order of their names: each person once.
pub async fn who_read_cases(
    pool: &Pool,
    operator: &OperatorId,
) -> Result<Vec<Colleague>, StoreError> {
    let roles = Role::ALL.iter().filter(|role| role.reads_compliance());
    let roles: Vec<String> = roles.map(|role| role.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select person_id, min(name) as "name!" from console_account
           where operator_id = $1 and disabled_at is null and roles && $2
           group by person_id order by min(name), person_id"#,
        operator.as_str(),
        &roles
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Colleague { person: PersonId::trusted(&row.person_id), name: row.name })
        .collect())
}
