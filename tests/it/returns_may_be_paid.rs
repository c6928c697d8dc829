//! Two returns of one deposit, of which the first was called unpaid and its PSP says since that it has it: the second is
//! not sent, nor a third opened, before two people have said what became of the first.

use super::bounced_payouts::{WEBHOOK, by_hand, said, send, submit, taken, tell};
use super::harness::{World, eur};
use super::may_be_paid::{cases, look, lost, unproven};
use super::returns_in_parts::refused;
use super::second_success::return_of;
use super::taken_back::{approve, credited, open_return, suspended};
use interlock::book::Payment;
use interlock::decide::command::Source;
use interlock::decide::{Answer, Command};
use interlock::domain::Money;
use psp_contract::Status;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Sent back, its answer lost, and two people said that nothing was paid.
async fn called_unpaid(world: &World, deposit: &Payment, amount: Option<Money>) -> Payment {
    let back = open_return(world, deposit, amount).await;
    approve(world, &back).await;
    let sent = send(world, &back).await;
    tell(world, &sent, (1, Source::Call), lost()).await;
    for _ in 0..2 {
        world.move_on(61 * MINUTE).await;
        look(world, &sent, 1).await;
    }
    world.two_people(&sent, "resolve_unpaid").await;
    let over = world.payment(back.id).await;
    assert_eq!(over.status.as_str(), "failed");
    over
}

async fn take(world: &World, back: &Payment) -> Answer {
    let take = Command::TakePayout { payment: back.id.uuid, answers: None };
    submit(world, back, take).await
}

async fn status(world: &World, payment: &Payment) -> &'static str {
    world.payment(payment.id).await.status.as_str()
}

