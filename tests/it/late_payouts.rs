//! A withdrawal that is over, and whose PSP paid it after all: the money is booked, the status stays,
//! and people and casino can see it.

use super::harness::{Setup, World, eur};
use interlock::book::Payment;
use interlock::decide::Command;
use interlock::decide::command::{News, Source};
use psp_contract::{Decline, DeclineClass, Outcome, Report, Status};

async fn tell(world: &World, payment: &Payment, status: Status) {
    let report = Report { psp_reference: None, status, payer: None, attempt: None };
    let news = News {
        payment: payment.id.uuid,
        direction: payment.direction(),
        attempt: payment.attempts[0].id,
        source: Source::Webhook { hint: false },
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let (flows, player) = (world.one().flows.clone(), payment.player.clone());
    let told = async move { flows.lanes.submit(&player, Command::News(Box::new(news))).await };
    world.one().run(told).await.unwrap();
}

/// A payout that its PSP took and then said to have failed, which proves too little to pay elsewhere.
async fn stuck(world: &World) -> Payment {
    world.mocks.auto("trustly-de", None, "succeeded").await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    let sent = world.attempt_is(withdrawal.id, 1, interlock::domain::AttemptStatus::Accepted).await;
    let decline = Decline {
        class: DeclineClass::PspFault,
        code: "late".to_owned(),
        retry_elsewhere: false,
        irreversible: false,
    };
    tell(world, &sent, Status::Declined(decline)).await;
    world.settled(withdrawal.id, "in_review").await
}

/// (A cancelled one was never sent: after sending there is nothing to cancel.)
#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_withdrawal_that_was_paid_is_booked_and_says_so() {
    let world = World::with(Setup { liars: vec!["trustly-de"], ..Setup::default() }).await;
    let stuck = stuck(&world).await;
    assert!(world.one().cancel(&stuck).await.is_err(), "it was sent");
    world.two_people(&stuck, "reject").await;
    let over = world.settled(stuck.id, "rejected").await;
    assert!(over.reasons.iter().all(|reason| reason.code != "withdrawal.moved_late"));
    assert_eq!(world.wallet(&over.player).await.cash, 1_000);
    for _ in 0..2 {
        tell(&world, &over, Status::Succeeded { money: eur(900) }).await;
    }
    let after = world.payment(over.id).await;
    assert_eq!(after.status.as_str(), "rejected", "the machine knows no way back");
    assert_eq!(after.parts[0].status.as_str(), "paid");
    assert_eq!(world.wallet(&over.player).await.cash, 100, "what left is booked");
    assert_eq!(world.incidents("payout.paid_late").await, 1);
    let told = after.reasons.iter().filter(|reason| reason.code == "withdrawal.moved_late");
    assert_eq!(told.count(), 1, "{:?}", after.reasons);
    world.close().await;
}
