//! What happens while a vendor is asked about coins: the player comes to owe, is known to a list, or somebody wants
//! the money back. What the vendor says afterwards counts, and no approval of anything else stands for it.

use super::bounced_payouts::{said, tell};
use super::harness::markets::MALTA;
use super::harness::{Setup, World};
use super::kyt::{address, to};
use super::returns_in_parts::refused;
use interlock::book::{GameKind, Payment};
use interlock::decide::command::Source;
use interlock::domain::{Player, PlayerKey};
use interlock::payments::request_withdrawal::WithdrawalOrder;
use psp_contract::{NextAction, Status};
use serde_json::json;
use std::time::Duration;

const VENDOR: &str = "elliptic";
const WEBHOOK: Source = Source::Webhook { hint: false };
/// Beyond the hour for which the sandbox's policy believes an answer.
const TOO_OLD: Duration = Duration::from_secs(3_660);

fn setup() -> Setup {
    // The PSP knows nothing of the chargebacks that are told here.
    let liars = vec!["coinspaid"];
    let setup = Setup { accounts: MALTA.accounts, first: Some("coinspaid"), ..Setup::default() };
    Setup { analyst: Some(VENDOR), liars, ..setup }
}

fn order(player: &PlayerKey, minor: i64, address: &str) -> WithdrawalOrder {
    WithdrawalOrder { money: MALTA.money(minor), ..MALTA.withdrawal(player, to(address)) }
}

impl World {
    /// Coins came in and were credited.
    async fn coins_in(&self) -> Payment {
        let deposit = self.coins_sent().await;
        self.settled(deposit.id, "succeeded").await
    }

    async fn coins_sent(&self) -> Payment {
        let player = self.player_of(MALTA).await;
        let deposit = self.one().deposit(MALTA.deposit(&player)).await;
        let Some(NextAction::CryptoTransfer { address, .. }) = deposit.next_action.clone() else {
            panic!("no address: {deposit:#?}");
        };
        self.mocks.payin("coinspaid", json!({"address": address, "amount": "100.00"})).await;
        deposit
    }

    async fn charged_back(&self, deposit: &Payment) {
        let reversed = said(Status::Reversed { money: deposit.money });
        let deposit = tell(self, deposit, (1, WEBHOOK), reversed).await;
        assert_eq!(deposit.status.as_str(), "reversed");
    }

    async fn stands_before_people(&self, withdrawal: &Payment, kind: &str) -> Payment {
        let payment = self.settled(withdrawal.id, "in_review").await;
        let kinds: Vec<String> =
            self.reviews(&payment).await.into_iter().map(|review| review.kind).collect();
        assert_eq!((kinds, payment.attempts.len()), (vec![kind.to_owned()], 0));
        assert_eq!(self.wallet(&payment.player).await.held, payment.money.minor);
        payment
    }
}

