//! Withdrawals that a market wants paid by a time: people are warned once before the end and told once
//! when it has passed, whatever crashes and however many look; and no money moves for it.

use super::harness::{SOON, Setup, World, eur, eventually};
use interlock::book::Payment;
use interlock::domain::{Currency, Timestamp};
use interlock::payments::send_payout::send_payout;
use interlock::payments::watch_deadlines::{Watched, watch_deadlines};
use interlock::store::deadlines;
use serde_json::Value;
use std::time::Duration;

const RULE: &str = r#"
[[rules]]
id = "withdrawal.sla"
effect = "review"
within_s = 7200
warn_before_s = 1800
source = "test"
source_date = "2026-11-21"
"#;
const WARNED: &str = "withdrawal.due_soon";
const LATE: &str = "withdrawal.overdue";
/// From this worth on two people decide, so that a withdrawal waits.
const WAITS: i64 = 150_000;
const GOES: i64 = 2_000;

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

async fn world(workers: bool) -> World {
    World::with(Setup { rules: RULE.to_owned(), workers, ..Setup::default() }).await
}

impl World {
    async fn asks_for(&self, minor: i64) -> Payment {
        let player = self.player("DE").await;
        self.win(&player, Currency::EUR, minor).await;
        self.withdraw(&player, eur(minor)).await
    }

    async fn told(&self) -> (i64, i64) {
        (self.incidents(WARNED).await, self.incidents(LATE).await)
    }

    /// Looks until nothing is due any more, as the workers of an instance would.
    async fn look(&self) -> Watched {
        let flows = self.one().flows.clone();
        let now = flows.clock.now();
        self.one().run(async move { watch_deadlines(&flows, now).await.unwrap() }).await
    }

    /// What an instance claimed that then did no more; how many.
    async fn claim_and_die(&self) -> usize {
        let flows = self.one().flows.clone();
        let now = flows.clock.now();
        let until: Timestamp = now + Duration::from_secs(30);
        let claiming =
            async move { deadlines::claim(flows.db.pool(), now, until, 64).await.unwrap().len() };
        self.one().run(claiming).await
    }

    async fn open_deadlines(&self) -> i64 {
        self.number("select count(*) from payment_deadline where due_at is not null").await
    }

