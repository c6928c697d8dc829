//! The policies that come with the program, to the letter, with everybody there whom they ask: the
//! market's players pay and are paid at once, and the named ones show what stops them.

use super::harness::markets::{
    BRAZIL, BRITAIN, BRITISH_CARDS, CANADA, GERMANY, MALTA, Market, SWEDEN, wallet_address,
};
use super::harness::{CHECKS, SOON, Setup, World, eventually, withdrawal_to};
use interlock::book::Payment;
use interlock::domain::{Audience, Player, PlayerKey};
use interlock::payments::request_withdrawal::DestinationOrder;
use serde_json::{Value, json};

async fn world_of(market: Market) -> World {
    let setup = Setup { accounts: market.accounts, vendors: CHECKS, ..Setup::default() };
    World::with(Setup { shipped: true, ..setup }).await
}

async fn named(world: &World, market: Market, name: &str) -> PlayerKey {
    let key = world.player_of(market).await;
    call(world, &key, name).await;
    key
}

async fn call(world: &World, key: &PlayerKey, name: &str) {
    let known = world.read_player(key).await;
    world.change_player(Player { full_name: name.to_owned(), ..known }).await;
}

/// A deposit that its payer has paid.
async fn paid_in(world: &World, market: Market, player: &PlayerKey) -> Payment {
    let deposit = world.one().deposit(market.deposit(player)).await;
    assert_eq!(deposit.status.as_str(), "action_required", "{deposit:#?}");
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await
}

/// Who was asked, as the first decision about a payment kept it.
async fn asked(world: &World, payment: &Payment) -> Value {
    let id = payment.id.uuid;
    let kept = format!(
        "select inputs::text from decision where payment_id = '{id}' order by recorded_at limit 1"
    );
    let facts: Value = serde_json::from_str(&world.texts(&kept).await.remove(0)).unwrap();
    facts["checks"].clone()
}

