//! `decisions replay`: recorded decisions are made again from what is stored, by a fresh process.

use super::database;
use super::noted::noted;
use crate::domain::{DecisionId, Timestamp};
use crate::screening::compare::Difference;
use crate::screening::load_policies::load_policies;
use crate::screening::pages;
use crate::screening::replay::{Question, Replay as Made, ReplayError, replay};
use crate::store::Db;
use crate::store::decision_reads::ReadAct;
use crate::store::read_history::{RecordedDecision, Span};
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::process::ExitCode;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Handle;

#[derive(Debug, clap::Subcommand)]
pub enum Decisions {
    /// Make decisions again and tell each that comes out otherwise than it was recorded; exit code 1
    /// when one does. One that cannot be made again (the first engine kept no inputs) is counted and
    /// said; it proves nothing either way and does not change the exit code.
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
pub struct Replay {
    /// `dec_…`, one or more.
    #[arg(value_parser = decision_id, required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<DecisionId>,
    /// Every decision of the database.
    #[arg(long)]
    all: bool,
    /// By the policy and the knowledge of this time (RFC 3339) instead of the decision's own.
    #[arg(long, value_parser = time)]
    as_of: Option<Timestamp>,
    /// By this version of the policy instead of the recorded one.
    #[arg(long)]
    policy: Option<String>,
}

/// One reads the next page while threads ask what was known.
const CONNECTIONS: u32 = 4;

#[derive(Debug, Default)]
struct Tally {
    decisions: u64,
    identical: u64,
    different: u64,
    /// By the reason why not.
    not_made: BTreeMap<String, u64>,
    /// One could not be made again although it kept its inputs.
    fails: bool,
}

/// Runs one of them.
pub async fn decisions(command: Decisions) -> anyhow::Result<ExitCode> {
    let Decisions::Replay(Replay { ids, all, as_of, policy }) = command;
    let db = Db::connect(&database::app_url()?, CONNECTIONS).await;
    let db = db.context("connecting to the database")?;
    noted(&db, ReadAct::Read, &asked(&ids, as_of, policy.as_deref())).await?;
    // Which rules only recorded is among each decision's inputs.
    let policies = load_policies(db.pool(), &[]).await.context("reading the policies")?;
    let wanted: Vec<_> = ids.iter().map(|id| id.0).collect();
    let span = Span { ids: (!all).then_some(wanted), ..Span::default() };
    let question = Question { as_of, version: policy };
    // Each thread asks for itself what was known at a time; as it was, a decision needs nothing more.
    let runtime = Handle::current();
    let work = |decision: &RecordedDecision| {
        runtime.block_on(replay(db.pool(), &policies, decision, &question))
    };
    let mut tally = Tally::default();
    let mut missing = ids;
    pages::walk(db.pool(), span, work, |decision, made| {
        missing.retain(|id| id.0 != decision.id);
        count(decision, made, &mut tally)
    })
    .await?;
    if let Some(id) = missing.first() {
        bail!("there is no decision {id} in this database");
    }
    println!("{}", summary(&tally));
    let as_recorded = tally.different == 0 && !tally.fails;
    Ok(if as_recorded { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What was asked, in a line that stays of a bounded size.
fn asked(ids: &[DecisionId], as_of: Option<Timestamp>, policy: Option<&str>) -> String {
    let which = match ids {
        [] => "all".to_owned(),
        [one] => one.to_string(),
        [first, .., last] => format!("{} from {first} to {last}", ids.len()),
    };
    let as_of = as_of.map(|at| format!(", as of {at}")).unwrap_or_default();
    let policy = policy.map(|version| format!(", by {version}")).unwrap_or_default();
    format!("replay of {which}{as_of}{policy}")
}

fn count(
    decision: &RecordedDecision,
    made: Result<Made, ReplayError>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let id = DecisionId(decision.id);
    tally.decisions += 1;
    match made {
        Ok(made) if made.is_identical() => tally.identical += 1,
        Ok(made) => {
            tally.different += 1;
            println!("{id}: {}", told(&made.differences));
        }
        Err(ReplayError::Store(fault)) => {
            return Err(fault).with_context(|| format!("making {id} again"));
        }
        Err(why) => {
            // A version that is gone, or is another text than it was, must not pass for a proof.
            tally.fails |= !matches!(why, ReplayError::NoInputs(_));
            *tally.not_made.entry(why.to_string()).or_default() += 1;
        }
    }
    Ok(())
}

fn summary(tally: &Tally) -> String {
    let not_made: u64 = tally.not_made.values().sum();
    let why: Vec<String> = tally.not_made.iter().map(|(why, n)| format!("{n}: {why}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    format!(
        "{} decisions, {} identical, {} different, {not_made} cannot be made again{why}",
        tally.decisions, tally.identical, tally.different
    )
}

/// The differences in one line.
pub(super) fn told(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "the same rules and reasons, stored in other words or another order".to_owned();
    }
    let one = |found: &Difference| {
        let name = found.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let side = |told: &Option<String>| told.clone().unwrap_or_else(|| "not told".to_owned());
        format!("{}{name}: {} -> {}", found.what, side(&found.recorded), side(&found.replayed))
    };
    differences.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn decision_id(text: &str) -> Result<DecisionId, String> {
    DecisionId::parse(text).ok_or_else(|| "a decision's id is dec_ and 32 hex digits".to_owned())
}

/// A time of the command line.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text, &Rfc3339)
        .map_err(|fault| format!("{fault}: write a time like 2026-01-31T12:00:00Z"))
}
