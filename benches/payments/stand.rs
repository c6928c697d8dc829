//! The private cluster, and what is read off it and off the processors around each block.

use crate::cpu;
use anyhow::{Context, Result};
use interlock::sandbox::cluster::{DATABASE, PrivateCluster};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The database of the yardstick, in the same cluster.
pub const YARDSTICK: &str = "yardstick";

/// The cluster and a superuser's connection to it.
#[derive(Debug)]
pub struct Stand {
    cluster: PrivateCluster,
    pub folder: PathBuf,
    admin: PgConnection,
    /// Whether `pg_stat_statements` is there to count statements with.
    pub counts_statements: bool,
}

/// What one statement came to.
#[derive(Debug)]
pub struct Statement {
    pub calls: i64,
    pub millis: f64,
    pub wal_bytes: i64,
    pub text: String,
}

/// Everything that a block used.
#[derive(Debug, Clone, Default)]
pub struct Used {
    pub wall: Duration,
    pub postgres: Duration,
    pub own: Duration,
    /// By the processes that were named, in their order.
    pub named: Vec<Duration>,
    /// Of all processors, by programs that are none of ours, from 0 to 1.
    pub foreign: f64,
    pub wal_bytes: i64,
    /// Whole pages in the log: the first change of a page after a checkpoint.
    pub wal_pages: i64,
    /// Transactions that wrote.
    pub writing: i64,
}

/// A reading before a block.
#[derive(Debug)]
pub struct Meter {
    at: Instant,
    pids: Vec<u32>,
    postgres: Duration,
    own: Duration,
    reaped: Duration,
    named: Vec<Duration>,
    machine: Duration,
    log: (i64, i64, i64),
}

impl Stand {
    /// A fresh cluster, the service's database migrated in it. Blocks.
    pub fn start(folder: &Path, runtime: &tokio::runtime::Runtime) -> Result<Self> {
        remove(folder)?;
        let cluster = PrivateCluster::start(folder)?;
        let preloaded = runtime.block_on(preload(&cluster));
        cluster.stop()?;
        let cluster = PrivateCluster::start(folder)?;
        runtime.block_on(async {
            interlock::store::migrate::migrate(&cluster.owner_url(), "sandbox").await?;
            let mut admin = PgConnection::connect(&cluster.url(DATABASE, "postgres")).await?;
            let extension = "create extension if not exists pg_stat_statements";
            let counts_statements =
                preloaded.is_ok() && sqlx::raw_sql(extension).execute(&mut admin).await.is_ok();
            let bare = "create table bare (at timestamptz not null);
                        grant insert on bare to interlock_app";
            sqlx::raw_sql(bare).execute(&mut admin).await?;
            cluster.create_database(YARDSTICK, None)?;
            let folder = folder.to_owned();
            let mut stand = Self { cluster, folder, admin, counts_statements };
            if counts_statements {
                stand.track(YARDSTICK, false).await?;
                stand.track(DATABASE, false).await?;
            }
            Ok(stand)
        })
    }

    pub fn app_url(&self) -> String {
        self.cluster.app_url()
    }

    /// Where `pgbench` finds the cluster.
    pub fn socket_folder(&self) -> Result<String> {
        let url = url::Url::parse(&self.cluster.app_url())?;
        let host = url.query_pairs().find(|(name, _)| name == "host");
        Ok(host.context("the address names the socket's folder")?.1.into_owned())
    }

    /// Ends the cluster and removes its folder. Blocks.
    pub fn end(self) -> Result<()> {
        let home = self.cluster.dir().to_owned();
        drop(self.admin);
        self.cluster.stop()?;
        remove(&home)?;
        remove(&self.folder)
    }

    /// Reads everything before a block; `pids` are other processes of ours.
    pub async fn meter(&mut self, pids: &[u32]) -> Result<Meter> {
        let log = self.log().await?;
        Ok(Meter {
            at: Instant::now(),
            pids: pids.to_vec(),
            postgres: cpu::of_family(self.cluster.pid()),
            own: cpu::of_process(std::process::id()),
            reaped: cpu::of_family(std::process::id()),
            named: pids.iter().map(|pid| cpu::of_process(*pid)).collect(),
            machine: cpu::of_machine(),
            log,
        })
    }

