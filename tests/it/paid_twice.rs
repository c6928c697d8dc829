//! A payout that two PSPs paid: people say what became of the second payment, unless a PSP tells.

use super::bounced_payouts::{WEBHOOK, by_hand, said, send, sent, succeeded, taken, tell};
use super::bounced_payouts::{refused, surely_refused};
use super::harness::{World, eur};
use super::may_be_paid::{cases, money, unproven};
use interlock::book::Payment;
use interlock::decide::Refusal;
use interlock::decide::command::Source;
use interlock::domain::AttemptStatus;
use interlock::lane::SubmitError;
use interlock::payments::review_payment::ReviewAct;
use psp_contract::{Outcome, Status};

const NOTHING: Vec<String> = Vec::new();
/// Either may be given back.
const BOTH: [&str; 2] = ["paid_twice", "paid_twice"];

/// The first PSP refused what it had taken, two people sent it again, and both have paid 9.00.
pub async fn paid_by_both(world: &World) -> Payment {
    let first = sent(world).await;
    tell(world, &first, (1, Source::Call), taken()).await;
    let stuck = tell(world, &first, (1, WEBHOOK), refused(false)).await;
    world.two_people(&stuck, "approve").await;
    let again = send(world, &stuck).await;
    tell(world, &again, (2, Source::Call), taken()).await;
    tell(world, &again, (1, WEBHOOK), succeeded()).await;
    let both = tell(world, &again, (2, WEBHOOK), succeeded()).await;
    assert_eq!(both.status.as_str(), "paid");
    assert_eq!(cases(world, &both).await, BOTH);
    both
}

/// The case about the payment of this number: two people decide so.
async fn decide(world: &World, payment: &Payment, number: usize, outcome: &str) {
    let payment = world.payment(payment.id).await;
    let about = payment.attempts[number - 1].id;
    let mut cases = world.reviews(&payment).await.into_iter();
    let case = cases.find(|it| it.attempt == Some(about)).unwrap();
    let note = "by its statement".to_owned();
    let propose = ReviewAct::Propose { outcome: outcome.to_owned(), note };
    let proposed = world.one().review((&case, &payment), propose, "ann").await.unwrap();
    let approve = ReviewAct::Approve { proposal: proposed.open_proposal().unwrap().id };
    world.one().review((&case, &payment), approve, "bob").await.unwrap();
}

fn back() -> Outcome {
    said(Status::Returned { money: eur(900) })
}

async fn is_impossible(world: &World, payment: &Payment, outcome: &str, but: &[&str]) {
    let told = world.try_two_people_of(payment, "paid_twice", outcome).await.unwrap_err();
    let SubmitError::Refused(Refusal::OutcomeImpossible(takes)) = told else { panic!("{told:?}") };
    assert_eq!(takes, but);
}

async fn is_clear(world: &World, payment: &Payment) {
    assert_eq!(cases(world, payment).await, NOTHING);
    assert_eq!(unproven(world).await, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_payment_its_psp_gives_back_ends_the_case() {
    let world = by_hand().await;
    for (first, last) in [(1, 2), (2, 1)] {
        let both = paid_by_both(&world).await;
        assert_eq!(money(&world, &both).await, (100, 0, 0, -900));
        assert_eq!(unproven(&world).await, Vec::<&str>::new());
        for impossible in ["approve", "reject", "resolve_unpaid"] {
            is_impossible(&world, &both, impossible, &["given_back", "write_off"]).await;
        }
        tell(&world, &both, (first, WEBHOOK), back()).await;
        assert_eq!(money(&world, &both).await, (100, 0, 0, 0));
        is_clear(&world, &both).await;
        tell(&world, &both, (last, WEBHOOK), back()).await;
        assert_eq!(money(&world, &both).await, (1_000, 0, 0, 0), "the last one is the player's");
        is_clear(&world, &both).await;
    }
    world.close().await;
}

/// Two people have seen it on the PSP's own pages. What the PSP tells of it afterwards is booked already.
#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_say_is_back_leaves_suspense_once() {
    use AttemptStatus::{Returned, Succeeded};
    let world = by_hand().await;
    let clearing = async |psp: &str| world.house_balance(&format!("psp_clearing:{psp}")).await;
    for (number, psp, states) in
        [(1, "trustly-de", [Returned, Succeeded]), (2, "truelayer-de", [Succeeded, Returned])]
    {
        let before = clearing(psp).await;
        let both = paid_by_both(&world).await;
        decide(&world, &both, number, "given_back").await;
        for _ in 0..2 {
            let over = world.payment(both.id).await;
            assert_eq!(over.attempts.iter().map(|it| it.status).collect::<Vec<_>>(), states);
            assert_eq!(over.status.as_str(), "paid");
            assert_eq!(money(&world, &both).await, (100, 0, 0, 0));
            assert_eq!(clearing(psp).await, before);
            is_clear(&world, &both).await;
            let number = i16::try_from(number).unwrap();
            tell(&world, &both, (number, WEBHOOK), back()).await;
        }
    }
    assert_eq!(world.incidents("payout.returned_again").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_house_bears_is_the_houses_when_it_comes_back_after_all() {
    let world = by_hand().await;
    let balances =
        async || (world.house_balance("suspense").await, world.house_balance("adjustments").await);
    for (first, last) in [(1, 2), (2, 1)] {
        let both = paid_by_both(&world).await;
        world.two_people_of(&both, "paid_twice", "write_off").await;
        assert_eq!(balances().await, (0, -900));
        is_clear(&world, &both).await;
        tell(&world, &both, (first, WEBHOOK), back()).await;
        assert_eq!(balances().await, (900, -900));
        assert_eq!(cases(&world, &both).await, ["paid_twice"]);
        is_impossible(&world, &both, "given_back", &["write_off"]).await;
        world.two_people_of(&both, "paid_twice", "write_off").await;
        assert_eq!(balances().await, (0, 0));
        is_clear(&world, &both).await;
        tell(&world, &both, (last, WEBHOOK), back()).await;
        assert_eq!(money(&world, &both).await, (1_000, 0, 0, 0));
        is_clear(&world, &both).await;
    }
    world.close().await;
}

/// Somebody has proposed that the house bears it when its PSP gives it back: nothing is left to bear.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_back_meanwhile_is_not_written_off_and_other_news_leaves_the_case() {
    let world = by_hand().await;
    let both = paid_by_both(&world).await;
    for told in [refused(false), surely_refused(), taken(), succeeded()] {
        tell(&world, &both, (2, WEBHOOK), told).await;
        assert_eq!(cases(&world, &both).await, BOTH);
    }
    let case = world.reviews(&both).await.remove(0);
    let propose = ReviewAct::Propose { outcome: "write_off".to_owned(), note: "gone".to_owned() };
    let proposed = world.one().review((&case, &both), propose, "ann").await.unwrap();
    tell(&world, &both, (1, WEBHOOK), back()).await;
    let approve = ReviewAct::Approve { proposal: proposed.open_proposal().unwrap().id };
    assert!(world.one().review((&case, &both), approve, "bob").await.is_err());
    assert_eq!(world.number("select count(*) from entry where account = 'adjustments'").await, 0);
    let open = format!("select count(*) from review where review_id = '{}' and is_open", case.id.0);
    assert_eq!(world.number(&open).await, 0);
    is_clear(&world, &both).await;
    world.close().await;
}
