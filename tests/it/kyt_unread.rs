//! A payout waits for a vendor while something else changes, or cannot be read: what it is decided by is of now, and
//! whole.

use super::harness::markets::MALTA;
use super::harness::{CHECKS, SOON, Setup, World, eventually};
use super::kyt::{address, to};
use super::may_be_paid::cases;
use interlock::book::Payment;
use interlock::decide::command::{PlayerChecks, VendorsSaid};
use interlock::decide::{Command, Refusal};
use interlock::domain::Player;
use interlock::lane::SubmitError;
use interlock::payments::request_withdrawal::WithdrawalOrder;
use interlock::payments::send_payout::send_payout;
use interlock::store::vendor_checks::{self, DueCheck};
use interlock::vendors::ask_vendors::{AskError, ask_vendors};
use std::time::Duration;

const VENDOR: &str = "elliptic";
/// Beyond the hour of the sandbox's policy.
const TOO_OLD: Duration = Duration::from_secs(3_660);

/// Nobody works: each look is the test's own.
async fn by_hand() -> World {
    let names = Setup { shipped: true, vendors: CHECKS, workers: false, ..Setup::default() };
    let setup = Setup { accounts: MALTA.accounts, first: Some("coinspaid"), ..names };
    World::with(Setup { analyst: Some(VENDOR), ..setup }).await
}

/// The check of a withdrawal that is due now.
async fn due(world: &World, withdrawal: &Payment) -> DueCheck {
    let (pool, now) = (world.one().flows.db.pool(), world.one().flows.clock.now());
    let claimed = vendor_checks::claim(pool, (now, now + TOO_OLD), &[], 10).await.unwrap();
    claimed.rows.into_iter().find(|check| check.payment == withdrawal.id.uuid).unwrap()
}

async fn look(world: &World, check: &DueCheck) -> Result<bool, AskError> {
    let (flows, check) = (world.one().flows.clone(), check.clone());
    world.one().run(async move { ask_vendors(&flows, &check).await }).await
}

async fn answered(world: &World, check: &DueCheck) {
    let answered = || async { look(world, check).await.unwrap().then_some(()) };
    eventually("the vendor has answered", SOON, answered).await;
}

async fn goes(world: &World, withdrawal: &Payment) -> bool {
    let (flows, of) = (world.one().flows.clone(), withdrawal.clone());
    let sending = async move { send_payout(&flows, &of.player, of.id.uuid).await.unwrap() };
    world.one().run(sending).await
}

/// 15 coins of one who is near an entry, let go by two people who saw it; by then the vendor's answer is too old.
async fn asked_anew(world: &World) -> (Payment, DueCheck) {
    let player = world.player_of(MALTA).await;
    let known = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Similar".to_owned(), ..known }).await;
    world.win(&player, MALTA.currency, 15 * MALTA.minor).await;
    let money = MALTA.money(15 * MALTA.minor);
    let order = WithdrawalOrder { money, ..MALTA.withdrawal(&player, to(&address(1))) };
    let withdrawal = world.one().withdraw(order).await;
    answered(world, &due(world, &withdrawal).await).await;
    world.two_people(&withdrawal, "approve").await;
    world.move_on(TOO_OLD).await;
    assert!(!goes(world, &withdrawal).await);
    let check = due(world, &withdrawal).await;
    assert_eq!(check.round, 2);
    (withdrawal, check)
}

/// What two people said of entries cannot be read for a moment: nothing is decided without it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_does_not_tell_for_a_moment_is_no_finding_about_a_payout_that_waits() {
    let world = by_hand().await;
    let (withdrawal, check) = asked_anew(&world).await;
    let may = |verb: &str, to: &str| format!("{verb} select on review_proposal {to} interlock_app");
    let run = async |sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
    };
    run(may("revoke", "from")).await;
    let unread = eventually("the vendor has answered", SOON, || async {
        look(&world, &check).await.map_or_else(Some, |over| {
            assert!(!over, "it was decided without what people said");
            None
        })
    });
    let unread = unread.await;
    assert!(matches!(unread, AskError::Store(_)), "{unread:?}");
    run(may("grant", "to")).await;
    assert_eq!(world.payment(withdrawal.id).await.status.as_str(), "approved");
    answered(&world, &check).await;
    assert!(goes(&world, &withdrawal).await, "and then it is sent");
    world.leave_open();
}

/// By another name the player is near another entry: answers about the old one decide nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_an_older_record_decides_about_no_payment_that_waits() {
    let world = by_hand().await;
    let (withdrawal, check) = asked_anew(&world).await;
    let old = world.read_player(&withdrawal.player).await;
    world.change_player(Player { full_name: "Maria Sanctioned".to_owned(), ..old.clone() }).await;
    let said = |version| VendorsSaid {
        payment: withdrawal.id.uuid,
        results: Vec::new(),
        round: 2,
        is_over: true,
        closed_loop: None,
        checks: PlayerChecks { version, ..PlayerChecks::default() },
    };
    for version in [Some(old.version), None] {
        let command = Command::VendorsSaid(Box::new(said(version)));
        let (flows, player) = (world.one().flows.clone(), withdrawal.player.clone());
        let submitting = async move { flows.lanes.submit(&player, command).await };
        let refused = world.one().run(submitting).await.unwrap_err();
        assert!(matches!(refused, SubmitError::Refused(Refusal::PlayerChanged)), "{refused:?}");
        assert_eq!(world.payment(withdrawal.id).await.status.as_str(), "approved");
    }
    // Who looks now asks about the new name.
    answered(&world, &check).await;
    assert_eq!(cases(&world, &withdrawal).await, ["withdrawal_hold"]);
    world.leave_open();
}
