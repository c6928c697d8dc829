//! The private PostgreSQL cluster, with real processes: what it survives and what it leaves behind.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy spares test functions only, not their helpers"
)]

use interlock::sandbox::cluster::{APP_ROLE, ClusterError, DATABASE, OWNER_ROLE, PrivateCluster};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use sqlx::{Connection, PgConnection, Row};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A folder for one test, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let template = std::env::temp_dir().join("interlock-it-XXXXXX");
        let made = nix::unistd::mkdtemp(&template).unwrap();
        fs::set_permissions(&made, Permissions::from_mode(0o755)).unwrap();
        Self(made)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn run(url: impl AsRef<str>, sql: &'static str) -> String {
    let mut connection = PgConnection::connect(url.as_ref()).await.unwrap();
    let row = sqlx::query(sql).fetch_optional(&mut connection).await;
    connection.close().await.unwrap();
    row.unwrap().map_or_else(String::new, |row| row.get(0))
}

fn pid_of(cluster: &PrivateCluster) -> Pid {
    Pid::from_raw(cluster.pid().try_into().unwrap())
}

fn await_gone(pid: Pid) {
    let started = Instant::now();
    while kill(pid, None) != Err(Errno::ESRCH) {
        assert!(started.elapsed() < Duration::from_secs(20), "{pid} still runs");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_restart_finds_the_data_and_the_roles_are_small() {
    let scratch = Scratch::new();
    let cluster = PrivateCluster::start(scratch.path()).unwrap();
    run(cluster.owner_url(), "create table kept as select 'yes' as it").await;
    for role in [OWNER_ROLE, APP_ROLE] {
        let rights = run(
            cluster.url(DATABASE, role),
            "select concat_ws(' ', rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication,
                              current_setting('fsync'), current_setting('listen_addresses'))
             from pg_roles where rolname = current_user",
        );
        assert_eq!(rights.await, format!("{role} f f f f on "));
    }
    let pid = pid_of(&cluster);
    cluster.stop().unwrap();
    assert_eq!(kill(pid, None), Err(Errno::ESRCH), "the server is reaped");

    let cluster = PrivateCluster::start(scratch.path()).unwrap();
    let found = run(cluster.owner_url(), "select it from kept");
    assert_eq!(found.await, "yes");
}

#[tokio::test]
async fn a_database_is_made_from_a_template() {
    let cluster = PrivateCluster::start_temporary().unwrap();
    let template = cluster.create_database("template_it", None).unwrap();
    let owner = |database: &str| cluster.url(database, OWNER_ROLE);
    run(&owner(&template), "create table seed as select 'seeded' as it").await;
    let copy = cluster.create_database("it_1", Some(&template)).unwrap();
    assert_eq!(run(owner(&copy), "select it from seed").await, "seeded");

    let again = cluster.create_database("it_1", None).unwrap_err();
    assert!(again.to_string().contains("already exists"), "{again}");
    cluster.drop_database("it_1").unwrap();
    cluster.create_database("it_1", None).unwrap();
}

#[test]
fn a_temporary_cluster_leaves_nothing_behind() {
    let cluster = PrivateCluster::start_temporary().unwrap();
    let dir = cluster.dir().to_owned();
    assert!(dir.join("data").exists());
    drop(cluster);
    assert!(!dir.exists());
}

#[tokio::test]
async fn a_killed_server_starts_again_with_its_data() {
    let scratch = Scratch::new();
    let mut cluster = PrivateCluster::start(scratch.path()).unwrap();
    run(cluster.owner_url(), "create table kept as select 'yes' as it").await;
    // A backend that is busy does not notice at once that its postmaster is gone.
    let mut busy = PgConnection::connect(&cluster.owner_url()).await.unwrap();
    let busy = tokio::spawn(async move {
        let slow = sqlx::query("select pg_sleep (60)");
        slow.execute(&mut busy).await.is_err()
    });
    while run(
        cluster.owner_url(),
        "select count(*)::text from pg_stat_activity where query = 'select pg_sleep (60)'",
    )
    .await
        != "1"
    {
        tokio::task::yield_now().await;
    }
    kill(pid_of(&cluster), Signal::SIGKILL).unwrap();
    while cluster.is_running() {
        std::thread::yield_now();
    }
    drop(cluster);

    let cluster = PrivateCluster::start(scratch.path()).unwrap();
    assert_eq!(run(cluster.owner_url(), "select it from kept").await, "yes");
    assert!(busy.await.unwrap(), "the old backend was ended");
}

#[test]
fn a_second_sandbox_on_the_same_folder_is_told_who_has_it() {
    let scratch = Scratch::new();
    let _first = PrivateCluster::start(scratch.path()).unwrap();
    let error = PrivateCluster::start(scratch.path()).unwrap_err();
    assert!(matches!(error, ClusterError::InUse { .. }), "{error}");
    let holder = format!("another sandbox (pid {})", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
}

#[tokio::test]
async fn root_gets_a_fallback_where_the_servers_user_cannot_enter() {
    if !Uid::effective().is_root() {
        eprintln!("not root: an ordinary user can enter its own folders");
        return;
    }
    let scratch = Scratch::new();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o700)).unwrap();
    let started = || PrivateCluster::start(&scratch.path().join("pg")).unwrap();
    let cluster = started();
    run(cluster.owner_url(), "create table kept as select 'yes' as it").await;
    let dir = cluster.dir().to_owned();
    assert!(dir.starts_with("/var/lib"), "{}", dir.display());
    cluster.stop().unwrap();
    // What an earlier version left elsewhere is found where it is.
    let before = Path::new("/var/tmp").join(dir.file_name().unwrap());
    let moved = Command::new("mv").arg(&dir).arg(&before).status().unwrap();
    assert!(moved.success());
    let cluster = started();
    assert_eq!(cluster.dir(), before);
    assert_eq!(run(cluster.owner_url(), "select it from kept").await, "yes");
    cluster.stop().unwrap();
    fs::remove_dir_all(before).unwrap();
}

