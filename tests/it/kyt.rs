//! Payments over a chain wait for blockchain analytics: what each answer, and each failure to give one,
//! comes to. No fault of a vendor is ever an approval, and nobody waits past the deadline.

use super::harness::markets::MALTA;
use super::harness::{CHECKS, SOON, Setup, World, eventually};
use interlock::book::Payment;
use interlock::domain::{Instrument, PaymentId, Player};
use interlock::payments::request_withdrawal::DestinationOrder;
use interlock::workers::driver::Worker;
use interlock::workers::screenings::ScreeningWorker;
use psp_contract::{NextAction, Portable};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PSP: &str = "coinspaid";
/// Beyond the 300 s of the sandbox's policy.
const PAST_DEADLINE: Duration = Duration::from_secs(301);
const DEPOSIT: bool = true;
const WITHDRAWAL: bool = false;

/// Each fault of a vendor, and whether there is no answer before the deadline.
const FAULTS: [(&str, bool); 15] = [
    ("severe", false),
    ("high", false),
    ("mixing", false),
    ("null_score", false),
    ("pending", true),
    ("http_429", true),
    ("http_500", true),
    ("http_503", true),
    ("malformed_body", true),
    ("empty_body", true),
    ("bad_signature", true),
    ("connection_reset_before", true),
    ("timeout_before_accept", true),
    ("timeout_after_accept", true),
    ("late", true),
];

async fn world(analyst: Option<&'static str>) -> World {
    World::with(Setup { accounts: MALTA.accounts, first: Some(PSP), analyst, ..Setup::default() })
        .await
}

/// An address that nothing is scripted for.
pub fn address(number: usize) -> String {
    format!("0x{number:040x}")
}

pub fn to(address: &str) -> DestinationOrder {
    let portable = Portable::CryptoAddress {
        network: "ethereum".to_owned(),
        asset: "USDT".to_owned(),
        address: address.to_owned(),
        tag: None,
    };
    let masked = "0x** **** 0000".to_owned();
    let instrument = Instrument { portable: Some(portable), masked, ..Instrument::default() };
    DestinationOrder::Instrument(Box::new(instrument))
}

impl World {
    async fn pay_coins_out(&self, address: &str) -> Payment {
        let player = self.player_of(MALTA).await;
        self.win(&player, MALTA.currency, MALTA.minor).await;
        self.one().withdraw(MALTA.withdrawal(&player, to(address))).await
    }

    /// A deposit that was begun, and where it is to be paid to.
    async fn begin_coins_in(&self) -> (Payment, String) {
        let player = self.player_of(MALTA).await;
        let deposit = self.one().deposit(MALTA.deposit(&player)).await;
        let Some(NextAction::CryptoTransfer { address, .. }) = deposit.next_action.clone() else {
            panic!("no address: {deposit:#?}");
        };
        (deposit, address)
    }

    async fn send_coins(&self, address: &str) {
        self.mocks.payin(PSP, json!({"address": address, "amount": "100.00"})).await;
    }

    /// The newest decision about a payment.
    async fn decided(&self, id: PaymentId) -> String {
        let sql = format!(
            "select outcome from decision where payment_id = '{}' order by known_at desc, slot, seq desc
             limit 1",
            id.uuid
        );
        self.texts(&sql).await.pop().unwrap()
    }

    /// The payment, once its check is closed.
    async fn checked(&self, id: PaymentId, what: &str) -> Payment {
        let sql = format!(
            "select count(*) from vendor_check where payment_id = '{}' and closed_at is not null",
            id.uuid
        );
        let closed = || async { (self.number(&sql).await == 1).then_some(()) };
        eventually(what, SOON, closed).await;
        self.payment(id).await
    }

    async fn review_kinds(&self, payment: &Payment) -> Vec<String> {
        self.reviews(payment).await.into_iter().map(|review| review.kind).collect()
    }
}

