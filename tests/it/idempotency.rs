//! The same request, however often it comes, is one payment.

use super::harness::{World, deposit_order, eur, withdrawal_order};
use interlock::decide::{Answer, Refusal};
use interlock::payments::start_deposit::StartError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const COPIES: usize = 1_000;
const TASKS: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_copies_over_two_instances_are_one_payment_and_one_attempt() {
    let mut world = World::new().await;
    world.start_instance().await;
    let player = world.player("DE").await;
    let order = deposit_order(&player, eur(1_000));
    let (begun, replays) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks = (0..TASKS).map(|task| {
        let (begun, replays, order) = (begun.clone(), replays.clone(), order.clone());
        let instance = &world.instances[task % 2];
        async move {
            for _ in (task..COPIES).step_by(TASKS) {
                match instance.try_deposit(order.clone()).await.unwrap() {
                    Answer::Payment(_) => begun.fetch_add(1, Ordering::Relaxed),
                    Answer::Replay { payment: Some(_) } => replays.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{other:?}"),
                };
            }
        }
    });
    futures_util::future::join_all(tasks).await;
    let told = (begun.load(Ordering::Relaxed), replays.load(Ordering::Relaxed));
    assert_eq!(told, (1, COPIES - 1));
    assert_eq!(world.number("select count(*) from payment").await, 1);
    assert_eq!(world.number("select count(*) from attempt").await, 1);
    assert_eq!(world.mocks.movements("trustly-de").await.len(), 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_used_for_another_body_is_refused() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let order = deposit_order(&player, eur(1_000));
    world.one().deposit(order.clone()).await;
    let mut other = deposit_order(&player, eur(2_000));
    other.claim.id = order.claim.id;
    let refused = world.one().try_deposit(other).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&Refusal::KeyReused));
    assert_eq!(world.number("select count(*) from payment").await, 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_recorded_burns_its_key() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let order = withdrawal_order(&player, eur(1_000));
    world.one().try_withdraw(order.clone()).await.unwrap_err();
    let again = world.one().try_withdraw(order).await.unwrap();
    assert!(matches!(again, Answer::Replay { payment: None }), "{again:?}");
    let sql = "select status::bigint from idempotency_key where scope = 'withdrawals'";
    assert_eq!(world.number(sql).await, 422);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_is_unique_for_ever_within_a_direction() {
    let mut world = World::new().await;
    world.start_instance().await;
    let player = world.rich_player("DE", 10_000).await;
    let referred = |mut order: interlock::payments::start_deposit::DepositOrder| {
        order.reference = Some("casino-1".to_owned());
        order
    };
    // Ten players at once on two instances: the players' locks cannot serialise them.
    let mut orders = Vec::new();
    for _ in 0..10 {
        let other = world.player("DE").await;
        orders.push(referred(deposit_order(&other, eur(1_000))));
    }
    let trying = orders.iter().cloned().enumerate();
    let trying = trying.map(|(n, order)| world.instances[n % 2].try_deposit(order));
    let answers = futures_util::future::join_all(trying).await;
    let begun = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(begun, 1, "{answers:?}");
    for answer in answers.into_iter().filter_map(Result::err) {
        let taken = matches!(answer.refusal(), Some(Refusal::ReferenceTaken(_)));
        assert!(taken, "{answer:?}");
    }
    let later = world.one().try_deposit(referred(deposit_order(&player, eur(1_000)))).await;
    assert!(matches!(
        later,
        Err(StartError::Submit(interlock::lane::SubmitError::Refused(Refusal::ReferenceTaken(_))))
    ));
    let mut withdrawal = withdrawal_order(&player, eur(1_000));
    withdrawal.reference = Some("casino-1".to_owned());
    let withdrawal = world.one().withdraw(withdrawal).await;
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}