#[tokio::test]
async fn what_the_environment_says_of_databases_changes_nothing() {
    let scratch = Scratch::new();
    let dir = scratch.path().join("a folder, of mine");
    let mut command = this_program();
    command.env("PGPORT", "1").env("PGSSLMODE", "require");
    let (mut holder, _) = held_by(command, &dir);
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    // This one is added to what the address says.
    let mut command = this_program();
    command.args(HOLDS).env(HOLD, &dir).env("PGOPTIONS", "-c default_transaction_read_only=on");
    let refused = command.stdin(Stdio::null()).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stdout) + String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("Options"), "{said}");
    assert!(ClusterError::Options.to_string().starts_with("PGOPTIONS is set"));
    // PostgreSQL's own programs read the address, too.
    let cluster = PrivateCluster::start(&scratch.path().join("a folder")).unwrap();
    let psql = Command::new("psql").args(["-XAtc", "select 'yes'", &cluster.app_url()]).output();
    let psql = psql.expect("psql comes with PostgreSQL");
    assert_eq!(String::from_utf8_lossy(&psql.stdout), "yes\n", "{psql:?}");
}

/// Not a test by itself: with this variable set, this process holds a cluster in the folder that it
/// names until it is killed or its input ends.
const HOLD: &str = "INTERLOCK_TEST_HOLD";

const HOLDS: [&str; 3] = ["--exact", "holds_a_cluster_when_asked", "--nocapture"];

