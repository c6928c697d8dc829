//! `decisions replay`: recorded decisions are made again from what is stored, by a fresh process.

use super::database;
use crate::domain::{DecisionId, Timestamp};
use crate::screening::Policies;
use crate::screening::compare::Difference;
use crate::screening::load_policies::load_policies;
use crate::screening::replay::{Question, ReplayError, replay};
use crate::store::Db;
use crate::store::read_history::{self, RecordedDecision, Span};
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::process::ExitCode;
use time::format_description::well_known::Rfc3339;

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

/// How many decisions are read at once.
const PAGE: i64 = 2_000;

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
    let db = Db::connect(&database::app_url()?, 2).await.context("connecting to the database")?;
    // Which rules only recorded is among each decision's inputs.
    let policies = load_policies(db.pool(), &[]).await.context("reading the policies")?;
    let wanted: Vec<_> = ids.iter().map(|id| id.0).collect();
    let mut span = Span { ids: (!all).then_some(wanted), limit: PAGE, ..Span::default() };
    let question = Question { as_of, version: policy };
    let mut tally = Tally::default();
    let mut missing = ids;
    loop {
        let page = read_history::decisions(db.pool(), &span).await.context("reading decisions")?;
        let Some(last) = page.last() else { break };
        span.after = Some(last.id);
        for decision in &page {
            missing.retain(|id| id.0 != decision.id);
            one(&db, &policies, decision, &question, &mut tally).await?;
        }
    }
    if let Some(id) = missing.first() {
        bail!("there is no decision {id} in this database");
    }
    println!("{}", summary(&tally));
    let as_recorded = tally.different == 0 && !tally.fails;
    Ok(if as_recorded { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn one(
    db: &Db,
    policies: &Policies,
    decision: &RecordedDecision,
    question: &Question,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let id = DecisionId(decision.id);
    tally.decisions += 1;
    match replay(db.pool(), policies, decision, question).await {
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
