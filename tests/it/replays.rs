//! Decisions are made again: as they were, and with the knowledge of another time.

use super::gone_accounts::go_on;
use super::harness::{Setup, World, eur};
use super::let_go::SECOND;
use interlock::book::Payment;
use interlock::domain::{Kyc, Money, Player, PlayerKey, Timestamp};
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::limits::Period;
use interlock::screening::replay::{Question, Replay, ReplayError, replay};
use interlock::store::read_history::{self, RecordedDecision, Span};
use std::time::Duration;

async fn all(world: &World) -> Vec<RecordedDecision> {
    let span = Span { limit: 10_000, ..Span::default() };
    read_history::decisions(world.one().flows.db.pool(), &span).await.unwrap()
}

async fn decisions_of(world: &World, payment: &Payment) -> Vec<RecordedDecision> {
    let all = all(world).await;
    all.into_iter().filter(|decision| decision.payment == Some(payment.id.uuid)).collect()
}

async fn ask(
    world: &World,
    decision: &RecordedDecision,
    question: &Question,
) -> Result<Replay, ReplayError> {
    let flows = &world.one().flows;
    replay(flows.db.pool(), &flows.policies.current(), decision, question).await
}

async fn as_of(world: &World, decision: &RecordedDecision, at: Timestamp) -> Replay {
    let question = Question { as_of: Some(at), ..Question::default() };
    ask(world, decision, &question).await.unwrap()
}

fn now(world: &World) -> Timestamp {
    world.one().flows.clock.now()
}

