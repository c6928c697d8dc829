//! Money that nobody asked for: whose it is, that it is booked once, and where it waits.

use super::harness::{Setup, World, deposit_order, eur, key};
use interlock::book::Payment;
use interlock::decide::command::{News, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{AttemptStatus, Currency, Direction, Origin, PlayerKey};
use interlock::payments::facts::pseudonym;
use interlock::payments::receive_payin::{Received, receive_payin};
use interlock::payments::start_deposit::start_deposit;
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::limits::Period;
use interlock::screening::movement::UseState;
use interlock::store::movements;
use interlock::webhooks::process::process;
use psp_adapters::WebhookEvent;
use psp_contract::{
    AssetAmount, Money, NextAction, Outcome, PayerProof, Payin, PayinTarget, Portable, Report,
    Status,
};
use time::OffsetDateTime;

pub const PSP: &str = "trustly-de";

/// The mocks know nothing of these arrivals, so their books are no judge of ours.
pub async fn world() -> World {
    World::with(Setup { liars: vec![PSP], ..Setup::default() }).await
}

fn payin(target: PayinTarget, money: Money) -> Payin {
    let portable = Portable::Iban {
        iban: "DE89370400440532013000".to_owned(),
        holder_name: "Erika Mustermann".to_owned(),
    };
    Payin {
        target,
        psp_reference: format!("tx-{}", key()),
        money,
        asset: None,
        payer: Some(PayerProof { portable: Some(portable), ..PayerProof::default() }),
        chain: None,
        confirmed: true,
    }
}

pub fn to_player(player: &PlayerKey, money: Money) -> Payin {
    payin(PayinTarget::PlayerReference(pseudonym(player).simple().to_string()), money)
}

fn address(tag: Option<&str>) -> PayinTarget {
    PayinTarget::Address {
        network: "ethereum".to_owned(),
        asset: "USDC".to_owned(),
        address: "0xabc".to_owned(),
        tag: tag.map(str::to_owned),
    }
}

async fn arrive(world: &World, payin: &Payin) -> Received {
    let (flows, payin) = (world.one().flows.clone(), payin.clone());
    let work = async move { receive_payin(&flows, PSP, &payin, None).await };
    world.one().run(work).await.unwrap()
}

pub async fn booked(world: &World, payin: &Payin) -> Payment {
    match arrive(world, payin).await {
        Received::Booked(payment) => (*payment).clone(),
        other => panic!("not booked: {other:?}"),
    }
}

pub async fn deposits(world: &World) -> i64 {
    world.number("select count(*) from payment where direction = 'deposit'").await
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_a_player_becomes_a_deposit_of_its_own_and_is_credited_once() {
    let world = world().await;
    let player = world.player("DE").await;
    let arrival = to_player(&player, eur(2_000));
    let deposit = booked(&world, &arrival).await;
    assert_eq!((deposit.status.as_str(), deposit.origin), ("succeeded", Origin::Unsolicited));
    assert_eq!((deposit.received, deposit.credited), (Some(eur(2_000)), Some(eur(2_000))));
    assert_eq!(deposit.attempts[0].psp, PSP);
    assert_eq!(deposit.attempts[0].status, AttemptStatus::Succeeded);
    assert!(deposit.source.is_some(), "it can be paid back to its source");
    assert!(matches!(arrive(&world, &arrival).await, Received::Seen));
    assert_eq!(deposits(&world).await, 1);
    assert_eq!(world.wallet(&player).await.cash, 2_000);
    let uses =
        movements::of_player(&world.rows, &player, OffsetDateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!((uses.len(), uses[0].state, uses[0].money), (1, UseState::Counted, eur(2_000)));
    let checkpoints = world.texts("select checkpoint || ' ' || outcome from decision").await;
    assert_eq!(checkpoints, ["deposit.post approve"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_event_about_money_without_a_request_is_booked() {
    let world = world().await;
    let player = world.player("DE").await;
    let event = WebhookEvent {
        event_id: key(),
        kind: "payin".to_owned(),
        attempt: None,
        psp_reference: None,
        subject: None,
        report: None,
        if_deposit: None,
        payin: Some(to_player(&player, eur(900))),
        occurred_at: None,
        hint_only: false,
        untold: None,
    };
    let unproven = WebhookEvent { event_id: key(), hint_only: true, ..event.clone() };
    for event in [unproven, event] {
        let flows = world.one().flows.clone();
        world.one().run(async move { process(&flows, PSP, &event).await }).await;
    }
    assert_eq!(world.wallet(&player).await.cash, 900);
    let raised = "select count(*) from service_incident where kind = 'payin.unproven'";
    assert_eq!(world.number(raised).await, 1, "what proves too little moves nothing");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_not_final_moves_nothing_until_it_is() {
    let world = world().await;
    let player = world.player("DE").await;
    let mut arrival = to_player(&player, eur(900));
    arrival.confirmed = false;
    assert!(matches!(arrive(&world, &arrival).await, Received::Unconfirmed));
    assert_eq!(deposits(&world).await, 0);
    arrival.confirmed = true;
    booked(&world, &arrival).await;
    assert_eq!(world.wallet(&player).await.cash, 900);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_over_the_players_limit_waits_for_two_people() {
    let world = world().await;
    let player = world.player("DE").await;
    let (flows, key) = (world.one().flows.clone(), player.clone());
    let limit = Change::Replace(vec![(Period::Day, eur(1_000))]);
    world.one().run(async move { set_limits(&flows, &key, limit).await.unwrap() }).await;
    let deposit = booked(&world, &to_player(&player, eur(2_000))).await;
    assert_eq!(deposit.status.as_str(), "in_review");
    assert_eq!((deposit.suspended, deposit.credited), (Some(eur(2_000)), None));
    assert!(!deposit.reasons.is_empty(), "the casino is told why");
    assert_eq!(world.house_balance("suspense").await, 2_000);
    assert_eq!(world.incidents("deposit.unsolicited").await, 1);
    world.two_people(&deposit, "approve").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, 2_000);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_of_nobody_waits_in_suspense_and_can_only_go_back() {
    let world = world().await;
    for target in [PayinTarget::PlayerReference("stranger".to_owned()), address(None)] {
        let deposit = booked(&world, &payin(target, eur(700))).await;
        assert_eq!(deposit.status.as_str(), "in_review");
        assert!(deposit.player.player.is_unclaimed());
        let review = world.reviews(&deposit).await.pop().unwrap();
        let wanted = |outcome: &str| interlock::payments::review_payment::ReviewAct::Propose {
            outcome: outcome.to_owned(),
            note: "looked at it".to_owned(),
        };
        let one = world.one();
        assert!(one.review((&review, &deposit), wanted("approve"), "ann").await.is_err());
        assert!(one.review((&review, &deposit), wanted("return"), "ann").await.is_ok());
    }
    assert_eq!(world.house_balance("suspense").await, 1_400);
    assert_eq!(world.incidents("deposit.unclaimed").await, 2);
    world.close().await;
}

/// A deposit whose PSP has answered with an address.
async fn with_address(world: &World, player: &PlayerKey, money: Money) -> Payment {
    let (flows, order) = (world.one().flows.clone(), deposit_order(player, money));
    let begun = world.one().run(async move { start_deposit(&flows, &order).await }).await.unwrap();
    let Answer::Payment(begun) = begun else { panic!("not begun") };
    let PayinTarget::Address { network, asset, address, .. } = address(None) else {
        panic!("no address")
    };
    let next_action = Some(NextAction::CryptoTransfer {
        address,
        network,
        asset,
        asset_amount: "7.00".to_owned(),
        expires_at: None,
    });
    let status = Status::Accepted { next_action, expires_at: None };
    let report = Report { psp_reference: None, status, payer: None, attempt: None };
    let news = News {
        payment: begun.id.uuid,
        direction: Direction::Deposit,
        attempt: begun.attempts[0].id,
        source: Source::Call,
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let (flows, player) = (world.one().flows.clone(), player.clone());
    let told = async move { flows.lanes.submit(&player, Command::News(Box::new(news))).await };
    world.one().run(told).await.unwrap();
    world.payment(begun.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_request_of_an_address_gets_the_money_and_later_money_is_the_players() {
    let world = world().await;
    let player = world.player("DE").await;
    let request = with_address(&world, &player, eur(700)).await;
    assert_eq!(request.status.as_str(), "action_required");
    let first = booked(&world, &payin(address(None), eur(700))).await;
    assert_eq!((first.id, first.status.as_str()), (request.id, "succeeded"));
    let later = booked(&world, &payin(address(None), eur(800))).await;
    assert_ne!(later.id, request.id);
    assert_eq!((later.player.clone(), later.origin), (player.clone(), Origin::Unsolicited));
    assert_eq!(world.wallet(&player).await.cash, 1_500);
    let other = booked(&world, &payin(address(Some("7")), eur(900))).await;
    assert!(other.player.player.is_unclaimed(), "another tag is another address");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_money_at_the_address_of_a_request_that_named_its_amount_waits_for_people() {
    let world = world().await;
    let player = world.player("DE").await;
    let request = with_address(&world, &player, eur(700)).await;
    let held = booked(&world, &payin(address(None), eur(600))).await;
    assert_eq!((held.id, held.status.as_str()), (request.id, "in_review"));
    assert_eq!(held.received, Some(eur(600)));
    assert_eq!(world.incidents("deposit.other_amount").await, 1);
    world.close().await;
}

/// The database finds a player by the name that the service computes.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_and_the_service_agree_on_a_players_name_at_psps() {
    let world = world().await;
    let player = world.player("DE").await;
    let found = interlock::store::payins::by_pseudonym(&world.rows, pseudonym(&player)).await;
    assert_eq!(found.unwrap(), Some(player));
    world.close().await;
}

/// The books end at the eighth decimal of ether, and the chain does not: nothing of it is lost from sight.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_chain_sends_below_the_smallest_unit_adds_up_to_whole_ones() {
    let world = world().await;
    let player = world.player("DE").await;
    let arrives = async |exact: &str, minor| {
        let asset = Some(AssetAmount { asset: "ETH".to_owned(), amount: exact.to_owned() });
        let money = Money::new(minor, Currency::ETH);
        let payin = Payin { asset, ..to_player(&player, money) };
        booked(&world, &payin).await;
        arrive(&world, &payin).await;
        let kept = "select coalesce(sum(amount), 0)::bigint from entry where account = 'rounding'";
        world.number(kept).await
    };
    assert_eq!(arrives("0.012345678600000000", 1_234_567).await, 0);
    assert_eq!(arrives("0.00000001", 1).await, 0, "it is whole");
    assert_eq!(arrives("0.000000015000000001", 1).await, 1);
    assert_eq!(arrives("0.000000016999999999", 1).await, 2);
    assert_eq!(arrives("0.000000012000000000", 1).await, 2);
    let kept = world
        .texts(
            "select below_unit::text || ' ' || below_unit_currency from payin \
                            where below_unit is not null order by received_at",
        )
        .await;
    assert_eq!(kept, ["0.86 ETH", "0.5000000001 ETH", "0.6999999999 ETH", "0.2 ETH"]);
    world.close().await;
}
