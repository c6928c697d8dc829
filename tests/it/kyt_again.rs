//! An address is looked at again before money leaves, when what was said of it is too old; and every
//! address of a withdrawal is looked at.

use super::harness::markets::MALTA;
use super::harness::{CHECKS, SOON, Setup, World, claim, eventually, key};
use super::rules::{all_replay, ask, decisions, found, vouch};
use interlock::book::Payment;
use interlock::domain::{Instrument, Method, PaymentId, PlayerKey};
use interlock::payments::request_withdrawal::{DestinationOrder, WithdrawalOrder};
use interlock::screening::attestation::AttestationKind;
use psp_contract::Portable;
use serde_json::{Value, json};
use std::time::Duration;

const VENDOR: &str = "elliptic";
/// Beyond the hour of the sandbox's policy.
const TOO_OLD: Duration = Duration::from_secs(3_660);
/// Beyond its deadline of 300 s, and the minute after which a payout is looked at all the same.
const PAST_DEADLINE: Duration = Duration::from_secs(301);

async fn world() -> World {
    // With lists of names beside: both are looked at again.
    let names = Setup { shipped: true, vendors: CHECKS, ..Setup::default() };
    let setup = Setup { accounts: MALTA.accounts, first: Some("coinspaid"), ..names };
    World::with(Setup { analyst: Some(VENDOR), ..setup }).await
}

fn address(number: usize) -> String {
    format!("0x{number:040x}")
}

fn portable(address: &str) -> Portable {
    Portable::CryptoAddress {
        network: "ethereum".to_owned(),
        asset: "USDT".to_owned(),
        address: address.to_owned(),
        tag: None,
    }
}

fn order(player: &PlayerKey, minor: i64, destination: DestinationOrder) -> WithdrawalOrder {
    WithdrawalOrder {
        player: player.clone(),
        claim: claim("withdrawals", &key()),
        money: MALTA.money(minor),
        method: MALTA.method,
        reference: None,
        metadata: "{}".to_owned(),
        destination,
    }
}

impl World {
    /// So much that two people decide about it; the vendor knows nothing against the address.
    async fn waits_for_people(&self, address: &str) -> Payment {
        let player = self.player_of(MALTA).await;
        self.win(&player, MALTA.currency, 15 * MALTA.minor).await;
        let masked = "0x** **** 0000".to_owned();
        let instrument =
            Instrument { portable: Some(portable(address)), masked, ..Instrument::default() };
        let to = DestinationOrder::Instrument(Box::new(instrument));
        let asked = self.one().withdraw(order(&player, 15 * MALTA.minor, to)).await;
        self.settled(asked.id, "in_review").await
    }

    async fn asked(&self, address: &str) -> usize {
        let cases = self.mocks.cases(VENDOR).await;
        cases.iter().filter(|case| case["address"] == address).count()
    }

    async fn finds(&self, fault: &str, address: &str) {
        self.mocks.vendor_fault(VENDOR, json!({"fault": fault, "subject": address})).await;
    }

    /// The facts of the newest decision before a payout.
    async fn before_payout(&self, id: PaymentId) -> (String, Value) {
        let newest = |column: &str| {
            format!(
                "select {column} from decision where payment_id = '{}'
                   and checkpoint = 'withdrawal.pre_payout' order by known_at desc, slot, seq desc limit 1",
                id.uuid
            )
        };
        let outcome = self.texts(&newest("outcome")).await.remove(0);
        let inputs = self.texts(&newest("inputs::text")).await.remove(0);
        (outcome, serde_json::from_str(&inputs).unwrap())
    }

    /// The vendor is asked about it for the second time.
    async fn is_asked_anew(&self, withdrawal: &Payment) {
        let open = format!(
            "select count(*) from vendor_check where payment_id = '{}' and round = 2
               and closed_at is null",
            withdrawal.id.uuid
        );
        let asked = || async { (self.number(&open).await == 1).then_some(()) };
        eventually("the vendor is asked anew", SOON, asked).await;
    }

