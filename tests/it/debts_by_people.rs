//! Debts that two people forgive, or that they book: what became of them later, and what waits meanwhile.

use super::bounced_payouts::{by_hand, said, sent, surely_refused, tell};
use super::cases::{adjustment, approve, open};
use super::harness::{World, eur};
use super::taken_back::{WEBHOOK, by_word, told};
use interlock::book::{Adjustment, GameKind};
use interlock::decide::command::Source;
use psp_contract::Status;

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_is_forgiven_by_two_people_up_to_what_is_owed() {
    let world = by_word().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(2_500)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world.play(&player, GameKind::Stake, eur(2_000)).await;
    world.complete(&deposit, "charged_back").await;
    world.settled(deposit.id, "reversed").await;
    assert_eq!(world.wallet(&player).await.owed, 2_000);
    let case = open(&world, &player, adjustment(Adjustment::WriteOff, 2_000), "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.owed), (0, 0));
    assert_eq!(world.house_balance("adjustments").await, -2_000);
    // The dispute is won: what was forgiven is not given to the player besides.
    let won = Status::Succeeded { money: eur(2_500) };
    let told = told(&world, &deposit, won, WEBHOOK).await;
    assert_eq!(told, ("succeeded", 500, 0));
    assert_eq!(world.house_balance("adjustments").await, 0);
    assert_eq!(world.incidents("deposit.won_after_write_off").await, 1);
    world.close().await;
}

/// No word of a PSP's books it: two people do, and what the cash does not cover is owed.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_find_taken_back_is_owed_where_cash_does_not_cover_it() {
    let world = World::new().await;
    let player = world.rich_player("DE", 1_000).await;
    let case = open(&world, &player, adjustment(Adjustment::TakenBack, 2_500), "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.owed), (0, 1_500));
    assert_eq!(world.house_balance("adjustments").await, 2_500);
    let proof = world.one().flows.clone();
    let proof = async move { interlock::evidence::prove_books::prove_books(&proof).await.unwrap() };
    assert!(world.one().run(proof).await.findings.is_empty());
    world.close().await;
}

/// Two payments of a payout, each told late: the debt that the first one left was paid when it came back.
#[tokio::test(flavor = "multi_thread")]
async fn a_debt_is_paid_once_though_two_payments_of_a_payout_come_back() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    let player = sent.player.clone();
    tell(&world, &sent, (1, Source::Call), surely_refused()).await;
    tell(&world, &sent, (2, Source::Call), surely_refused()).await;
    world.play(&player, GameKind::Stake, eur(1_000)).await;
    let over = world.payment(sent.id).await;
    let says = async |number, status| {
        tell(&world, &over, (number, WEBHOOK), said(status)).await;
        let wallet = world.wallet(&player).await;
        (wallet.cash, wallet.owed)
    };
    assert_eq!(says(1, Status::Succeeded { money: eur(900) }).await, (0, 900));
    assert_eq!(says(1, Status::Returned { money: eur(900) }).await, (0, 0));
    world.win(&player, eur(0).currency, 900).await;
    assert_eq!(says(2, Status::Succeeded { money: eur(900) }).await, (0, 0));
    assert_eq!(says(2, Status::Returned { money: eur(900) }).await, (900, 0));
    assert_eq!(world.house_balance("adjustments").await, 0);
    world.close().await;
}

/// A payout that was paid late left a debt, which people forgave; then it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgiven_of_a_late_payout_is_not_given_when_it_comes_back() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    let player = sent.player.clone();
    tell(&world, &sent, (1, Source::Call), surely_refused()).await;
    tell(&world, &sent, (2, Source::Call), surely_refused()).await;
    assert_eq!(world.wallet(&player).await.cash, 1_000, "nobody pays it");
    world.play(&player, GameKind::Stake, eur(1_000)).await;
    let over = world.payment(sent.id).await;
    let says = async |status| tell(&world, &over, (1, WEBHOOK), said(status)).await;
    says(Status::Succeeded { money: eur(900) }).await;
    assert_eq!((world.wallet(&player).await.cash, world.wallet(&player).await.owed), (0, 900));
    let case = open(&world, &player, adjustment(Adjustment::WriteOff, 900), "ann").await;
    approve(&world, &case, "bob").await.unwrap();
    says(Status::Returned { money: eur(900) }).await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.owed), (0, 0));
    assert_eq!(world.house_balance("adjustments").await, 0);
    assert_eq!(world.incidents("payout.back_after_write_off").await, 1);
    world.close().await;
}
