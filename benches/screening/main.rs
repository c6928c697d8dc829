//! How long screening takes, and how long it takes to go over what is on record again.
//!
//! `SQLX_OFFLINE=true cargo bench --bench screening -- --decisions` measures one decision under a policy of
//! 200 rules, `-- --backtest` a back-test and a replay of 100,000 recorded decisions by the program itself
//! against a private PostgreSQL. Without an option both are measured. `--count N` records another number.
//!
//! Reading order: `decisions`, `backtest`; what is decided is drawn in `tests/drawn` and recorded in
//! `tests/recorded`, as the tests of replays do it.

#![allow(clippy::float_arithmetic, reason = "times and shares; no money is counted here")]

mod backtest;
mod decisions;
#[path = "../../tests/drawn/mod.rs"]
mod drawn;
#[path = "../../tests/recorded/mod.rs"]
mod recorded;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
--decisions   one decision under a policy of 200 rules
--backtest    a back-test and a replay of recorded decisions
--count N     how many are recorded for that; 100000 unless told";

const COUNT: u32 = 100_000;
/// More would measure the disk.
const COUNT_MAX: u32 = 1_000_000;

fn main() -> Result<()> {
    let (mut decisions, mut backtest, mut count) = (false, false, COUNT);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            "--decisions" => decisions = true,
            "--backtest" => backtest = true,
            "--count" => {
                let text = words.next().context("--count needs a value")?;
                count = text.parse().context("--count needs a number")?;
            }
            // cargo says so of itself.
            "--bench" => {}
            other => bail!("{other} is no option\n{HELP}"),
        }
    }
    if !(1..=COUNT_MAX).contains(&count) {
        bail!("--count is a number from 1 to {COUNT_MAX}");
    }
    let both = !decisions && !backtest;
    if decisions || both {
        decisions::measure()?;
    }
    if backtest || both {
        backtest::measure(count)?;
    }
    Ok(())
}
