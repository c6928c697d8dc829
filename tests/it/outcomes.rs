//! The table of outcomes O1 to O20 (`src/payments/failover_tests.rs` names them) end to end, a row and
//! direction a test. Rows that are a story of their own are told elsewhere: O2 in the adapters' own tests
//! (it takes HTTP/2 over TLS), O12 and O13 in `undecided` (no mock says such words), O14 in `crash`, O16
//! in `lanes`, O18 in `late_news` and `second_success`, O19 in `withdrawals` and `second_success`.

use super::harness::{SOON, World, deposit_order, eur, eventually, gbp, withdrawal_order};
use interlock::book::Payment;
use interlock::decide::command::{News, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{AttemptStatus, Money};
use interlock::store::read_keys;
use psp_contract::{Decline, DeclineClass, Outcome, Report, Status};
use std::time::Duration;

const STEP: Duration = Duration::from_secs(20 * 60);

fn tried(payment: &Payment) -> Vec<String> {
    payment.attempts.iter().map(|attempt| format!("{} {}", attempt.psp, attempt.status)).collect()
}

/// A deposit whose first PSP answers so; how its attempts stand, and that its payer's money comes.
async fn deposit(country: &str, fault: &str, expected: [&str; 2]) {
    let world = World::new().await;
    let psp = expected[0].split(' ').next().unwrap();
    world.mocks.fault(psp, "create_deposit", fault, Some(1)).await;
    let player = world.player(country).await;
    let money = if country == "GB" { gbp(900) } else { eur(900) };
    let deposit = world.deposit(&player, money).await;
    assert_eq!(tried(&deposit), expected);
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, 900);
    world.close().await;
}

/// A payout that its PSP never took, and whose answer does not prove that: nobody else is asked,
/// and the PSP's own idempotency lets the same attempt be sent again.
async fn replayed(fault: &str) {
    let world = World::new().await;
    world.mocks.fault("truelayer-gb", "create_payout", fault, Some(1)).await;
    let player = world.rich_player("GB", 1_000).await;
    let withdrawal = world.withdraw(&player, gbp(900)).await;
    // Not before it was called: a machine that stood still for so long would call nobody.
    let unknown = "select count(*) from transition where to_status = 'unknown'";
    let lost = || async { (0 < world.number(unknown).await).then_some(()) };
    eventually("its answer is lost", SOON, lost).await;
    world
        .later("it is paid", STEP, || async {
            let payment = world.payment(withdrawal.id).await;
            (payment.status.as_str() == "paid").then_some(())
        })
        .await;
    let paid = world.payment(withdrawal.id).await;
    assert_eq!(tried(&paid), ["truelayer-gb succeeded"]);
    assert_eq!(world.number(unknown).await, 1, "it was unknown in between");
    assert!(world.mocks.movements("trustly-gb").await.is_empty());
    world.close().await;
}

macro_rules! rows {
    (deposits { $($name:ident = $country:literal, $fault:literal => $expected:expr;)+ }
     payouts { $($payout:ident = $payout_fault:literal;)+ }) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            deposit($country, $fault, $expected).await;
        })+
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $payout() {
            replayed($payout_fault).await;
        })+
    };
}

