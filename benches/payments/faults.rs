//! Block (d): the simulator's faults, one after the other, at the whole stack: casino's backends that post
//! twenty deposits a second, the service, and PSPs' mocks that are told to go wrong.
//!
//! The route states its own order, as those that are shipped do; the first PSP falls ill (in the issuer outage
//! both). Words mean what they mean in `docs/routing-simulator.md`. All is real time: a fault lasts 40 s and not
//! 300, and twenty deposits in a row are a second.

use crate::client::{Asked, Client};
use crate::stand::Stand;
use crate::table::{heading, p50_p99, row};
use crate::whole::Stage;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

const ILL: &str = "truelayer-gb";
const OTHER: &str = "trustly-gb";
/// Of their payers, these approve; in a brownout, and half of both in an issuer outage.
const WELL: [(&str, f64); 2] = [(ILL, 0.88), (OTHER, 0.86)];
const BROWNOUT: f64 = 0.35;
/// Between two deposits.
const PACE: Duration = Duration::from_millis(50);
const CALM: Duration = Duration::from_secs(20);
const FAULT: Duration = Duration::from_secs(40);
/// Of flapping, in which the PSP is ill and well in turn.
const TURN: Duration = Duration::from_secs(20);
/// The longest that a recovery is waited for.
const AFTER: Duration = Duration::from_secs(90);
/// What is slow, and how late webhooks come.
const SLOW_MS: u64 = 2_000;
const LATE_MS: u64 = 30_000;
/// The last so many deposits tell where traffic goes.
const WINDOW: usize = 20;
const GONE: usize = 2;
const BACK: usize = 14;
/// The longest that a deposit's answer is waited for at the end.
const LAST_ANSWER: Duration = Duration::from_secs(60);
const PLAYERS: usize = 4_000;

const ALL: [&str; 9] = [
    "refused",
    "black hole",
    "all 5xx",
    "half 5xx",
    "brownout",
    "slow",
    "flapping",
    "issuer outage",
    "delayed webhooks",
];

/// One deposit: when it was asked for, where it went first, and what its request came to.
#[derive(Debug, Clone)]
struct Seen {
    at: Instant,
    at_first: bool,
    fine: bool,
    took: Duration,
    /// From its first attempt to its second.
    added: Option<Duration>,
}

type All = Arc<Mutex<BTreeMap<usize, Seen>>>;

/// Posts deposits at an even pace, for all faults together.
struct Crowd {
    client: Client,
    seen: All,
    posted: usize,
    running: TaskTracker,
}

/// What one fault came to.
struct Told {
    fault: &'static str,
    calm: Vec<Seen>,
    /// From its beginning on.
    since: Vec<Seen>,
    detected: Option<Duration>,
    recovered: Option<Duration>,
    /// Approvals that a PSP which is well would have given, less those that came.
    lost: f64,
}

pub async fn outlive(stand: &mut Stand) -> Result<()> {
    let (mut all, mut posted) = (Vec::new(), 0);
    for fault in ALL {
        // Who falls again soon is trusted later: each fault meets a service that has seen none.
        let stage = Stage::open(stand).await?;
        if posted == 0 {
            stage.put_players(PLAYERS, "GB", "GBP").await?;
        }
        let (seen, running) = (All::default(), TaskTracker::new());
        let mut crowd = Crowd { client: stage.client(), seen, posted, running };
        all.push(crowd.meet(&stage, stand, fault).await?);
        posted = crowd.posted;
        crowd.running.close();
        crowd.running.wait().await;
        stage.end().await?;
    }
    print(all);
    Ok(())
}

