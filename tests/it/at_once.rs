//! Withdrawals at once: together they give no source of the closed loop more than it paid in.
//!
//! Each test's control is the recheck under the player's lock (`decide::closed_loop::recount`).

use super::closed_loop::{ACCOUNTS, back, bank_and_card, by_card, paid_in, world_of};
use super::harness::markets::GERMANY;
use super::harness::{SOON, eventually};
use interlock::payments::start_deposit::DepositOrder;
use serde_json::json;
use std::collections::BTreeMap;

/// Two sources, and withdrawals at once from two instances: each split is made again under the lock, so
/// that together they give no source more than it paid in. (Without that, each would take the oldest
/// source's money for itself.)
#[tokio::test(flavor = "multi_thread")]
async fn withdrawals_at_once_never_share_a_net_deposit() {
    let mut world = world_of(ACCOUNTS).await;
    world.start_instance().await;
    let player = bank_and_card(&world).await;
    let asking = (0..6).map(|n| {
        let instance = &world.instances[n % 2];
        instance.try_withdraw(back(&player, GERMANY.money(3_000)))
    });
    let answers = futures_util::future::join_all(asking).await;
    let opened = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(2 <= opened, "{answers:?}");
    let sql = "select coalesce(method, 'bank_transfer') || ' ' || sum(amount)::text from part
               where status <> 'released' group by coalesce(method, 'bank_transfer')";
    let sums: BTreeMap<String, i64> = world
        .texts(sql)
        .await
        .iter()
        .map(|row| row.split_once(' ').unwrap())
        .map(|(method, sum)| (method.to_owned(), sum.parse().unwrap()))
        .collect();
    assert!(sums.values().all(|sum| *sum <= 10_000), "{sums:?}");
    assert_eq!(sums.values().sum::<i64>(), 3_000 * i64::try_from(opened).unwrap());
    let ids = world.texts("select part_id::text from part where method = 'card'").await;
    for _ in 0..ids.len() {
        let open = "select a.attempt_id::text from attempt a where psp = 'adyen-de'
                    and part_id is not null and status = 'accepted'";
        let attempt =
            eventually("the card's PSP has it", SOON, || async { world.texts(open).await.pop() })
                .await;
        let attempt: uuid::Uuid = attempt.parse().unwrap();
        let movement = world.mocks.movement_of("adyen-de", attempt).await.unwrap();
        let paid = json!({"outcome": "succeeded"});
        world.mocks.complete("adyen-de", &movement.reference, paid).await;
        let over = format!(
            "select count(*) from attempt where attempt_id = '{attempt}' and status = 'succeeded'"
        );
        let is_paid = || async { (world.number(&over).await == 1).then_some(()) };
        eventually("it is paid", SOON, is_paid).await;
    }
    let all_paid = || async {
        let open =
            "select count(*) from payment where direction = 'withdrawal' and status <> 'paid'";
        (world.number(open).await == 0).then_some(())
    };
    eventually("all are paid", SOON, all_paid).await;
    world.close().await;
}

/// A hundred at once, each of which fits into the oldest source alone, together nearly all that both paid
/// in. The control is the recheck under the lock: without it the oldest source gets all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_withdrawals_at_once_pay_no_source_more_than_it_paid_in() {
    let mut world = world_of(ACCOUNTS).await;
    world.start_instance().await;
    let player = world.player_of(GERMANY).await;
    for order in [GERMANY.deposit(&player), by_card(&player)] {
        paid_in(&world, DepositOrder { money: GERMANY.money(55_000), ..order }).await;
    }
    let asking = (0..100).map(|n| {
        let instance = &world.instances[n % 2];
        instance.try_withdraw(back(&player, GERMANY.money(1_000)))
    });
    let answers = futures_util::future::join_all(asking).await;
    let opened = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().find(|answer| answer.is_err());
    assert!(56 <= opened, "more than one source can take: {opened} of 100, {refused:?}");
    let sql = "select sum(part.amount)::text
               from part join payment p on p.payment_id = part.payment_id
               where part.status <> 'released' group by coalesce(part.method, p.method)";
    let sums: Vec<i64> = world.texts(sql).await.iter().map(|sum| sum.parse().unwrap()).collect();
    assert_eq!(sums.len(), 2, "both sources are paid: {sums:?}");
    assert!(sums.iter().all(|sum| *sum <= 55_000), "{sums:?}");
    assert_eq!(sums.iter().sum::<i64>(), 1_000 * i64::try_from(opened).unwrap());
    world.leave_open();
}
