//! Registers of excluded people and files of limits over all operators: they stop deposits, never a
//! withdrawal, and nothing that is taken outside is lost.

use super::harness::{
    SOON, Setup, World, deposit_order, eur, eventually, withdrawal_order, withdrawal_to,
};
use interlock::book::Payment;
use interlock::domain::{Player, PlayerKey};
use interlock::vendors::people::settle_rooms::settle_within;
use serde_json::{Value, json};
use std::time::Duration;

const REGISTER: &str = r#"
[[rules]]
id = "excluded.register_answer"
effect = "deny"
max_age_s = 3600
source = "the tests"
source_date = "2026-11-21"
"#;
const FILE: &str = r#"
[[rules]]
id = "limit.cross_operator"
effect = "deny"
source = "the tests"
source_date = "2026-11-21"
"#;
const MINUTE: Duration = Duration::from_secs(60);

async fn world(rules: &str, vendors: &'static [&'static str]) -> World {
    World::with(Setup { rules: rules.to_owned(), vendors, ..Setup::default() }).await
}

async fn named(world: &World, name: &str) -> PlayerKey {
    let key = world.rich_player("DE", 10_000).await;
    let known = world.read_player(&key).await;
    world.change_player(Player { full_name: name.to_owned(), ..known }).await;
    key
}

