//! Who read or took away decisions: a row each, which the log takes in. Written before the answer, so that
//! nobody reads what is not noted; no lane knows of it.

use super::{Pool, StoreError};
use crate::domain::{PersonId, Timestamp};
use uuid::Uuid;

/// What was done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAct {
    /// One was looked at, or made again.
    Read,
    List,
    /// They were taken away as a file.
    Export,
}

impl ReadAct {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Export => "export",
        }
    }
}

/// One act of reading.
#[derive(Debug, Clone)]
pub struct DecisionRead<'a> {
    pub id: Uuid,
    /// `*`: of every operator, at the machine itself.
    pub operator: &'a str,
    pub person: Option<&'a PersonId>,
    /// `api`, `console`, or `cli:` and the account that ran the program.
    pub door: &'a str,
    pub act: ReadAct,
    /// The id that was asked for, or what a list was asked for.
    pub subject: &'a str,
    pub at: Timestamp,
}

/// Notes it.
///
/// # Errors
/// When the database fails: then nothing may be shown.
pub async fn keep(pool: &Pool, read: &DecisionRead<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into decision_read (read_id, operator_id, person_id, door, act, subject, at)
         values ($1, $2, $3, $4, $5, left($6, 500), $7)",
        read.id,
        read.operator,
        read.person.map(PersonId::as_str),
        read.door,
        read.act.as_str(),
        read.subject,
        read.at
    )
    .execute(pool)
    .await?;
    Ok(())
}
