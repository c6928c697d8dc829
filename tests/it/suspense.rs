//! What two people decide about a deposit's money in suspense when neither crediting all of it nor its return clears
//! it: the rest of what was credited in part, what was sent back by hand, what suspense is short of.

use super::bounced_payouts::{WEBHOOK, by_hand, said, send, succeeded, tell};
use super::harness::{World, eur};
use super::second_success::{paid_twice, return_of};
use super::taken_back::{self, by_word, open_return};
use interlock::book::Payment;
use interlock::decide::Refusal;
use interlock::decide::command::Source;
use interlock::domain::{AttemptStatus, Exclusion, Player};
use interlock::lane::SubmitError;
use psp_contract::Status;

const POSTED: &str = "select count(*) from decision where checkpoint = 'deposit.post'";

fn why(told: SubmitError) -> String {
    match told {
        SubmitError::Refused(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

/// As whoever asks for it is told, with what is possible instead.
fn impossible(but: &str) -> String {
    format!("this outcome is not possible for this review: {but}")
}

/// 7.00 in suspense, of which 4.00 were credited while 3.00 were to go back, and did not.
async fn credited_in_part(world: &World) -> Payment {
    let deposit = taken_back::suspended(world).await;
    let back = open_return(world, &deposit, Some(eur(300))).await;
    world.two_people_of(&deposit, "money_in", "approve").await;
    assert_eq!(world.payment(deposit.id).await.credited, Some(eur(400)));
    world.two_people(&back, "reject").await;
    let deposit = world.payment(deposit.id).await;
    assert_eq!((deposit.status.as_str(), deposit.suspended), ("succeeded", Some(eur(300))));
    deposit
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_what_was_credited_in_part_is_credited_too() {
    let world = World::new().await;
    let deposit = credited_in_part(&world).await;
    let posted = world.number(POSTED).await;
    world.two_people_of(&deposit, "money_in", "approve").await;
    let whole = world.payment(deposit.id).await;
    assert_eq!((whole.credited, whole.suspended), (Some(eur(700)), None));
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    assert!(world.reviews(&whole).await.is_empty(), "nothing is left to decide");
    assert_eq!(world.number(POSTED).await, posted + 1, "decided about once more");
    let counted = "select amount from limit_use where state = 'counted'";
    assert_eq!(world.number(counted).await, 700);
    let told = "select count(*) from outbox_event where kind = 'deposit.succeeded'";
    assert_eq!(world.number(told).await, 2, "whoever listens learns that more is credited");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_what_was_credited_in_part_goes_back() {
    let world = World::new().await;
    let deposit = credited_in_part(&world).await;
    world.two_people_of(&deposit, "money_in", "return").await;
    let gone = world.payment(deposit.id).await;
    assert_eq!((gone.credited, gone.suspended), (Some(eur(400)), None));
    let paid = "select count(*) from payment where origin = 'return' and status = 'paid'";
    let paid = || async { (world.number(paid).await == 1).then_some(()) };
    super::harness::eventually("it is paid", super::harness::SOON, paid).await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "succeeded");
    assert_eq!(world.wallet(&deposit.player).await.cash, 400);
    world.close().await;
}

/// The wallet bears what the bank takes of it, of which a part had not reached the wallet.
#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_credited_though_the_deposit_was_taken_back_meanwhile() {
    let world = by_word().await;
    let deposit = credited_in_part(&world).await;
    let say = async |status| taken_back::told(&world, &deposit, status, WEBHOOK).await;
    assert_eq!(say(taken_back::reversed(700)).await, ("reversed", 0, 300));
    world.two_people_of(&deposit, "money_in", "approve").await;
    let whole = world.payment(deposit.id).await;
    assert_eq!((whole.credited, whole.suspended), (Some(eur(700)), None));
    // Nothing of it is lost or made by a dispute that is won.
    assert_eq!(say(taken_back::succeeded(700)).await, ("succeeded", 700, 0));
    world.close().await;
}

/// It is never the wallet's; and what its PSP tells of it afterwards is booked already.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_that_was_sent_back_by_hand_leaves_suspense() {
    let world = by_word().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let back = return_of(&world, &deposit).await;
    let deposit = world.payment(deposit.id).await;
    world.two_people(&back, "reject").await;
    let refused = world.try_two_people_of(&deposit, "money_in", "approve").await.unwrap_err();
    assert_eq!(why(refused), impossible("it takes return or sent_by_hand"));
    world.two_people_of(&deposit, "money_in", "sent_by_hand").await;
    for _ in 0..2 {
        let sent = world.payment(deposit.id).await;
        assert_eq!((sent.status.as_str(), sent.suspended), ("succeeded", None));
        assert_eq!(sent.attempts[0].status, AttemptStatus::Returned);
        assert!(world.reviews(&sent).await.is_empty(), "nothing is left to decide");
        assert_eq!(world.house_balance("suspense").await, 0);
        assert_eq!(world.house_balance("psp_clearing:trustly-de").await, 0);
        let told = Status::Returned { money: eur(700) };
        taken_back::tell(&world, &sent, &sent.attempts[0], told, WEBHOOK).await;
    }
    assert_eq!(world.incidents("deposit.taken_back_again").await, 0);
    assert_eq!(world.wallet(&player).await.cash, 700, "the first payment stands");
    world.close().await;
}

/// Nobody knows by what name its PSP could be told to send it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_that_only_people_can_send_back_is_before_them() {
    let world = by_hand().await;
    let player = world.player("DE").await;
    world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    let deposit = world.deposit(&player, eur(900)).await;
    tell(&world, &deposit, (2, WEBHOOK), succeeded()).await;
    let second = said(Status::Succeeded { money: eur(650) });
    let both = tell(&world, &deposit, (1, Source::Inquiry), second).await;
    assert_eq!(both.suspended, Some(eur(650)));
    assert_eq!(world.incidents("deposit.return_by_hand").await, 1);
    let refused = world.try_two_people_of(&both, "money_in", "return").await.unwrap_err();
    assert!(matches!(refused, SubmitError::Refused(Refusal::NotReturnable(_))), "{refused:?}");
    // As long as a vendor is asked about the deposit, nobody decides about its money.
    let asked = "insert into review (review_id, operator_id, player_id, payment_id, kind, is_open, opened_at)
                 select gen_random_uuid(), operator_id, player_id, payment_id, 'awaiting_vendor', true, now()
                 from payment";
    sqlx::query(asked).execute(&world.rows).await.unwrap();
    for outcome in ["approve", "return", "sent_by_hand"] {
        let told = world.try_two_people_of(&both, "money_in", outcome).await.unwrap_err();
        assert_eq!(why(told), impossible("nothing can be decided in it now"), "{outcome}");
    }
    let answered = "update review set is_open = false where kind = 'awaiting_vendor'";
    sqlx::query(answered).execute(&world.rows).await.unwrap();
    world.two_people_of(&both, "money_in", "sent_by_hand").await;
    let sent = world.payment(deposit.id).await;
    assert_eq!((sent.status.as_str(), sent.suspended), ("succeeded", None));
    assert!(world.reviews(&sent).await.is_empty());
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// The rest of the first payment is the wallet's, and no more: the second one is not.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_rest_and_a_second_payment_each_goes_its_own_way() {
    let world = by_hand().await;
    let player = world.player("DE").await;
    world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    let deposit = world.deposit(&player, eur(900)).await;
    exclude(&world, &deposit).await;
    let deposit = tell(&world, &deposit, (2, WEBHOOK), succeeded()).await;
    let back = open_return(&world, &deposit, Some(eur(300))).await;
    world.two_people_of(&deposit, "money_in", "approve").await;
    let second = said(Status::Succeeded { money: eur(650) });
    tell(&world, &deposit, (1, Source::Inquiry), second).await;
    world.two_people(&back, "reject").await;
    let both = world.payment(deposit.id).await;
    assert_eq!((both.credited, both.suspended), (Some(eur(600)), Some(eur(950))));
    world.two_people_of(&both, "money_in", "approve").await;
    let first = world.payment(deposit.id).await;
    assert_eq!((first.credited, first.suspended), (Some(eur(900)), Some(eur(650))));
    let refused = world.try_two_people_of(&first, "money_in", "approve").await.unwrap_err();
    assert_eq!(why(refused), impossible("it takes return or sent_by_hand"));
    world.two_people_of(&first, "money_in", "sent_by_hand").await;
    assert_eq!(world.payment(deposit.id).await.suspended, None);
    assert_eq!(world.wallet(&player).await.cash, 900);
    assert_eq!(world.house_balance("psp_clearing:trustly-de").await, 0);
    world.close().await;
}

async fn exclude(world: &World, deposit: &Payment) {
    let from = time::macros::datetime!(2026-01-01 0:00 UTC);
    let exclusion = Exclusion { source: "register".to_owned(), from, until: None };
    let known = world.read_player(&deposit.player).await;
    world.change_player(Player { exclusion: Some(exclusion), ..known }).await;
}

/// 9.00 in suspense, on their way back when their bank takes them.
async fn gone_twice(world: &World) -> (Payment, Payment) {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(900)).await;
    exclude(world, &deposit).await;
    let deposit = tell(world, &deposit, (1, WEBHOOK), succeeded()).await;
    let back = open_return(world, &deposit, None).await;
    taken_back::approve(world, &back).await;
    let back = send(world, &back).await;
    let deposit =
        tell(world, &deposit, (1, WEBHOOK), said(Status::Reversed { money: eur(900) })).await;
    assert_eq!(deposit.suspended, Some(eur(-900)));
    (deposit, back)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_twice_is_written_off_by_two_people_once_its_return_is_over() {
    let world = by_hand().await;
    let (deposit, back) = gone_twice(&world).await;
    for outcome in ["approve", "return", "sent_by_hand"] {
        let told = world.try_two_people_of(&deposit, "money_in", outcome).await.unwrap_err();
        assert_eq!(why(told), impossible("it takes write_off"), "{outcome}");
    }
    let told = world.try_two_people_of(&deposit, "money_in", "write_off").await.unwrap_err();
    assert!(why(told).starts_with("a return of it is open"));
    tell(&world, &back, (1, WEBHOOK), succeeded()).await;
    assert_eq!(world.house_balance("suspense").await, -900);
    world.two_people_of(&deposit, "money_in", "write_off").await;
    let over = world.payment(deposit.id).await;
    assert_eq!((over.status.as_str(), over.suspended), ("returned", None));
    assert!(world.reviews(&over).await.is_empty(), "nothing is left to decide");
    let balances =
        async || (world.house_balance("suspense").await, world.house_balance("adjustments").await);
    assert_eq!(balances().await, (0, -900));
    // It bounces after all: it is the house's, which had borne it, and nobody else's.
    tell(&world, &back, (1, WEBHOOK), said(Status::Returned { money: eur(900) })).await;
    let again = world.payment(deposit.id).await;
    assert_eq!(again.suspended, Some(eur(900)));
    let told = world.try_two_people_of(&again, "money_in", "return").await.unwrap_err();
    assert_eq!(why(told), impossible("it takes write_off"));
    world.two_people_of(&again, "money_in", "write_off").await;
    assert_eq!(world.payment(deposit.id).await.suspended, None);
    assert_eq!(balances().await, (0, 0));
    world.close().await;
}

/// Where the return comes to nothing, suspense is whole again and there is nothing to write off.
#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_that_is_none_any_more_leaves_no_case() {
    let world = by_hand().await;
    let (deposit, back) = gone_twice(&world).await;
    tell(&world, &back, (1, Source::Call), super::bounced_payouts::surely_refused()).await;
    let over = world.payment(deposit.id).await;
    assert_eq!((over.status.as_str(), over.suspended), ("returned", None));
    assert!(world.reviews(&over).await.is_empty());
    world.close().await;
}