rows! {
deposits {
    o4_a_throttled_deposit_goes_to_the_next_psp = "GB", "http_429"
        => ["truelayer-gb abandoned", "trustly-gb accepted"];
    o4_a_deposit_at_an_overloaded_psp_goes_to_the_next = "DE", "http_503"
        => ["trustly-de abandoned", "truelayer-de accepted"];
    o6_a_soft_decline_of_a_deposit_goes_to_the_next_psp = "DE", "decline_soft"
        => ["trustly-de declined", "truelayer-de accepted"];
    o9_a_deposit_that_times_out_is_abandoned_and_goes_on = "DE", "timeout_before_accept"
        => ["trustly-de abandoned", "truelayer-de accepted"];
    o9_a_deposit_whose_connection_is_reset_is_abandoned_and_goes_on = "DE",
        "connection_reset_after_accept" => ["trustly-de abandoned", "truelayer-de accepted"];
    o9_a_truelayer_deposit_that_times_out_is_abandoned = "GB", "timeout_after_accept"
        => ["truelayer-gb abandoned", "trustly-gb accepted"];
    o10_a_deposit_after_a_server_error_is_abandoned_and_goes_on = "GB", "http_500"
        => ["truelayer-gb abandoned", "trustly-gb accepted"];
    o10_a_deposit_taken_before_a_server_error_is_abandoned = "DE", "http_500_after_accept"
        => ["trustly-de abandoned", "truelayer-de accepted"];
    o11_a_deposit_with_an_unreadable_answer_is_abandoned = "DE", "malformed_body"
        => ["trustly-de abandoned", "truelayer-de accepted"];
    o11_a_deposit_with_an_empty_answer_is_abandoned = "GB", "empty_body"
        => ["truelayer-gb abandoned", "trustly-gb accepted"];
}
payouts {
    o4_a_throttled_payout_is_unknown_and_replayed = "http_429";
    o4_a_payout_at_an_overloaded_psp_is_unknown_and_replayed = "http_503";
    o9_a_payout_that_times_out_unaccepted_is_replayed = "timeout_before_accept";
    o9_a_payout_whose_connection_is_reset_unaccepted_is_replayed = "connection_reset_before";
    o10_a_payout_after_a_server_error_is_replayed = "http_500";
}
}

/// O5 and O8 of a deposit, and O7: refused for good, and told what to do.
#[tokio::test(flavor = "multi_thread")]
async fn o5_a_hard_decline_of_a_deposit_stops() {
    let world = World::new().await;
    world.mocks.fault("trustly-de", "create_deposit", "decline_hard", Some(1)).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(900)).await;
    assert_eq!(deposit.status.as_str(), "failed");
    assert_eq!(tried(&deposit), ["trustly-de declined"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o7_a_payer_who_was_told_what_to_do_is_not_sent_elsewhere() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(900)).await;
    world.complete(&deposit, "declined").await;
    let over = || async {
        let payment = world.payment(deposit.id).await;
        ["failed", "cancelled"].contains(&payment.status.as_str()).then_some(payment)
    };
    let over = world.later("it is over", Duration::from_secs(1), over).await;
    assert_eq!(over.attempts.len(), 1);
    world.close().await;
}

