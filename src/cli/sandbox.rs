//! `sandbox`: a whole house on a bare machine, in the foreground.

use super::runtime;
use crate::app::psps;
use crate::app::secrets::{self, Hangup, Secrets};
use crate::app::service::{Environment, Service};
use crate::app::words;
use crate::clock::SystemClock;
use crate::config::{self, Config, Profile};
use crate::sandbox::cluster::PrivateCluster;
use crate::sandbox::keys::SandboxKeys;
use crate::sandbox::ports::{self, Setting, Wanted};
use crate::sandbox::runfile::{Claim, RunFile, Running, find};
use crate::sandbox::{self, console, mocks, players};
use crate::shutdown::Shutdown;
use crate::store::{Db, migrate};
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Who runs the mock PSPs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mocks {
    /// This process.
    Own,
    /// Another one, so that they outlive this one.
    External,
}

/// The database of the sandbox: its own cluster, or one that was named.
struct Database {
    cluster: Option<PrivateCluster>,
    app_url: String,
    owner_url: String,
}

/// Runs until Ctrl-C, SIGTERM or the end of its terminal, then stops everything in order.
pub async fn sandbox(file: Option<PathBuf>, mocks: Mocks) -> anyhow::Result<ExitCode> {
    let home = sandbox::home().context("finding the sandbox's folder")?;
    std::fs::create_dir_all(&home)
        .with_context(|| format!("making the sandbox's folder {}", home.display()))?;
    let Some(claim) = Claim::take(&home).context("locking the sandbox's run.lock")? else {
        match find(&home)? {
            Some(other) => {
                bail!("a sandbox runs here already (process {}): stop it first", other.pid)
            }
            None => bail!("another sandbox starts or stops in {}: wait for it", home.display()),
        }
    };
    SandboxKeys::ensure(&home, &config::sandbox_keys()).context("making the sandbox's keys")?;
    let profile = Profile::Sandbox { home: home.clone(), file };
    let config = match Config::load(&profile) {
        Ok(config) => config,
        Err(faults) => return Ok(runtime::faults(&faults)),
    };
    crate::telemetry::start_logging(config.telemetry.format, &config.telemetry.filter)?;
    let psps = match psps::registry(&config, true) {
        Ok(psps) => Arc::new(psps),
        Err(faults) => return Ok(runtime::faults(&faults)),
    };
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("handling signals")?;
    shutdown.on_hangup().context("handling signals")?;
    let secrets = Secrets::new(profile, Config::variables(), &config, psps.clone());
    secrets::watch(secrets, Arc::new(SystemClock), Hangup::Stops, &shutdown)
        .context("handling signals")?;
    // All at once, and before anything runs: beside another sandbox every port is taken.
    ports::check_free(wanted_ports(&config, mocks)?)?;
    let mut database = database(&config, &home).await?;
    let ran = run(&config, (&home, &claim), psps, &mut database, mocks, &shutdown).await;
    if let Some(cluster) = database.cluster {
        tokio::task::spawn_blocking(move || cluster.stop())
            .await?
            .context("stopping PostgreSQL")?;
    }
    ran.map(|()| ExitCode::SUCCESS)
}

/// Where this process will listen.
fn wanted_ports(config: &Config, mocks: Mocks) -> anyhow::Result<Vec<Wanted>> {
    let server = &config.server;
    let webhooks = server.webhooks_tls.as_ref().map(|tls| tls.listen);
    let own = [
        ("the API", Some(server.listen), "server.listen"),
        ("the metrics", server.metrics_listen, "server.metrics_listen"),
        ("webhooks over TLS", webhooks, "server.webhooks_tls_listen"),
    ];
    let own = own.into_iter().filter_map(|(purpose, address, key)| {
        let setting = Setting::Address { key: key.to_owned() };
        Some(Wanted { purpose: purpose.to_owned(), address: address?, setting })
    });
    let mut wanted: Vec<Wanted> = own.collect();
    if mocks == Mocks::Own {
        wanted.extend(sandbox::mocks::ports(config)?);
    }
    Ok(wanted)
}

async fn database(config: &Config, home: &Path) -> anyhow::Result<Database> {
    if let Some(url) = &config.database.url {
        let app_url = url.expose_secret().to_owned();
        let owner = config.database.owner_url.as_ref();
        let owner = owner.context(
            "DATABASE_URL is set, so the sandbox would use that database: unset it for one of its own, \
             or set DATABASE_OWNER_URL too",
        )?;
        return Ok(Database {
            cluster: None,
            app_url,
            owner_url: owner.expose_secret().to_owned(),
        });
    }
    let folder = home.join("pg");
    let cluster = tokio::task::spawn_blocking(move || PrivateCluster::start(&folder)).await??;
    let (app_url, owner_url) = (cluster.app_url(), cluster.owner_url());
    Ok(Database { cluster: Some(cluster), app_url, owner_url })
}