/// What a fault leaves of one payment, past the deadline: people look at it, and nothing has moved.
async fn is_before_people(world: &World, id: PaymentId, fault: &str) {
    let payment = world.checked(id, fault).await;
    assert_eq!(payment.status.as_str(), "in_review", "{fault}: {payment:#?}");
    let outcome = world.decided(id).await;
    assert!(["review", "hold"].contains(&outcome.as_str()), "{fault}: {outcome}");
    assert!(payment.credited.is_none() && payment.attempts.iter().all(|it| it.part.is_none()));
    let kind = match (payment.suspended, outcome.as_str()) {
        (Some(_), _) => "money_in",
        (None, "hold") => "withdrawal_hold",
        (None, _) => "withdrawal_review",
    };
    assert_eq!(world.review_kinds(&payment).await, [kind], "{fault}");
    let shown = payment.reasons.iter().any(|it| it.audience.as_str() != "compliance");
    assert!(!shown, "{fault}: only compliance may know why: {:?}", payment.reasons);
}

/// Every fault at once, each for a payment of its own, and one payment without.
async fn each_fault(vendor: &'static str, comes_in: bool) {
    let world = world(Some(vendor)).await;
    let mut waiting = Vec::new();
    for (number, (fault, is_late)) in FAULTS.into_iter().enumerate() {
        let (payment, at) = if comes_in {
            world.begin_coins_in().await
        } else {
            let at = address(number + 1);
            world.mocks.vendor_fault(vendor, json!({"fault": fault, "subject": at})).await;
            (world.pay_coins_out(&at).await, at)
        };
        if comes_in {
            world.mocks.vendor_fault(vendor, json!({"fault": fault, "subject": at})).await;
            world.send_coins(&at).await;
        } else {
            assert_eq!(payment.status.as_str(), "screening", "{fault}");
        }
        waiting.push((payment.id, fault, is_late));
    }
    let control = if comes_in {
        let (deposit, at) = world.begin_coins_in().await;
        world.send_coins(&at).await;
        deposit
    } else {
        world.pay_coins_out(&address(99)).await
    };
    world.settled(control.id, if comes_in { "succeeded" } else { "paid" }).await;
    assert_eq!(world.decided(control.id).await, "approve");
    for (id, fault, _) in waiting.iter().filter(|(.., is_late)| !is_late) {
        is_before_people(&world, *id, fault).await;
    }
    for (id, fault, _) in waiting.iter().filter(|(.., is_late)| *is_late) {
        let payment =
            if comes_in { world.settled(*id, "in_review").await } else { world.payment(*id).await };
        if comes_in {
            assert_eq!(world.review_kinds(&payment).await, ["awaiting_vendor"], "{fault}");
        } else {
            assert_eq!(payment.status.as_str(), "screening", "{fault}: it waits");
        }
    }
    world.move_on(PAST_DEADLINE).await;
    for (id, fault, _) in waiting.iter().filter(|(.., is_late)| *is_late) {
        is_before_people(&world, *id, fault).await;
    }
    assert_eq!(world.number("select count(*) from vendor_check where closed_at is null").await, 0);
    world.close().await;
}

macro_rules! matrix {
    ($($name:ident = $vendor:literal, $way:ident;)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            each_fault($vendor, $way).await;
        })+
    };
}

