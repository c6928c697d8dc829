//! A withdrawal whose destination is named as the source of a deposit: only money that came makes an account
//! the player's.

use super::closed_loop::{back, paid_in};
use super::harness::markets::GERMANY;
use super::harness::{Setup, World, claim, eur, key, withdrawal_order};
use super::taken_back::{approve, open_return};
use interlock::book::Payment;
use interlock::decide::Command;
use interlock::decide::command::{News, Source};
use interlock::domain::{Instrument, PlayerKey};
use interlock::payments::request_withdrawal::{
    DestinationError, DestinationOrder, RequestError, WithdrawalOrder,
};
use interlock::players::knows_destination::knows_destination;
use psp_contract::{Outcome, PayerProof, Portable, Report, Status};

fn to_source(player: &PlayerKey, deposit: &Payment) -> WithdrawalOrder {
    WithdrawalOrder {
        destination: DestinationOrder::Source(deposit.id),
        claim: claim("withdrawals", &key()),
        ..back(player, eur(500))
    }
}

async fn refused(world: &World, order: WithdrawalOrder) -> DestinationError {
    match world.one().try_withdraw(order).await.unwrap_err() {
        RequestError::Destination(why) => why,
        other => panic!("{other:?}"),
    }
}

/// The PSP tells whose account it is before any money came, as Trustly does.
async fn tell_account(world: &World, deposit: &Payment, status: Status) {
    let attempt = &deposit.attempts[0];
    let iban = "DE02120300000000202051".to_owned();
    let holder_name = "Somebody Else".to_owned();
    let portable = Some(Portable::Iban { iban, holder_name });
    let payer = Some(PayerProof { portable, ..PayerProof::default() });
    let report =
        Report { psp_reference: attempt.psp_reference.clone(), status, payer, attempt: None };
    let news = News {
        payment: deposit.id.uuid,
        direction: deposit.direction(),
        attempt: attempt.id,
        source: Source::Webhook { hint: false },
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    };
    let (flows, player) = (world.one().flows.clone(), deposit.player.clone());
    let told = async move { flows.lanes.submit(&player, Command::News(Box::new(news))).await };
    world.one().run(told).await.unwrap();
}

/// Whoever has a player's token opens a deposit, chooses a bank account of their own, and never pays.
#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_a_deposit_that_nobody_paid_is_no_destination() {
    let liars = vec!["trustly-de", "truelayer-de"];
    let world = World::with(Setup { workers: false, liars, ..Setup::default() }).await;
    let player = world.rich_player("DE", 10_000).await;
    let deposit = world.deposit(&player, eur(700)).await;
    tell_account(&world, &deposit, Status::Pending).await;
    let known = world.payment(deposit.id).await;
    assert!(known.source.is_some_and(|source| source.portable.is_some()), "the account is told");
    let told = refused(&world, to_source(&player, &deposit)).await;
    assert_eq!(told, DestinationError::SourceUnpaid);
    assert_eq!(world.wallet(&player).await.held, 0);
    // Paid, it is the source that it says.
    tell_account(&world, &deposit, Status::Succeeded { money: eur(700) }).await;
    let paid = world.one().withdraw(to_source(&player, &deposit)).await;
    assert_eq!(paid.parts[0].instrument.source_deposit, Some(deposit.id.uuid));
    // And taken back, it is none.
    tell_account(&world, &deposit, Status::Reversed { money: eur(700) }).await;
    world.win(&player, eur(0).currency, 9_000).await;
    let over = world.payment(deposit.id).await;
    assert_eq!(over.status.as_str(), "reversed");
    let told = refused(&world, to_source(&player, &deposit)).await;
    assert_eq!(told, DestinationError::SourceUnpaid);
    world.close().await;
}

/// What a return was paid to is where money came from that may never have been the player's.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_deposit_was_sent_back_to_is_no_account_that_a_browser_may_name() {
    // Trustly tells a name of its own for the account, TrueLayer the account itself.
    let first = Some("truelayer-de");
    let world = World::with(Setup { first, ..Setup::default() }).await;
    let player = world.player_of(GERMANY).await;
    let deposit = paid_in(&world, GERMANY.deposit(&player)).await;
    let account = |source: &Instrument| source.portable.clone().unwrap();
    let account = account(&deposit.source.clone().unwrap());
    let returned = open_return(&world, &deposit, None).await;
    approve(&world, &returned).await;
    world.settled(returned.id, "paid").await;
    assert!(!knows(&world, &player, &account).await, "a return vouches for nobody");

    let other = world.rich_player("DE", 10_000).await;
    let paid = world.one().withdraw(withdrawal_order(&other, eur(1_000))).await;
    let account = paid.parts[0].instrument.portable.clone().unwrap();
    world.settled(paid.id, "paid").await;
    assert!(knows(&world, &other, &account).await, "control: paid at the casino's word");
    world.close().await;
}

async fn knows(world: &World, player: &PlayerKey, account: &Portable) -> bool {
    let (flows, player, account) = (world.one().flows.clone(), player.clone(), account.clone());
    let asked = async move { knows_destination(&flows, &player, &account).await };
    world.one().run(asked).await.unwrap()
}
