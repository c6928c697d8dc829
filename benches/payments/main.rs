//! How fast payments are, as ratios to a yardstick in the same cluster in the same minute.
//!
//! `make bench` runs it whole, `make bench ARGS=--quick` in a minute or so. Options: `--only a,b` of
//! `lanes`, `lone`, `whole`, `counts`, and of `faults`, which takes twelve minutes and runs only where it is
//! named; `--statements` lists what the database was asked; `--lanes 4`
//! loads so many lanes in the first block, `--in-flight 800` with so many commands at once;
//! `--callers 200` has so many casinos' requests under way in `whole`, `--payments 4000` of each kind.
//!
//! The yardstick is pgbench's TPC-B-like transaction (scale 50, 32 clients, prepared), run before
//! and after each measured block; the base of a ratio is the median of these runs. The cluster is
//! private and fresh, `fsync` on; what differs from PostgreSQL's defaults is in
//! `src/sandbox/cluster/server.rs`. Everything is on
//! loopback and sockets. Seconds are not comparable between machines: the ratios, the CPU and the
//! log's bytes of one payment are.
//!
//! Reading order: `yardstick`, `stand` (the cluster, the meters), `house` and `casino` (the
//! service's rooms, and who asks), `lanes`, `roles` (the other processes), `client` (the casino's
//! backend), `whole`, `faults`.

#![allow(clippy::float_arithmetic, reason = "ratios of speeds; no money is counted here")]

mod casino;
mod client;
mod cpu;
mod crowd;
mod faults;
mod house;
mod lanes;
mod roles;
mod signatures;
mod stand;
mod table;
mod whole;
mod yardstick;

use anyhow::{Context, Result, bail};
use stand::Stand;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    pub quick: bool,
    pub statements: bool,
    pub only: Vec<String>,
    pub yardstick: Duration,
    pub lane_rounds: usize,
    /// Lanes of the first block.
    pub lanes: usize,
    /// Commands that wait for an answer at once, in the first block.
    pub in_flight: usize,
    /// Commands of one round.
    pub commands: usize,
    /// Deposits, and withdrawals, over each PSP.
    pub payments: usize,
    /// The same where statements are counted, which costs time.
    pub counted: usize,
    /// Requests of casinos that are under way at once, of whole payments.
    pub callers: usize,
}

impl Plan {
    fn wants(&self, block: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == block)
    }
}

/// What the command line says: measure, or be one of the other processes.
enum Asked {
    Measure(Plan),
    Role(String, roles::Part),
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Asked> {
    let (mut quick, mut statements, mut only) = (false, false, Vec::new());
    let (mut lanes, mut in_flight, mut callers, mut payments) = (2, 400, 48, None);
    let (mut role, mut home, mut url, mut ports) = (None, None, None, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--quick" => quick = true,
            "--statements" => statements = true,
            "--lanes" => lanes = number(&word, &value()?)?,
            "--in-flight" => in_flight = number(&word, &value()?)?,
            "--callers" => callers = number(&word, &value()?)?,
            "--payments" => payments = Some(number(&word, &value()?)?),
            "--only" => only = value()?.split(',').map(str::to_owned).collect(),
            "--role" => role = Some(value()?),
            "--home" => home = Some(PathBuf::from(value()?)),
            "--url" => url = Some(value()?),
            "--ports" => ports = Some(serde_json::from_str(&value()?)?),
            // cargo says so of itself.
            "--bench" => {}
            other => bail!("{other} is no option; see the head of benches/payments/main.rs"),
        }
    }
    if let (Some(role), Some(home), Some(url), Some(ports)) = (role, home, url, ports) {
        return Ok(Asked::Role(role, roles::Part { home, ports, url }));
    }
    let pick = |long: usize, short: usize| if quick { short } else { long };
    Ok(Asked::Measure(Plan {
        quick,
        statements,
        only,
        yardstick: Duration::from_secs(if quick { 3 } else { 6 }),
        lane_rounds: pick(3, 2),
        lanes,
        in_flight,
        commands: pick(20_000, 6_000),
        payments: payments.unwrap_or_else(|| pick(2_000, 500)),
        counted: payments.unwrap_or(200),
        callers,
    }))
}

fn number(option: &str, value: &str) -> Result<usize> {
    value.parse().with_context(|| format!("{option} needs a number"))
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let plan = match read(std::env::args().skip(1))? {
        Asked::Role(role, part) => return runtime.block_on(roles::run(&role, &part)),
        Asked::Measure(plan) => plan,
    };
    let started = Instant::now();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".interlock/bench");
    let mut stand = Stand::start(&folder, &runtime)?;
    let measured = runtime.block_on(measure(&mut stand, &plan));
    stand.end()?;
    measured?;
    println!("\nTook {} s.", started.elapsed().as_secs());
    Ok(())
}

async fn measure(stand: &mut Stand, plan: &Plan) -> Result<()> {
    println!("`make bench` on {} processors.", cpu::cores());
    if plan.only == ["faults"] {
        return faults::outlive(stand).await;
    }
    yardstick::prepare(stand).await?;
    if plan.wants("lanes") {
        lanes::saturated(stand, plan).await?;
    }
    if plan.wants("lone") {
        lanes::lone(stand, plan).await?;
    }
    if plan.wants("whole") {
        whole::payments(stand, plan).await?;
    }
    if plan.wants("counts") {
        whole::counts(stand, plan).await?;
    }
    Ok(())
}
