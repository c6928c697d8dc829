//! A player's own limits hold to the cent, whatever arrives at once.

use super::harness::markets::{MALTA, Market};
use super::harness::{SOON, Setup, World, deposit_order, eur, eventually, gbp};
use interlock::book::Payment;
use interlock::clock::Clock;
use interlock::decide::{Answer, Refusal};
use interlock::domain::{Currency, Money, PlayerKey, Timestamp};
use interlock::lane::SubmitError;
use interlock::payments::start_deposit::DepositOrder;
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::calendar::{Calendar, WeekStart};
use interlock::screening::limits::{Limit, LimitError, Period};
use psp_contract::NextAction;
use std::time::Duration;

async fn limit(world: &World, player: &PlayerKey, money: Money) {
    set(world, player, Period::Day, money).await;
}

async fn set(world: &World, player: &PlayerKey, period: Period, money: Money) -> Vec<Limit> {
    change(world, player, Change::Replace(vec![(period, money)])).await.unwrap()
}

async fn change(
    world: &World,
    player: &PlayerKey,
    change: Change,
) -> Result<Vec<Limit>, SubmitError> {
    let (flows, player) = (world.one().flows.clone(), player.clone());
    world.one().run(async move { set_limits(&flows, &player, change).await }).await
}

/// Periods of Stockholm's calendar; withdrawals count; a rise waits 72 hours and for its period.
const STOCKHOLM: &str = r#"
[calendar]
zone = "Europe/Stockholm"
week_start = "monday"
source = "test"
source_date = "2026-11-20"

[player_limits]
basis = "net"
day = "calendar day"
month = "calendar month"
rise_after_period = true
rise_delay_hours = 72
rise_confirm = "after_delay"
source = "test"
source_date = "2026-11-20"

"#;

fn zone() -> Calendar {
    Calendar::new("Europe/Stockholm", WeekStart::Monday).unwrap()
}

async fn by_stockholm() -> World {
    World::with(Setup { limit_terms: Some(STOCKHOLM), ..Setup::default() }).await
}

/// Moves the clock on to a moment that is yet to come.
async fn until(world: &World, moment: Timestamp) {
    let step = (moment - world.clock.now()).try_into().unwrap();
    world.move_on(step).await;
}

async fn status_of(world: &World, player: &PlayerKey, minor: i64) -> &'static str {
    let payment = world.deposit(player, eur(minor)).await;
    if payment.status.as_str() != "blocked" {
        world.one().cancel(&payment).await.unwrap();
    }
    payment.status.as_str()
}

async fn paid_in(world: &World, player: &PlayerKey, minor: i64) -> Payment {
    let payment = world.deposit(player, eur(minor)).await;
    world.complete(&payment, "succeeded").await;
    world.settled(payment.id, "succeeded").await
}

/// So many deposits at once over both instances; those that were let through.
async fn deposits(world: &World, orders: Vec<(PlayerKey, Money)>) -> Vec<Payment> {
    at_once(world, orders.iter().map(|(player, money)| deposit_order(player, *money))).await
}