    async fn send(&self, payment: &Payment) {
        let (flows, player, id) =
            (self.one().flows.clone(), payment.player.clone(), payment.id.uuid);
        assert!(
            self.one().run(async move { send_payout(&flows, &player, id).await.unwrap() }).await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_warn_once_and_tell_once_and_the_money_stays_where_it_is() {
    let mut world = world(true).await;
    world.start_instance().await;
    let withdrawal = world.asks_for(WAITS).await;
    assert_eq!(withdrawal.status.as_str(), "in_review");
    let kept = "select count(*) from payment_deadline
                where deadline_at = asked_at + interval '120 minutes'
                  and warn_at = asked_at + interval '90 minutes' and policy_version like 'DE-%'";
    assert_eq!(world.number(kept).await, 1);
    world.move_on(minutes(89)).await;
    // The clock runs, and a minute is left: nobody is told of anything that is not near.
    let looked =
        "select count(*) from payment_deadline where due_at = warn_at and warned_at is null";
    assert_eq!((world.told().await, world.number(looked).await), ((0, 0), 1));
    world.move_on(minutes(1)).await;
    let warned = || async { (world.told().await == (1, 0)).then_some(()) };
    eventually("people are warned", SOON, warned).await;
    world.move_on(minutes(30)).await;
    let late = || async { (world.told().await == (1, 1)).then_some(()) };
    eventually("people are told that it is late", SOON, late).await;
    assert_eq!(world.open_deadlines().await, 0, "nobody looks any more");
    world.move_on(minutes(120)).await;
    assert_eq!(world.look().await, Watched::default());
    assert_eq!(world.told().await, (1, 1));
    let detail = world.texts("select detail from incident where kind = 'withdrawal.overdue'").await;
    assert!(detail[0].ends_with("it stands at in_review"), "{detail:?}");
    assert_eq!(world.payment(withdrawal.id).await.status.as_str(), "in_review");
    assert_eq!(world.wallet(&withdrawal.player).await.held, WAITS);
    world.two_people(&withdrawal, "approve").await;
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_ends_in_time_is_struck_off_without_a_word() {
    let world = world(true).await;
    let paid = world.asks_for(GOES).await;
    world.settled(paid.id, "paid").await;
    let refused = world.asks_for(WAITS).await;
    world.two_people(&refused, "reject").await;
    world.settled(refused.id, "rejected").await;
    let control = world.asks_for(WAITS).await;
    assert_eq!(world.open_deadlines().await, 3);
    world.move_on(minutes(121)).await;
    let over = || async { (world.open_deadlines().await == 0).then_some(()) };
    eventually("all three were looked at", SOON, over).await;
    assert_eq!(world.told().await, (0, 1), "the one that still waits, and no other");
    let told = "select payment_id::text from incident where kind = 'withdrawal.overdue'";
    assert_eq!(world.texts(told).await, [control.id.uuid.to_string()]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_claimed_it_and_died_delays_the_word_by_a_lease_and_loses_nothing() {
    let world = world(false).await;
    world.asks_for(WAITS).await;
    world.move_on(minutes(121)).await;
    assert_eq!(world.claim_and_die().await, 1);
    assert_eq!(world.look().await, Watched::default(), "it is another's for as long as the lease");
    world.move_on(Duration::from_secs(31)).await;
    assert_eq!(world.look().await, Watched { looked_at: 1, ..Watched::default() });
    assert_eq!(world.told().await, (0, 1), "it is late: a warning would come after the end");
    assert_eq!(world.look().await, Watched::default());
    assert_eq!(world.told().await, (0, 1));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_paid_late_while_nobody_looked_is_told_and_one_in_time_is_not() {
    let world = world(false).await;
    let (in_time, late) = (world.asks_for(GOES).await, world.asks_for(GOES).await);
    let untouched = world.asks_for(GOES).await;
    world.send(&untouched).await;
    world.settled(untouched.id, "paid").await;
    world.move_on(minutes(119)).await;
    world.send(&in_time).await;
    world.settled(in_time.id, "paid").await;
    world.move_on(minutes(2)).await;
    world.send(&late).await;
    world.settled(late.id, "paid").await;
    // What changes a payment after its end does not make the end late.
    let touched =
        "update payment set updated_at = updated_at + interval '1 day' where payment_id <> $1";
    sqlx::query(touched).bind(untouched.id.uuid).execute(&world.rows).await.unwrap();
    // What ended in time and was not touched since costs its player's lane nothing.
    assert_eq!(world.look().await, Watched { struck_off: 1, looked_at: 2, failed: 0 });
    let told = "select payment_id::text from incident where kind = 'withdrawal.overdue'";
    assert_eq!(world.texts(told).await, [late.id.uuid.to_string()]);
    let detail = world.texts("select detail from incident where kind = 'withdrawal.overdue'").await;
    assert!(detail[0].ends_with("it ended late, as paid"), "{detail:?}");
    assert_eq!((world.told().await, world.open_deadlines().await), ((0, 1), 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_before_the_payout_counts_from_the_request_and_replays() {
    let world = world(false).await;
    let withdrawal = world.asks_for(GOES).await;
    world.move_on(minutes(60)).await;
    world.send(&withdrawal).await;
    world.settled(withdrawal.id, "paid").await;
    let kept = world
        .texts("select inputs::text from decision where checkpoint like 'withdrawal.%' order by known_at")
        .await;
    let facts: Vec<Value> = kept.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(facts[0]["asked_at"].is_null(), "it was being asked for: {}", facts[0]);
    assert_eq!(facts[1]["asked_at"], facts[0]["screened_at"], "{}", facts[1]);
    let named = "select substring(rules::text from 'to be paid by [^\"]*') from decision
                 where checkpoint like 'withdrawal.%'";
    let named = world.texts(named).await;
    assert_eq!((named.len(), &named[0]), (2, &named[1]), "both name the same end");
    world.close().await;
}
