//! `audit`: verify the log that proves what was decided and booked, copy it, and hand out evidence.

use super::database;
use super::noted::noted;
use crate::config::policy_text;
use crate::domain::{DecisionId, PaymentId};
use crate::evidence::canonical::time_text;
use crate::evidence::export_pack::{Subject, export_pack};
use crate::evidence::folder::Folder;
use crate::evidence::log_file::write_log;
use crate::evidence::note::{Keys, VerifierKey};
use crate::evidence::pack::Pack;
use crate::evidence::verify_log::{Outside, Verdict, verify_database, verify_file};
use crate::sandbox;
use crate::store::decision_reads::ReadAct;
use crate::store::{Db, checkpoints};
use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Say whether every sealed record is as it was sealed, and which is the first that is not.
    Verify(Verify),
    /// Write the whole sealed log, a line a record, for verifying elsewhere.
    Log {
        /// Where to; standard output unless said.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Write the evidence of one payment or decision as one file that verifies elsewhere.
    Export {
        /// `dep_…`, `wd_…` or `dec_…`.
        id: String,
        /// Where to; `<id>.evidence.json` unless said.
        #[arg(long)]
        out: Option<PathBuf>,
        /// The verifier key or a file with it; the sandbox's own unless said.
        #[arg(long)]
        key: Option<String>,
        /// The folder of the service's policies, where it has other ones than those of the program.
        #[arg(long)]
        policies: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub struct Verify {
    /// A copied log (`audit log`). Then no database is asked.
    #[arg(long, conflicts_with = "pack")]
    log: Option<PathBuf>,
    /// An evidence pack (`audit export`). Then no database is asked.
    #[arg(long)]
    pack: Option<PathBuf>,
    /// A checkpoint that was kept, or the folder of them: it shows what was cut off.
    #[arg(long, conflicts_with = "pack")]
    checkpoint: Option<PathBuf>,
    /// The verifier key (`name+hash+base64`) or a file with it; the sandbox's own unless said. More
    /// than one where the key was changed.
    #[arg(long)]
    key: Vec<String>,
}

pub async fn audit(command: Audit) -> anyhow::Result<ExitCode> {
    match command {
        Audit::Verify(Verify { pack: Some(file), key, .. }) => verify_pack(&file, &named(&key)?),
        Audit::Verify(Verify { log: Some(file), checkpoint, key, .. }) => {
            let keys = named(&key)?;
            let outside = outside(checkpoint.as_deref())?;
            Ok(tell(&verify_file(&file, &keys, &outside).context("verifying the log")?))
        }
        Audit::Verify(Verify { checkpoint, key, .. }) => verify_stored(checkpoint, &key).await,
        Audit::Log { out } => copy(out).await,
        Audit::Export { id, out, key, policies } => export(&id, out, key, policies).await,
    }
}

const KEY_NEEDED: &str = "name the public key with --key: take it from whoever runs the log (a .pub \
                          file beside their checkpoints), not from the copy that is to be verified";

async fn connect() -> anyhow::Result<Db> {
    Db::connect(&database::app_url()?, 2).await.context("connecting to the database")
}

/// A verifier key as text, or in a file.
fn named_key(named: &str) -> anyhow::Result<VerifierKey> {
    if let Ok(key) = VerifierKey::parse(named) {
        return Ok(key);
    }
    let text =
        std::fs::read_to_string(named).with_context(|| format!("reading the key {named}"))?;
    VerifierKey::parse(&text).with_context(|| format!("the key {named}"))
}

/// The folder of a sandbox's own checkpoints, where this database is a sandbox's.
async fn own_folder(db: &Db) -> anyhow::Result<Option<PathBuf>> {
    let log = checkpoints::log_id(db.pool()).await.context("reading which log this is")?;
    let home = sandbox::home().context("finding the sandbox's folder")?;
    let folder = home.join("evidence").join(log.to_string());
    Ok(folder.is_dir().then_some(folder))
}

/// The keys that were named.
fn named(keys: &[String]) -> anyhow::Result<Keys> {
    let keys: anyhow::Result<Vec<VerifierKey>> = keys.iter().map(|key| named_key(key)).collect();
    Keys::new(keys?).context(KEY_NEEDED)
}

/// The keys in the sandbox's own folder of checkpoints.
pub(super) async fn own_keys(db: &Db) -> anyhow::Result<Vec<VerifierKey>> {
    let Some(folder) = own_folder(db).await? else { bail!(KEY_NEEDED) };
    let files = Folder::at(&folder).key_files().context("looking for the sandbox's key")?;
    files.iter().map(|file| named_key(&file.display().to_string())).collect()
}

fn outside(path: Option<&Path>) -> anyhow::Result<Outside> {
    path.map_or_else(
        || Ok(Outside::default()),
        |path| Outside::read(path).with_context(|| format!("the checkpoints {}", path.display())),
    )
}

async fn verify_stored(checkpoint: Option<PathBuf>, key: &[String]) -> anyhow::Result<ExitCode> {
    let db = connect().await?;
    let keys = match key {
        [] => Keys::new(own_keys(&db).await?).context(KEY_NEEDED)?,
        key => named(key)?,
    };
    let folder = match checkpoint {
        Some(named) => Some(named),
        None => own_folder(&db).await?,
    };
    if folder.is_none() {
        println!(
            "no checkpoints from outside (--checkpoint): what was cut off with its checkpoints cannot be seen"
        );
    }
    let verdict = verify_database(db.pool(), &keys, &outside(folder.as_deref())?).await;
    Ok(tell(&verdict.context("verifying the log")?))
}

/// One sentence where all is well; else what is wrong, the first bad record first.
fn tell(verdict: &Verdict) -> ExitCode {
    let sealed = verdict.proven.as_ref().map(|it| {
        let root = BASE64_STANDARD.encode(it.root);
        let at = time_text(it.at);
        format!("{} records of {} up to the checkpoint of {at}, root {root}", it.size, it.origin)
    });
    if verdict.is_sound() {
        let Some(sealed) = sealed else {
            eprintln!("interlock: there is no checkpoint yet, so nothing can be verified");
            return ExitCode::from(2);
        };
        println!("sound: {sealed}; {} newer records are not sealed yet", verdict.unsealed);
        return ExitCode::SUCCESS;
    }
    let bad = verdict.bad.as_ref().map(ToString::to_string);
    for fault in bad.iter().chain(&verdict.faults) {
        println!("BAD: {fault}");
    }
    println!("proven before that: {}", sealed.as_deref().unwrap_or("nothing"));
    ExitCode::from(1)
}

async fn copy(out: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let db = connect().await?;
    noted(&db, ReadAct::Export, "the whole log").await?;
    let records = match &out {
        Some(path) => {
            let file = std::fs::File::create_new(path)
                .with_context(|| format!("making {}", path.display()))?;
            write_log(db.pool(), &mut BufWriter::new(file)).await
        }
        None => write_log(db.pool(), &mut BufWriter::new(std::io::stdout())).await,
    };
    eprintln!("{} sealed records", records.context("copying the log")?);
    Ok(ExitCode::SUCCESS)
}

async fn export(
    id: &str,
    out: Option<PathBuf>,
    key: Option<String>,
    policies: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let payment = PaymentId::parse(id).map(Subject::Payment);
    let subject = payment.or_else(|| DecisionId::parse(id).map(Subject::Decision));
    let subject = subject.with_context(|| format!("`{id}` is no payment's or decision's id"))?;
    let db = connect().await?;
    let key = match key {
        Some(named) => named_key(&named)?,
        None => own_keys(&db).await?.pop().context(KEY_NEEDED)?,
    };
    let text = |sha256: &str| policy_text(policies.as_deref(), sha256);
    noted(&db, ReadAct::Export, &subject.to_string()).await?;
    let pack = export_pack(db.pool(), subject, &key, text).await.context(subject.to_string())?;
    let path = out.unwrap_or_else(|| PathBuf::from(format!("{id}.evidence.json")));
    let mut file =
        std::fs::File::create_new(&path).with_context(|| format!("making {}", path.display()))?;
    serde_json::to_writer_pretty(&mut file, &pack).context("writing the evidence")?;
    writeln!(file).context("writing the evidence")?;
    println!("{} records of {id} in {}", pack.records.len(), path.display());
    println!("verify it anywhere: interlock audit verify --pack {} --key KEY", path.display());
    Ok(ExitCode::SUCCESS)
}

fn verify_pack(file: &Path, keys: &Keys) -> anyhow::Result<ExitCode> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let pack: Pack = serde_json::from_str(&text)
        .with_context(|| format!("{} is no evidence pack", file.display()))?;
    let verdict = pack.verify(keys);
    for fault in &verdict.faults {
        println!("BAD: {fault}");
    }
    let places: Vec<String> = verdict.proven.iter().map(ToString::to_string).collect();
    println!(
        "{}: {} of {} records of {} are proven ({}){}",
        if verdict.faults.is_empty() { "sound" } else { "not sound" },
        places.len(),
        pack.records.len(),
        pack.about,
        places.join(", "),
        policies(&verdict.policies)
    );
    println!("a pack cannot show that the log holds nothing more of it: `audit verify --log` can");
    Ok(if verdict.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn policies(versions: &[String]) -> String {
    if versions.is_empty() {
        return "; it brings no policy's text".to_owned();
    }
    format!("; with the text of {}", versions.join(", "))
}
