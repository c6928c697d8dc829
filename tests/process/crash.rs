//! The service is killed again and again under load. Money is where the PSPs say it is, and what
//! was acknowledged stays true.

use super::load::{Acknowledged, Client};
use super::program::Program;
use super::wait::try_until;
use super::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const PLAYERS: usize = 6;
const PSPS: [&str; 4] = ["trustly-de", "truelayer-de", "trustly-gb", "truelayer-gb"];
/// Each is served by another PSP first.
const MARKETS: [(&str, &str); 2] = [("DE", "EUR"), ("GB", "GBP")];
/// After the last start everything has ended or waits for a person.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// How long it is killed every second.
fn duration() -> Duration {
    let told = std::env::var("INTERLOCK_TEST_CRASH_S").ok();
    Duration::from_secs(told.map_or(20, |text| text.parse().expect("seconds")))
}

async fn clients(world: &World, stop: &Arc<AtomicBool>) -> JoinSet<Vec<Acknowledged>> {
    let mut running = JoinSet::new();
    for number in 0..PLAYERS {
        let player = format!("p-crash-{number}");
        let market = MARKETS[number % MARKETS.len()];
        let currency = market.1;
        world.api.player_of(&player, market).await;
        let body = world.api.deposit_body_in(&player, "100.00", currency);
        let first = world.api.post("/v1/deposits", &body).await.fine();
        let source = first["id"].as_str().unwrap().to_owned();
        world.api.until_status(&source, &["succeeded"]).await;
        let (api, stop) = (world.api.clone(), stop.clone());
        let client = Client { api, player, currency, source, stop };
        running.spawn(client.run());
    }
    running
}

/// Kills it a second after each start, and returns the last one, which lives, and how many died.
async fn kill_every_second(world: &World, mut house: Program) -> (Program, u32) {
    let mut kills = 0;
    let end = Instant::now() + duration();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.tick().await;
    while Instant::now() < end {
        second.tick().await;
        house.kill().await;
        kills += 1;
        house = world.serve().await;
        second.reset();
    }
    (house, kills)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_crash_moves_money_twice_or_loses_what_was_acknowledged() {
    let world = World::new().await;
    let house = world.serve().await;
    for psp in PSPS {
        world.control.auto(psp, 20).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let running = clients(&world, &stop).await;
    let (house, kills) = kill_every_second(&world, house).await;
    let restarted = Instant::now();
    stop.store(true, Ordering::Relaxed);
    let answered = tokio::time::timeout(SETTLED_WITHIN, running.join_all()).await;
    let Ok(answered) = answered else {
        panic!("clients wait for an answer; the service said:\n{}", house.said());
    };
    let acknowledged: Vec<Acknowledged> = answered.into_iter().flatten().collect();
    settled(&world).await;
    let took = restarted.elapsed();
    let mut counts: BTreeMap<(&str, u16), usize> = BTreeMap::new();
    for one in &acknowledged {
        *counts.entry((one.path, one.told.status.as_u16())).or_default() += 1;
    }
    let waiting = world.count(WAITING).await;
    println!(
        "{kills} kills; {took:?} after the last start everything had ended but {waiting} payouts"
    );
    println!("that Trustly may be asked about later; told: {counts:?}");
    assert!(counts.keys().any(|(path, status)| path.contains("withdraw") && *status == 201));

    world.proves().await;
    for psp in PSPS {
        agrees(&world, psp).await;
    }
    assert_eq!(world.count(PAID_TWICE).await, 0, "no part is paid twice");
    for one in &acknowledged {
        still_true(&world, one).await;
    }
    world.end().await;
}

/// What has not ended and waits for nobody. A payout whose answer is lost at Trustly has been asked
/// about and is asked about again when Trustly allows, which is every fifteen minutes.
const OPEN: &str = "select count(*) from payment p
    where (status in ('screening', 'approved', 'processing', 'action_required')
           or (status = 'in_review' and not exists
                 (select from review r where r.payment_id = p.payment_id and r.is_open)))
      and not exists (select from attempt a where a.payment_id = p.payment_id
            and p.direction = 'withdrawal' and a.psp like 'trustly-%' and a.status = 'unknown'
            and a.last_ledger_at is not null and now() < a.due_at)";
/// How many of those there are.
const WAITING: &str = "select count(*) from attempt where status = 'unknown'";
const PAID_TWICE: &str = "select count(*) from (select part_id from attempt
    where part_id is not null and status = 'succeeded' group by part_id having count(*) > 1) t";

async fn settled(world: &World) {
    let nothing_open =
        try_until(SETTLED_WITHIN, || async { (world.count(OPEN).await == 0).then_some(()) });
    if nothing_open.await.is_none() {
        let rows: Vec<String> = sqlx::query_scalar(
            "select concat_ws(' ', p.payment_id, p.direction, p.status, a.psp, a.status, a.due_at,
               now()) from payment p left join attempt a using (payment_id)
             where p.status in ('screening', 'approved', 'processing', 'action_required')",
        )
        .fetch_all(&world.rows)
        .await
        .unwrap();
        panic!("open after {SETTLED_WITHIN:?}:\n{}", rows.join("\n"));
    }
}