async fn limit(world: &World, player: &PlayerKey, money: Money) {
    let (flows, player) = (world.one().flows.clone(), player.clone());
    let change = Change::Replace(vec![(Period::Day, money)]);
    world.one().run(async move { set_limits(&flows, &player, change).await.unwrap() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_comes_out_to_the_byte_after_a_restart_too() {
    let mut world = World::new().await;
    let player = world.rich_player("DE", 500_000).await;
    limit(&world, &player, eur(2_000)).await;
    let deposit = world.deposit(&player, eur(1_500)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let over = world.deposit(&player, eur(501)).await;
    assert_eq!(over.status.as_str(), "blocked");
    // Its bank pays it when the test says so.
    world.mocks.auto("trustly-de", None, "succeeded").await;
    let small = world.withdraw(&player, eur(2_000)).await;
    let small = world.settled(small.id, "processing").await;
    let large = world.withdraw(&player, eur(150_000)).await;
    assert_eq!(large.status.as_str(), "in_review");
    let before = all(&world).await;
    let checkpoints: Vec<i64> = vec![
        world.number("select count(*) from decision where checkpoint = 'deposit.pre'").await,
        world.number("select count(*) from decision where checkpoint = 'deposit.post'").await,
        world.number("select count(*) from decision where checkpoint = 'withdrawal.request'").await,
        world
            .number("select count(*) from decision where checkpoint = 'withdrawal.pre_payout'")
            .await,
    ];
    assert_eq!(checkpoints, [2, 1, 2, 1]);
    world.stop(0).await;
    world.start_instance().await;
    for decision in &before {
        let again = ask(&world, decision, &Question::default()).await.unwrap();
        assert!(again.is_identical() && again.differences.is_empty(), "{again:?}");
        // Nothing came to be known since.
        let today = as_of(&world, decision, now(&world)).await;
        assert!(today.is_identical(), "{today:?}");
    }
    assert_eq!(all(&world).await.len(), before.len(), "to ask records no decision");
    world.complete(&small, "succeeded").await;
    world.settled(small.id, "paid").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_success_changes_what_now_is_said_and_never_what_was_known_then() {
    let world = World::new().await;
    let player = world.player("DE").await;
    limit(&world, &player, eur(1_000)).await;
    let given_up = world.deposit(&player, eur(800)).await;
    world.one().cancel(&given_up).await.unwrap();
    let second = world.deposit(&player, eur(700)).await;
    assert_eq!(second.status.as_str(), "action_required");
    let decision = decisions_of(&world, &second).await.remove(0);
    let then = now(&world);
    world.move_on(Duration::from_secs(60)).await;
    world.complete(&given_up, "succeeded").await;
    // With the second one it would be 15.00 of 10.00: two people let it in.
    let late = world.settled(given_up.id, "in_review").await;
    let posted = decisions_of(&world, &late).await;
    let posted = posted.into_iter().find(|decision| decision.outcome == "review").unwrap();
    world.two_people(&late, "approve").await;
    world.settled(given_up.id, "succeeded").await;
    // It was measured when it came, and is whatever came to be known of it since.
    let again = as_of(&world, &posted, now(&world)).await;
    assert!(again.is_identical(), "{again:?}");
    let known_then = as_of(&world, &decision, then).await;
    assert!(known_then.is_identical(), "{known_then:?}");
    let known_now = as_of(&world, &decision, now(&world)).await;
    assert_eq!((&*known_now.recorded.outcome, &*known_now.replayed.outcome), ("approve", "deny"));
    let told: Vec<&str> = known_now.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(told, ["limit.player_exceeded"]);
    let rule = known_now.differences.iter().find(|found| found.what == "rule").unwrap();
    assert_eq!(rule.name.as_deref(), Some("limit.player"));
    assert!(rule.replayed.as_deref().unwrap().contains("15.00 EUR"), "{rule:?}");
    // And what is on record stays what it was.
    assert!(ask(&world, &decision, &Question::default()).await.unwrap().is_identical());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_corrected_later_is_knowledge_of_later() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(800)).await;
    let decision = decisions_of(&world, &deposit).await.remove(0);
    let then = now(&world);
    world.move_on(Duration::from_secs(60)).await;
    let mut record = world.read_player(&player).await;
    record.kyc.level = 0;
    world.change_player(record).await;
    assert!(as_of(&world, &decision, then).await.is_identical());
    let today = as_of(&world, &decision, now(&world)).await;
    assert_eq!(today.replayed.outcome, "deny");
    // Before the player was registered nobody knew of them.
    let before = as_of(&world, &decision, then - Duration::from_secs(86_400)).await;
    let told: Vec<&str> = before.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(told, ["player.unknown"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_paid_is_known_from_when_it_was_told_on() {
    let mut world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(800)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let decision = decisions_of(&world, &deposit).await.pop().unwrap();
    assert_eq!(decision.outcome, "approve");
    let then = now(&world);
    world.move_on(Duration::from_secs(60)).await;
    // As late news leaves it: the PSP tells after the credit that another person paid. Nothing runs
    // that could write the row anew, as another message of the PSP has it.
    let told = now(&world);
    let policies = world.one().flows.policies.current();
    world.stop(0).await;
    let late = "update payment set updated_at = $2, source = json_build_object('portable', null,
          'tokens', '{}'::json, 'holder_name', 'Somebody Else', 'masked', '', 'source_deposit', null)
        where payment_id = $1";
    let late = sqlx::query(late).bind(deposit.id.uuid).bind(told).execute(&world.rows).await;
    assert_eq!(late.unwrap().rows_affected(), 1);
    let as_of = async |at| {
        let question = Question { as_of: Some(at), ..Question::default() };
        replay(&world.rows, &policies, &decision, &question).await.unwrap()
    };
    let known_then = as_of(then).await;
    assert!(known_then.is_identical(), "{known_then:?}");
    let known_now = as_of(told).await;
    assert_eq!((&*known_now.recorded.outcome, &*known_now.replayed.outcome), ("approve", "review"));
    let rules = known_now.differences.iter().filter(|found| found.what == "rule");
    let names: Vec<&str> = rules.filter_map(|found| found.name.as_deref()).collect();
    assert!(names.contains(&"payer.name"), "{names:?}");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_altered_does_not_come_out_again() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(800)).await;
    let decision = decisions_of(&world, &deposit).await.remove(0);
    let altered = |change: fn(&mut RecordedDecision)| {
        let mut altered = decision.clone();
        change(&mut altered);
        altered
    };
    let as_it_was = Question::default();
    for change in [
        (|found| found.outcome = "deny".to_owned()) as fn(&mut RecordedDecision),
        |found| found.rules = found.rules.replacen("no_hit", "hit", 1),
        |found| found.reasons = r#"[{"code":"a","message":"b","audience":"player"}]"#.to_owned(),
        |found| {
            let inputs = found.inputs.as_mut().unwrap();
            *inputs = inputs.replace(r#""level":3"#, r#""level":0"#);
        },
    ] {
        let again = ask(&world, &altered(change), &as_it_was).await.unwrap();
        assert!(!again.is_identical() && !again.differences.is_empty(), "{again:?}");
    }
    assert!(ask(&world, &decision, &as_it_was).await.unwrap().is_identical());
    let swapped = altered(|found| found.policy_sha256.as_mut().unwrap()[0] ^= 1);
    let refused = ask(&world, &swapped, &as_it_was).await.unwrap_err();
    assert!(matches!(refused, ReplayError::OtherContent(_)), "{refused}");
    let other = Question { version: Some("GB-2026-11-21f".to_owned()), ..Question::default() };
    let refused = ask(&world, &decision, &other).await.unwrap_err();
    assert!(matches!(refused, ReplayError::OtherMarket { .. }), "{refused}");
    world.close().await;
}

/// Begun on one day, looked at on the next, let go by people on the third, and sent some minutes later: it counts where
/// it was measured last, and so it does for others that were decided between.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_was_measured_three_times_counts_on_the_day_that_others_saw_it_on() {
    let rules = SECOND.to_owned();
    let world = World::with(Setup { rules, workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    limit(&world, &player, eur(100_000)).await;
    world.deposit(&player, eur(900)).await;
    let deposit = world.deposit(&player, eur(800)).await;
    assert_eq!(deposit.status.as_str(), "in_review", "{:?}", deposit.reasons);
    let (day, mut between) = (Duration::from_secs(25 * 3_600), Vec::new());
    world.move_on(day).await;
    // It is not let go, and stays on its day.
    let known = world.read_player(&player).await;
    let kyc = Kyc { level: 0, ..known.kyc.clone() };
    world.change_player(Player { kyc, ..known.clone() }).await;
    world.try_two_people(&deposit, "approve").await.unwrap_err();
    let now_again = world.read_player(&player).await;
    world.change_player(Player { kyc: known.kyc, ..now_again }).await;
    world.move_on(Duration::from_secs(60)).await;
    let after_the_first_look = world.deposit(&player, eur(700)).await;
    between.push((after_the_first_look, now(&world)));
    world.move_on(day).await;
    world.two_people(&deposit, "approve").await;
    world.move_on(Duration::from_secs(60)).await;
    let after_it_was_let_go = world.deposit(&player, eur(600)).await;
    between.push((after_it_was_let_go, now(&world)));
    // No worker had time for it, so that it is measured once more.
    world.move_on(Duration::from_secs(600)).await;
    assert_eq!(go_on(&world, &deposit).await.status.as_str(), "action_required");
    let looks = decisions_of(&world, &deposit).await;
    let outcomes: Vec<&str> = looks.iter().map(|it| &*it.outcome).collect();
    assert_eq!(outcomes, ["review", "deny", "review", "review"]);
    for (other, then) in &between {
        let decision = decisions_of(&world, other).await.remove(0);
        let known_then = as_of(&world, &decision, *then).await;
        assert!(known_then.is_identical(), "{known_then:?}");
    }
    world.leave_open();
}
