//! Block (a): lanes under load. Block (b): a lone command beside a bare commit.
//!
//! The commands are the service's own, on its own schema with every guard on: 60 of 100 are the
//! verified news that a deposit's money is in (screened again, posted, credited, told), 40 are
//! withdrawals that reserve a little of the wallet. Each makes one posting.

use crate::roles::{Part, Process};
use crate::stand::{Stand, Used};
use crate::table::{each, heading, median, micros_each, p50_p99, row};
use crate::{Plan, casino, crowd, house, table, yardstick};
use anyhow::{Context, Result, ensure};
use interlock::book::Payment;
use interlock::decide::{Answer, Command};
use interlock::domain::{AttemptId, Currency, Money, PlayerKey};
use interlock::flows::Flows;
use interlock::screening::Checkpoint;
use interlock::store::read_models;
use interlock::vendors::people::ask_checks::ask_checks;
use sqlx::{Connection, PgConnection};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

/// Of the lone command.
const LANES: usize = 2;
/// While commands are prepared.
const IN_FLIGHT: usize = 400;
/// Deposits of each player, beside the first that fills the wallet.
const DEPOSITS_EACH: usize = 6;
const LONE: usize = 300;

type Prepared = Vec<Mutex<Option<(PlayerKey, Command)>>>;

/// Settlement and reservations, saturated.
pub async fn saturated(stand: &mut Stand, plan: &Plan) -> Result<()> {
    let tasks = TaskTracker::new();
    let counted = plan.statements && stand.counts_statements;
    if counted {
        stand.count_statements(true).await?;
    }
    let (flows, mocks) = open(stand, plan.lanes, &tasks).await?;
    let mut bases = vec![yardstick::run(stand, plan.yardstick).await?];
    heading(
        &format!(
            "Lanes: {} lanes, {} in flight, 60 % settlements, 40 % reservations",
            plan.lanes, plan.in_flight
        ),
        &[
            "round",
            "× TPC-B",
            "p50 ms",
            "p99 ms",
            "PostgreSQL µs a posting",
            "service + load µs a posting",
            "WAL B a posting",
            "WAL pages",
            "foreign CPU",
        ],
    );
    let (mut results, mut statements, first) = (Vec::new(), Vec::new(), plan.lane_rounds);
    for round in 0..first {
        let commands = prepare(&flows, plan.commands, &format!("s{round}")).await?;
        if counted {
            stand.count_statements(true).await?;
        }
        let meter = stand.meter(&[]).await?;
        let mut times = submit(&flows, commands, plan.in_flight).await?;
        let used = stand.used(&meter).await?;
        if counted {
            statements = stand.statements().await?;
        }
        bases.push(yardstick::run(stand, plan.yardstick).await?);
        results.push((used, p50_p99(&mut times), times.len()));
    }
    let base = median(&bases);
    for (round, (used, latency, count)) in results.iter().enumerate() {
        print_round(round, base, used, *latency, *count);
    }
    println!("\nTPC-B: {} a second in these {} runs.", all(&bases), bases.len());
    if counted {
        table::statements("A posting of the last round", plan.commands, &statements);
        stand.count_statements(false).await?;
    }
    drop(flows);
    tasks.close();
    tasks.wait().await;
    mocks.end().await
}

/// The lanes, and whom market packs ask about players before a deposit: they answer while commands are
/// prepared, and have nothing to do while they are measured.
async fn open(stand: &Stand, lanes: usize, tasks: &TaskTracker) -> Result<(Flows, Process)> {
    let ports = house::free_ports(&stand.folder)?;
    let config = house::config(&stand.folder, &ports)?;
    let part = Part { home: stand.folder.clone(), ports, url: stand.app_url() };
    let mocks = Process::spawn("mocks", &part).await?;
    Ok((house::open(config, &stand.app_url(), lanes, tasks).await?, mocks))
}

pub fn all(numbers: &[f64]) -> String {
    numbers.iter().map(|one| format!("{one:.0}")).collect::<Vec<_>>().join(", ")
}

fn print_round(round: usize, base: f64, used: &Used, latency: (f64, f64), count: usize) {
    let rate = count as f64 / used.wall.as_secs_f64();
    row(&[
        (round + 1).to_string(),
        format!("**{:.2}**", rate / base),
        format!("{:.1}", latency.0),
        format!("{:.1}", latency.1),
        format!("{:.0}", micros_each(used.postgres, count)),
        format!("{:.0}", micros_each(used.own, count)),
        format!("{:.0}", each(used.wal_bytes, count)),
        used.wal_pages.to_string(),
        format!("{:.0} %", used.foreign * 100.0),
    ]);
}