fn codes(payment: &Payment) -> Vec<&str> {
    payment.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_says_after_the_debt_goes_before_people_with_it() {
    let world = World::with(setup()).await;
    for (number, fault, kind, found) in [
        (1, None, "withdrawal_review", vec!["wallet.owed"]),
        (2, Some("severe"), "withdrawal_hold", vec!["kyt.finding", "wallet.owed"]),
    ] {
        let at = address(number);
        let deposit = world.coins_in().await;
        let (player, half) = (deposit.player.clone(), MALTA.money(MALTA.minor / 2));
        world.play(&player, GameKind::Stake, half).await;
        if let Some(fault) = fault {
            world.mocks.vendor_fault(VENDOR, json!({"fault": fault, "subject": at})).await;
        }
        world.mocks.vendor_listener(VENDOR, false).await;
        let withdrawal = world.one().withdraw(order(&player, half.minor, &at)).await;
        assert_eq!(withdrawal.status.as_str(), "screening", "{:?}", withdrawal.reasons);
        world.charged_back(&deposit).await;
        world.mocks.vendor_listener(VENDOR, true).await;
        world.move_on(Duration::from_secs(90)).await;
        let waiting = world.stands_before_people(&withdrawal, kind).await;
        let mut told = codes(&waiting);
        told.sort_unstable();
        assert_eq!(told, found);
        // Let go all the same, the debt stops it once more; what they had read of the vendor does not.
        world.two_people(&waiting, "approve").await;
        let again = world.stands_before_people(&withdrawal, "withdrawal_review").await;
        assert_eq!(codes(&again), ["wallet.owed"]);
        world.two_people(&again, "reject").await;
        let wallet = world.wallet(&player).await;
        assert_eq!((wallet.held, wallet.owed), (0, deposit.money.minor));
    }
    world.close().await;
}

/// Two people who look at a debt have seen nothing of what a vendor has still to say.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_lets_a_debt_pass_has_not_let_pass_what_a_vendor_says_meanwhile() {
    let world = World::with(setup()).await;
    let at = address(1);
    let deposit = world.coins_in().await;
    world.play(&deposit.player, GameKind::Stake, deposit.money).await;
    // So much that two people decide about it first.
    let much = 15 * MALTA.minor;
    world.win(&deposit.player, MALTA.currency, much).await;
    let asked = world.one().withdraw(order(&deposit.player, much, &at)).await;
    let withdrawal = world.stands_before_people(&asked, "withdrawal_review").await;
    world.move_on(TOO_OLD).await;
    world.mocks.vendor_listener(VENDOR, false).await;
    world.mocks.vendor_fault(VENDOR, json!({"fault": "severe", "subject": at})).await;
    world.two_people(&withdrawal, "approve").await;
    let errors = format!(
        "select count(*) from vendor_result where payment_id = '{}' and state = 'error'",
        withdrawal.id.uuid
    );
    let failed = || async { (0 < world.number(&errors).await).then_some(()) };
    world.later("it is asked anew, in vain", Duration::from_secs(20), failed).await;
    world.charged_back(&deposit).await;
    let owing = world.stands_before_people(&withdrawal, "wallet_owed").await;
    let won = said(Status::Won { money: deposit.money });
    tell(&world, &deposit, (1, WEBHOOK), won).await;
    assert_eq!(world.wallet(&deposit.player).await.owed, 0);
    world.two_people(&owing, "approve").await;
    world.mocks.vendor_listener(VENDOR, true).await;
    world.move_on(Duration::from_secs(90)).await;
    let held = world.stands_before_people(&withdrawal, "withdrawal_hold").await;
    assert_eq!(codes(&held), ["kyt.finding"]);
    // Now they have read it.
    world.two_people(&held, "approve").await;
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}

/// A withdrawal that is held whatever the vendor says is not called back while the vendor is asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_holds_is_not_cancelled_while_a_vendor_is_asked() {
    let vendors: &[&str] = &["watchman", "yente"];
    let world = World::with(Setup { shipped: true, vendors, ..setup() }).await;
    let player = world.player_of(MALTA).await;
    let known = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Sanctioned".to_owned(), ..known }).await;
    world.win(&player, MALTA.currency, MALTA.minor).await;
    world.mocks.vendor_listener(VENDOR, false).await;
    let withdrawal = world.one().withdraw(order(&player, MALTA.minor / 2, &address(1))).await;
    assert_eq!(withdrawal.status.as_str(), "screening", "{:?}", withdrawal.reasons);
    let refused = world.one().cancel(&withdrawal).await.unwrap_err();
    assert!(refused.to_string().contains("cancel"), "{refused}");
    world.mocks.vendor_listener(VENDOR, true).await;
    world.move_on(Duration::from_secs(90)).await;
    world.stands_before_people(&withdrawal, "withdrawal_hold").await;
    world.close().await;
}

/// Its return would leave nothing in suspense for the vendor's answer to be about.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_is_not_sent_back_while_a_vendor_is_asked_about_it() {
    let world = World::with(setup()).await;
    world.mocks.vendor_listener(VENDOR, false).await;
    let sent = world.coins_sent().await;
    let waiting = world.settled(sent.id, "in_review").await;
    assert!(refused(&world, &waiting, None).await.contains("wait for the answer"));
    world.mocks.vendor_listener(VENDOR, true).await;
    let credited = || async {
        let payment = world.payment(sent.id).await;
        (payment.status.as_str() == "succeeded").then_some(())
    };
    world.later("the vendor is asked again", Duration::from_secs(90), credited).await;
    world.close().await;
}