/// What moved at the PSP is what our books say, attempt by attempt and in sum. Waits a little: an
/// attempt that was abandoned in a crash is asked about after its deposit has gone on elsewhere.
async fn agrees(world: &World, psp: &str) {
    let equal = try_until(SETTLED_WITHIN, || async {
        let (theirs, ours) = sides(world, psp).await;
        (theirs == ours).then_some(theirs.len())
    });
    let Some(count) = equal.await else {
        let (theirs, ours) = sides(world, psp).await;
        let missing: Vec<&String> = theirs.symmetric_difference(&ours).collect();
        panic!("{psp}: not on both sides: {}", told_of(world, &missing).await);
    };
    let movements = world.control.movements(psp).await;
    let done = movements.iter().filter(|m| m["status"] == "succeeded");
    let minor = |m: &Value| m["amount"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let sum: i64 = done.map(|m| if m["kind"] == "deposit" { -minor(m) } else { minor(m) }).sum();
    let cleared: i64 = sqlx::query_scalar(
        "select coalesce(sum(balance), 0)::bigint from house_balance where account = $1",
    )
    .bind(format!("psp_clearing:{psp}"))
    .fetch_one(&world.rows)
    .await
    .unwrap();
    assert_eq!(sum, cleared, "{psp}: its movements, and our clearing account");
    println!("{psp}: {count} movements agree");
}

/// The attempts whose money moved, as the PSP knows them and as we do.
async fn sides(world: &World, psp: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let movements = world.control.movements(psp).await;
    let done = movements.iter().filter(|m| m["status"] == "succeeded");
    let theirs: Vec<String> =
        done.map(|m| m["client_reference"].as_str().unwrap().to_owned()).collect();
    let distinct: BTreeSet<String> = theirs.iter().cloned().collect();
    assert_eq!(theirs.len(), distinct.len(), "{psp}: one attempt moved twice");
    let ours: Vec<String> = sqlx::query_scalar(
        "select replace(attempt_id::text, '-', '') from attempt
         where psp = $1 and status = 'succeeded'",
    )
    .bind(psp)
    .fetch_all(&world.rows)
    .await
    .unwrap();
    (distinct, ours.into_iter().collect())
}

/// What our books say of these attempts.
async fn told_of(world: &World, attempts: &[&String]) -> String {
    let rows: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', a.attempt_id, a.status, a.psp_reference, 'due', a.due_at, 'now', now(),
           a.inquiries, p.payment_id, p.direction, p.status, (select json_agg(json_build_array(
             i.kind, i.state, i.note, i.received_at)) from inbox i where i.attempt_id = a.attempt_id))
         from attempt a join payment p using (payment_id)
         where replace(a.attempt_id::text, '-', '') = any($1)",
    )
    .bind(attempts.iter().map(|one| (*one).clone()).collect::<Vec<String>>())
    .fetch_all(&world.rows)
    .await
    .unwrap();
    rows.join("\n")
}

/// The same request is answered as it was, and what it made is there.
async fn still_true(world: &World, one: &Acknowledged) {
    let player = one.body["player_id"].as_str().unwrap_or_default();
    if one.told.status != 201 || player.is_empty() {
        return still_entered(world, one).await;
    }
    let again = world.api.try_post(one.path, &one.key, &one.body).await.unwrap();
    assert_eq!(again.status, one.told.status, "{one:?}");
    assert!(again.replayed && again.bytes == one.told.bytes, "{one:?} was then {again:?}");
    let now = world.api.get(&format!("{}/{}", one.path, one.told.text("id"))).await.fine();
    assert_eq!(now["amount"], one.body["amount"]);
}

/// A stake that was acknowledged stands in the books, once.
async fn still_entered(world: &World, one: &Acknowledged) {
    let Some(reference) = one.body["reference"].as_str() else {
        return;
    };
    let found: i64 = sqlx::query_scalar("select count(*) from game_entry where reference = $1")
        .bind(reference)
        .fetch_one(&world.rows)
        .await
        .unwrap();
    let expected = i64::from(one.told.status.is_success());
    assert_eq!(found, expected, "{one:?}");
}
