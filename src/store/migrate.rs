//! Migrations, and the refusal to run on a database that is not ours.

use super::StoreError;
use sqlx::migrate::{MigrateError as Fault, Migration};
use sqlx::postgres::PgPool;
use sqlx::{Connection, Executor, PgConnection};
use std::time::Duration;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Why the database must not be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("cannot connect to the database: is it running, and is its address right?")]
    Connect(#[source] sqlx::Error),
    #[error("a migration failed; nothing of it was kept")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error(
        "migration {version} did not get its locks in {tries} tries; nothing of it was kept, and the service \
         goes on. They are held by {holders}. Wait for its end, or end it, and migrate again"
    )]
    HeldUp { version: i64, tries: u32, holders: String },
    #[error(
        "the database has migration {0}, which this program does not know: migrate it with the newer \
         program that did before. This one runs on it as it is"
    )]
    Newer(i64),
    #[error("this database belongs to the {found} environment, not to {wanted}")]
    OtherEnvironment { found: String, wanted: String },
    #[error("PostgreSQL {0} is too old: version 15 or newer is needed")]
    TooOld(i32),
    #[error(
        "the database is not migrated to this program's schema: run its `interlock migrate` with \
         DATABASE_OWNER_URL"
    )]
    NotMigrated,
    #[error("the role {role} may {right}: the service runs only with the application's role")]
    RoleMayTooMuch { role: String, right: String },
    #[error("reading the database's state")]
    Store(#[from] StoreError),
}

/// Applies the migrations as the owner and writes the environment, which never changes again.
pub async fn migrate(owner_url: &str, environment: &str) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect(owner_url).await.map_err(MigrateError::Connect)?;
    refuse_old_server(&mut connection).await?;
    // Before anything of it is changed: a sandbox that was given production's address leaves it as it is.
    if has_environment(&mut connection).await? {
        match found_environment(&mut connection).await.map_err(StoreError::from)? {
            Some(found) if found != environment => {
                return Err(MigrateError::OtherEnvironment {
                    found,
                    wanted: environment.to_owned(),
                });
            }
            _ => {}
        }
    }
    apply(&mut connection).await?;
    // The service reads which migrations were applied; the table is the migrator's own.
    sqlx::query("grant select on _sqlx_migrations to interlock_app")
        .execute(&mut connection)
        .await
        .map_err(StoreError::from)?;
    sqlx::query!(
        "insert into environment (kind) values ($1) on conflict (singleton) do nothing",
        environment
    )
    .execute(&mut connection)
    .await
    .map_err(StoreError::from)?;
    refuse_other_environment(&mut connection, environment).await
}

/// How long a migration waits for a lock. Behind one that waits for a table everybody else waits, who would only
/// have read it: a proof of the books, which reads all tables for hours, would stop every payment.
const LOCK_WAIT: &str = "set lock_timeout = '1s'";
/// As long as it takes: an index that is built beside the service holds nobody up, and is left half made where
/// it is broken off.
const ANY_WAIT: &str = "set lock_timeout = 0";
/// Between two tries, so that those who waited have had their turn.
const LOCK_PAUSE: Duration = Duration::from_secs(3);
const LOCK_TRIES: u32 = 30;

/// Applies what is not applied yet. What does not get its locks at once lets everybody by and tries again.
async fn apply(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let alike = |a: &Migration, b: &Migration| a.no_tx == b.no_tx;
    for row in MIGRATIONS.iter().as_slice().chunk_by(alike) {
        let Some(last) = row.last() else { continue };
        let wait = if last.no_tx { ANY_WAIT } else { LOCK_WAIT };
        connection.execute(wait).await.map_err(StoreError::from)?;
        apply_up_to(connection, last.version).await?;
    }
    connection.execute(ANY_WAIT).await.map_err(StoreError::from)?;
    Ok(())
}

async fn apply_up_to(connection: &mut PgConnection, newest: i64) -> Result<(), MigrateError> {
    for tries in 1.. {
        let version = match MIGRATIONS.run_to(newest, &mut *connection).await {
            Ok(()) => break,
            Err(Fault::VersionMissing(version)) => return Err(MigrateError::Newer(version)),
            Err(Fault::ExecuteMigration(error, version)) if is_held_up(&error) => version,
            // Another migrates: it has the migrator's own lock.
            Err(Fault::Execute(error)) if is_held_up(&error) => newest,
            Err(error) => return Err(MigrateError::Migrate(error)),
        };
        let holders = holders(connection).await?;
        if LOCK_TRIES <= tries {
            return Err(MigrateError::HeldUp { version, tries, holders });
        }
        tracing::warn!(version, tries, holders, "a migration waits for locks and is tried again");
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Ok(())
}

/// It waited for a lock for too long, or gave way to one who waited for its own.
fn is_held_up(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| ["55P03", "40P01"].contains(&&*code))
}

/// Who else holds locks on tables of this database, in words for whoever migrates.
async fn holders(connection: &mut PgConnection) -> Result<String, MigrateError> {
    let found: Vec<String> = sqlx::query_scalar(
        "select format('process %s (%s, as %s) on %s', a.pid, coalesce(nullif(a.application_name, ''),
             'without a name'), a.usename, string_agg(distinct c.relname, ', ' order by c.relname))
         from pg_locks l join pg_stat_activity a on a.pid = l.pid
         join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p')
         where l.granted and l.pid <> pg_backend_pid()
           and c.relnamespace <> 'pg_catalog'::regnamespace
           and l.database = (select oid from pg_database where datname = current_database())
         group by a.pid, a.application_name, a.usename
         order by count(distinct c.relname) desc, a.pid limit 5",
    )
    .fetch_all(connection)
    .await
    .map_err(StoreError::from)?;
    Ok(if found.is_empty() { "nobody any more".to_owned() } else { found.join("; ") })
}

