//! A back-test and a replay of what is on record, by the program itself as a process of its own.
//!
//! The decisions are Germany's, drawn and recorded through the store in a private cluster. Told are the
//! time, decisions a second, the most memory that the process held, and what it said in the end.

use crate::{drawn, recorded};
use anyhow::{Context, Result, ensure};
use interlock::sandbox::cluster::{APP_ROLE, OWNER_ROLE, PrivateCluster};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DATABASE: &str = "recorded";
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A folder that goes with the measurement.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn measure(count: u32) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("interlock-bench-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).context("making a folder")?;
    let folder = Folder(folder);
    let cluster = PrivateCluster::start_temporary()?;
    cluster.create_database(DATABASE, None)?;
    let (app, owner) = (cluster.url(DATABASE, APP_ROLE), cluster.url(DATABASE, OWNER_ROLE));
    let began = Instant::now();
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(async {
        let db = recorded::open(&app, &owner).await;
        recorded::record(&db, (count, &drawn::MARKETS[1..2]), |_| ()).await;
        db.pool().close().await;
    });
    println!("\n{count} decisions recorded in {:.1} s:\n", began.elapsed().as_secs_f64());
    // Half of what was allowed: it flips what lies between.
    let german = drawn::files().into_iter().find(|(file, _)| file.contains("/DE-"));
    let (_, text) = german.context("Germany is among what is drawn")?;
    let text = text
        .replace("DE-2026-11-21e", "DE-lower")
        .replace("deposit.EUR = \"10000.00\"", "deposit.EUR = \"5000.00\"");
    let file = folder.0.join("DE-lower.toml");
    std::fs::write(&file, text).context("writing the policy")?;
    let file = file.to_str().context("a plain path")?;
    println!("| | s | decisions/s | MiB | said |\n|---|---|---|---|---|");
    let span = ["--from", "2026-01-01T00:00:00Z", "--to", "2027-01-01T00:00:00Z"];
    let backtest = [&["policy", "backtest", file][..], &span].concat();
    told("policy backtest", &run(&folder.0, &app, &backtest)?, count);
    let replay = run(&folder.0, &app, &["decisions", "replay", "--all"])?;
    told("decisions replay --all", &replay, count);
    ensure!(replay.said.contains(&format!("{count} identical")), "{}", replay.said);
    Ok(())
}

struct Ran {
    took: Duration,
    most_kib: u64,
    said: String,
}

fn run(folder: &Path, url: &str, arguments: &[&str]) -> Result<Ran> {
    let out = folder.join("out");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_interlock"))
        .args(arguments)
        .env("DATABASE_URL", url)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&out).context("making a file")?)
        .spawn()
        .context("starting the program")?;
    let mut most_kib = 0;
    let status = loop {
        most_kib = most_kib.max(high_water_kib(child.id()));
        if let Some(status) = child.try_wait().context("waiting for the program")? {
            break status;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    let took = began.elapsed();
    ensure!(status.success(), "{arguments:?} ended with {status}");
    let said = std::fs::read_to_string(&out).context("reading what it said")?;
    Ok(Ran { took, most_kib, said: said.lines().last().unwrap_or_default().to_owned() })
}

/// The most memory that a process has held. Nothing where the system does not tell, or it has ended.
fn high_water_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn told(name: &str, ran: &Ran, count: u32) {
    let seconds = ran.took.as_secs_f64();
    println!(
        "| {name} | {seconds:.1} | {:.0} | {} | {} |",
        f64::from(count) / seconds,
        ran.most_kib / 1_024,
        ran.said
    );
}