impl Crowd {
    async fn meet(
        &mut self,
        stage: &Stage,
        stand: &mut Stand,
        fault: &'static str,
    ) -> Result<Told> {
        for (account, approves) in WELL {
            rules(stage, account, &[], approves).await?;
        }
        let from = self.posted;
        self.post_for(CALM).await;
        let (first, began) = (self.posted, Instant::now());
        fall_ill(stage, fault).await?;
        if fault == "flapping" {
            self.post_for(TURN).await;
            rules(stage, ILL, &[], WELL[0].1).await?;
            self.post_for(TURN).await;
            fall_ill(stage, fault).await?;
            self.post_for(TURN).await;
        } else {
            self.post_for(FAULT).await;
        }
        recover(stage).await?;
        let (mended, first_after) = (Instant::now(), self.posted);
        while mended.elapsed() < AFTER && self.back_since(first_after).is_none() {
            self.post_for(Duration::from_secs(1)).await;
        }
        self.answered(from).await;
        let since = self.seen_since(first);
        let asked = since.len();
        let calm: Vec<Seen> =
            self.seen_since(from).into_iter().take(first.saturating_sub(from)).collect();
        let detected = gone(&since, began);
        let recovered = self.back_since(first_after).map(|at| at - mended);
        let approved = approved(stand, first, self.posted).await?;
        let lost = WELL[0].1 * asked as f64 - approved as f64;
        Ok(Told { fault, calm, since, detected, recovered, lost })
    }

    async fn post_for(&mut self, time: Duration) {
        let mut ticks = tokio::time::interval(PACE);
        let until = Instant::now() + time;
        while Instant::now() < until {
            ticks.tick().await;
            let (number, client, seen) = (self.posted, self.client.clone(), self.seen.clone());
            self.posted += 1;
            self.running.spawn(async move {
                let at = Instant::now();
                let player = format!("p-GB-{}", number % PLAYERS);
                let asked = client.ask(&player, "GBP", "10.00", &key(number)).await;
                let took = at.elapsed();
                let told = Seen { took, ..seen_of(at, asked) };
                seen.lock().unwrap_or_else(PoisonError::into_inner).insert(number, told);
            });
        }
    }