/// Makes players with money, and deposits that wait for their payer; then the commands.
async fn prepare(flows: &Flows, count: usize, round: &str) -> Result<Prepared> {
    let deposits = count * 6 / 10;
    let players = deposits.div_ceil(DEPOSITS_EACH);
    let (owner, name) = (flows.clone(), round.to_owned());
    crowd::run(players, IN_FLIGHT, move |number| {
        let (flows, round) = (owner.clone(), name.clone());
        async move { rich_player(&flows, casino::key(&format!("DE-{round}"), number)).await }
    })
    .await?;
    let opened: Arc<Mutex<Vec<(Payment, AttemptId)>>> = Arc::default();
    let (owner, name, kept) = (flows.clone(), round.to_owned(), opened.clone());
    crowd::run(deposits, IN_FLIGHT, move |number| {
        let (flows, round, kept) = (owner.clone(), name.clone(), kept.clone());
        async move {
            let key = casino::key(&format!("DE-{round}"), number % players);
            let unique = format!("{round}-deposit-{number}");
            let money = Money::new(1_000, Currency::EUR);
            let open = casino::open_deposit(&flows, key, money, &unique).await?;
            kept.lock().map_err(|_| anyhow::anyhow!("a caller panicked"))?.push(open);
            Ok(())
        }
    })
    .await?;
    let opened = std::mem::take(&mut *opened.lock().map_err(|_| anyhow::anyhow!("panicked"))?);
    let mut commands = Vec::with_capacity(count);
    let some = &opened.first().context("there are deposits")?.0;
    let (player, _) =
        read_models::player(flows.db.pool(), &some.player).await?.context("a player is there")?;
    let checks = ask_checks(flows, &player, Checkpoint::WithdrawalRequest).await;
    let mut reservations = 0;
    for (index, (payment, attempt)) in opened.iter().enumerate() {
        commands.push((payment.player.clone(), casino::success(payment, *attempt)));
        // Two reservations after each third settlement.
        for _ in 0..if index % 3 == 2 { 2 } else { 0 } {
            reservations += 1;
            let unique = format!("{round}-withdrawal-{reservations}");
            let like = &opened[(index * 7) % opened.len()].0;
            let known = (&player, &checks);
            commands.push((like.player.clone(), casino::reserve(flows, known, like, &unique)));
        }
    }
    Ok(commands.into_iter().map(|one| Mutex::new(Some(one))).collect())
}

async fn rich_player(flows: &Flows, key: PlayerKey) -> Result<()> {
    casino::put(flows, key.clone(), "DE", Currency::EUR).await?;
    let unique = format!("first-{}", key.player);
    let money = Money::new(50_000, Currency::EUR);
    let (payment, attempt) = casino::open_deposit(flows, key, money, &unique).await?;
    flows.lanes.submit(&payment.player, casino::success(&payment, attempt)).await?;
    Ok(())
}

async fn submit(flows: &Flows, commands: Prepared, callers: usize) -> Result<Vec<Duration>> {
    let (count, commands, lanes) = (commands.len(), Arc::new(commands), flows.lanes.clone());
    crowd::run(count, callers, move |number| {
        let (commands, lanes) = (commands.clone(), lanes.clone());
        async move {
            let taken = commands[number].lock().ok().and_then(|mut one| one.take());
            let (player, command) = taken.context("each command is submitted once")?;
            let answer = lanes.submit(&player, command).await?;
            let waits = matches!(&answer, Answer::Payment(it) if !it.reasons.is_empty());
            ensure!(!waits, "a withdrawal waits for people: {answer:?}");
            Ok(())
        }
    })
    .await
}

/// One command at a time, in turn with a bare insert and its commit.
pub async fn lone(stand: &mut Stand, plan: &Plan) -> Result<()> {
    let tasks = TaskTracker::new();
    let counted = plan.statements && stand.counts_statements;
    if counted {
        stand.count_statements(true).await?;
    }
    let (flows, mocks) = open(stand, LANES, &tasks).await?;
    let count = if plan.quick { LONE / 3 } else { LONE };
    let commands = prepare(&flows, count, "lone").await?;
    let mut bare = PgConnection::connect(&stand.app_url()).await?;
    let (mut bare_times, mut lane_times) = (Vec::new(), Vec::new());
    if counted {
        stand.count_statements(true).await?;
    }
    let meter = stand.meter(&[]).await?;
    for one in commands {
        let started = Instant::now();
        sqlx::query("insert into bare values (now())").execute(&mut bare).await?;
        bare_times.push(started.elapsed());
        let (player, command) =
            one.into_inner().ok().flatten().context("each command is submitted once")?;
        let started = Instant::now();
        flows.lanes.submit(&player, command).await?;
        lane_times.push(started.elapsed());
    }
    let used = stand.used(&meter).await?;
    let ((bare50, bare99), (lane50, lane99)) = (p50_p99(&mut bare_times), p50_p99(&mut lane_times));
    heading(
        "A lone command through a lane, beside a bare insert and its commit",
        &["", "p50 ms", "p99 ms"],
    );
    row(&["bare insert + commit".to_owned(), format!("{bare50:.2}"), format!("{bare99:.2}")]);
    row(&["lone command".to_owned(), format!("{lane50:.2}"), format!("{lane99:.2}")]);
    let beside = (lane50 - bare50, lane99 - bare99);
    row(&[
        "**beside the commit**".to_owned(),
        format!("{:.2}", beside.0),
        format!("**{:.2}**", beside.1),
    ]);
    println!("\n{count} of each in turn; foreign CPU {:.0} %.", used.foreign * 100.0);
    if counted {
        table::statements("A lone command", count, &stand.statements().await?);
        stand.count_statements(false).await?;
    }
    bare.close().await?;
    drop(flows);
    tasks.close();
    tasks.wait().await;
    mocks.end().await
}