async fn at_once(world: &World, orders: impl Iterator<Item = DepositOrder>) -> Vec<Payment> {
    let trying = orders.enumerate().map(|(n, order)| world.instances[n % 2].try_deposit(order));
    let answers = futures_util::future::join_all(trying).await;
    let payments = answers.into_iter().map(|answer| match answer.unwrap() {
        Answer::Payment(payment) => (*payment).clone(),
        other => panic!("{other:?}"),
    });
    payments.filter(|payment| payment.status.as_str() != "blocked").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_deposits_at_once_never_exceed_the_limit_and_failure_frees_it() {
    let mut world = World::new().await;
    world.start_instance().await;
    let (erika, alice) = (world.player("DE").await, world.player("GB").await);
    limit(&world, &erika, eur(10_000)).await;
    limit(&world, &alice, gbp(5_000)).await;
    let both = || {
        let orders = (0..100).map(|n| {
            if n % 2 == 0 { (erika.clone(), eur(1_000)) } else { (alice.clone(), gbp(1_000)) }
        });
        orders.collect::<Vec<_>>()
    };
    let open = deposits(&world, both()).await;
    let count = |payments: &[Payment], key: &PlayerKey| {
        payments.iter().filter(|payment| payment.player == *key).count()
    };
    assert_eq!((count(&open, &erika), count(&open, &alice)), (10, 5));
    assert!(deposits(&world, both()).await.is_empty(), "nothing is left");
    for payment in open.iter().take(4) {
        world.one().cancel(payment).await.unwrap();
    }
    let freed = (count(&open[..4], &erika), count(&open[..4], &alice));
    let again = deposits(&world, both()).await;
    assert_eq!((count(&again, &erika), count(&again, &alice)), freed);
    for payment in open.iter().skip(4) {
        world.complete(payment, "succeeded").await;
        world.settled(payment.id, "succeeded").await;
    }
    assert!(deposits(&world, both()).await.is_empty(), "what came in counts");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_makes_room_in_a_net_limit_when_it_is_paid_and_no_hundred_deposits_take_more()
{
    let mut world = by_stockholm().await;
    world.start_instance().await;
    let player = world.player("DE").await;
    set(&world, &player, Period::Month, eur(10_000)).await;
    paid_in(&world, &player, 10_000).await;
    assert_eq!(status_of(&world, &player, 1_000).await, "blocked");
    let withdrawal = world.withdraw(&player, eur(4_500)).await;
    world.settled(withdrawal.id, "paid").await;
    let orders = (0..100).map(|_| (player.clone(), eur(1_000))).collect();
    let open = deposits(&world, orders).await;
    assert_eq!(open.len(), 4, "45.00 are free again, and 10.00 fit four times");
    assert_eq!(status_of(&world, &player, 501).await, "blocked");
    assert_ne!(status_of(&world, &player, 500).await, "blocked");
    for payment in &open {
        world.complete(payment, "succeeded").await;
        world.settled(payment.id, "succeeded").await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_which_clocks_change_is_as_long_as_it_is() {
    let world = by_stockholm().await;
    let player = world.player("DE").await;
    set(&world, &player, Period::Day, eur(10_000)).await;
    let calendar = zone();
    let mut day = calendar.period(Period::Day, calendar.next_start(Period::Day, world.clock.now()));
    while (day.to - day.from).whole_hours() == 24 {
        day = calendar.period(Period::Day, day.to);
    }
    let quarter = Duration::from_secs(15 * 60);
    until(&world, day.from + quarter).await;
    paid_in(&world, &player, 10_000).await;
    until(&world, day.to - quarter).await;
    assert_eq!(status_of(&world, &player, 1_000).await, "blocked", "it is the same day yet");
    until(&world, day.to + quarter).await;
    assert_ne!(status_of(&world, &player, 1_000).await, "blocked", "it is the next day");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rise_holds_when_its_delay_and_its_month_are_over_and_it_was_confirmed_and_a_cut_at_once()
{
    let world = by_stockholm().await;
    let player = world.player("DE").await;
    set(&world, &player, Period::Month, eur(10_000)).await;
    set(&world, &player, Period::Month, eur(5_000)).await;
    assert_eq!(status_of(&world, &player, 5_001).await, "blocked", "a cut holds at once");
    // The month after the running one: there it is always longer than 72 hours to its end.
    let calendar = zone();
    let month_end =
        calendar.next_start(Period::Month, calendar.next_start(Period::Month, world.clock.now()));
    until(&world, month_end - Duration::from_secs(10 * 24 * 3_600)).await;
    let asked = set(&world, &player, Period::Month, eur(8_000)).await;
    let effective_at = asked[0].pending.as_ref().unwrap().effective_at;
    assert_eq!(effective_at, month_end);
    let minute = Duration::from_secs(60);
    until(&world, month_end - minute * 10).await;
    let early = change(&world, &player, Change::Confirm).await;
    let too_early = LimitError::TooEarly { effective_at: month_end }.to_string();
    match early {
        Err(SubmitError::Refused(Refusal::LimitsInvalid(told))) => assert_eq!(told, too_early),
        other => panic!("{other:?}"),
    }
    until(&world, month_end + minute).await;
    assert_eq!(status_of(&world, &player, 5_001).await, "blocked", "nobody confirmed it");
    change(&world, &player, Change::Confirm).await.unwrap();
    assert_ne!(status_of(&world, &player, 8_000).await, "blocked");
    assert_eq!(status_of(&world, &player, 8_001).await, "blocked");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_was_given_up_frees_its_room_and_takes_it_again_when_it_is_paid_after_all() {
    let world = World::new().await;
    let player = world.player("DE").await;
    limit(&world, &player, eur(10_000)).await;
    let given_up = world.deposit(&player, eur(6_000)).await;
    assert_eq!(status_of(&world, &player, 4_001).await, "blocked");
    world.one().cancel(&given_up).await.unwrap();
    assert_ne!(status_of(&world, &player, 10_000).await, "blocked");
    world.complete(&given_up, "succeeded").await;
    world.settled(given_up.id, "succeeded").await;
    assert_eq!(status_of(&world, &player, 4_001).await, "blocked");
    assert_ne!(status_of(&world, &player, 4_000).await, "blocked");
    world.close().await;
}

/// Nothing is reserved for it any more, so it is measured against all that counts today: others are read
/// though its own movement is not among them.
#[tokio::test(flavor = "multi_thread")]
async fn money_for_a_deposit_that_is_older_than_its_market_looks_back_needs_room_like_a_new_one() {
    let world = World::new().await;
    let player = world.player("DE").await;
    limit(&world, &player, eur(10_000)).await;
    let forgotten = world.deposit(&player, eur(6_000)).await;
    let change = async |sql: &'static str| {
        let done = sqlx::query(sql).bind(forgotten.id.uuid).execute(&world.rows).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    };
    change("update limit_use set at = at - interval '3 years' where payment_id = $1").await;
    paid_in(&world, &player, 6_000).await;
    world.complete(&forgotten, "succeeded").await;
    let forgotten = world.settled(forgotten.id, "in_review").await;
    assert_eq!(forgotten.credited, None, "with it 120.00 of 100.00 would be in");
    world.close().await;
}

/// What nothing is held for any more is measured when it comes, and takes its room then: each of a hundred
/// old deposits would else be measured alone.
#[tokio::test(flavor = "multi_thread")]
async fn late_money_of_many_days_shares_the_room_of_the_day_on_which_it_comes() {
    let world = World::new().await;
    let player = world.player("DE").await;
    limit(&world, &player, eur(10_000)).await;
    let mut given_up = Vec::new();
    for _ in 0..3 {
        let deposit = world.deposit(&player, eur(4_000)).await;
        world.one().cancel(&deposit).await.unwrap();
        given_up.push(deposit);
        world.move_on(Duration::from_secs(25 * 3_600)).await;
    }
    // The oldest is so old that its market does not look at it.
    let forget = "update limit_use set at = at - interval '3 years' where payment_id = $1";
    let forget = sqlx::query(forget).bind(given_up[0].id.uuid).execute(&world.rows).await.unwrap();
    assert_eq!(forget.rows_affected(), 1);
    for (deposit, status) in given_up.iter().zip(["succeeded", "succeeded", "in_review"]) {
        world.complete(deposit, "succeeded").await;
        world.settled(deposit.id, status).await;
    }
    assert_eq!(world.wallet(&player).await.cash, 8_000);
    // Two people are yet to decide about the third one, but its money is here.
    assert_eq!(status_of(&world, &player, 1).await, "blocked", "120.00 of 100.00 came today");
    world.move_on(Duration::from_secs(25 * 3_600)).await;
    assert_ne!(status_of(&world, &player, 10_000).await, "blocked", "that was yesterday");
    world.close().await;
}

/// What was given up has no room any more: its money is measured like that of a new deposit.
#[tokio::test(flavor = "multi_thread")]
async fn late_money_beyond_what_the_limit_has_left_by_then_waits_for_two_people() {
    let world = World::new().await;
    let player = world.player("DE").await;
    limit(&world, &player, eur(1_000)).await;
    let given_up = world.deposit(&player, eur(800)).await;
    world.one().cancel(&given_up).await.unwrap();
    let second = world.deposit(&player, eur(700)).await;
    assert_eq!(second.status.as_str(), "action_required");
    world.complete(&given_up, "succeeded").await;
    let late = world.settled(given_up.id, "in_review").await;
    assert_eq!((late.suspended, late.credited), (Some(eur(800)), None));
    let told: Vec<&str> = late.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(told, ["limit.player_exceeded"]);
    assert_eq!(world.incidents("deposit.not_creditable").await, 1);
    assert_eq!(world.wallet(&player).await.cash, 0);
    // The second one's room was reserved: it needs none for what came beside it.
    world.complete(&second, "succeeded").await;
    world.settled(second.id, "succeeded").await;
    world.two_people(&late, "approve").await;
    world.settled(late.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, 1_500);
    assert_eq!(status_of(&world, &player, 1).await, "blocked", "both count");
    world.close().await;
}

/// Nobody can refuse coins, and only what was asked for has its room.
#[tokio::test(flavor = "multi_thread")]
async fn coins_beyond_what_was_asked_for_need_room_within_the_limit() {
    let world = World::with(Setup { accounts: MALTA.accounts, ..Setup::default() }).await;
    for (sent, status) in [("110.00", "succeeded"), ("120.50", "in_review")] {
        let player = world.player_of(MALTA).await;
        set(&world, &player, Period::Day, MALTA.money(115_000_000)).await;
        let deposit = world.one().deposit(MALTA.deposit(&player)).await;
        let Some(NextAction::CryptoTransfer { address, .. }) = &deposit.next_action else {
            panic!("no address: {deposit:#?}");
        };
        let payin = serde_json::json!({"address": address, "amount": sent});
        world.mocks.payin(&deposit.attempts[0].psp, payin).await;
        let came = world.settled(deposit.id, status).await;
        assert_eq!(came.credited.is_some(), status == "succeeded");
        let limited = came.reasons.iter().any(|reason| reason.code == "limit.player_exceeded");
        assert_eq!(limited, status == "in_review", "{:?}", came.reasons);
    }
    // What vendors say of the coins makes no room.
    let asked = || async {
        let asked = world.incidents("deposit.not_creditable").await;
        (asked == 1).then_some(())
    };
    eventually("people are asked", SOON, asked).await;
    world.close().await;
}

/// Every currency counts in the limit's own, by the rates of the day: two wallets are no second limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_deposits_at_once_in_two_currencies_never_exceed_the_one_limit() {
    let mut world = World::with(Setup { accounts: MALTA.accounts, ..Setup::default() }).await;
    world.start_instance().await;
    let player = world.player_of(MALTA).await;
    limit(&world, &player, eur(10_000)).await;
    // 20.00 of each are 17.20 EUR.
    let tether = Market { minor: 20_000_000, ..MALTA };
    let circle = Market { currency: Currency::USDC, ..tether };
    let a_hundred = || {
        let market = |n| if n % 4 < 2 { tether } else { circle };
        at_once(
            &world,
            (0..100).map(|n| market(n).deposit(&player)).collect::<Vec<_>>().into_iter(),
        )
    };
    let open = a_hundred().await;
    assert_eq!(open.len(), 5, "86.00 EUR of 100.00: {open:#?}");
    assert!(open.iter().all(|deposit| deposit.status.as_str() == "action_required"), "{open:#?}");
    assert!(a_hundred().await.is_empty(), "nothing is left, in either currency");

    // What came in still counts, and what is given up in one currency is free in the other.
    let Some(NextAction::CryptoTransfer { address, .. }) = &open[0].next_action else {
        panic!("no address: {:#?}", open[0]);
    };
    let payin = serde_json::json!({"address": address, "amount": "20.00",
        "currency": open[0].currency().code()});
    world.mocks.payin(&open[0].attempts[0].psp, payin).await;
    let came = || async {
        let came = world.number("select count(*) from payment where status = 'succeeded'").await;
        (came == 1).then_some(())
    };
    eventually("one of them is paid", SOON, came).await;
    let mut waits = Vec::new();
    for deposit in &open {
        waits.push(world.payment(deposit.id).await);
    }
    waits.retain(|deposit| deposit.status.as_str() == "action_required");
    assert_eq!(waits.len(), 4);
    world.one().cancel(&waits[0]).await.unwrap();
    let other = if waits[0].currency() == circle.currency { tether } else { circle };
    let again = (0..20).map(|_| other.deposit(&player)).collect::<Vec<_>>();
    assert_eq!(at_once(&world, again.into_iter()).await.len(), 1);
    assert!(a_hundred().await.is_empty());
    world.close().await;
}
