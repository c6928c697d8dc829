//! Nonces of signed requests.

use super::StoreError;
use sqlx::PgConnection;
use std::collections::HashSet;

/// The nonce task's own connection.
pub type Connection = PgConnection;

/// Rows deleted by one purge at most, so that it never holds the connection for long.
const PURGE_ROWS_MAX: i64 = 20_000;

/// A connection whose commits do not wait for the disk: what a crash forgets, the idempotency key
/// still knows.
///
/// # Errors
/// When the database cannot be reached.
pub async fn connect(url: &str) -> Result<Connection, StoreError> {
    use sqlx::ConnectOptions;
    let options: sqlx::postgres::PgConnectOptions = url.parse()?;
    let connection = options
        .application_name("interlock-nonces")
        .options([("synchronous_commit", "off"), ("statement_timeout", "2000")])
        .connect()
        .await?;
    Ok(connection)
}

/// Records all of these pairs of key and nonce in one statement. The ones that were not there
/// before come back; each pair may stand in the list once.
///
/// They go in sorted: a statement waits for a pair that another instance is recording, and two that recorded
/// the same pairs in different orders would wait for each other.
///
/// # Errors
/// When the database fails: then nobody may be let in.
pub async fn insert_new(
    connection: &mut Connection,
    api_key_ids: &[String],
    nonces: &[String],
) -> Result<HashSet<(String, String)>, StoreError> {
    let rows = sqlx::query!(
        "insert into request_nonce (api_key_id, nonce)
         select api_key_id, nonce
         from unnest($1::text[], $2::text[]) as seen (api_key_id, nonce)
         order by api_key_id, nonce
         on conflict do nothing
         returning api_key_id, nonce",
        api_key_ids,
        nonces,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.api_key_id, row.nonce)).collect())
}

/// Deletes what is older than eleven minutes, longer than a signed time stamp is believed in both
/// directions together; how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn purge(connection: &mut Connection) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from request_nonce
         where ctid = any (array(
             select ctid from request_nonce
             where seen_at < now() - interval '11 minutes'
             limit $1))",
        PURGE_ROWS_MAX,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