    fn seen_since(&self, first: usize) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.range(first..).map(|(_, one)| one.clone()).collect()
    }

    /// When traffic was back, of deposits from this one on.
    fn back_since(&self, first: usize) -> Option<Instant> {
        let seen = self.seen_since(first);
        let back = seen.windows(WINDOW).find(|last| BACK <= to_first(last))?;
        back.last().map(|one| one.at)
    }

    /// Waits for the answers of all that were asked for since this one.
    async fn answered(&self, first: usize) {
        let until = Instant::now() + LAST_ANSWER;
        while self.seen_since(first).len() < self.posted - first && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn key(number: usize) -> String {
    format!("faults-{number:08}")
}

fn seen_of(at: Instant, asked: Result<Asked>) -> Seen {
    let Ok(Asked { status, attempts }) = asked else {
        return Seen { at, at_first: false, fine: false, took: Duration::ZERO, added: None };
    };
    Seen {
        at,
        at_first: attempts.first().is_some_and(|(psp, ..)| psp == ILL),
        // A payer may decline before the request is answered.
        fine: ["processing", "action_required", "succeeded"].contains(&status.as_str())
            || attempts.last().is_some_and(|(.., status)| status == "declined"),
        took: Duration::ZERO,
        added: match attempts.as_slice() {
            [(_, first, _), (_, second, _), ..] => Duration::try_from(*second - *first).ok(),
            _ => None,
        },
    }
}

fn to_first(seen: &[Seen]) -> usize {
    seen.iter().filter(|one| one.at_first).count()
}

/// How long after its beginning traffic was gone.
fn gone(since: &[Seen], began: Instant) -> Option<Duration> {
    let gone = since.windows(WINDOW).find(|last| to_first(last) <= GONE)?;
    gone.last().map(|one| one.at - began)
}

/// Deposits of these numbers whose money came. Those whose webhooks are late are waited for.
async fn approved(stand: &mut Stand, first: usize, end: usize) -> Result<i64> {
    let until = Instant::now() + LAST_ANSWER;
    let open = "select count(*) from payment where direction = 'deposit' and reference >= $1
                and reference < $2 and status in ('created', 'processing', 'action_required')";
    while 0 < stand.number_between(open, &key(first), &key(end)).await? && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let done = "select count(*) from payment where direction = 'deposit' and reference >= $1
                and reference < $2 and status = 'succeeded'";
    stand.number_between(done, &key(first), &key(end)).await
}

/// An account's faults, and how many of its payers approve.
async fn rules(stage: &Stage, account: &str, faults: &[Value], approves: f64) -> Result<()> {
    stage.clear_faults(account).await?;
    for fault in faults {
        stage.control(&format!("/psps/{account}/faults"), fault).await?;
    }
    let declined = (1_000.0 * (1.0 - approves)).round() / 1_000.0;
    let payers = json!({"complete_after_ms": 1, "outcome": "succeeded", "declined": declined});
    stage.control(&format!("/psps/{account}/auto"), &payers).await
}

async fn fall_ill(stage: &Stage, fault: &str) -> Result<()> {
    let any = |fault: &str| json!({"operation": "any", "fault": fault});
    let (rule, approves) = match fault {
        "refused" => {
            return stage.control(&format!("/psps/{ILL}/listener"), &json!({"up": false})).await;
        }
        "black hole" => (Some(any("timeout_before_accept")), WELL[0].1),
        "half 5xx" => {
            let half = json!({"operation": "any", "fault": "http_500", "rate": 0.5});
            (Some(half), WELL[0].1)
        }
        "brownout" => (None, BROWNOUT),
        "slow" => {
            let slow = json!({"operation": "any", "fault": "slow", "delay_ms": SLOW_MS});
            (Some(slow), WELL[0].1)
        }
        "issuer outage" => {
            rules(stage, OTHER, &[], WELL[1].1 / 2.0).await?;
            (None, WELL[0].1 / 2.0)
        }
        "delayed webhooks" => {
            let late =
                json!({"operation": "webhook", "fault": "webhook_delay", "delay_ms": LATE_MS});
            (Some(late), WELL[0].1)
        }
        _ => (Some(any("http_500")), WELL[0].1),
    };
    let faults: Vec<Value> = rule.into_iter().collect();
    rules(stage, ILL, &faults, approves).await
}

async fn recover(stage: &Stage) -> Result<()> {
    stage.control(&format!("/psps/{ILL}/listener"), &json!({"up": true})).await?;
    for (account, approves) in WELL {
        rules(stage, account, &[], approves).await?;
    }
    Ok(())
}

fn print(all: Vec<Told>) {
    heading(
        "The whole stack: 20 deposits a second, the first PSP of two ill for 40 s",
        &[
            "fault",
            "detected s",
            "recovered s",
            "not begun",
            "approvals lost",
            "of deposits",
            "POST p50, p99 ms, calm",
            "with the fault",
            "added by failover p50, p99 ms",
            "failovers",
        ],
    );
    for told in all {
        let seconds = |time: Option<Duration>| {
            time.map_or("–".to_owned(), |time| format!("{:.1}", time.as_secs_f64()))
        };
        let both = |times: Vec<Duration>| {
            let mut times = times;
            let (p50, p99) = p50_p99(&mut times);
            if times.is_empty() { "–".to_owned() } else { format!("{p50:.0}, {p99:.0}") }
        };
        let took = |seen: &[Seen]| both(seen.iter().map(|one| one.took).collect());
        let added: Vec<Duration> = told.since.iter().filter_map(|one| one.added).collect();
        let failovers = added.len();
        row(&[
            told.fault.to_owned(),
            seconds(told.detected),
            seconds(told.recovered),
            told.since.iter().filter(|one| !one.fine).count().to_string(),
            format!("{:.0}", told.lost),
            told.since.len().to_string(),
            took(&told.calm),
            took(&told.since),
            both(added),
            failovers.to_string(),
        ]);
    }
}