matrix! {
    no_fault_of_chainalysis_approves_a_deposit = "chainalysis", DEPOSIT;
    no_fault_of_chainalysis_approves_a_withdrawal = "chainalysis", WITHDRAWAL;
    no_fault_of_elliptic_approves_a_deposit = "elliptic", DEPOSIT;
    no_fault_of_elliptic_approves_a_withdrawal = "elliptic", WITHDRAWAL;
    no_fault_of_trm_approves_a_deposit = "trm", DEPOSIT;
    no_fault_of_trm_approves_a_withdrawal = "trm", WITHDRAWAL;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_comes_back_in_time_lets_the_payment_go_on_by_itself() {
    let world = world(None).await;
    let away = address(1);
    world.mocks.vendor_listener("elliptic", false).await;
    let withdrawal = world.pay_coins_out(&away).await;
    assert_eq!(withdrawal.status.as_str(), "screening");
    let failed = "select count(*) from vendor_result where state = 'error'";
    let told = || async { (world.number(failed).await == 1).then_some(()) };
    eventually("the failure is on record", SOON, told).await;
    world.mocks.vendor_listener("elliptic", true).await;
    let paid = || async {
        let payment = world.payment(withdrawal.id).await;
        (payment.status.as_str() == "paid").then_some(())
    };
    world.later("it is paid", Duration::from_secs(20), paid).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_script_what_is_found_without_any_control_call() {
    let world = world(None).await;
    for (tail, status) in [("bad001", "in_review"), ("bad005", "in_review"), ("bad003", "paid")] {
        let withdrawal = world.pay_coins_out(&format!("0x{:034}{tail}", 7)).await;
        world.settled(withdrawal.id, status).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_asking_resumes_with_the_same_case_and_asks_no_second_time() {
    let mut world = world(Some("chainalysis")).await;
    let at = address(1);
    world.mocks.vendor_fault("chainalysis", json!({"fault": "pending", "subject": at})).await;
    let withdrawal = world.pay_coins_out(&at).await;
    let pending = "select count(*) from vendor_result where state = 'pending'";
    let kept = || async { (world.number(pending).await == 1).then_some(()) };
    eventually("the vendor has taken it", SOON, kept).await;
    world.kill(0);
    world.start_instance().await;
    let polled = || async { world.mocks.cases("chainalysis").await[0]["polled"].as_u64() };
    let before = polled().await;
    let resumed = || async { (before < polled().await).then_some(()) };
    world.later("the new instance polls", Duration::from_secs(20), resumed).await;
    world.move_on(PAST_DEADLINE).await;
    world.settled(withdrawal.id, "in_review").await;
    let cases = world.mocks.cases("chainalysis").await;
    let asked: Vec<&Value> = cases.iter().map(|case| &case["asked"]).collect();
    assert_eq!(asked, [&json!(1)], "one case, asked about once");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_waits_can_be_cancelled_and_a_late_answer_changes_nothing() {
    let world = world(None).await;
    let at = address(1);
    let rule = json!({"fault": "pending", "subject": at, "delay_ms": 60_000});
    world.mocks.vendor_fault("elliptic", rule).await;
    let withdrawal = world.pay_coins_out(&at).await;
    let cancelled = world.one().cancel(&withdrawal).await.unwrap();
    assert_eq!(cancelled.status.as_str(), "cancelled");
    world.move_on(Duration::from_secs(90)).await;
    let payment = world.checked(withdrawal.id, "the answer has come").await;
    assert_eq!(payment.status.as_str(), "cancelled");
    assert_eq!(world.wallet(&payment.player).await.held, 0);
    world.close().await;
}

/// Beside it are due: a hook, a currency and places as another release may write them.
const OF_ANOTHER_RELEASE: &str = "
    insert into vendor_check (payment_id, hook, operator_id, player_id, amount, currency, opened_at,
        deadline_at, due_at, round, places)
      select gen_random_uuid(), other.hook, operator_id, player_id, amount, other.currency, opened_at,
        deadline_at, due_at - interval '1 second', 1, other.places::json
      from vendor_check cross join (values
        ('kyt_of_tomorrow', 'USD', null),
        ('kyt_withdrawal', 'ZZZ', null),
        ('kyt_withdrawal', 'USD', '[[\"0xsecret\"]]')) as other (hook, currency, places)";

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_another_release_wrote_holds_up_nobody_elses_and_people_hear_of_it_once() {
    let setup = Setup { workers: false, accounts: MALTA.accounts, ..Setup::default() };
    let world = World::with(Setup { first: Some(PSP), ..setup }).await;
    let withdrawal = world.pay_coins_out(&address(1)).await;
    assert_eq!(withdrawal.status.as_str(), "screening");
    sqlx::raw_sql(OF_ANOTHER_RELEASE).execute(&world.rows).await.unwrap();
    let look = async || {
        let flows = world.one().flows.clone();
        let looking = async move {
            let now = flows.clock.now();
            ScreeningWorker::new(flows).activate(now).await.unwrap().claimed
        };
        world.one().run(looking).await
    };
    assert_eq!(look().await, 1, "the one that can be read");
    world.checked(withdrawal.id, "its vendor is asked").await;
    assert_eq!(world.decided(withdrawal.id).await, "approve");
    let tries = "select sum(tries)::bigint from vendor_check where closed_at is null";
    assert_eq!(world.number(tries).await, 3);
    world.move_on(Duration::from_secs(61)).await;
    assert_eq!(look().await, 0);
    assert_eq!(world.number(tries).await, 6, "they are looked at again");
    assert_eq!(world.incidents("row_unreadable").await, 3);
    let told = "select detail from service_incident where kind = 'row_unreadable'";
    for detail in world.texts(told).await {
        assert!(detail.starts_with("the check of the payment "), "{detail}");
        assert!(!detail.contains("secret"), "what is asked about is not told: {detail}");
    }
    let gone = "delete from vendor_check where closed_at is null";
    sqlx::raw_sql(gone).execute(&world.rows).await.unwrap();
    world.close().await;
}

/// Its answer takes longer than its lease: a claim that nobody follows would put off its next look.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_being_asked_about_is_left_to_who_asks() {
    let setup = Setup { workers: false, accounts: MALTA.accounts, ..Setup::default() };
    let world = World::with(Setup { first: Some(PSP), ..setup }).await;
    let withdrawal = world.pay_coins_out(&address(1)).await;
    assert_eq!(withdrawal.status.as_str(), "screening");
    let mut elsewhere = world.rows.begin().await.unwrap();
    let locked = "lock table vendor_result in access exclusive mode";
    sqlx::raw_sql(locked).execute(&mut *elsewhere).await.unwrap();
    let worker = Arc::new(ScreeningWorker::new(world.one().flows.clone()));
    let look = async || {
        let (worker, now) = (worker.clone(), world.one().flows.clock.now());
        world.one().run(async move { worker.activate(now).await.unwrap().claimed }).await
    };
    assert_eq!(look().await, 1);
    let leased =
        "select sum(tries * 1000000 + extract(epoch from due_at))::bigint from vendor_check";
    let before = world.number(leased).await;
    world.move_on(Duration::from_secs(61)).await;
    assert_eq!(look().await, 0);
    assert_eq!(world.number(leased).await, before, "it is as it was");
    elsewhere.rollback().await.unwrap();
    world.checked(withdrawal.id, "it is asked about once").await;
    drop(worker);
    world.close().await;
}

/// Its player is near an entry of a list: two people have looked at that when it began. Whether its coins are clean is
/// all that is left to ask.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_let_go_of_is_not_asked_again_while_its_coins_are_looked_at() {
    let setup = Setup { accounts: MALTA.accounts, first: Some(PSP), ..Setup::default() };
    let vendors = Setup { shipped: true, vendors: CHECKS, ..setup };
    let world = World::with(Setup { analyst: Some("elliptic"), ..vendors }).await;
    let player = world.player_of(MALTA).await;
    let known = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Similar".to_owned(), ..known }).await;
    let deposit = world.one().deposit(MALTA.deposit(&player)).await;
    assert_eq!(deposit.status.as_str(), "in_review", "{:?}", deposit.reasons);
    assert!(deposit.reasons.iter().any(|why| why.code == "names.sanctions"));
    world.two_people(&deposit, "approve").await;
    let open = world.settled(deposit.id, "action_required").await;
    let Some(NextAction::CryptoTransfer { address, .. }) = open.next_action.clone() else {
        panic!("no address: {open:#?}");
    };
    world.send_coins(&address).await;
    let paid = world.checked(deposit.id, "its coins were looked at").await;
    assert_eq!(paid.status.as_str(), "succeeded", "{:?}", world.review_kinds(&paid).await);
    assert_eq!(world.decided(deposit.id).await, "approve");
    world.close().await;
}
