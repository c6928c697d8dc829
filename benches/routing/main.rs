//! A simulator of routing: how many approvals each way of choosing a PSP loses to each kind of fault, how
//! soon it notices, and how soon it comes back.
//!
//! `SQLX_OFFLINE=true cargo bench --bench routing --` prints one table for each pace of payments; the
//! options are told by `--help`. All contenders see the same arrivals, latencies and fates, seed by seed.
//! `--grid` walks through many geometries, `--plots FOLDER` writes the pictures, `--decisions` measures how
//! long one decision takes. `docs/routing-simulator.md` tells what came of it.
//!
//! What is measured, in each run of 600 s without a fault, 300 s with it and 600 s after it:
//!
//! - **lost**: over the payments of the fault and of the time after it, the approval rate of the PSP that
//!   would have been best at that moment, faults and all, less that of the PSP that was asked. In
//!   parentheses: less the same sum of a run with the same seed and no fault. What remains is the fault's
//!   doing; the rest is what choosing costs in any case.
//! - **detected**: the time until at most 2 of the last 20 payments go to the ill PSP.
//! - **recovered**: the time from the fault's end until 14 of the last 20 payments go there again, or until
//!   20 payments in a row lose at most half a point each more than the same 20 in the run without the
//!   fault: when another is as good, coming back makes no difference.
//! - **regret**: what a payment loses in runs without a fault, after the first 300 s.
//! - **trips**: technical trips in a million payments of runs without a fault.
//!
//! Of a fault only its effect is simulated: a request that surely did not leave (refused) goes on to the next
//! PSP, every other fault costs the payment, since in doubt nobody asks twice.
//!
//! Reading order: `world` (what happens), `peers` and `breakers` (who chooses), `run`, `table`, `grid`, `picture`,
//! `decisions`.

#![allow(clippy::float_arithmetic, reason = "rates and seconds; no money is counted here")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and times")]

mod breakers;
mod decisions;
mod grid;
mod peers;
mod picture;
mod run;
mod table;
mod world;

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use world::{Fault, World};

const HELP: &str = "\
--rates 20,2        payments a second, one table each
--psps 0.88,0.86,0.8  approval rates of the PSPs; the best one falls ill
--seeds 100         runs of each fault
--seed 1            where the seeds begin
--calm 2            millions of payments without a fault in which false trips are counted
--fault NAME        this fault alone; several times for several
--fault-s 300 --after-s 600 --warm-s 600
--timeout-s 10      when a call that nobody answers is given up
--median-s 0.7 --spread 0.5   the log-normal law of latency
--base 0.002        share of technical faults of a healthy PSP
--delay-s 30        how late approvals are told under delayed_webhooks
--brownout 0.35     the approval rate of a brownout
--drift             approval rates wander by 3 points in 15 minutes
--day               the pace of payments follows a day of half an hour
--only NAME         this contender alone; \"told by the first failed answer\" is the bound of all that wait for answers,
                    \"interlock, ranked route\" is ours where a route states its own order
--grid tuned        the geometries that the rules were tuned on, or held-out: the others
--geometry NAME     one of them alone
--plots FOLDER      write the pictures
--decisions         measure one decision instead
--json              print the figures as JSON, for machines";

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub rates: Vec<f64>,
    pub world: World,
    pub seeds: u64,
    pub seed: u64,
    /// Millions of payments without a fault in which false trips are counted.
    pub calm: f64,
    /// `tuned` or `held-out`.
    pub grid: Option<String>,
    pub geometry: Option<String>,
    pub faults: Vec<Fault>,
    pub only: Option<String>,
    pub plots: Option<PathBuf>,
    pub decisions: bool,
    pub json: bool,
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Asked>> {
    let mut asked = Asked {
        rates: vec![20.0, 2.0],
        world: World::default(),
        seeds: 100,
        seed: 1,
        calm: 2.0,
        grid: None,
        geometry: None,
        faults: Vec::new(),
        only: None,
        plots: None,
        decisions: false,
        json: false,
    };
    while let Some(word) = words.next() {
        let mut text = || words.next().with_context(|| format!("{word} needs a value"));
        let world = &mut asked.world;
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--rates" => asked.rates = numbers(&text()?)?,
            "--psps" => world.rates = numbers(&text()?)?,
            "--seeds" => asked.seeds = text()?.parse()?,
            "--seed" => asked.seed = text()?.parse()?,
            "--calm" => asked.calm = text()?.parse()?,
            "--grid" => asked.grid = Some(text()?),
            "--geometry" => asked.geometry = Some(text()?),
            "--fault" => {
                let name = text()?;
                let fault = Fault::ALL.iter().find(|fault| fault.name() == name);
                asked.faults.push(*fault.with_context(|| format!("there is no fault {name}"))?);
            }
            "--fault-s" => world.fault_s = text()?.parse()?,
            "--after-s" => world.after_s = text()?.parse()?,
            "--warm-s" => world.warm_s = text()?.parse()?,
            "--median-s" => world.median_s = text()?.parse()?,
            "--timeout-s" => world.timeout_s = text()?.parse()?,
            "--spread" => world.spread = text()?.parse()?,
            "--base" => world.base_faults = text()?.parse()?,
            "--delay-s" => world.delay_s = text()?.parse()?,
            "--brownout" => world.brownout = text()?.parse()?,
            "--drift" => world.drifts = true,
            "--day" => world.has_days = true,
            "--only" => asked.only = Some(text()?),
            "--plots" => asked.plots = Some(text()?.into()),
            "--decisions" => asked.decisions = true,
            "--json" => asked.json = true,
            // cargo says so of itself.
            "--bench" => {}
            other => bail!("{other} is no option\n{HELP}"),
        }
    }
    if asked.world.rates.len() < 2 {
        bail!("--psps needs two or more approval rates: with one there is nothing to choose");
    }
    if asked.faults.is_empty() {
        asked.faults = Fault::ALL.to_vec();
    }
    Ok(Some(asked))
}

fn numbers(list: &str) -> Result<Vec<f64>> {
    let number = |word: &str| word.trim().parse().with_context(|| format!("{word} is no number"));
    list.split(',').map(number).collect()
}

fn main() -> Result<()> {
    let Some(asked) = read(std::env::args().skip(1))? else {
        println!("{HELP}");
        return Ok(());
    };
    if asked.decisions {
        decisions::measure();
        return Ok(());
    }
    if let Some(name) = &asked.grid {
        let geometries = match name.as_str() {
            "tuned" => grid::tuned(),
            "held-out" => grid::held_out(),
            other => bail!("--grid is tuned or held-out, not {other}"),
        };
        grid::print(&asked, &geometries);
        return Ok(());
    }
    let mut tables = Vec::new();
    for rate in &asked.rates {
        let world = World { pace: *rate, ..asked.world.clone() };
        tables.push(table::Table::of(&asked, &world));
    }
    for table in &tables {
        if asked.json { println!("{}", table.json()) } else { println!("{}", table.markdown()) }
    }
    if let (Some(folder), Some(table)) = (&asked.plots, tables.first()) {
        picture::write(folder, &asked, table)?;
    }
    Ok(())
}
