//! Block (c): whole payments. The casino's POST, the PSP's mock in a process of its own, signed
//! webhooks back, the credit, the events; and the payouts of the same players.

use crate::client::Client;
use crate::lanes::all;
use crate::roles::{Part, Process};
use crate::signatures::{self, Cost};
use crate::stand::{Stand, Used};
use crate::table::{each, heading, median, micros_each, p50_p99, row};
use crate::{Plan, crowd, house, table, yardstick};
use anyhow::{Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// While players are put.
const CALLERS: usize = 48;
const PAYMENTS_EACH: usize = 4;
/// The longest that a block waits for the last webhook.
const LAST_WEBHOOK: Duration = Duration::from_secs(60);

/// One block of payments over one PSP.
struct Block {
    title: String,
    used: Used,
    latency: (f64, f64),
    count: usize,
    webhooks: i64,
    signing: Duration,
}

/// The three processes, and what talks to them.
pub struct Stage {
    part: Part,
    service: Process,
    mocks: Process,
    client: Client,
}

pub async fn payments(stand: &mut Stand, plan: &Plan) -> Result<()> {
    let mut bases = vec![yardstick::run(stand, plan.yardstick).await?];
    let costs = (signatures::es512()?, signatures::rsa_sha1()?);
    let stage = Stage::open(stand).await?;
    let mut blocks = Vec::new();
    for (account, country, currency) in house::MEASURED {
        let cost = if account.starts_with("truelayer") { costs.0 } else { costs.1 };
        let players = plan.payments.div_ceil(PAYMENTS_EACH);
        stage.put_players(players, country, currency).await?;
        stage.completing(account).await?;
        for route in ["deposits", "withdrawals"] {
            let block =
                stage.block(stand, plan, (account, country, currency), route, cost, "").await?;
            blocks.push(block);
            bases.push(yardstick::run(stand, plan.yardstick).await?);
        }
    }
    stage.end().await?;
    print(&blocks, plan.callers, median(&bases));
    println!("\nTPC-B: {} a second in these {} runs.", all(&bases), bases.len());
    for (name, cost) in [("ES512 (TrueLayer)", costs.0), ("RSA-2048 SHA-1 (Trustly)", costs.1)] {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!(
            "{name}: {:.0} µs to sign, {:.0} µs to verify.",
            micros(cost.sign),
            micros(cost.verify)
        );
    }
    Ok(())
}

/// Statements and bytes a payment, in a run of their own: counting costs time.
pub async fn counts(stand: &mut Stand, plan: &Plan) -> Result<()> {
    if !stand.counts_statements {
        println!("\nThis server comes without pg_stat_statements: statements are not counted.");
        return Ok(());
    }
    let plan = Plan { payments: plan.counted, ..plan.clone() };
    heading(
        "What the database does for one payment",
        &["payment", "statements", "writing transactions", "WAL B"],
    );
    let mut lists = Vec::new();
    for measured in house::MEASURED {
        let (account, country, currency) = measured;
        stand.count_statements(true).await?;
        let stage = Stage::open(stand).await?;
        stage.put_players(plan.payments.div_ceil(PAYMENTS_EACH), country, currency).await?;
        stage.completing(account).await?;
        for route in ["deposits", "withdrawals"] {
            stand.count_statements(true).await?;
            let cost = Cost { sign: Duration::ZERO, verify: Duration::ZERO };
            let block = stage.block(stand, &plan, measured, route, cost, "counted-").await?;
            let statements = stand.statements().await?;
            let calls = statements.iter().map(|one| one.calls).sum();
            row(&[
                block.title.clone(),
                format!("{:.0}", each(calls, block.count)),
                format!("{:.1}", each(block.used.writing, block.count)),
                format!("{:.0}", each(block.used.wal_bytes, block.count)),
            ]);
            lists.push((block, statements));
        }
        stage.end().await?;
        stand.count_statements(false).await?;
    }
    print_tables(stand).await?;
    if plan.statements {
        for (block, statements) in lists {
            table::statements(&block.title, block.count, &statements);
        }
    }
    Ok(())
}

/// Where the bytes are, after everything that ran here.
async fn print_tables(stand: &mut Stand) -> Result<()> {
    let payments = stand.number("select count(*) from payment").await?;
    heading(
        "Tables with their indexes, by payment (both kinds, after all blocks)",
        &["table", "B a payment"],
    );
    let payments = usize::try_from(payments)?;
    for (table, bytes) in stand.table_bytes().await?.iter().take(12) {
        row(&[table.clone(), format!("{:.0}", each(*bytes, payments))]);
    }
    Ok(())
}

impl Stage {
    pub async fn open(stand: &Stand) -> Result<Self> {
        let part = Part {
            home: stand.folder.clone(),
            ports: house::free_ports(&stand.folder)?,
            url: stand.app_url(),
        };
        house::config(&part.home, &part.ports)?;
        let mocks = Process::spawn("mocks", &part).await?;
        let service = Process::spawn("service", &part).await?;
        let client = Client::new(part.ports.service)?;
        Ok(Self { part, service, mocks, client })
    }

    pub async fn end(self) -> Result<()> {
        self.service.end().await?;
        self.mocks.end().await
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub async fn put_players(&self, count: usize, country: &str, currency: &str) -> Result<()> {
        let client = self.client.clone();
        let (country, currency) = (country.to_owned(), currency.to_owned());
        crowd::run(count, CALLERS, move |number| {
            let (client, country, currency) = (client.clone(), country.clone(), currency.clone());
            async move {
                client.put_player(&format!("p-{country}-{number}"), &country, &currency).await
            }
        })
        .await?;
        Ok(())
    }

    /// Payers and banks act at once, by themselves.
    pub async fn completing(&self, account: &str) -> Result<()> {
        let body = json!({"complete_after_ms": 1, "outcome": "succeeded"});
        self.control(&format!("/psps/{account}/auto"), &body).await
    }

    /// Tells the mocks something.
    pub async fn control(&self, path: &str, body: &Value) -> Result<()> {
        self.tell(Method::POST, path, Some(body)).await
    }

    pub async fn clear_faults(&self, account: &str) -> Result<()> {
        self.tell(Method::DELETE, &format!("/psps/{account}/faults"), None).await
    }

    async fn tell(&self, method: Method, path: &str, body: Option<&Value>) -> Result<()> {
        let port = self.part.ports.control;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut call = client.request(method, format!("http://127.0.0.1:{port}{path}"));
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        Ok(())
    }

    async fn block(
        &self,
        stand: &mut Stand,
        plan: &Plan,
        (account, country, currency): (&'static str, &'static str, &'static str),
        route: &str,
        cost: Cost,
        unique: &str,
    ) -> Result<Block> {
        let count = plan.payments;
        let players = count.div_ceil(PAYMENTS_EACH);
        let (client, key) = (self.client.clone(), format!("{unique}{account}-{route}"));
        let done = finished(stand, route).await? + i64::try_from(count)?;
        let webhooks = stand.number("select count(*) from inbox").await?;
        let meter = stand.meter(&[self.service.pid, self.mocks.pid]).await?;
        let kind = route.to_owned();
        let mut times = crowd::run(count, plan.callers, move |number| {
            let (client, route) = (client.clone(), kind.clone());
            let (player, key) =
                (format!("p-{country}-{}", number % players), format!("{key}-{number}"));
            async move { client.pay(&route, &player, currency, &key).await }
        })
        .await?;
        await_all(stand, route, done).await?;
        let used = stand.used(&meter).await?;
        let webhooks = stand.number("select count(*) from inbox").await? - webhooks;
        let seen = u32::try_from(webhooks)?;
        // TrueLayer signs requests and webhooks; Trustly also its answers, and we our replies.
        let payments = u32::try_from(count)?;
        let signing = if account.starts_with("truelayer") {
            cost.sign * payments + cost.verify * seen
        } else {
            (cost.sign + cost.verify) * (payments + seen)
        };
        let title = format!("{} over {account}", route.trim_end_matches('s'));
        Ok(Block { title, used, latency: p50_p99(&mut times), count, webhooks, signing })
    }
}

async fn finished(stand: &mut Stand, route: &str) -> Result<i64> {
    match route {
        "deposits" => stand
            .number(
                "select count(*) from payment where direction = 'deposit' and status = 'succeeded'",
            )
            .await,
        _ => stand
            .number(
                "select count(*) from payment where direction = 'withdrawal' and status = 'paid'",
            )
            .await,
    }
}

/// Of the newest payments, those that have not come to their end. They end last, and to count all
/// payments again and again would be a tenth of what the database is measured to do.
async fn unfinished_of_the_newest(stand: &mut Stand, route: &str) -> Result<i64> {
    match route {
        "deposits" => {
            stand
                .number(
                    "select count(*) from (
                   select status from payment
                   where direction = 'deposit' and operator_id = 'op_demo'
                   order by payment_id desc limit 50) newest
                 where status <> 'succeeded'",
                )
                .await
        }
        _ => {
            stand
                .number(
                    "select count(*) from (
                   select status from payment
                   where direction = 'withdrawal' and operator_id = 'op_demo'
                   order by payment_id desc limit 50) newest
                 where status <> 'paid'",
                )
                .await
        }
    }
}

async fn await_all(stand: &mut Stand, route: &str, wanted: i64) -> Result<()> {
    let started = Instant::now();
    loop {
        let is_near = unfinished_of_the_newest(stand, route).await? == 0;
        if is_near && wanted <= finished(stand, route).await? {
            return Ok(());
        }
        if LAST_WEBHOOK < started.elapsed() {
            bail!("not all of the {wanted} {route} came to their end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn print(blocks: &[Block], callers: usize, base: f64) {
    heading(
        &format!("Whole payments, {callers} callers, everything on this machine"),
        &[
            "payment",
            "× TPC-B",
            "POST p50 ms",
            "p99 ms",
            "service µs",
            "of it signatures µs",
            "PostgreSQL µs",
            "**service + PostgreSQL, without signatures, µs**",
            "mocks µs",
            "load generator µs",
            "webhooks",
            "writing transactions",
            "WAL B",
            "foreign CPU",
        ],
    );
    for block in blocks {
        let (used, count) = (&block.used, block.count);
        let service = used.named.first().copied().unwrap_or_default();
        let mocks = used.named.get(1).copied().unwrap_or_default();
        let signing = micros_each(block.signing, count);
        let postgres = micros_each(used.postgres, count);
        let plain = micros_each(service, count) - signing + postgres;
        row(&[
            block.title.clone(),
            format!("**{:.3}**", count as f64 / used.wall.as_secs_f64() / base),
            format!("{:.1}", block.latency.0),
            format!("{:.1}", block.latency.1),
            format!("{:.0}", micros_each(service, count)),
            format!("{signing:.0}"),
            format!("{postgres:.0}"),
            format!("**{plain:.0}**"),
            format!("{:.0}", micros_each(mocks, count)),
            format!("{:.0}", micros_each(used.own, count)),
            format!("{:.1}", each(block.webhooks, count)),
            format!("{:.1}", each(used.writing, count)),
            format!("{:.0}", each(used.wal_bytes, count)),
            format!("{:.0} %", used.foreign * 100.0),
        ]);
    }
}
