//! The accounts of the console as whoever looks after them reads them.

use super::console_accounts::{Act, roles};
use super::{Pool, StoreError};
use crate::access::account::Account;
use crate::domain::{OperatorId, PersonId, Timestamp};

/// An account, and how it is used.
#[derive(Debug, Clone)]
pub struct AccountLine {
    pub account: Account,
    pub created_at: Timestamp,
    pub signed_in_at: Option<Timestamp>,
    /// After failed tries.
    pub not_before: Option<Timestamp>,
    /// Who disabled it on the console's page, and why; where it is disabled.
    pub disabled_by: Option<(PersonId, String)>,
}

/// An operator's accounts, up to `most`: those that are in use first, by name.
pub async fn accounts(
    pool: &Pool,
    operator: &OperatorId,
    most: i64,
) -> Result<Vec<AccountLine>, StoreError> {
    let rows = sqlx::query!(
        r#"select a.account_id, a.person_id, a.email, a.name, a.roles,
             a.totp_sealed is not null as "has_totp!", a.disabled_at, a.created_at, a.not_before,
             (select x.acted_at from console_act x
              where x.account_id = a.account_id and x.act = $2
              order by x.acted_at desc limit 1) as "signed_in_at?",
             d.done_by as "done_by?", d.reason as "reason?"
           from console_account a
           left join lateral (
             select x.done_by, x.reason from console_act x
             where x.account_id = a.account_id and x.act = $4 and a.disabled_at is not null
             order by x.acted_at desc limit 1) d on true
           where a.operator_id = $1
           order by a.disabled_at is not null, a.name, a.email limit $3"#,
        operator.as_str(),
        Act::SignedIn.as_str(),
        most,
        Act::Disabled.as_str()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AccountLine {
            account: Account {
                id: row.account_id,
                operator: operator.clone(),
                person: PersonId::trusted(&row.person_id),
                email: row.email,
                name: row.name,
                roles: roles(&row.roles),
                has_totp: row.has_totp,
                disabled_at: row.disabled_at,
            },
            created_at: row.created_at,
            signed_in_at: row.signed_in_at,
            not_before: row.not_before,
            disabled_by: row.done_by.zip(row.reason).map(|(by, why)| (PersonId::trusted(&by), why)),
        })
        .collect())
}