fn codes(payment: &Payment) -> Vec<&str> {
    payment.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// Deposits and withdraws at once, and gives who was asked about the deposit.
async fn there_and_back(market: Market) -> Value {
    let world = world_of(market).await;
    let player = world.player_of(market).await;
    let deposit = paid_in(&world, market, &player).await;
    let to = market.network.map_or(DestinationOrder::Source(deposit.id), wallet_address);
    if market.network.is_none() {
        // Nuvei's webhook proves that money came; whose it was is asked for after it.
        let told = || async { world.payment(deposit.id).await.source };
        eventually("its PSP told where the money came from", SOON, told).await;
    }
    let withdrawal = world.one().withdraw(market.withdrawal(&player, to)).await;
    assert!(withdrawal.reasons.is_empty(), "{:?}", withdrawal.reasons);
    world.settled(withdrawal.id, "paid").await;
    let checks = asked(&world, &deposit).await;
    world.close().await;
    checks
}

/// A British card pays at one PSP; the answer says what became of the deposit.
async fn by_card(psp: &'static str, payer: &str, status: &str) -> Payment {
    let setup = Setup { accounts: BRITISH_CARDS.accounts, vendors: CHECKS, ..Setup::default() };
    let world = World::with(Setup { shipped: true, first: Some(psp), ..setup }).await;
    let player = world.player_of(BRITISH_CARDS).await;
    let begun = world.one().deposit(BRITISH_CARDS.deposit(&player)).await;
    let outcome = json!({"outcome": "succeeded", "payer": {"name": payer}});
    world.complete_with(&begun, outcome).await;
    let settled = world.settled(begun.id, status).await;
    world.leave_open();
    settled
}

#[tokio::test(flavor = "multi_thread")]
async fn british_credit_cards_are_not_credited_and_cards_of_which_nobody_tells_are_looked_at() {
    let debit = by_card("nuvei-gb", "Erika Mustermann", "succeeded").await;
    assert!(debit.credited.is_some() && debit.reasons.is_empty());
    let credit = by_card("nuvei-gb", "Erika Credit", "in_review").await;
    assert_eq!((credit.credited, codes(&credit)), (None, vec!["payment.card_not_allowed"]));
    let untold = by_card("adyen-gb", "Erika Mustermann", "in_review").await;
    assert_eq!((untold.credited, codes(&untold)), (None, vec!["payment.card_untold"]));
}

fn matchers(checks: &Value) -> usize {
    let names = checks["names"].as_array().unwrap();
    names.iter().filter(|name| name["found"]["version"].is_string()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swede_pays_and_is_paid_at_once_and_the_register_was_asked() {
    let checks = there_and_back(SWEDEN).await;
    assert_eq!(checks["register"]["register"], "register-se");
    assert_eq!(checks["register"]["found"]["standing"], "not_excluded");
    assert_eq!(matchers(&checks), 2, "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_pays_and_is_paid_at_once_within_room_over_all_operators() {
    let checks = there_and_back(GERMANY).await;
    assert_eq!(checks["register"]["register"], "register-de");
    assert_eq!(checks["file"]["file"], "limit-file-de");
    assert_eq!(checks["file"]["found"]["granted"], true);
    assert_eq!(matchers(&checks), 2, "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_briton_pays_and_is_paid_at_once_and_the_register_was_asked() {
    let checks = there_and_back(BRITAIN).await;
    assert_eq!(checks["register"]["register"], "register-gb");
    assert_eq!(matchers(&checks), 2, "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_without_a_register_ask_lists_of_names_alone() {
    for market in [BRAZIL, CANADA] {
        let checks = there_and_back(market).await;
        assert!(checks["register"].is_null(), "{checks}");
        assert_eq!(matchers(&checks), 2, "{checks}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_come_and_go_once_vendors_and_lists_know_nothing_against_them() {
    let world = world_of(MALTA).await;
    let player = world.player_of(MALTA).await;
    world.win(&player, MALTA.currency, MALTA.minor).await;
    let to = wallet_address("ethereum");
    let withdrawal = world.one().withdraw(MALTA.withdrawal(&player, to)).await;
    world.settled(withdrawal.id, "paid").await;
    assert_eq!(matchers(&asked(&world, &withdrawal).await), 2);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_named_ones_are_stopped_as_the_shipped_policy_says_and_money_still_goes_home() {
    let world = world_of(GERMANY).await;
    for (name, status, code) in [
        ("Erika Excluded", "blocked", "player.excluded"),
        ("Erika Unrecognised", "blocked", "register.person_unknown"),
        ("Erika Sanctioned", "in_review", "names.sanctions"),
        ("Erika Similar", "in_review", "names.sanctions"),
        ("Erika Exposed", "in_review", "names.pep"),
    ] {
        let player = named(&world, GERMANY, name).await;
        let deposit = world.one().deposit(GERMANY.deposit(&player)).await;
        assert_eq!(deposit.status.as_str(), status, "{name}: {:?}", deposit.reasons);
        assert!(codes(&deposit).contains(&code), "{name}: {:?}", codes(&deposit));
        assert!(deposit.attempts.is_empty(), "{name}: no PSP hears of it");
        if status == "blocked" {
            world.win(&player, GERMANY.currency, 1_000).await;
            let home = withdrawal_to(&player, GERMANY.money(1_000), name);
            let home = world.one().withdraw(home).await;
            assert_eq!(home.status.as_str(), "approved", "{name}");
        } else {
            let hidden = deposit.reasons.iter().all(|it| it.audience == Audience::Compliance);
            assert!(hidden, "{name}: {:?}", deposit.reasons);
        }
    }
    let limited = named(&world, GERMANY, "Erika Limited").await;
    let mut much = GERMANY.deposit(&limited);
    much.money = GERMANY.money(100_001);
    let over = world.one().deposit(much).await;
    assert_eq!(codes(&over), ["limit.cross_operator_exceeded"]);
    let fits = world.one().deposit(GERMANY.deposit(&limited)).await;
    assert_eq!(fits.status.as_str(), "action_required", "control: there is room for less");
    world.one().cancel(&fits).await.unwrap();
    world.close().await;
}

/// A name that is found on a list between a deposit and a withdrawal: the money stays where it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_of_a_listed_name_is_held_and_only_compliance_reads_why() {
    let world = world_of(GERMANY).await;
    let player = world.player_of(GERMANY).await;
    let deposit = paid_in(&world, GERMANY, &player).await;
    call(&world, &player, "Erika Sanctioned").await;
    let to = DestinationOrder::Source(deposit.id);
    let held = world.one().withdraw(GERMANY.withdrawal(&player, to)).await;
    assert_eq!(held.status.as_str(), "in_review");
    assert_eq!(codes(&held), ["names.sanctions", "names.sanctions"], "one a matcher");
    assert!(held.reasons.iter().all(|reason| reason.audience == Audience::Compliance));
    assert_eq!(world.wallet(&player).await.held, held.money.minor);
    assert!(world.one().cancel(&held).await.is_err(), "nobody calls it back");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_register_no_market_takes_a_deposit_and_with_it_again_it_does() {
    for (market, register) in [(SWEDEN, "register-se"), (BRITAIN, "register-gb")] {
        let world = world_of(market).await;
        let player = world.player_of(market).await;
        world.mocks.vendor_listener(register, false).await;
        let denied = world.one().deposit(market.deposit(&player)).await;
        assert_eq!(codes(&denied), ["register.no_answer"]);
        world.mocks.vendor_listener(register, true).await;
        paid_in(&world, market, &player).await;
        // What it answered counts for an hour: it is not asked for every deposit.
        let none = json!({"fault": "http_503"});
        world.mocks.vendor_fault(register, none).await;
        paid_in(&world, market, &player).await;
        world.close().await;
    }
}