/// Moves the clock on until the PSP was asked three times more about the one attempt.
async fn asked_again(world: &World, step: Duration) {
    const ASKED: &str = "select sum(inquiries)::bigint from attempt";
    let before = world.number(ASKED).await;
    let thrice = || async { (before + 3 <= world.number(ASKED).await).then_some(()) };
    world.later("it was asked about thrice more", step, thrice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o8_an_accepted_payout_waits_and_never_goes_elsewhere() {
    let world = World::new().await;
    world.mocks.auto("trustly-de", None, "succeeded").await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    world.attempt_is(withdrawal.id, 1, AttemptStatus::Accepted).await;
    asked_again(&world, Duration::from_secs(24 * 3_600)).await;
    let waiting = world.payment(withdrawal.id).await;
    assert_eq!(tried(&waiting), ["trustly-de accepted"]);
    world.complete(&waiting, "succeeded").await;
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o15_what_was_first_told_is_told_again_after_a_crash() {
    let mut world = World::new().await;
    let player = world.player("DE").await;
    let order = deposit_order(&player, eur(900));
    world.one().deposit(order.clone()).await;
    let stored = async |world: &World| {
        let mut connection = world.rows.acquire().await.unwrap();
        let ids = [order.claim.id.clone()];
        read_keys::states(&mut connection, &ids).await.unwrap().pop().unwrap()
    };
    let before = format!("{:?}", stored(&world).await.unwrap());
    world.kill(0);
    world.start_named("instance-1".to_owned()).await;
    let again = world.one().try_deposit(order.clone()).await.unwrap();
    assert!(matches!(again, Answer::Replay { payment: Some(_) }), "{again:?}");
    assert_eq!(format!("{:?}", stored(&world).await.unwrap()), before);
    world.close().await;
}

/// O17: a payout that its PSP does not know stays unknown. No timer fails it; people are asked.
#[tokio::test(flavor = "multi_thread")]
async fn o17_a_payout_that_is_not_found_is_never_failed_by_time() {
    let world = World::new().await;
    world.mocks.fault("trustly-de", "create_payout", "timeout_before_accept", Some(2)).await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    world.attempt_is(withdrawal.id, 1, AttemptStatus::Unknown).await;
    let asked = || async { world.reviews(&withdrawal).await.pop() };
    world.later("people are asked", Duration::from_secs(6 * 3_600), asked).await;
    asked_again(&world, Duration::from_secs(7 * 24 * 3_600)).await;
    let payment = world.payment(withdrawal.id).await;
    assert_eq!(tried(&payment), ["trustly-de unknown"]);
    assert_eq!(world.wallet(&player).await.held, 900);
    assert!(world.mocks.movements("truelayer-de").await.is_empty());
    world.close().await;
}

async fn tell(world: &World, payment: &Payment, source: Source, status: Status) {
    let report = Report { psp_reference: None, status, payer: None, attempt: None };
    let news = News {
        payment: payment.id.uuid,
        direction: payment.direction(),
        attempt: payment.attempts[0].id,
        source,
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let (flows, player) = (world.one().flows.clone(), payment.player.clone());
    let told = async move { flows.lanes.submit(&player, Command::News(Box::new(news))).await };
    world.one().run(told).await.unwrap();
}

async fn contradicted(world: &World, payment: &Payment, sources: [Source; 2]) {
    let decline = Decline {
        class: DeclineClass::PspFault,
        code: "late".to_owned(),
        retry_elsewhere: true,
        irreversible: true,
    };
    let before = world.number("select count(*) from entry").await;
    for source in sources {
        for status in [
            Status::Declined(decline.clone()),
            Status::Expired,
            Status::Cancelled,
            Status::Pending,
            Status::Accepted { next_action: None, expires_at: None },
        ] {
            tell(world, payment, source, status).await;
        }
    }
    let after = world.payment(payment.id).await;
    assert_eq!(after.status, payment.status);
    assert_eq!(after.attempts.len(), payment.attempts.len());
    assert_eq!(after.attempts[0].status, AttemptStatus::Succeeded);
    assert!(after.attempts[0].kept_news.is_some(), "kept, without effect");
    assert_eq!(world.number("select count(*) from entry").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn o20_news_that_contradicts_a_deposits_success_is_kept_without_effect() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(900)).await;
    world.complete(&deposit, "succeeded").await;
    let done = world.settled(deposit.id, "succeeded").await;
    contradicted(&world, &done, [Source::Webhook { hint: false }, Source::Inquiry]).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn o20_news_that_contradicts_a_paid_payout_is_kept_without_effect() {
    let world = World::new().await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.one().withdraw(withdrawal_order(&player, eur(900))).await;
    let paid = world.settled(withdrawal.id, "paid").await;
    contradicted(&world, &paid, [Source::Webhook { hint: false }, Source::Inquiry]).await;
    world.close().await;
}

/// O11: what a PSP says about other money is no outcome, and people hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn o11_an_inquiry_about_other_money_is_an_alarm() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(900)).await;
    let other: Money = gbp(901);
    let news = News {
        payment: deposit.id.uuid,
        direction: deposit.direction(),
        attempt: deposit.attempts[0].id,
        source: Source::Inquiry,
        outcome: Outcome::Unknown(psp_contract::Unknown::Mismatch),
        wires: Vec::new(),
    };
    for _ in 0..3 {
        let (flows, player) = (world.one().flows.clone(), player.clone());
        let command = Command::News(Box::new(news.clone()));
        world.one().run(async move { flows.lanes.submit(&player, command).await }).await.unwrap();
    }
    assert_eq!(world.incidents("attempt.mismatch").await, 1, "once for {other:?}");
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "action_required");
    world.close().await;
}