/// The second is approved when the first turns out to be there.
async fn waits(world: &World, deposit: &Payment) -> (Payment, Payment) {
    let first = called_unpaid(world, deposit, None).await;
    let second = open_return(world, deposit, None).await;
    approve(world, &second).await;
    tell(world, &first, (1, WEBHOOK), taken()).await;
    assert_eq!(cases(world, &first).await, ["outcome_unknown"]);
    assert!(matches!(take(world, &second).await, Answer::Nothing));
    assert_eq!(status(world, &second).await, "in_review");
    assert_eq!(cases(world, &second).await, ["return"]);
    let refused = world.try_two_people_of(&second, "return", "approve").await.unwrap_err();
    assert!(refused.to_string().contains("say first"), "{refused}");
    (first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credited_deposit_is_not_sent_back_beside_a_return_that_may_be_paid() {
    let world = by_hand().await;
    let deposit = credited(&world).await;
    let (first, second) = waits(&world, &deposit).await;
    assert!(refused(&world, &deposit, Some(eur(1))).await.contains("all of it"));
    // Unpaid after all: the second goes.
    world.two_people_of(&first, "outcome_unknown", "resolve_unpaid").await;
    world.two_people_of(&second, "return", "approve").await;
    assert!(matches!(take(&world, &second).await, Answer::Sending { .. }));

    // Paid after all: the second can only be rejected.
    let deposit = credited(&world).await;
    let (first, second) = waits(&world, &deposit).await;
    world.two_people_of(&first, "outcome_unknown", "resolve_paid").await;
    assert_eq!(status(&world, &first).await, "paid");
    let kept = world.try_two_people_of(&second, "return", "approve").await.unwrap_err();
    assert!(kept.to_string().contains("reject its return"), "{kept}");
    world.two_people_of(&second, "return", "reject").await;
    let wallet = world.wallet(&deposit.player).await;
    // Its hold is the player's again, who owes what the first one took beside it.
    assert_eq!((wallet.cash, wallet.held, wallet.owed), (700, 0, 700));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_one_whose_money_is_in_suspense() {
    let world = by_hand().await;
    let deposit = suspended(&world).await;
    let (first, second) = waits(&world, &deposit).await;
    world.two_people_of(&first, "outcome_unknown", "resolve_unpaid").await;
    world.two_people_of(&second, "return", "approve").await;
    assert!(matches!(take(&world, &second).await, Answer::Sending { .. }));
    world.close().await;
}

/// Control: both together are no more than arrived.
#[tokio::test(flavor = "multi_thread")]
async fn two_returns_that_the_deposit_covers_do_not_wait_for_each_other() {
    let world = by_hand().await;
    for deposit in [credited(&world).await, suspended(&world).await] {
        let first = called_unpaid(&world, &deposit, Some(eur(300))).await;
        let second = open_return(&world, &deposit, Some(eur(400))).await;
        approve(&world, &second).await;
        tell(&world, &first, (1, WEBHOOK), taken()).await;
        assert!(matches!(take(&world, &second).await, Answer::Sending { .. }));
    }
    world.close().await;
}

/// What may be on its way back to its payer is not the player's too.
#[tokio::test(flavor = "multi_thread")]
async fn suspended_money_is_not_credited_while_a_return_of_it_may_be_paid() {
    let world = by_hand().await;
    let deposit = suspended(&world).await;
    let first = called_unpaid(&world, &deposit, None).await;
    tell(&world, &first, (1, WEBHOOK), taken()).await;
    let refused = world.try_two_people_of(&deposit, "money_in", "approve").await.unwrap_err();
    assert!(refused.to_string().contains("say first"), "{refused}");
    world.two_people_of(&first, "outcome_unknown", "resolve_unpaid").await;
    world.two_people_of(&deposit, "money_in", "approve").await;
    assert_eq!(status(&world, &deposit).await, "succeeded");
    world.close().await;
}

/// It was credited since nobody knew better, and the return is paid: the player has the money twice, and owes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_is_paid_after_its_money_was_credited_is_taken_from_the_wallet() {
    let world = by_hand().await;
    for (held, left) in [(0, (0, 0)), (300, (0, 300))] {
        let deposit = suspended(&world).await;
        let player = deposit.player.clone();
        let first = called_unpaid(&world, &deposit, None).await;
        world.two_people_of(&deposit, "money_in", "approve").await;
        if 0 < held {
            world.withdraw(&player, eur(held)).await;
        }
        tell(&world, &first, (1, WEBHOOK), taken()).await;
        world.two_people_of(&first, "outcome_unknown", "resolve_paid").await;
        let wallet = world.wallet(&player).await;
        assert_eq!((wallet.cash, wallet.owed), left);
        let over = world.payment(deposit.id).await;
        assert_eq!((over.status.as_str(), over.suspended), ("returned", None));
        // It comes back after all: where it was taken from, the debt first.
        let bounced =
            super::bounced_payouts::said(psp_contract::Status::Returned { money: eur(700) });
        tell(&world, &first, (1, WEBHOOK), bounced).await;
        let wallet = world.wallet(&player).await;
        assert_eq!((wallet.cash, wallet.owed), (700 - held, 0));
    }
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// What the wallet bore of a return of suspended money has gone back: no more than the rest may follow it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_wallet_bore_of_a_return_does_not_go_back_again() {
    let world = by_hand().await;
    let deposit = suspended(&world).await;
    let first = called_unpaid(&world, &deposit, Some(eur(300))).await;
    world.two_people_of(&deposit, "money_in", "approve").await;
    tell(&world, &first, (1, WEBHOOK), taken()).await;
    world.two_people_of(&first, "outcome_unknown", "resolve_paid").await;
    assert_eq!(world.wallet(&deposit.player).await.cash, 400);
    let refused = refused(&world, &deposit, Some(eur(401))).await;
    assert!(refused.contains("more than arrived"), "{refused}");
    let rest = open_return(&world, &deposit, None).await;
    assert_eq!(rest.money, eur(400));
    approve(&world, &rest).await;
    let sent = send(&world, &rest).await;
    tell(&world, &sent, (1, WEBHOOK), said(Status::Succeeded { money: eur(400) })).await;
    assert_eq!(status(&world, &deposit).await, "returned");
    world.close().await;
}

/// The first was refused at once, and its success comes when the second is approved and not sent yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_not_sent_when_another_one_of_the_same_money_was_paid() {
    let world = by_hand().await;
    let deposit = suspended(&world).await;
    let first = open_return(&world, &deposit, None).await;
    approve(&world, &first).await;
    let sent = send(&world, &first).await;
    tell(&world, &sent, (1, Source::Call), super::bounced_payouts::surely_refused()).await;
    let second = open_return(&world, &deposit, None).await;
    approve(&world, &second).await;
    let success = psp_contract::Status::Succeeded { money: eur(700) };
    tell(&world, &first, (1, WEBHOOK), super::bounced_payouts::said(success)).await;
    assert_eq!(status(&world, &first).await, "paid");
    assert!(matches!(take(&world, &second).await, Answer::Nothing));
    assert_eq!(status(&world, &second).await, "in_review");
    world.two_people_of(&second, "return", "reject").await;
    assert_eq!(world.payment(deposit.id).await.suspended, None);
    world.close().await;
}

/// Two people sent all of it back: nobody has anything to decide until that is over, and the proof knows.
#[tokio::test(flavor = "multi_thread")]
async fn suspended_money_on_its_way_back_waits_for_nobody() {
    let world = by_hand().await;
    let deposit = suspended(&world).await;
    world.two_people(&deposit, "return").await;
    let back = return_of(&world, &deposit).await;
    assert_eq!((status(&world, &deposit).await, back.status.as_str()), ("in_review", "approved"));
    assert!(world.reviews(&deposit).await.is_empty());
    assert_eq!(unproven(&world).await, <[&str; 0]>::default());
    let back = send(&world, &back).await;
    assert_eq!((status(&world, &deposit).await, back.status.as_str()), ("in_review", "processing"));
    assert_eq!(unproven(&world).await, <[&str; 0]>::default());
    // The control: of a deposit that nothing sends back.
    let of = |deposit: &str| {
        format!("update payment set of_deposit = {deposit} where payment_id = '{}'", back.id.uuid)
    };
    let change = async |sql: String| {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
    };
    change(of("null")).await;
    let waits = "every withdrawal in review waits for people, and every approved one for a worker";
    assert!(unproven(&world).await.contains(&waits));
    change(of(&format!("'{}'", deposit.id.uuid))).await;
    let paid = said(Status::Succeeded { money: eur(700) });
    tell(&world, &back, (1, Source::Call), paid).await;
    assert_eq!(status(&world, &deposit).await, "returned");
    world.close().await;
}

/// Its PSP shows the refund on the deposit itself, once two people had said that nothing was sent: people look again, and
/// it is taken once.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_a_deposit_shows_may_be_the_return_that_was_called_unpaid() {
    let world = by_hand().await;
    for deposit in [credited(&world).await, suspended(&world).await] {
        let before = world.wallet(&deposit.player).await.cash;
        let first = called_unpaid(&world, &deposit, None).await;
        let shown = async || {
            let back = said(Status::Returned { money: eur(700) });
            tell(&world, &world.payment(deposit.id).await, (1, Source::Inquiry), back).await;
            let wallet = world.wallet(&deposit.player).await;
            (world.payment(deposit.id).await.status.as_str(), wallet.cash, wallet.owed)
        };
        let stood = deposit.status.as_str();
        for _ in 0..2 {
            assert_eq!(shown().await, (stood, before, 0));
            assert_eq!(cases(&world, &first).await, ["outcome_unknown"]);
        }
        world.two_people_of(&first, "outcome_unknown", "resolve_paid").await;
        assert_eq!(status(&world, &first).await, "paid");
        for _ in 0..2 {
            assert_eq!(shown().await, ("returned", 0, 0));
        }
    }
    assert_eq!(world.incidents("payout.taken_after_all").await, 2);
    assert_eq!(world.house_balance("suspense").await, 0);

    // The control: they deny it once more, and it was the payer's bank.
    let deposit = credited(&world).await;
    let first = called_unpaid(&world, &deposit, None).await;
    let back = said(Status::Returned { money: eur(700) });
    let show = async || tell(&world, &deposit, (1, Source::Inquiry), back.clone()).await;
    show().await;
    world.two_people_of(&first, "outcome_unknown", "resolve_unpaid").await;
    assert_eq!(status(&world, &deposit).await, "succeeded");
    show().await;
    assert_eq!(status(&world, &deposit).await, "returned");
    assert_eq!(
        (world.wallet(&deposit.player).await.cash, cases(&world, &first).await.len()),
        (0, 0)
    );
    world.close().await;
}