#[tokio::test]
async fn holds_a_cluster_when_asked() {
    let Some(dir) = std::env::var_os(HOLD) else {
        return;
    };
    let cluster = PrivateCluster::start(Path::new(&dir)).unwrap();
    assert_eq!(run(cluster.owner_url(), "select 'yes'").await, "yes");
    println!("\nholding {}", cluster.pid());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    cluster.stop().unwrap();
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// This program once more, as a process that holds a cluster; returns it with the server's pid.
fn holder(dir: &Path, lower: Option<&User>) -> (Child, Pid) {
    let mut command = this_program();
    if let Some(user) = lower {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    held_by(command, dir)
}

fn held_by(mut command: Command, dir: &Path) -> (Child, Pid) {
    command.args(HOLDS).env(HOLD, dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("holding ")?.parse().ok())
        .expect("the holder ended before it had a cluster");
    // Read on, or it could not write the rest of its report.
    std::thread::spawn(move || lines.count());
    (child, Pid::from_raw(pid))
}

#[test]
fn the_server_ends_when_its_process_is_killed() {
    let scratch = Scratch::new();
    let (mut holder, server) = holder(scratch.path(), None);
    holder.kill().unwrap();
    holder.wait().unwrap();
    await_gone(server);
}

/// The shell that ends this server when its process is gone.
fn watchdog_of(server: Pid) -> Pid {
    let wanted = format!("interlock-watchdog\0{server}\0");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let found = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(&wanted).then_some(Pid::from_raw(pid))
    });
    found.last().expect("no watchdog runs")
}

#[test]
fn a_server_that_outlived_everybody_is_ended_by_the_next_start() {
    if !Path::new("/proc/self").exists() {
        eprintln!("no /proc here: the watchdog cannot be found to be killed");
        return;
    }
    let scratch = Scratch::new();
    let (mut holder, server) = holder(scratch.path(), None);
    kill(watchdog_of(server), Signal::SIGKILL).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(kill(server, None), Ok(()), "the server runs on alone");
    let cluster = PrivateCluster::start(scratch.path()).unwrap();
    assert_ne!(pid_of(&cluster), server);
    await_gone(server);
}

/// What a plain container leaves root without.
const BLIND: [&str; 4] = ["--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"];

#[test]
fn root_that_may_not_see_where_a_server_works_ends_it_all_the_same() {
    let setpriv = Command::new("setpriv").args(BLIND).arg("true").status();
    if !Uid::effective().is_root() || !setpriv.is_ok_and(|it| it.success()) {
        eprintln!("NOT TESTED: this takes root and util-linux's setpriv");
        return;
    }
    let scratch = Scratch::new();
    let (mut holder, server) = holder(scratch.path(), None);
    kill(watchdog_of(server), Signal::SIGKILL).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let blind = || {
        let mut command = Command::new("setpriv");
        command.args(BLIND);
        command
    };
    let looked = blind().arg("readlink").arg(format!("/proc/{server}/cwd")).status();
    assert!(!looked.unwrap().success(), "its folder is hidden");
    let mut command = blind();
    command.arg(std::env::current_exe().unwrap());
    let (mut next, newer) = held_by(command, scratch.path());
    assert_ne!(newer, server);
    await_gone(server);
    drop(next.stdin.take());
    assert!(next.wait().unwrap().success());
}

#[test]
fn a_start_right_after_a_kill_waits_for_no_one() {
    let scratch = Scratch::new();
    let (mut holder, server) = holder(scratch.path(), None);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let cluster = PrivateCluster::start(scratch.path()).unwrap();
    assert_ne!(pid_of(&cluster), server);
}

#[test]
fn an_ordinary_user_runs_it_too() {
    let Some(nobody) = User::from_name("nobody").unwrap() else {
        eprintln!("no user `nobody` here");
        return;
    };
    let program = std::env::current_exe().unwrap();
    let open = |dir: &Path| dir.metadata().unwrap().permissions().mode() & 0o005 == 0o005;
    if !Uid::effective().is_root() || !program.ancestors().skip(1).all(open) {
        eprintln!("cannot become `nobody`: every other test here ran as an ordinary user already");
        return;
    }
    let scratch = Scratch::new();
    std::os::unix::fs::chown(scratch.path(), Some(nobody.uid.as_raw()), None).unwrap();
    let (mut holder, server) = holder(scratch.path(), Some(&nobody));
    let owner = fs::metadata(format!("/proc/{server}")).map(|found| {
        use std::os::unix::fs::MetadataExt;
        found.uid()
    });
    if let Ok(owner) = owner {
        assert_eq!(owner, nobody.uid.as_raw());
    }
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    assert_eq!(kill(server, None), Err(Errno::ESRCH));
}
