//! Deposits over each PSP: the straight road, and who takes over when a PSP cannot.

use super::bounced_payouts::{WEBHOOK, by_hand, said, tell};
use super::harness::{Setup, World, eur, eventually, gbp};
use super::names::{self, NAMES};
use super::routing::{off, set};
use interlock::book::Payment;
use interlock::domain::{AttemptStatus, Audience, Money};
use psp_contract::Status;
use serde_json::json;

/// `psp status` of each attempt, in order.
fn tried(payment: &Payment) -> Vec<String> {
    payment.attempts.iter().map(|attempt| format!("{} {}", attempt.psp, attempt.status)).collect()
}

/// A whole deposit over one PSP, the others' ports closed.
async fn over(psp: &str, others: &[&str], country: &str, money: Money) {
    let world = World::new().await;
    for other in others {
        world.mocks.listener(other, false).await;
    }
    let player = world.player(country).await;
    let deposit = world.deposit(&player, money).await;
    assert_eq!(deposit.status.as_str(), "action_required");
    assert!(deposit.next_action.is_some() && deposit.action_told);
    assert_eq!(deposit.attempts.last().unwrap().psp, psp);
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    assert_eq!((deposit.received, deposit.credited), (Some(money), Some(money)));
    let over = deposit.attempts.last().unwrap();
    assert_eq!(over.status, AttemptStatus::Succeeded);
    assert_eq!(over.due_at, None, "its webhook told all: the PSP is not asked once more");
    assert_eq!(world.wallet(&player).await.cash, money.minor);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_over_trustly_in_germany_is_credited_once() {
    over("trustly-de", &[], "DE", eur(10_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_over_truelayer_in_germany_is_credited_once() {
    over("truelayer-de", &["trustly-de"], "DE", eur(10_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_over_truelayer_in_britain_is_credited_once() {
    over("truelayer-gb", &[], "GB", gbp(2_500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_over_trustly_in_britain_is_credited_once() {
    over("trustly-gb", &["truelayer-gb"], "GB", gbp(2_500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_sends_the_deposit_to_the_next_psp_in_the_same_request() {
    let world = World::new().await;
    world.mocks.listener("trustly-de", false).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(5_000)).await;
    assert_eq!(tried(&deposit), ["trustly-de not_sent", "truelayer-de accepted"]);
    assert!(deposit.attempts[0].error.as_ref().unwrap().retryable);
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_psp_can_be_reached_the_deposit_fails_and_its_limit_is_free_again() {
    let world = World::new().await;
    for psp in ["trustly-de", "truelayer-de"] {
        world.mocks.listener(psp, false).await;
    }
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(5_000)).await;
    assert_eq!(deposit.status.as_str(), "failed");
    assert_eq!(tried(&deposit), ["trustly-de not_sent", "truelayer-de not_sent"]);
    world.close().await;
}

/// The first PSP refuses the request itself, before any payer was told anything.
async fn refused_at_once(country: &str, money: Money, fault: &str, expected: &[&str]) {
    let world = World::new().await;
    let psp = if country == "GB" { "truelayer-gb" } else { "trustly-de" };
    world.mocks.fault(psp, "create_deposit", fault, Some(1)).await;
    let player = world.player(country).await;
    let deposit = world.deposit(&player, money).await;
    assert_eq!(tried(&deposit), expected);
    if deposit.status.as_str() == "action_required" {
        world.complete(&deposit, "succeeded").await;
        world.settled(deposit.id, "succeeded").await;
    } else {
        assert_eq!(deposit.status.as_str(), "failed");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_one_psp_is_no_limit_of_another() {
    let expected = ["trustly-de declined", "truelayer-de accepted"];
    refused_at_once("DE", eur(2_500), "decline_soft", &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_user_is_not_shopped_around() {
    refused_at_once("DE", eur(2_500), "decline_hard", &["trustly-de declined"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_a_psp_refuses_does_not_stop_the_player() {
    let expected = ["truelayer-gb declined", "trustly-gb accepted"];
    refused_at_once("GB", gbp(2_500), "decline_hard", &expected).await;
}

/// The payer may still be on the first PSP's page, so nobody else is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_decline_after_the_payer_was_told_what_to_do_ends_the_deposit() {
    let world = World::new().await;
    world.mocks.fault("truelayer-gb", "create_deposit", "decline_soft", Some(1)).await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(2_500)).await;
    let over = world.settled(deposit.id, "failed").await;
    assert_eq!(tried(&over), ["truelayer-gb declined"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_out_at_the_psp_ends_the_deposit() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(2_500)).await;
    world.complete(&deposit, "expired").await;
    eventually("it is over", std::time::Duration::from_secs(20), || async {
        let payment = world.payment(deposit.id).await;
        ["failed", "expired"].contains(&payment.status.as_str()).then_some(())
    })
    .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excluded_player_cannot_deposit_and_no_psp_is_asked() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let mut record = world.read_player(&player).await;
    record.status = interlock::domain::PlayerStatus::Frozen;
    world.change_player(record).await;
    let deposit = world.deposit(&player, eur(5_000)).await;
    assert_eq!(deposit.status.as_str(), "blocked");
    assert!(deposit.attempts.is_empty());
    assert!(world.mocks.movements("trustly-de").await.is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_than_asked_waits_in_suspense_for_two_people() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(2_500)).await;
    world.complete_with(&deposit, json!({"outcome": "succeeded", "amount": "20.00"})).await;
    let held = world.settled(deposit.id, "in_review").await;
    assert_eq!((held.received, held.credited), (Some(eur(2_000)), None));
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(world.incidents("deposit.other_amount").await, 1);
    world.two_people(&held, "approve").await;
    let done = world.settled(deposit.id, "succeeded").await;
    assert_eq!(done.credited, Some(eur(2_000)));
    assert_eq!(world.wallet(&player).await.cash, 2_000);
    world.close().await;
}

/// What its reasons say, and who may read it.
fn reasons(payment: &Payment) -> Vec<(&str, &str, Audience)> {
    let told = payment.reasons.iter();
    told.map(|it| (&*it.code, it.observed.as_deref().unwrap_or(""), it.audience)).collect()
}

/// The casino learns what each PSP answered, and the player that nobody took it. Where it is paid all the same that is
/// over.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_nobody_took_says_why_until_it_is_paid_after_all() {
    let world = by_hand().await;
    let player = world.player("DE").await;
    world.mocks.fault("trustly-de", "create_deposit", "decline_soft", Some(1)).await;
    world.mocks.listener("truelayer-de", false).await;
    let failed = world.deposit(&player, eur(900)).await;
    let failed = world.settled(failed.id, "failed").await;
    assert_eq!(tried(&failed), ["trustly-de declined", "truelayer-de not_sent"]);
    let code = &failed.attempts[0].error.as_ref().unwrap().code;
    let refused = format!("trustly-de: {code}");
    let expected = [
        ("psp.refused", &*refused, Audience::Operator),
        ("psp.not_reached", "truelayer-de: connect_refused", Audience::Operator),
        ("deposit.not_taken", "", Audience::Player),
    ];
    assert_eq!(reasons(&failed), expected);
    assert!(failed.reasons[2].remedy.is_some());
    let events = format!(
        "select (data->'reasons')::text from outbox_event
         where payment_id = '{}' and kind = 'deposit.failed'",
        failed.id.uuid
    );
    let [event] = &world.texts(&events).await[..] else { panic!("it failed once") };
    for (code, observed, _) in expected {
        assert!(event.contains(code) && event.contains(observed), "{event}");
    }
    let paid = said(Status::Succeeded { money: eur(900) });
    let late = tell(&world, &failed, (1, WEBHOOK), paid).await;
    assert_eq!(late.status.as_str(), "succeeded");
    assert_eq!(reasons(&late), []);
    assert_eq!(world.wallet(&player).await.cash, 900);
    world.close().await;
}

/// Every PSP was out when it was asked for, and two people let it go on: the casino and the player are told that nobody
/// can take it, and neither what people looked at.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_deposit_that_nobody_can_take_fails_and_says_so() {
    let setup = Setup { rules: NAMES.to_owned(), vendors: &["watchman"], ..Setup::default() };
    let world = World::with(setup).await;
    for psp in ["trustly-de", "truelayer-de"] {
        set(&world, 0, off(psp)).await;
    }
    let player = names::named(&world, "Erika Sanctioned").await;
    let held = names::deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review");
    assert!(held.route.ranked().next().is_none(), "{:?}", held.route);
    world.two_people(&held, "approve").await;
    let failed = world.settled(held.id, "failed").await;
    assert!(failed.attempts.is_empty(), "nobody was asked");
    let told: Vec<_> =
        reasons(&failed).into_iter().filter(|(.., who)| *who != Audience::Compliance).collect();
    assert_eq!(told, [("routing.no_psp", "", Audience::Player)]);
    assert!(failed.reasons.iter().any(|reason| reason.message.contains("try another method")));
    let events = format!(
        "select kind || ' ' || (data->'reasons')::text from outbox_event
         where payment_id = '{}' order by payment_sequence",
        failed.id.uuid
    );
    let events = world.texts(&events).await;
    let kinds: Vec<_> = events.iter().filter_map(|event| event.split(' ').next()).collect();
    let expected = ["deposit.in_review", "deposit.processing", "deposit.failed"];
    assert_eq!(kinds, expected, "{events:?}");
    let last = events.last().unwrap();
    assert!(last.contains("routing.no_psp") && !last.contains("names."), "{last}");
    assert!(world.reviews(&failed).await.iter().all(|review| !review.open));
    let room = "select count(*) from limit_use where state = 'reserved'";
    assert_eq!(world.number(room).await, 0, "it takes up no room of a limit");
    assert_eq!(world.wallet(&player).await.held, 0);
    world.close().await;
}
