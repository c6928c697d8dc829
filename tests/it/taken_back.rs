//! Money of deposits that is taken back more than once, from suspense, or while it is on its way back.

use super::bounced_payouts::send;
use super::harness::markets::BRAZIL;
use super::harness::{SOON, Setup, World, claim, eur, eventually, key, person};
use interlock::book::{Attempt, Payment};
use interlock::decide::command::{News, OpenReturn, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{Exclusion, Money, PaymentId, Player, PlayerKey};
use interlock::payments::return_deposit::return_deposit;
use interlock::payments::review_payment::ReviewAct;
use psp_contract::{Decline, DeclineClass, Outcome, Report, Status};
use serde_json::json;
use std::time::Duration;

pub const WEBHOOK: Source = Source::Webhook { hint: false };

/// What the PSP says is the test's own, and its mock's books are no judge of ours.
pub async fn by_word() -> World {
    World::with(Setup { liars: vec!["trustly-de"], ..Setup::default() }).await
}

pub async fn tell(
    world: &World,
    payment: &Payment,
    attempt: &Attempt,
    status: Status,
    source: Source,
) {
    let report = Report { psp_reference: None, status, payer: None, attempt: None };
    let news = News {
        payment: payment.id.uuid,
        direction: payment.direction(),
        attempt: attempt.id,
        source,
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let (flows, player) = (world.one().flows.clone(), payment.player.clone());
    let told = async move { flows.lanes.submit(&player, Command::News(Box::new(news))).await };
    world.one().run(told).await.unwrap();
}

/// The PSP tells this of the deposit's one attempt; the deposit's status and the wallet afterwards.
pub async fn told(
    world: &World,
    deposit: &Payment,
    status: Status,
    source: Source,
) -> (&'static str, i64, i64) {
    tell(world, deposit, &deposit.attempts[0], status, source).await;
    let wallet = world.wallet(&deposit.player).await;
    (world.payment(deposit.id).await.status.as_str(), wallet.cash, wallet.owed)
}

pub const fn reversed(minor: i64) -> Status {
    Status::Reversed { money: eur(minor) }
}

pub const fn succeeded(minor: i64) -> Status {
    Status::Succeeded { money: eur(minor) }
}

/// A deposit of 7.00 that was credited.
pub async fn credited(world: &World) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await
}

/// A deposit of 7.00 for a player who was excluded before it came.
pub async fn suspended(world: &World) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let from = time::macros::datetime!(2026-01-01 0:00 UTC);
    let exclusion = Exclusion { source: "register".to_owned(), from, until: None };
    let known = world.read_player(&player).await;
    world.change_player(Player { exclusion: Some(exclusion), ..known }).await;
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "in_review").await;
    assert_eq!((deposit.suspended, deposit.credited), (Some(eur(700)), None));
    deposit
}

/// Two people would let a return go whose money is gone.
async fn is_not_let_go(world: &World, back: &Payment, proposes: bool) {
    let review = world.reviews(back).await.pop().unwrap();
    let (outcome, note) = ("approve".to_owned(), "let it go".to_owned());
    let review = match proposes {
        true => {
            let propose = ReviewAct::Propose { outcome, note };
            world.one().review((&review, back), propose, "ann").await.unwrap()
        }
        false => review,
    };
    let approve = ReviewAct::Approve { proposal: review.open_proposal().unwrap().id };
    let refused = world.one().review((&review, back), approve, "bob").await.unwrap_err();
    assert!(refused.to_string().contains("taken back meanwhile"), "{refused}");
    assert_eq!(world.payment(back.id).await.status.as_str(), "in_review");
    // Ann's proposal is not what is to be done: another takes its place.
    let refuse = ReviewAct::Refuse { note: "it is gone".to_owned() };
    world.one().review((&review, back), refuse, "bob").await.unwrap();
}

/// Ann opens the return of a deposit.
pub async fn open_return(world: &World, deposit: &Payment, amount: Option<Money>) -> Payment {
    let order = OpenReturn {
        claim: claim("returns", &key()),
        deposit: deposit.id.uuid,
        amount,
        reason: "it cannot stay".to_owned(),
        person: person("ann"),
    };
    let (flows, owner): (_, PlayerKey) = (world.one().flows.clone(), deposit.player.clone());
    let opening = async move { return_deposit(&flows, &owner, order).await };
    let Answer::Payment(back) = world.one().run(opening).await.unwrap() else {
        panic!("no return was opened")
    };
    (*back).clone()
}