    async fn kinds(&self, payment: &Payment) -> Vec<String> {
        self.reviews(payment).await.into_iter().map(|review| review.kind).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_on_an_old_answer_and_a_young_one_is_not_asked_for_again() {
    let world = world().await;
    let (old, young) = (address(1), address(2));
    let stale = world.waits_for_people(&old).await;
    world.move_on(TOO_OLD).await;
    let fresh = world.waits_for_people(&young).await;
    // What the vendor would say now of either.
    world.finds("severe", &old).await;
    world.finds("severe", &young).await;
    world.two_people(&fresh, "approve").await;
    world.settled(fresh.id, "paid").await;
    assert_eq!(world.asked(&young).await, 1, "its answer was young enough");
    world.two_people(&stale, "approve").await;
    let held = world.settled(stale.id, "in_review").await;
    assert_eq!(world.asked(&old).await, 2);
    assert_eq!(world.kinds(&held).await, ["withdrawal_hold"]);
    assert!(held.attempts.is_empty(), "{:?}", held.attempts);
    let (outcome, facts) = world.before_payout(stale.id).await;
    assert_eq!((outcome.as_str(), &facts["vendors"][0]["risk"]), ("hold", &json!("severe")));
    assert!(facts["let_go_at"].is_null(), "whoever let it go knew nothing of this answer: {facts}");
    // Two people have read what it said now: they may let it go.
    world.two_people(&held, "approve").await;
    world.settled(stale.id, "paid").await;
    let (outcome, facts) = world.before_payout(stale.id).await;
    assert!(outcome == "approve" && facts["let_go_at"].is_string(), "{outcome}: {facts}");
    assert_eq!(world.asked(&old).await, 2);
    let same = super::closed_loop::replays_the_same(&world).await;
    assert_ne!(same, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_silent_before_the_payout_leads_to_people_and_never_to_the_payout() {
    let world = world().await;
    let at = address(1);
    let withdrawal = world.waits_for_people(&at).await;
    world.move_on(TOO_OLD).await;
    world.finds("pending", &at).await;
    world.two_people(&withdrawal, "approve").await;
    world.is_asked_anew(&withdrawal).await;
    let waiting = world.payment(withdrawal.id).await;
    assert_eq!((waiting.status.as_str(), waiting.attempts.len()), ("approved", 0));
    world.move_on(PAST_DEADLINE).await;
    let before_people = world.settled(withdrawal.id, "in_review").await;
    assert_eq!(before_people.attempts.len(), 0);
    assert_eq!(world.before_payout(withdrawal.id).await.0, "review");
    assert_eq!(world.wallet(&withdrawal.player).await.held, 15 * MALTA.minor);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_the_vendor_is_asked_anew_loses_nothing_and_pays_once() {
    let mut world = world().await;
    let at = address(1);
    let withdrawal = world.waits_for_people(&at).await;
    world.move_on(TOO_OLD).await;
    world.mocks.vendor_listener(VENDOR, false).await;
    world.two_people(&withdrawal, "approve").await;
    world.is_asked_anew(&withdrawal).await;
    world.kill(0);
    world.start_instance().await;
    world.mocks.vendor_listener(VENDOR, true).await;
    let paid =
        || async { (world.payment(withdrawal.id).await.status.as_str() == "paid").then_some(()) };
    world.later("it is paid", Duration::from_secs(20), paid).await;
    assert_eq!(world.asked(&at).await, 2);
    assert_eq!(world.before_payout(withdrawal.id).await.0, "approve");
    world.close().await;
}

/// A player who paid in from two addresses, as the books would have it where a PSP told of them.
async fn from_two_addresses(world: &World, addresses: [&str; 2]) -> PlayerKey {
    let player = world.player_of(MALTA).await;
    for address in addresses {
        let deposit = world.one().deposit(MALTA.deposit(&player)).await;
        let Some(psp_contract::NextAction::CryptoTransfer { address: to, .. }) =
            deposit.next_action.clone()
        else {
            panic!("no address: {deposit:#?}");
        };
        let arrives = json!({"address": to, "amount": "100.00"});
        world.mocks.payin("coinspaid", arrives).await;
        world.settled(deposit.id, "succeeded").await;
        let source = json!({
            "portable": {"type": "crypto_address", "network": "ethereum", "asset": "USDT",
                "address": address, "tag": null},
            "tokens": {}, "holder_name": null, "masked": "0x** **** 0000", "source_deposit": null,
        });
        sqlx::query("update payment set source = $1::text::json where payment_id = $2")
            .bind(source.to_string())
            .bind(deposit.id.uuid)
            .execute(&world.rows)
            .await
            .unwrap();
    }
    player
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_a_withdrawal_is_asked_about_and_the_worst_answer_counts() {
    let world = world().await;
    for (first, fault, status) in [(10, None, "paid"), (20, Some("severe"), "in_review")] {
        let (one, other) = (address(first), address(first + 1));
        let player = from_two_addresses(&world, [&one, &other]).await;
        if let Some(fault) = fault {
            world.finds(fault, &other).await;
        }
        let order = order(&player, MALTA.minor * 3 / 2, DestinationOrder::ClosedLoop);
        let withdrawal = world.one().withdraw(order).await;
        assert_eq!(withdrawal.parts.len(), 2, "{:#?}", withdrawal.parts);
        assert_eq!(withdrawal.status.as_str(), "screening", "{:?}", withdrawal.reasons);
        world.settled(withdrawal.id, status).await;
        assert_eq!((world.asked(&one).await, world.asked(&other).await), (1, 1));
    }
    world.close().await;
}

/// The closed loop pays each part as its source paid in, so that not even the market's rule on methods looks
/// at the one that was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn coins_that_go_back_are_screened_as_coins_whatever_method_was_asked_for() {
    let world = world().await;
    for (first, fault, status) in [(10, None, "paid"), (20, Some("severe"), "in_review")] {
        let (one, other) = (address(first), address(first + 1));
        let player = from_two_addresses(&world, [&one, &other]).await;
        if let Some(fault) = fault {
            world.finds(fault, &other).await;
        }
        let order = order(&player, MALTA.minor * 3 / 2, DestinationOrder::ClosedLoop);
        let order = WithdrawalOrder { method: Method::Card, ..order };
        let withdrawal = world.one().withdraw(order).await;
        assert_eq!(withdrawal.status.as_str(), "screening", "{:?}", withdrawal.reasons);
        let settled = world.settled(withdrawal.id, status).await;
        assert_eq!((world.asked(&one).await, world.asked(&other).await), (1, 1));
        let rule = found(&world, &settled, "withdrawal.request", "travel_rule").await.to_string();
        assert!(rule.contains("kept by nobody known"), "{rule}");
        if status == "paid" {
            let (_, facts) = world.before_payout(settled.id).await;
            assert_eq!(facts["payment"]["method"], "crypto");
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_proven_of_one_address_says_nothing_of_another() {
    let world = world().await;
    let (one, other) = (address(1), address(2));
    let player = from_two_addresses(&world, [&one, &other]).await;
    world.win(&player, MALTA.currency, 13 * MALTA.minor).await;
    let kind = AttestationKind::ProofOfControl;
    let (mut proofs, mut withdrawals) = (Vec::new(), Vec::new());
    for proven in [&one, &other] {
        proofs.push(vouch(&world, &player, kind, (proven, None)).await);
        let order = order(&player, 15 * MALTA.minor, DestinationOrder::ClosedLoop);
        let withdrawal = world.one().withdraw(order).await;
        assert_eq!(withdrawal.parts.len(), 2, "{:#?}", withdrawal.parts);
        let looked = world.settled(withdrawal.id, "in_review").await;
        let rule = found(&world, &looked, "withdrawal.request", "travel_rule").await.to_string();
        let is_half = proofs.len() == 1;
        assert_eq!(rule.contains("no_hit"), !is_half, "{rule}");
        assert_eq!(rule.contains("for 1 of 2 only"), is_half, "{rule}");
        assert!(proofs.iter().all(|proof| rule.contains(&proof.to_string())), "{rule}");
        world.one().cancel(&looked).await.unwrap();
        withdrawals.push(looked.id.uuid);
    }
    // Deposits had no source yet when they were decided about.
    let now = world.one().flows.clock.now();
    for decision in decisions(&world).await {
        if decision.payment.is_some_and(|payment| withdrawals.contains(&payment)) {
            let today = ask(&world, &decision, Some(now)).await;
            assert!(today.is_identical(), "{today:?}");
        }
    }
    all_replay(&world).await;
    world.close().await;
}

/// Of two addresses one is known to be good; whoever asked about the other died before its answer was kept,
/// and the next comes too late to ask.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_has_answered_about_at_the_deadline_leads_to_people() {
    let mut world = world().await;
    let (one, other) = (address(1), address(2));
    let player = from_two_addresses(&world, [&one, &other]).await;
    world.finds("pending", &other).await;
    let order = order(&player, MALTA.minor * 3 / 2, DestinationOrder::ClosedLoop);
    let withdrawal = world.one().withdraw(order).await;
    let of = format!("from vendor_result where payment_id = '{}'", withdrawal.id.uuid);
    let both = format!("select count(distinct place) {of}");
    let kept = || async { (world.number(&both).await == 2).then_some(()) };
    eventually("both were asked about", SOON, kept).await;
    world.kill(0);
    let lost = format!(
        "alter table vendor_result disable trigger user; delete {of} and state <> 'final';
         alter table vendor_result enable trigger user;"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(lost)).execute(&world.rows).await.unwrap();
    assert_eq!(world.number(&both).await, 1);
    world.move_on(PAST_DEADLINE).await;
    world.start_instance().await;
    let people = || async {
        let payment = world.payment(withdrawal.id).await;
        (payment.status.as_str() != "screening").then_some(payment)
    };
    let payment = world.later("the time is over", Duration::from_secs(20), people).await;
    assert_eq!(payment.status.as_str(), "in_review", "{:?}", payment.reasons);
    let pending = format!("select count(*) {of} and state = 'pending' and version = 'none'");
    assert_eq!(world.number(&pending).await, 1, "that there was no answer is on record");
    world.close().await;
}