async fn run(
    config: &Config,
    (home, claim): (&Path, &Claim),
    psps: Arc<crate::routing::registry::PspRegistry>,
    database: &mut Database,
    mocks: Mocks,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let environment = Environment::Sandbox.as_str();
    migrate::migrate(&database.owner_url, environment).await?;
    let db = Db::connect(&database.app_url, config.database.pool_max)
        .await
        .context("connecting to the database")?;
    migrate::check(db.pool(), environment).await?;
    let mocks = match mocks {
        Mocks::Own => Some(mocks::start(config, home).await.context("starting the mock PSPs")?),
        Mocks::External => None,
    };
    let service = Service::start(config, db, psps, &[]).await?;
    players::register(service.flows()).await?;
    console::register(service.flows()).await?;
    let running = Running {
        pid: std::process::id(),
        api_url: config.server.public_url.clone(),
        control_url: format!("http://{}", config.sandbox.control_listen),
        app_url: database.app_url.clone(),
        owner_url: database.owner_url.clone(),
    };
    let note = RunFile::write(home, claim, &running).context("writing the sandbox's run.json")?;
    greet(config, &running, mocks.as_ref());
    tell_log(config)?;
    let is_lost = tokio::select! {
        () = shutdown.requested() => false,
        () = ended(database.cluster.as_mut()) => true,
    };
    shutdown.request();
    println!("\nstopping …");
    drop(note);
    service.stop().await;
    if let Some(mocks) = mocks {
        mocks.stop().await;
    }
    let cluster = database.cluster.as_ref().map(PrivateCluster::dir);
    println!("stopped; the data stays in {}", kept(home, cluster));
    if is_lost {
        bail!(
            "the sandbox's PostgreSQL ended by itself (somebody ended it, or its disk is full): its log is in {}; \
             start the sandbox again, and it finds its data",
            cluster.unwrap_or(home).display()
        );
    }
    Ok(())
}

/// How often the sandbox looks whether its PostgreSQL is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Returns when the sandbox's own PostgreSQL has ended by itself; never where it has none.
async fn ended(cluster: Option<&mut PrivateCluster>) {
    let Some(cluster) = cluster else { return std::future::pending().await };
    let mut turns = tokio::time::interval(LOOK_EVERY);
    while cluster.is_running() {
        turns.tick().await;
    }
}

/// Where the data stays: beside the sandbox's folder another one, where the server's user cannot enter it.
fn kept(home: &Path, cluster: Option<&Path>) -> String {
    // The cluster's folder is told without links.
    let inside = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    match cluster.filter(|dir| !dir.starts_with(inside)) {
        Some(dir) => format!("{} and, the database's, in {}", home.display(), dir.display()),
        None => home.display().to_string(),
    }
}

/// Where the log is sealed, and under which key.
fn tell_log(config: &Config) -> anyhow::Result<()> {
    if let Some(sealing) = words::sealing(config)? {
        println!("  Sealed log     {}", sealing.folder.display());
        println!("  Its key        {}", sealing.signer.verifier());
        println!("                 `interlock audit verify` says whether it is as it was sealed\n");
    }
    Ok(())
}

fn greet(config: &Config, running: &Running, mocks: Option<&mock_psps::Running>) {
    let api = running.api_url.trim_end_matches('/');
    println!("Interlock sandbox is running. Ctrl-C stops it; its data stays.\n");
    println!("  API            {api}");
    println!("  API's pages    {api}/docs   {api}/openapi.json");
    println!("  Health         {api}/readyz   {api}/metrics");
    match mocks {
        Some(mocks) => {
            println!("  Mock control   {}", running.control_url);
            for psp in &mocks.psps {
                println!("  Mock {:<16}{}", psp.id, psp.base_url);
            }
        }
        None => println!("  Mock PSPs      run elsewhere (--mocks external)"),
    }
    println!("\n  Keys (secret = key id; the sandbox also takes `Authorization: Bearer <key>`):");
    for key in &config.api_keys {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        println!("    {:<18}{:<10}{}", key.id, key.operator_id, scopes.join(","));
    }
    println!("\n  Console        {api}/console");
    for person in console::PEOPLE {
        println!("    {:<26}{:<26}{}", person.email, person.password, person.roles());
    }
    let players: Vec<&str> = players::SAMPLES.iter().map(|player| player.id).collect();
    println!("\n  Players        {}", players.join(" "));
    println!(
        "\n  Outbound webhooks may go to http and to this machine here; production takes https only."
    );
    println!("  Next: `make demo`, or the curl lines of README.md\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_outside_of_the_sandboxs_folder_is_named_too() {
        let home = Path::new("/nowhere/.interlock");
        let inside = home.join("pg");
        for cluster in [None, Some(inside.as_path())] {
            assert_eq!(kept(home, cluster), "/nowhere/.interlock");
        }
        let told = kept(home, Some(Path::new("/var/lib/interlock-1a2b")));
        assert_eq!(told, "/nowhere/.interlock and, the database's, in /var/lib/interlock-1a2b");
    }
}
