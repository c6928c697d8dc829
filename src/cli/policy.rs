//! `policy`: is a file sound, what does it say otherwise than another, and what would it have decided.

use super::decisions;
use super::noted::noted;
use crate::config;
use crate::domain::{DecisionId, Timestamp};
use crate::screening::backtest::backtest;
use crate::screening::file::said::Said;
use crate::screening::file::{self, Library};
use crate::screening::load_policies::load_policies;
use crate::store::decision_reads::ReadAct;
use crate::store::{Db, policy_versions};
use anyhow::{Context, bail};
use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Tell everything that is wrong with policy files, rules that nothing reaches and contradictions
    /// included; exit code 1 when there is anything.
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Tell what B says otherwise than A, rule by rule and parameter by parameter; exit code 1 when it
    /// does. Each is a file, or the name of a version: of the database, else of this program.
    Diff { before: String, after: String },
    /// Tell which recorded decisions of its market a policy file would have made otherwise. A flip is
    /// no error: exit code 0; 2 when the file is not sound.
    Backtest {
        file: PathBuf,
        /// The first moment that counts (RFC 3339).
        #[arg(long, value_parser = decisions::time)]
        from: Timestamp,
        /// The first moment that no longer counts.
        #[arg(long, value_parser = decisions::time)]
        to: Timestamp,
    },
}

/// Runs one of them.
pub async fn policy(command: Policy) -> anyhow::Result<ExitCode> {
    match command {
        Policy::Check { files } => check(&files),
        Policy::Diff { before, after } => diff(&before, &after).await,
        Policy::Backtest { file, from, to } => try_on_record(&file, from, to).await,
    }
}

async fn try_on_record(file: &Path, from: Timestamp, to: Timestamp) -> anyhow::Result<ExitCode> {
    let db = Db::connect(&super::database::app_url()?, 2).await;
    let db = db.context("connecting to the database")?;
    let mut library = Library::new(std::iter::empty());
    for one in policy_versions::published(db.pool()).await.context("reading the versions")? {
        library.add(&one.version, &one.text);
    }
    let name = file.display().to_string();
    let text = read(file)?;
    let candidate = file::check(&name, &text, &library).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{name} is not sound:\n{}", faults.join("\n"))
    })?;
    let policies = load_policies(db.pool(), &[]).await.context("reading the policies")?;
    let subject = format!("back-test of {} from {from} to {to}", candidate.version);
    noted(&db, ReadAct::Read, &subject).await?;
    let tally = backtest(db.pool(), &policies, &candidate, (from, to), |flip| {
        let id = DecisionId(flip.decision);
        println!("{id} of {}: {}", flip.occurred_at, decisions::told(&flip.differences));
    });
    let tally = tally.await.context("deciding again what is on record")?;
    println!(
        "{} decisions, {} flipped, {} passed over (no inputs, a version that is not known here, or \
         not counted what this file asks)",
        tally.decisions, tally.flipped, tally.passed_over
    );
    Ok(ExitCode::SUCCESS)
}

fn check(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let texts: Vec<String> = files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let mut library = built_in();
    for (file, text) in files.iter().zip(&texts) {
        add_neighbours(file, &mut library);
        library.add(&file.display().to_string(), text);
    }
    let mut sound = true;
    for (file, text) in files.iter().zip(&texts) {
        match file::check(&file.display().to_string(), text, &library) {
            Ok(policy) => println!(
                "{}: sound: {} in {} from {}, {} rules, sha256 {}",
                file.display(),
                policy.version,
                policy.market,
                policy.effective_from,
                policy.rules.len(),
                hex::encode(policy.sha256),
            ),
            Err(faults) => {
                sound = false;
                for fault in faults {
                    println!("{fault}");
                }
            }
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn diff(before: &str, after: &str) -> anyhow::Result<ExitCode> {
    let mut library = built_in();
    for name in [before, after] {
        add_neighbours(Path::new(name), &mut library);
    }
    if ![before, after].iter().all(|name| is_known(name, &library)) {
        add_published(&mut library).await?;
    }
    let said = |name: &str| -> anyhow::Result<Said> {
        if Path::new(name).is_file() {
            return Ok(Said::read(&read(Path::new(name))?, &library));
        }
        let Some((_, text)) = library.find(name) else {
            bail!("{name} is neither a file nor a version that is known here");
        };
        Ok(Said::read(text, &library))
    };
    let lines = file::diff(&said(before)?, &said(after)?);
    for line in &lines {
        println!("{line}");
    }
    if lines.is_empty() {
        println!("{before} and {after} say the same");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(1))
}

fn is_known(name: &str, library: &Library) -> bool {
    Path::new(name).is_file() || library.find(name).is_some()
}

fn built_in() -> Library {
    Library::new(config::built_in_policies().iter().copied())
}

/// What a file may include lies beside it, in the folder of its market or in one beside that.
fn add_neighbours(file: &Path, library: &mut Library) {
    let Some(markets) = file.parent().and_then(Path::parent) else { return };
    let folders = std::fs::read_dir(markets).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten());
    for path in files.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "toml")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            library.add(&path.display().to_string(), &text);
        }
    }
}

async fn add_published(library: &mut Library) -> anyhow::Result<()> {
    let db = Db::connect(&super::database::app_url()?, 2).await;
    let db = db.context("connecting to the database that knows the published versions")?;
    for one in policy_versions::published(db.pool()).await.context("reading the versions")? {
        library.add(&one.version, &one.text);
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}