async fn refuse_old_server(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let version: i32 =
        sqlx::query_scalar("select current_setting('server_version_num')::int / 10000")
            .fetch_one(connection)
            .await
            .map_err(StoreError::from)?;
    if version < 15 { Err(MigrateError::TooOld(version)) } else { Ok(()) }
}

/// Whether the database has the table that says whose it is.
async fn has_environment(connection: &mut PgConnection) -> Result<bool, MigrateError> {
    let has: bool = sqlx::query_scalar("select to_regclass('environment') is not null")
        .fetch_one(connection)
        .await
        .map_err(StoreError::from)?;
    Ok(has)
}

async fn found_environment(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select kind from environment").fetch_optional(connection).await
}

async fn refuse_other_environment(
    connection: &mut PgConnection,
    wanted: &str,
) -> Result<(), MigrateError> {
    let found = found_environment(connection)
        .await
        .map_err(|_| MigrateError::NotMigrated)?
        .ok_or(MigrateError::NotMigrated)?;
    if found == wanted {
        Ok(())
    } else {
        Err(MigrateError::OtherEnvironment { found, wanted: wanted.to_owned() })
    }
}

/// Which kind of database this is: `sandbox` or `production`.
pub async fn environment(pool: &PgPool) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar!("select kind from environment").fetch_one(pool).await?)
}

/// Whether every migration of this program was applied. There may be newer ones: while a new version
/// is rolled out the instances of the old one run on its schema, and a migration only ever adds what the
/// version before it can do without.
pub async fn is_current(pool: &PgPool) -> bool {
    let own: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    let applied = sqlx::query_scalar::<_, i64>(
        "select count(*) from _sqlx_migrations where success and version = any($1)",
    )
    .bind(&own)
    .fetch_one(pool)
    .await;
    applied.is_ok_and(|applied| usize::try_from(applied) == Ok(own.len()))
}

/// Checks what `serve` and `sandbox` start on: server, schema, environment, and that the role may
/// not change what is append-only.
pub async fn check(pool: &PgPool, environment: &str) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await.map_err(MigrateError::Connect)?;
    refuse_old_server(&mut connection).await?;
    refuse_other_environment(&mut connection, environment).await?;
    if !is_current(pool).await {
        return Err(MigrateError::NotMigrated);
    }
    refuse_powerful_role(&mut connection).await
}

/// The tables that are written for good, each with the columns that an erasure empties and writes their
/// hash into: of a row of an erased player alone, which a trigger sees to.
pub const APPEND_ONLY: [(&str, &[&str]); 31] = [
    ("record", &[]),
    ("entry", &[]),
    ("hold_move", &[]),
    ("transition", &[]),
    ("outbox_event", &["data", "data_sha256"]),
    ("decision", &[]),
    ("incident", &[]),
    ("service_incident", &[]),
    ("wire", &[]),
    ("player_version", &["salt", "body"]),
    ("incident_close", &["note"]),
    ("deposit_address", &[]),
    ("payin", &[]),
    ("routing_switch", &[]),
    ("routing_switch_lift", &[]),
    ("review_approval", &[]),
    ("review_event", &["text"]),
    ("attestation", &[]),
    ("policy_proposal", &[]),
    ("policy_proposal_end", &[]),
    ("policy_version", &[]),
    ("vendor_raw", &["body"]),
    ("vendor_result", &["signals"]),
    ("evidence_log", &[]),
    ("evidence_checkpoint", &[]),
    ("erasure", &[]),
    ("witness", &["salt"]),
    ("decision_read", &[]),
    ("console_act", &[]),
    ("books_proof", &[]),
    ("routing_version", &[]),
];

async fn refuse_powerful_role(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let role: (String, bool) = sqlx::query_as(
        "select current_user::text, rolsuper or rolcreaterole or rolbypassrls
         from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(StoreError::from)?;
    if role.1 {
        let right = "change any table (it is a superuser or may create roles)".to_owned();
        return Err(MigrateError::RoleMayTooMuch { role: role.0, right });
    }
    for (table, emptied) in APPEND_ONLY {
        // A right to one column is none to the table, and changes a row all the same.
        let may: bool = sqlx::query_scalar(
            "select has_table_privilege($1, 'UPDATE') or has_table_privilege($1, 'DELETE')
               or has_table_privilege($1, 'TRUNCATE') or pg_has_role(c.relowner, 'MEMBER')
               or exists (select from pg_attribute a
                          where a.attrelid = c.oid and 0 < a.attnum and not a.attisdropped
                            and a.attname <> all($2)
                            and has_column_privilege(c.oid, a.attnum, 'UPDATE'))
             from pg_class c where c.oid = $1::regclass",
        )
        .bind(table)
        .bind(emptied)
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::from)?;
        if may {
            let right = format!("change the append-only table {table}");
            return Err(MigrateError::RoleMayTooMuch { role: role.0, right });
        }
    }
    Ok(())
}