/// Bob approves it.
pub async fn approve(world: &World, back: &Payment) {
    let review = world.reviews(back).await.pop().unwrap();
    let proposal = review.open_proposal().unwrap().id;
    world.one().review((&review, back), ReviewAct::Approve { proposal }, "bob").await.unwrap();
}

async fn send_back(world: &World, deposit: &Payment, amount: Money) -> Payment {
    let back = open_return(world, deposit, Some(amount)).await;
    approve(world, &back).await;
    world.settled(back.id, "paid").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_whose_dispute_was_won_can_be_charged_back_again() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    for _ in 0..2 {
        assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
        // The same news again.
        assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
        assert_eq!(say(reversed(700), Source::Inquiry).await, ("reversed", 0, 0));
        assert_eq!(say(succeeded(700), WEBHOOK).await, ("succeeded", 700, 0));
    }
    assert_eq!(world.incidents("deposit.taken_back_again").await, 0);
    // What an inquiry says may be older than the win: people look.
    for _ in 0..2 {
        assert_eq!(say(reversed(700), Source::Inquiry).await, ("succeeded", 700, 0));
        assert_eq!(world.incidents("deposit.taken_back_again").await, 1);
    }
    assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
    world.close().await;
}

/// A PSP may tell how much was taken back by now, or what was taken back just now.
#[tokio::test(flavor = "multi_thread")]
async fn more_that_is_taken_back_later_is_put_before_people() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    for (news, incidents) in [
        (reversed(300), 0),
        (reversed(300), 0),
        (reversed(700), 1),
        (reversed(700), 1),
        (reversed(300), 1),
        (Status::Returned { money: eur(700) }, 2),
    ] {
        assert_eq!(say(news, WEBHOOK).await, ("reversed", 400, 0));
        assert_eq!(world.incidents("deposit.taken_back_again").await, incidents);
    }
    let details = "select detail from incident where kind = 'deposit.taken_back_again'";
    assert!(world.texts(details).await[0].starts_with("7.00 EUR was taken back"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_taken_back_is_known_again_after_a_win_was_told() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    for (news, source) in
        [(reversed(300), WEBHOOK), (succeeded(700), Source::Inquiry), (reversed(300), WEBHOOK)]
    {
        assert_eq!(say(news, source).await, ("reversed", 400, 0));
    }
    assert_eq!(world.incidents("deposit.dispute_won").await, 1);
    assert_eq!(world.incidents("deposit.taken_back_again").await, 0, "it is booked");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_deposit_of_which_a_part_was_sent_back_can_be_charged_back() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    send_back(&world, &deposit, eur(100)).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    assert_eq!(say(reversed(600), WEBHOOK).await, ("reversed", 0, 0));
    assert_eq!(say(reversed(600), WEBHOOK).await, ("reversed", 0, 0));
    assert_eq!(say(succeeded(600), WEBHOOK).await, ("succeeded", 600, 0));
    assert_eq!(world.incidents("deposit.taken_back_again").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_charged_back_while_its_return_is_open_never_touches_the_wallet() {
    let world = World::new().await;
    let deposit = suspended(&world).await;
    world.win(&deposit.player, eur(0).currency, 500).await;
    let back = open_return(&world, &deposit, None).await;
    assert_eq!(world.payment(deposit.id).await.suspended, None, "it is on its way");
    world.complete(&deposit, "charged_back").await;
    world.attempt_is(deposit.id, 1, interlock::domain::AttemptStatus::Reversed).await;
    // Its row and its attempts' are read one after the other: both are there now.
    let short = world.payment(deposit.id).await;
    assert_eq!((short.status.as_str(), short.suspended), ("in_review", Some(eur(-700))));
    let wallet = world.wallet(&deposit.player).await;
    assert_eq!((wallet.cash, wallet.owed), (500, 0));
    assert_eq!(world.incidents("deposit.suspended_taken_back").await, 1);
    is_not_let_go(&world, &back, false).await;
    world.two_people(&back, "reject").await;
    world.settled(back.id, "rejected").await;
    let over = world.payment(deposit.id).await;
    assert_eq!((over.status.as_str(), over.suspended), ("returned", None));
    assert!(world.reviews(&over).await.is_empty(), "nothing is left to decide");
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// A PSP whose deposits show their refunds tells of ours as of anybody's, and may do so before it has answered
/// us. The player is debited once.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_return_that_is_seen_at_the_deposit_first_is_debited_once() {
    let liars = vec!["trustly-de", "truelayer-de"];
    let world = World::with(Setup { workers: false, liars, ..Setup::default() }).await;
    let went_back = || Status::Returned { money: eur(700) };
    for reaches in [true, false] {
        let player = world.player("DE").await;
        let deposit = world.deposit(&player, eur(700)).await;
        let say = async |status, source| told(&world, &deposit, status, source).await;
        assert_eq!(say(succeeded(700), WEBHOOK).await, ("succeeded", 700, 0));
        let back = open_return(&world, &deposit, None).await;
        approve(&world, &back).await;
        let sent = send(&world, &back).await;
        for _ in 0..2 {
            assert_eq!(say(went_back(), Source::Inquiry).await, ("succeeded", 0, 0));
        }
        assert_eq!(world.wallet(&player).await.held, 700, "the return holds it");
        let asked_again = world.payment(deposit.id).await.attempts[0].due_at;
        assert!(asked_again.is_some(), "whose refund it was shows when the return is over");
        let status = match reaches {
            true => succeeded(700),
            false => Status::Declined(Decline::new(DeclineClass::PspFault, "no")),
        };
        tell(&world, &sent, &sent.attempts[0], status, Source::Call).await;
        // Ours it was; or, ours having failed, somebody else's.
        assert_eq!(say(went_back(), Source::Inquiry).await, ("returned", 0, 0), "{reaches}");
        assert_eq!(say(went_back(), Source::Inquiry).await, ("returned", 0, 0), "{reaches}");
        assert_eq!(world.wallet(&player).await.held, 0);
        let after = world.payment(deposit.id).await.attempts[0].due_at;
        assert_eq!(after, None, "nothing is left to ask");
    }
    world.close().await;
}

/// The whole road at the PSP that does so: its payment turns to refunded while the answer that says so is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_over_mercado_pago_is_debited_once_though_its_answer_is_lost() {
    const PSP: &str = "mercadopago-br";
    for answer_is_lost in [false, true] {
        let accounts = BRAZIL.accounts;
        let world = World::with(Setup { accounts, first: Some(PSP), ..Setup::default() }).await;
        let player = world.player_of(BRAZIL).await;
        let deposit = world.one().deposit(BRAZIL.deposit(&player)).await;
        world.complete(&deposit, "succeeded").await;
        let deposit = world.settled(deposit.id, "succeeded").await;
        let looked_at = || async {
            let open =
                "select count(*) from attempt where due_at is not null or lease_until is not null";
            (world.number(open).await == 0).then_some(())
        };
        eventually("the deposit is at rest", SOON, looked_at).await;
        let back = open_return(&world, &deposit, None).await;
        if answer_is_lost {
            let lost = json!({"operation": "any", "fault": "timeout_after_accept", "times": 1});
            world.mocks.fault_with(PSP, lost).await;
        }
        approve(&world, &back).await;
        let there = || async {
            let back = world.payment(back.id).await;
            let asked = "select count(*) from inbox where psp = 'mercadopago-br' and state = 'new'";
            (back.status.as_str() == "paid" && world.number(asked).await == 0).then_some(())
        };
        world.later("it is paid, and its messages are heard", Duration::from_secs(20), there).await;
        world.settled(deposit.id, "returned").await;
        world.later("nothing is left to ask", Duration::from_secs(60), looked_at).await;
        let wallet = world.wallet(&player).await;
        assert_eq!((wallet.cash, wallet.held, wallet.owed), (0, 0, 0), "{answer_is_lost}");
        world.close().await;
    }
}

/// Without workers nothing is sent meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_return_of_money_that_was_charged_back_is_not_sent() {
    let liars = vec!["trustly-de", "truelayer-de"];
    let world = World::with(Setup { workers: false, liars, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let attempt = &deposit.attempts[0];
    assert_eq!(told(&world, &deposit, succeeded(700), WEBHOOK).await, ("succeeded", 700, 0));
    let back = open_return(&world, &deposit, None).await;
    approve(&world, &back).await;
    assert_eq!(world.payment(back.id).await.status.as_str(), "approved");
    tell(&world, &deposit, attempt, reversed(700), WEBHOOK).await;
    let held = world.payment(back.id).await;
    assert_eq!((held.status.as_str(), held.due_at), ("in_review", None));
    assert_eq!(world.wallet(&player).await.owed, 700, "the return holds the cash");
    is_not_let_go(&world, &held, true).await;
    world.two_people(&held, "reject").await;
    assert_eq!(world.payment(back.id).await.status.as_str(), "rejected");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_money_goes_back_in_parts_and_the_last_one_closes_its_deposit() {
    let world = World::new().await;
    let deposit = suspended(&world).await;
    send_back(&world, &deposit, eur(300)).await;
    let rest = world.payment(deposit.id).await;
    assert_eq!((rest.status.as_str(), rest.suspended), ("in_review", Some(eur(400))));
    send_back(&world, &deposit, eur(400)).await;
    let over = world.payment(deposit.id).await;
    assert_eq!((over.status.as_str(), over.suspended), ("returned", None));
    assert!(world.reviews(&over).await.is_empty(), "nothing is left to decide");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_whose_return_bounced_can_be_sent_back_again() {
    let world = by_word().await;
    let deposit = suspended(&world).await;
    let back = send_back(&world, &deposit, eur(700)).await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "returned");
    let bounced = Status::Returned { money: eur(700) };
    tell(&world, &back, &back.attempts[0], bounced, WEBHOOK).await;
    let again = world.payment(deposit.id).await;
    assert_eq!(again.suspended, Some(eur(700)));
    world.two_people(&again, "return").await;
    assert_eq!(world.payment(deposit.id).await.suspended, None);
    let opened = "select payment_id from payment where of_deposit = $1 and payment_id <> $2";
    let opened = sqlx::query_scalar(opened).bind(deposit.id.uuid).bind(back.id.uuid);
    let second = PaymentId::withdrawal(opened.fetch_one(&world.rows).await.unwrap());
    let sent = || async {
        let second = world.payment(second).await;
        (!second.attempts.is_empty()).then_some(second)
    };
    let second = super::harness::eventually("it is sent", super::harness::SOON, sent).await;
    assert_eq!(second.money, eur(700));
    // The mock has sent all of it back once, and would not take it from anybody twice.
    world.settled(second.id, "failed").await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(700)), "and it waits again");
    assert_eq!(world.house_balance("suspense").await, 700);
    world.close().await;
}

/// Where a PSP's messages prove nothing its inquiry alone tells of a dispute that was won; and what an inquiry
/// says may be older than the reversal.
#[tokio::test(flavor = "multi_thread")]
async fn a_win_that_only_an_inquiry_tells_is_put_before_people_once() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let say = async |status, source| told(&world, &deposit, status, source).await;
    assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
    for (source, incidents) in [(Source::Call, 0), (Source::Inquiry, 1), (Source::Inquiry, 1)] {
        assert_eq!(say(succeeded(700), source).await, ("reversed", 0, 0));
        assert_eq!(world.incidents("deposit.dispute_won").await, incidents, "{source:?}");
    }
    let details = "select detail from incident where kind = 'deposit.dispute_won'";
    assert!(world.texts(details).await[0].starts_with("the PSP says that 7.00 EUR is paid"));
    assert_eq!(say(succeeded(700), WEBHOOK).await, ("succeeded", 700, 0));
    // What was told by an event is booked, and an inquiry that says so too is no news.
    let other = credited(&world).await;
    let say = async |status, source| told(&world, &other, status, source).await;
    assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
    for source in [WEBHOOK, Source::Inquiry] {
        assert_eq!(say(succeeded(700), source).await, ("succeeded", 700, 0));
    }
    assert_eq!(world.incidents("deposit.dispute_won").await, 1);
    world.close().await;
}