    /// Reads everything again.
    pub async fn used(&mut self, since: &Meter) -> Result<Used> {
        let wall = since.at.elapsed();
        let postgres = cpu::of_family(self.cluster.pid()).saturating_sub(since.postgres);
        let own = cpu::of_process(std::process::id()).saturating_sub(since.own);
        let named: Vec<Duration> = since
            .pids
            .iter()
            .zip(&since.named)
            .map(|(pid, before)| cpu::of_process(*pid).saturating_sub(*before))
            .collect();
        let machine = cpu::of_machine().saturating_sub(since.machine);
        // The postmaster, mocks and service are children: the family holds them all once, but not
        // the backends, which are grandchildren.
        let family = cpu::of_family(std::process::id()).saturating_sub(since.reaped);
        let ours = family.max(own + named.iter().sum::<Duration>()) + postgres;
        let foreign = machine.saturating_sub(ours).as_secs_f64()
            / (wall.as_secs_f64() * f64::from(cpu::cores()));
        let log = self.log().await?;
        Ok(Used {
            wall,
            postgres,
            own,
            named,
            foreign,
            wal_bytes: log.0 - since.log.0,
            wal_pages: log.1 - since.log.1,
            writing: log.2 - since.log.2,
        })
    }

    async fn log(&mut self) -> Result<(i64, i64, i64)> {
        let row = sqlx::query(
            "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint, wal_fpi::bigint,
               pg_snapshot_xmax(pg_current_snapshot())::text::bigint
             from pg_stat_wal",
        )
        .fetch_one(&mut self.admin)
        .await?;
        Ok((row.get(0), row.get(1), row.get(2)))
    }

    /// One number from the service's database.
    pub async fn number(&mut self, query: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(query).fetch_one(&mut self.admin).await?)
    }

    /// As [`Self::number`], of what lies between two texts.
    pub async fn number_between(
        &mut self,
        query: &'static str,
        from: &str,
        to: &str,
    ) -> Result<i64> {
        Ok(sqlx::query_scalar(query).bind(from).bind(to).fetch_one(&mut self.admin).await?)
    }

    /// Bytes of every table of the service with its indexes, the biggest first.
    pub async fn table_bytes(&mut self) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query(
            "select relname::text, pg_total_relation_size(oid)::bigint from pg_class
             where relkind = 'r' and relnamespace = 'public'::regnamespace order by 2 desc",
        );
        let rows = rows.fetch_all(&mut self.admin).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Switches the counting of statements for connections that are opened from now on.
    pub async fn count_statements(&mut self, on: bool) -> Result<()> {
        self.track(DATABASE, on).await?;
        sqlx::raw_sql("select pg_stat_statements_reset()").execute(&mut self.admin).await?;
        Ok(())
    }

    async fn track(&mut self, database: &str, on: bool) -> Result<()> {
        let track = if on { "top" } else { "none" };
        let set = format!("alter database {database} set pg_stat_statements.track = '{track}'");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut self.admin).await?;
        Ok(())
    }

    /// What the service's role has run since the reset: the most costly first.
    pub async fn statements(&mut self) -> Result<Vec<Statement>> {
        let rows = sqlx::query(
            "select calls, total_exec_time + total_plan_time, wal_bytes::bigint,
               left(regexp_replace(query, '\\s+', ' ', 'g'), 110)
             from pg_stat_statements s join pg_roles r on r.oid = s.userid
             where rolname = 'interlock_app' order by 2 desc",
        );
        let rows = rows.fetch_all(&mut self.admin).await?;
        Ok(rows
            .iter()
            .map(|row| Statement {
                calls: row.get(0),
                millis: row.get(1),
                wal_bytes: row.get(2),
                text: row.get(3),
            })
            .collect())
    }
}

/// Statements can be counted where the server comes with the module; nothing is tracked until a
/// block asks for it, so that the other blocks and the yardstick do not pay.
async fn preload(cluster: &PrivateCluster) -> Result<()> {
    let mut admin = PgConnection::connect(&cluster.url(DATABASE, "postgres")).await?;
    sqlx::raw_sql("load 'pg_stat_statements'").execute(&mut admin).await?;
    sqlx::raw_sql("alter system set shared_preload_libraries = 'pg_stat_statements'")
        .execute(&mut admin)
        .await?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}
