//! What each version of the routing rules said. A version is written once.

use super::{Pool, StoreError};
use crate::domain::Timestamp;

/// A version that payments may have been planned by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub version: String,
    /// The rules, a line each.
    pub text: String,
    /// Since when it is known.
    pub since: Timestamp,
}

/// Keeps a version, unless it is there. What is known under its name, which may be another text.
pub async fn keep(pool: &Pool, version: &str, text: &str) -> Result<Version, StoreError> {
    sqlx::query!(
        "insert into routing_version (version, body) values ($1, $2) on conflict do nothing",
        version,
        text,
    )
    .execute(pool)
    .await?;
    // A statement of its own: it sees what another instance wrote meanwhile.
    let row = sqlx::query!(
        "select version, body, written_at from routing_version where version = $1",
        version,
    )
    .fetch_one(pool)
    .await?;
    Ok(Version { version: row.version, text: row.body, since: row.written_at })
}

/// Every version, the newest last.
pub async fn all(pool: &Pool) -> Result<Vec<Version>, StoreError> {
    let rows = sqlx::query!(
        "select version, body, written_at from routing_version order by written_at, version"
    )
    .fetch_all(pool)
    .await?;
    let versions = rows.into_iter().map(|row| Version {
        version: row.version,
        text: row.body,
        since: row.written_at,
    });
    Ok(versions.collect())
}