fn codes(payment: &Payment) -> Vec<&str> {
    payment.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// A deposit is blocked for this reason, and a withdrawal goes on.
#[track_caller]
fn blocked(payment: &Payment, code: &str) {
    assert_eq!((payment.status.as_str(), codes(payment)), ("blocked", vec![code]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_decides_about_deposits_and_never_about_withdrawals() {
    let world = world(REGISTER, &["register-de"]).await;
    let erika = named(&world, "Erika Mustermann").await;
    let open = world.one().deposit(deposit_order(&erika, eur(1_000))).await;
    assert_eq!(open.status.as_str(), "action_required");
    let facts = world.texts(&inputs(&open)).await.remove(0);
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let answer = &facts["checks"]["register"]["found"];
    assert_eq!(answer["standing"], "not_excluded");
    assert_eq!(answer["reference"].as_str().unwrap().len(), 12);
    assert!(!facts.to_string().contains("Erika"), "a decision names nobody");
    for (name, code) in [
        ("Erika Excluded", "player.excluded"),
        ("Erika Unrecognised", "register.person_unknown"),
        ("Erika Unscored", "register.no_answer"),
        ("Erika Pending", "register.no_answer"),
    ] {
        let player = named(&world, name).await;
        blocked(&world.one().deposit(deposit_order(&player, eur(1_000))).await, code);
        let home = world.one().withdraw(withdrawal_to(&player, eur(1_000), name)).await;
        assert_eq!(home.status.as_str(), "approved", "{name}: money may always go home");
    }
    world.complete(&open, "succeeded").await;
    world.settled(open.id, "succeeded").await;
    world.close().await;
}

fn inputs(payment: &Payment) -> String {
    format!("select inputs::text from decision where payment_id = '{}'", payment.id.uuid)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_register_no_deposit_passes_and_money_still_goes_home() {
    let world = world(REGISTER, &["register-de"]).await;
    let player = named(&world, "Erika Mustermann").await;
    for fault in [
        "connection_reset_before",
        "timeout_before_accept",
        "http_429",
        "http_500",
        "http_503",
        "malformed_body",
        "empty_body",
        "bad_signature",
        "late",
        "null_score",
        "pending",
    ] {
        world.mocks.vendor_fault("register-de", json!({"fault": fault, "times": 1})).await;
        let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
        assert_eq!(deposit.status.as_str(), "blocked", "{fault}");
        assert_eq!(codes(&deposit), ["register.no_answer"], "{fault}");
    }
    world.mocks.vendor_listener("register-de", false).await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    blocked(&deposit, "register.no_answer");
    let home = world.one().withdraw(withdrawal_order(&player, eur(1_000))).await;
    assert_eq!(home.status.as_str(), "approved");
    world.settled(home.id, "paid").await;
    world.mocks.vendor_listener("register-de", true).await;
    let open = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    assert_eq!(open.status.as_str(), "action_required", "control: asked again it answers");
    world.one().cancel(&open).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_asks_a_register_that_nobody_configured_denies() {
    let world = world(REGISTER, &[]).await;
    let player = named(&world, "Erika Mustermann").await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    blocked(&deposit, "register.no_answer");
    world.close().await;
}

/// The states of all reservations, sorted.
async fn rooms(world: &World) -> Vec<String> {
    let all = world.mocks.reservations("limit-file-de").await;
    let mut states: Vec<String> = all.into_iter().map(|(_, state)| state).collect();
    states.sort();
    states
}

async fn become_rooms(world: &World, expected: &[&str]) {
    eventually("the file of limits is told", SOON, || async {
        (rooms(world).await == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_over_all_operators_is_taken_before_a_psp_is_asked_and_ends_with_its_deposit() {
    let world = world(FILE, &["limit-file-de"]).await;
    let player = named(&world, "Erika Limited").await;
    let paid = world.one().deposit(deposit_order(&player, eur(60_000))).await;
    assert_eq!(paid.status.as_str(), "action_required");
    assert_eq!(rooms(&world).await, ["reserved"]);
    let over = world.one().deposit(deposit_order(&player, eur(60_000))).await;
    blocked(&over, "limit.cross_operator_exceeded");
    let other = world.one().deposit(deposit_order(&player, eur(40_000))).await;
    assert_eq!(other.status.as_str(), "action_required", "there is room for so much");
    world.complete(&paid, "succeeded").await;
    world.settled(paid.id, "succeeded").await;
    world.one().cancel(&other).await.unwrap();
    let step = Duration::from_secs(6);
    world
        .later("the room is settled", step, || async {
            (rooms(&world).await == ["committed", "released"]).then_some(())
        })
        .await;
    let again = world.one().deposit(deposit_order(&player, eur(40_000))).await;
    assert_eq!(again.status.as_str(), "action_required", "what was given back is there again");
    world.one().cancel(&again).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_another_rule_denies_takes_no_room() {
    let world = world(&format!("{REGISTER}{FILE}"), &["limit-file-de", "register-de"]).await;
    let player = named(&world, "Erika Excluded").await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    assert_eq!(deposit.status.as_str(), "blocked");
    assert!(rooms(&world).await.is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_whose_answer_was_lost_is_given_back_and_its_deposit_denied() {
    let world = world(FILE, &["limit-file-de"]).await;
    let player = named(&world, "Erika Mustermann").await;
    let lost = json!({"operation": "ask", "fault": "timeout_after_accept", "times": 1});
    world.mocks.vendor_fault("limit-file-de", lost).await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    blocked(&deposit, "limit.cross_operator_no_answer");
    assert_eq!(rooms(&world).await, ["reserved"], "the file has taken it");
    world
        .later("the room is given back", Duration::from_secs(6), || async {
            (rooms(&world).await == ["released"]).then_some(())
        })
        .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_reservation_and_commit_leaks_nothing() {
    let mut world = world(FILE, &["limit-file-de"]).await;
    let player = named(&world, "Erika Mustermann").await;
    // The commit never comes: the player's row is held while the instance dies.
    let mut held = world.rows.begin().await.unwrap();
    sqlx::query("select from player where player_id = $1 for update")
        .bind(player.player.as_str())
        .execute(&mut *held)
        .await
        .unwrap();
    let (instance, order) = (world.one().flows.clone(), deposit_order(&player, eur(1_000)));
    let deposit = world.one().handle().spawn(async move {
        interlock::payments::start_deposit::start_deposit(&instance, &order).await
    });
    become_rooms(&world, &["reserved"]).await;
    world.kill(0);
    assert!(deposit.await.is_err(), "nobody was answered");
    held.rollback().await.unwrap();
    world.start_instance().await;
    world
        .later("the room is given back", 3 * MINUTE, || async {
            (rooms(&world).await == ["released"]).then_some(())
        })
        .await;
    assert_eq!(world.number("select count(*) from payment").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_after_the_room_was_given_back_still_counts() {
    let world = world(FILE, &["limit-file-de"]).await;
    let player = named(&world, "Erika Mustermann").await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    world.one().cancel(&deposit).await.unwrap();
    world
        .later("the room is given back", Duration::from_secs(6), || async {
            (rooms(&world).await == ["released"]).then_some(())
        })
        .await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world
        .later("the file is told", 360 * MINUTE, || async {
            (rooms(&world).await == ["committed"]).then_some(())
        })
        .await;
    world.close().await;
}

/// A file that does not answer takes its deadline for each question: a look ends all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_rooms_ends_though_more_are_due() {
    let setup = Setup { rules: FILE.to_owned(), vendors: &["limit-file-de"], ..Setup::default() };
    let world = World::with(Setup { workers: false, ..setup }).await;
    for _ in 0..7 {
        let player = named(&world, "Erika Mustermann").await;
        let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
        world.one().cancel(&deposit).await.unwrap();
    }
    world.mocks.vendor_listener("limit-file-de", false).await;
    world.move_on(MINUTE).await;
    let look = async |patience| {
        let flows = world.one().flows.clone();
        let looking =
            async move { settle_within(&flows, patience, flows.clock.now()).await.unwrap().taken };
        world.one().run(looking).await
    };
    let first = look(Duration::ZERO).await;
    assert!((1..7).contains(&first), "{first}");
    assert_eq!(look(MINUTE).await, 7 - first, "the rest was not taken");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_another_release_noted_holds_up_nobody_elses_and_people_hear_of_it_once() {
    let setup = Setup { rules: FILE.to_owned(), vendors: &["limit-file-de"], ..Setup::default() };
    let world = World::with(Setup { workers: false, ..setup }).await;
    for _ in 0..3 {
        let player = named(&world, "Erika Mustermann").await;
        let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
        world.one().cancel(&deposit).await.unwrap();
    }
    let other =
        "update limit_reservation set currency = 'ZZZ', due_at = due_at - interval '1 second'
                 where payment_id = (select min(payment_id::text)::uuid from limit_reservation)";
    sqlx::raw_sql(other).execute(&world.rows).await.unwrap();
    for look in 1..3 {
        world.move_on(MINUTE).await;
        let flows = world.one().flows.clone();
        let looking = async move { settle_within(&flows, MINUTE, flows.clock.now()).await };
        let settled = world.one().run(looking).await.unwrap();
        assert_eq!(settled.failed, 1, "look {look}");
        assert_eq!(rooms(&world).await, ["released", "released", "reserved"], "look {look}");
        assert_eq!(world.incidents("row_unreadable").await, 1, "look {look}");
    }
    world.leave_open();
}
