//! A player comes to owe while a withdrawal is approved: it waits for people, at once. Nobody works here, and
//! news is told by hand.

use super::bounced_payouts::{by_hand, refused, said, send, submit, succeeded, taken, tell};
use super::harness::{World, eur, withdrawal_order};
use interlock::book::{GameKind, Payment};
use interlock::decide::command::Source;
use interlock::decide::{Answer, Command};
use interlock::domain::PlayerKey;
use interlock::payments::request_withdrawal::{DestinationOrder, RequestError, WithdrawalOrder};
use psp_contract::Status;

const WEBHOOK: Source = Source::Webhook { hint: false };

/// A deposit of 10.00, credited, of which 5.00 are staked.
async fn half_played(world: &World) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(1_000)).await;
    let paid = said(Status::Succeeded { money: eur(1_000) });
    let credited = tell(world, &deposit, (1, WEBHOOK), paid).await;
    assert_eq!(credited.status.as_str(), "succeeded");
    world.play(&player, GameKind::Stake, eur(500)).await;
    credited
}

/// It is approved, and nothing but the looking of a worker is between it and its PSP.
async fn approved(world: &World, player: &PlayerKey, minor: i64) -> Payment {
    let withdrawal = world.withdraw(player, eur(minor)).await;
    assert_eq!(withdrawal.status.as_str(), "approved");
    assert!(withdrawal.due_at.is_some());
    withdrawal
}

/// A worker that looks at it sends nothing.
async fn is_not_sent(world: &World, withdrawal: &Payment) {
    let take = Command::TakePayout { payment: withdrawal.id.uuid, answers: None };
    let answer = submit(world, withdrawal, take).await;
    assert!(matches!(answer, Answer::Nothing), "{answer:?}");
    assert!(world.payment(withdrawal.id).await.attempts.is_empty());
}

/// People are asked about it, because of the debt, and its money stays held.
async fn waits_for_people(world: &World, withdrawal: &Payment) {
    let waiting = world.payment(withdrawal.id).await;
    assert_eq!((waiting.status.as_str(), waiting.due_at), ("in_review", None));
    let kinds: Vec<String> =
        world.reviews(withdrawal).await.into_iter().map(|review| review.kind).collect();
    assert_eq!(kinds, ["wallet_owed"]);
    assert_eq!(waiting.parts[0].held_minor, withdrawal.money.minor);
    is_not_sent(world, withdrawal).await;
}

async fn cash_held_owed(world: &World, player: &PlayerKey) -> (i64, i64, i64) {
    let wallet = world.wallet(player).await;
    (wallet.cash, wallet.held, wallet.owed)
}

#[tokio::test(flavor = "multi_thread")]
async fn approved_withdrawals_wait_when_their_player_comes_to_owe_by_a_chargeback() {
    let world = by_hand().await;
    let deposit = half_played(&world).await;
    let withdrawals = [
        approved(&world, &deposit.player, 300).await,
        approved(&world, &deposit.player, 100).await,
    ];
    let other = world.rich_player("DE", 1_000).await;
    let others = approved(&world, &other, 300).await;
    let reversed = said(Status::Reversed { money: eur(1_000) });
    let deposit = tell(&world, &deposit, (1, WEBHOOK), reversed).await;
    assert_eq!(deposit.status.as_str(), "reversed");
    assert_eq!(cash_held_owed(&world, &deposit.player).await, (0, 400, 900));
    for withdrawal in &withdrawals {
        waits_for_people(&world, withdrawal).await;
    }
    // The debt is that player's alone.
    assert_eq!(world.payment(others.id).await.status.as_str(), "approved");
    send(&world, &others).await;
    // People may give the money back, of which the debt takes nothing by itself.
    world.two_people(&withdrawals[0], "reject").await;
    assert_eq!(cash_held_owed(&world, &deposit.player).await, (300, 100, 900));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_withdrawal_goes_out_where_the_cash_covers_what_was_charged_back() {
    let world = by_hand().await;
    let deposit = half_played(&world).await;
    world.play(&deposit.player, GameKind::Win, eur(1_000)).await;
    let withdrawal = approved(&world, &deposit.player, 300).await;
    let reversed = said(Status::Reversed { money: eur(1_000) });
    tell(&world, &deposit, (1, WEBHOOK), reversed).await;
    assert_eq!(cash_held_owed(&world, &deposit.player).await, (200, 300, 0));
    assert_eq!(world.payment(withdrawal.id).await.status.as_str(), "approved");
    send(&world, &withdrawal).await;
    world.close().await;
}

/// Two people gave it back, and it was paid: the stakes had taken what would have covered it.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_withdrawal_waits_when_its_player_comes_to_owe_by_an_older_payout() {
    let world = by_hand().await;
    let player = world.rich_player("DE", 1_000).await;
    let older = send(&world, &approved(&world, &player, 900).await).await;
    tell(&world, &older, (1, Source::Call), taken()).await;
    let stuck = tell(&world, &older, (1, WEBHOOK), refused(false)).await;
    world.two_people(&stuck, "reject").await;
    world.play(&player, GameKind::Stake, eur(500)).await;
    let withdrawal = approved(&world, &player, 300).await;
    tell(&world, &older, (1, WEBHOOK), succeeded()).await;
    assert_eq!(world.incidents("payout.paid_late").await, 1);
    assert_eq!(cash_held_owed(&world, &player).await, (0, 300, 700));
    waits_for_people(&world, &withdrawal).await;
    world.close().await;
}

/// The last look before money leaves: whoever lets it go while the debt stands is asked again.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_two_people_let_go_is_not_sent_while_its_player_owes() {
    let world = by_hand().await;
    let deposit = half_played(&world).await;
    let withdrawal = approved(&world, &deposit.player, 300).await;
    let reversed = said(Status::Reversed { money: eur(1_000) });
    tell(&world, &deposit, (1, WEBHOOK), reversed).await;
    world.two_people(&withdrawal, "approve").await;
    assert_eq!(world.payment(withdrawal.id).await.status.as_str(), "approved");
    is_not_sent(&world, &withdrawal).await;
    let again = world.payment(withdrawal.id).await;
    assert_eq!((again.status.as_str(), again.due_at), ("in_review", None));
    let codes: Vec<&str> = again.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["wallet.owed"]);
    assert_eq!(cash_held_owed(&world, &deposit.player).await, (0, 300, 800));
    world.close().await;
}

/// The deposit that they could be paid back to was charged back, so that planning finds no way to pay them either.
#[tokio::test(flavor = "multi_thread")]
async fn who_owes_is_told_so_before_anything_else_that_stands_against_a_withdrawal() {
    let world = by_hand().await;
    let back = async |player: &PlayerKey| {
        let destination = DestinationOrder::ClosedLoop;
        let order = withdrawal_order(player, eur(300));
        let order = WithdrawalOrder { destination, ..order };
        world.one().try_withdraw(order).await.unwrap_err()
    };
    let deposit = half_played(&world).await;
    let reversed = said(Status::Reversed { money: eur(1_000) });
    tell(&world, &deposit, (1, WEBHOOK), reversed).await;
    assert_eq!(cash_held_owed(&world, &deposit.player).await, (0, 0, 500));
    let told = back(&deposit.player).await;
    assert!(matches!(told, RequestError::Owed(debt) if debt == eur(500)), "{told:?}");
    // Control: who owes nothing is told what planning says.
    let other = world.rich_player("DE", 1_000).await;
    let told = back(&other).await;
    assert!(matches!(told, RequestError::Destination(_)), "{told:?}");
    world.close().await;
}
