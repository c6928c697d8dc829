//! Deposits at an account that is not configured any more: people can say what became of one that nobody can
//! ask about, and one that was taken ends with its session.

use super::bounced_payouts::submit;
use super::harness::{Setup, World, deposit_order, eur};
use super::routing::tried;
use interlock::book::Payment;
use interlock::decide::{Answer, Command};
use interlock::domain::PlayerKey;
use interlock::payments::resolve_unknown::resolve_unknown;
use interlock::payments::start_deposit::start_deposit;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// A deposit that is recorded as in flight, and that nobody sends.
pub async fn begun(world: &World, player: &PlayerKey) -> Payment {
    let (flows, order) = (world.one().flows.clone(), deposit_order(player, eur(900)));
    match world.one().run(async move { start_deposit(&flows, &order).await }).await.unwrap() {
        Answer::Payment(begun) => (*begun).clone(),
        other => panic!("not a payment: {other:?}"),
    }
}

/// A worker sends the newest attempt, or does what is to be done instead.
pub async fn go_on(world: &World, deposit: &Payment) -> Payment {
    let newest = world.payment(deposit.id).await.attempts.last().unwrap().id;
    let (flows, of, id) = (world.one().flows.clone(), deposit.player.clone(), deposit.id.uuid);
    let sending = async move { resolve_unknown(&flows, &of, id, newest).await };
    assert!(world.one().run(sending).await.unwrap(), "something is done");
    world.payment(deposit.id).await
}

async fn nobody_works() -> World {
    World::with(Setup { workers: false, ..Setup::default() }).await
}

pub async fn account_is_gone(world: &World, payment: &Payment) {
    let gone = "update attempt set psp = 'gone-de' where payment_id = $1 and number = 1";
    sqlx::query(gone).bind(payment.id.uuid).execute(&world.rows).await.unwrap();
}

/// A worker looks at the first attempt; the payment afterwards.
pub async fn look(world: &World, payment: &Payment) -> Payment {
    let attempt = world.payment(payment.id).await.attempts[0].id;
    let take = Command::TakeAttempt { payment: payment.id.uuid, attempt, known: None };
    submit(world, payment, take).await;
    world.payment(payment.id).await
}

pub async fn cases(world: &World, payment: &Payment) -> Vec<String> {
    world.reviews(payment).await.into_iter().map(|it| it.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_resolve_a_deposit_whose_account_is_gone() {
    let world = nobody_works().await;
    let player = world.player("DE").await;
    let deposit = begun(&world, &player).await;
    account_is_gone(&world, &deposit).await;
    world.move_on(HOUR / 30).await;
    // What was sent there is not known: nobody else is asked.
    assert_eq!(tried(&look(&world, &deposit).await), ["gone-de unknown"]);
    look(&world, &deposit).await;
    assert_eq!(cases(&world, &deposit).await, ["psp_unconfigured"]);
    world.two_people(&deposit, "resolve_unpaid").await;
    assert_eq!(cases(&world, &deposit).await, Vec::<String>::new());
    let open = go_on(&world, &deposit).await;
    assert_eq!(tried(&open), ["gone-de not_sent", "trustly-de accepted"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_was_taken_by_an_account_that_is_gone_ends_after_its_session() {
    let world = nobody_works().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(900)).await;
    account_is_gone(&world, &deposit).await;
    world.move_on(2 * HOUR).await;
    // Another instance may know the account: that one asks before it gives up.
    let waiting = look(&world, &deposit).await;
    assert_eq!(waiting.status.as_str(), "action_required");
    assert_eq!(cases(&world, &deposit).await, ["psp_unconfigured"]);
    world.move_on(24 * HOUR).await;
    let over = look(&world, &deposit).await;
    assert_eq!((over.status.as_str(), tried(&over)), ("expired", vec!["gone-de expired".into()]));
    assert_eq!(cases(&world, &deposit).await, Vec::<String>::new());
    world.close().await;
}
