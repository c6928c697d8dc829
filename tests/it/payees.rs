//! Whose account a withdrawal goes to.

use super::harness::{World, eur, withdrawal_order};
use interlock::book::Payment;
use interlock::domain::{Instrument, PlayerKey};
use interlock::payments::request_withdrawal::{DestinationOrder, WithdrawalOrder};
use psp_contract::Portable;

fn to(player: &PlayerKey, iban: &str, holder: &str) -> WithdrawalOrder {
    let (iban, holder_name) = (iban.to_owned(), holder.to_owned());
    let portable = Some(Portable::Iban { iban, holder_name });
    let instrument = Instrument { portable, ..Instrument::default() };
    let destination = DestinationOrder::Instrument(Box::new(instrument));
    WithdrawalOrder { destination, ..withdrawal_order(player, eur(1_000)) }
}

fn told(withdrawal: &Payment) -> Vec<&str> {
    withdrawal.reasons.iter().map(|reason| &*reason.code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_to_another_persons_account_is_put_before_people() {
    let world = World::new().await;
    let player = world.rich_player("DE", 10_000).await;
    let own = to(&player, "DE89370400440532013000", "MUSTERMANN, ERIKA");
    let own = world.one().withdraw(own).await;
    world.settled(own.id, "paid").await;

    let others = to(&player, "DE02120300000000202051", "Max Other");
    let others = world.one().withdraw(others).await;
    assert_eq!((others.status.as_str(), told(&others)), ("in_review", vec!["payee.name_differs"]));
    world.two_people(&others, "approve").await;
    world.settled(others.id, "paid").await;
    // Two people looked at it: it is known by now.
    let again = to(&player, "DE02120300000000202051", "Max Other");
    let again = world.one().withdraw(again).await;
    world.settled(again.id, "paid").await;
    world.close().await;
}
