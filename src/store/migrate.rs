//! Migrations, and the refusal to run on a database that is not ours.

use super::StoreError;
use sqlx::postgres::PgPool;
use sqlx::{Connection, PgConnection};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Why the database must not be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("cannot connect to the database: is it running, and is its address right?")]
    Connect(#[source] sqlx::Error),
    #[error("a migration failed; nothing of it was kept")]
    Migrate(#[source] sqlx::migrate::MigrateError),
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
    MIGRATIONS.run(&mut connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => MigrateError::Newer(version),
        error => MigrateError::Migrate(error),
    })?;
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
