//! What a PSP tells of a payout once more, or otherwise than before: it is heard, and asked about anew.

use super::bounced_payouts::{WEBHOOK, by_hand, refused, said, sent, taken, tell};
use super::harness::{World, eur, key};
use super::may_be_paid::{cases, found_unpaid, is_refused, look, lost, money};
use super::routing::tried;
use interlock::book::Payment;
use interlock::decide::command::Source;
use interlock::webhooks::process::process;
use psp_adapters::WebhookEvent;
use psp_contract::{AttemptRef, Outcome, Report, Status, Unknown};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A signed message that says of the first PSP's attempt that it is under way there.
async fn is_told_under_way(world: &World, payment: &Payment) -> Payment {
    let attempt = world.payment(payment.id).await.attempts[0].clone();
    let event = WebhookEvent {
        event_id: key(),
        kind: "payout_under_way".to_owned(),
        attempt: Some(AttemptRef::new(attempt.id.0)),
        psp_reference: None,
        subject: None,
        report: Some(Report::new("order", Status::Pending)),
        if_deposit: None,
        payin: None,
        occurred_at: None,
        hint_only: false,
    };
    let flows = world.one().flows.clone();
    world.one().run(async move { process(&flows, &attempt.psp, &event).await }).await;
    world.payment(payment.id).await
}

/// A deposit that is under way says nothing; a payout's PSP says that it has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_a_payout_is_under_way_is_heard() {
    let world = by_hand().await;
    let unknown = sent(&world).await;
    tell(&world, &unknown, (1, Source::Call), lost()).await;
    assert_eq!(tried(&is_told_under_way(&world, &unknown).await), ["trustly-de accepted"]);
    let next = found_unpaid(&world).await;
    let told = is_told_under_way(&world, &next).await;
    assert_eq!(tried(&told), ["trustly-de not_sent", "truelayer-de cancelled"]);
    assert_eq!(cases(&world, &next).await, ["outcome_unknown", "payout_stuck"]);
    is_refused(&world, &next, "approve").await;
    world.close().await;
}

/// Two people denied it once: what the PSP says again is asked again.
#[tokio::test(flavor = "multi_thread")]
async fn other_money_that_people_denied_is_a_question_again_when_it_is_told_again() {
    let world = by_hand().await;
    for told in [said(Status::Succeeded { money: eur(898) }), Outcome::Unknown(Unknown::Mismatch)] {
        let sent = sent(&world).await;
        tell(&world, &sent, (1, Source::Call), lost()).await;
        tell(&world, &sent, (1, Source::Inquiry), told.clone()).await;
        for wait in ["truelayer-de prepared", "truelayer-de cancelled"] {
            world.two_people_of(&sent, "outcome_unknown", "resolve_unpaid").await;
            assert_eq!(tried(&world.payment(sent.id).await), ["trustly-de not_sent", wait]);
            let told = tell(&world, &sent, (1, Source::Inquiry), told.clone()).await;
            assert_eq!(tried(&told), ["trustly-de not_sent", "truelayer-de cancelled"]);
            assert_eq!(cases(&world, &sent).await, ["outcome_unknown", "payout_stuck"]);
            is_refused(&world, &sent, "approve").await;
        }
    }
    assert_eq!(world.incidents("payout.other_amount").await, 3);
    assert_eq!(world.incidents("attempt.mismatch").await, 3);
    world.close().await;
}

/// A PSP took it, refused it, and has it under way when it is asked afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_refusal_that_its_psp_takes_back_is_a_question() {
    let world = by_hand().await;
    let refused_late = async || {
        let sent = sent(&world).await;
        tell(&world, &sent, (1, Source::Call), taken()).await;
        world.move_on(10 * MINUTE).await;
        sent
    };
    // Control: who asked before the refusal may hear what was so before it.
    let overtaken = refused_late().await;
    look(&world, &overtaken, 1).await;
    tell(&world, &overtaken, (1, WEBHOOK), refused(false)).await;
    tell(&world, &overtaken, (1, Source::Inquiry), said(Status::Pending)).await;
    assert_eq!(cases(&world, &overtaken).await, ["payout_stuck"]);
    let back = refused_late().await;
    tell(&world, &back, (1, WEBHOOK), refused(false)).await;
    world.move_on(61 * MINUTE).await;
    // A message may be as old as it likes.
    tell(&world, &back, (1, WEBHOOK), said(Status::Pending)).await;
    assert_eq!(cases(&world, &back).await, ["payout_stuck"]);
    look(&world, &back, 1).await;
    tell(&world, &back, (1, Source::Inquiry), said(Status::Pending)).await;
    assert_eq!(cases(&world, &back).await, ["outcome_unknown", "payout_stuck"]);
    is_refused(&world, &back, "approve").await;
    world.two_people_of(&back, "outcome_unknown", "resolve_paid").await;
    assert_eq!(money(&world, &back).await, (100, 0, 0, 0));
    world.close().await;
}
