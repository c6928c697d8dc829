//! What a PSP tells of a payout once more, or otherwise than before: it is heard, and asked about anew.

use super::bounced_payouts::{WEBHOOK, by_hand, refused, said, send, sent, taken, tell};
use super::harness::markets::{CANADA, Market};
use super::harness::{SOON, Setup, World, eur, eventually, key};
use super::may_be_paid::{cases, found_unpaid, is_refused, look, lost, money};
use super::routing::tried;
use interlock::book::Payment;
use interlock::decide::command::Source;
use interlock::domain::Instrument;
use interlock::payments::request_withdrawal::DestinationOrder;
use interlock::webhooks::process::process;
use interlock::webhooks::receive::receive;
use psp_adapters::{RawWebhook, WebhookEvent};
use psp_contract::{AttemptRef, Outcome, Portable, Report, Status, Unknown};
use sha2::{Digest, Sha256};
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
        untold: None,
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

const ASKS: &str = "nuvei-ca";

/// What Nuvei hears that asks whether to pay this attempt.
async fn leave_for(world: &World, payment: &Payment) -> String {
    let reference = AttemptRef::new(world.payment(payment.id).await.attempts[0].id.0).to_string();
    let pairs = [
        ("merchantId", "2885023999185468261"),
        ("merchantSiteId", "5612"),
        ("wdRequestId", "5"),
        ("merchantWDRequestId", &reference),
        ("wdRequestStatus", "Pending"),
        ("wdOrderStatus", "Pending"),
        ("amount", "50.00"),
        ("currency", "CAD"),
    ];
    let written = pairs.map(|(name, value)| format!("{name}={value}")).join("&");
    let signed = Sha256::digest(format!("{written}sandbox-merchant-secret-key-ca"));
    let body = format!("{written}&checksum={}", hex::encode(signed));
    let flows = world.one().flows.clone();
    let call = async move {
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/nuvei-ca",
            headers: &[],
            body: body.as_bytes(),
            peer_certificate: None,
            received_at: flows.clock.now(),
        };
        receive(&flows, ASKS, &raw).await.unwrap()
    };
    let heard = world.one().run(call).await.body;
    // The first is applied before anything else happens, and the same message is not applied again.
    let left = "select count(*) from inbox where state = 'new'";
    let applied = || async { (world.number(left).await == 0).then_some(()) };
    eventually("it is applied", SOON, applied).await;
    String::from_utf8(heard).unwrap()
}

/// Leave to pay is given for what is under way, and for nothing that people look into or have denied.
#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_asks_whether_to_pay_is_given_leave_for_what_is_under_way_alone() {
    let market = Market { accounts: &[ASKS], ..CANADA };
    let (accounts, liars) = (market.accounts, vec![ASKS]);
    let world = World::with(Setup { accounts, liars, workers: false, ..Setup::default() }).await;
    let player = world.player_of(market).await;
    world.win(&player, market.currency, market.minor).await;
    let address = "erika@example.test".to_owned();
    let portable = Portable::Email { address, holder_name: "Erika Mustermann".to_owned() };
    let to =
        Instrument { masked: "****".to_owned(), portable: Some(portable), ..Instrument::default() };
    let order = market.withdrawal(&player, DestinationOrder::Instrument(Box::new(to)));
    let withdrawal = world.one().withdraw(order).await;
    let sent = send(&world, &withdrawal).await;
    assert_eq!(leave_for(&world, &sent).await, "Approve");
    tell(&world, &sent, (1, Source::Call), lost()).await;
    assert_eq!(leave_for(&world, &sent).await, "Approve");
    for _ in 0..2 {
        world.move_on(61 * MINUTE).await;
        look(&world, &sent, 1).await;
    }
    assert_eq!(cases(&world, &sent).await, ["outcome_unknown"]);
    assert_eq!(leave_for(&world, &sent).await, "Postpone", "people look into it");
    // Told that it is under way it is no less before them.
    tell(&world, &sent, (1, Source::Inquiry), said(Status::Pending)).await;
    assert_eq!(world.payment(sent.id).await.attempts[0].status.as_str(), "accepted");
    assert_eq!(leave_for(&world, &sent).await, "Postpone", "people look into it");
    world.move_on(73 * 60 * MINUTE).await;
    world.two_people(&sent, "resolve_unpaid").await;
    assert_eq!(leave_for(&world, &sent).await, "Postpone");
    world.close().await;
}
