//! A dispute takes more of a deposit than had arrived, or less than its win gives back.

use super::harness::eur;
use super::second_success::{paid_twice, return_of};
use super::taken_back::{WEBHOOK, by_word, credited, reversed, succeeded, suspended, tell, told};
use psp_contract::Status;

/// An issuer's rate, or its fee: what is beyond the deposit is no debt of the player's.
#[tokio::test(flavor = "multi_thread")]
async fn more_that_is_taken_than_had_arrived_is_the_houses_and_comes_back_to_it() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    for (news, seen, fees) in [
        (reversed(750), ("reversed", 0, 0), -50),
        (reversed(750), ("reversed", 0, 0), -50),
        (Status::Won { money: eur(750) }, ("succeeded", 700, 0), 0),
        (reversed(720), ("reversed", 0, 0), -20),
        // What the PSP keeps stays its charge.
        (succeeded(700), ("succeeded", 700, 0), -20),
    ] {
        assert_eq!(say(news, WEBHOOK).await, seen);
        assert_eq!(world.house_balance("psp_fees").await, fees);
    }
    assert_eq!(world.incidents("deposit.other_amount").await, 2);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_win_gives_back_what_the_dispute_took_and_no_more() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    assert_eq!(say(reversed(300), WEBHOOK).await, ("reversed", 400, 0));
    assert_eq!(say(succeeded(700), WEBHOOK).await, ("succeeded", 700, 0));
    // What more came is not the player's by itself, and is not lost either.
    assert_eq!(world.house_balance("psp_fees").await, 400);
    assert_eq!(world.incidents("deposit.other_amount").await, 1);
    assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_that_is_taken_than_is_suspended_leaves_suspense_empty() {
    let world = by_word().await;
    let deposit = suspended(&world).await;
    let seen = told(&world, &deposit, reversed(750), WEBHOOK).await;
    assert_eq!(seen, ("returned", 0, 0));
    assert_eq!(world.payment(deposit.id).await.suspended, None);
    assert_eq!(world.house_balance("psp_fees").await, -50);
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// A second payment waits for the approval of its return, and its payer's bank takes more than came.
#[tokio::test(flavor = "multi_thread")]
async fn more_that_is_taken_of_a_second_payment_leaves_nothing_to_decide() {
    let world = by_word().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let back = return_of(&world, &deposit).await;
    tell(&world, &deposit, &deposit.attempts[0], reversed(770), WEBHOOK).await;
    assert_eq!(world.house_balance("psp_fees").await, -70);
    world.two_people(&back, "reject").await;
    let after = world.payment(deposit.id).await;
    assert_eq!((after.status.as_str(), after.suspended), ("succeeded", None));
    assert_eq!(world.house_balance("suspense").await, 0);
    assert!(world.reviews(&after).await.is_empty());
    assert_eq!(world.wallet(&player).await.cash, 700);
    world.close().await;
}
