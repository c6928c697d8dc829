//! A market with two PSPs: when the first one's port is closed the other has the payment, where it can.

use super::super::harness::SOON;
use super::settling::settle;
use super::stage::{Stage, tried};
use std::time::Duration;

/// Both payments of a market whose first PSP cannot be reached.
async fn first_one_is_down(first: &str) {
    let stage = Stage::open(first).await;
    let [_, second] = &*stage.account.market else {
        panic!("a market has two PSPs: {:?}", stage.account.market);
    };
    stage.world.mocks.listener(first, false).await;
    let (cell, deposit) = stage.deposit("deposit", 1).await;
    assert_eq!(tried(&deposit), [format!("{first} not_sent"), format!("{second} accepted")]);
    assert_eq!(deposit.status.as_str(), "action_required", "in the same request");
    stage.pay(&deposit).await;
    let paid_in = stage.reaches(&cell, "succeeded", SOON).await;
    assert!(paid_in.is_some(), "{:#?}", stage.payment(&cell).await);
    let cash = stage.world.wallet(&cell.player).await.cash;
    assert_eq!(cash, stage.account.money(1).minor);
    let (payout, _) = stage.withdraw("payout", 2).await;
    let psp = stage.world.one().flows.psps.get(second).unwrap();
    let destination = stage.account.destination().for_psp(second);
    let payable = psp.can_pay(&destination, stage.account.currency);
    let status = if payable { "paid" } else { "in_review" };
    let ended = stage.reaches(&payout, status, SOON).await;
    let Some(ended) = ended else {
        panic!("not {status}: {:#?}", stage.payment(&payout).await);
    };
    let mut expected = vec![format!("{first} not_sent")];
    expected.extend(payable.then(|| format!("{second} succeeded")));
    assert_eq!(tried(&ended), expected);
    assert!(stage.world.mocks.movements(first).await.is_empty());
    stage.world.mocks.listener(first, true).await;
    settle(&stage, &[cell, payout]).await;
    stage.world.move_on(Duration::from_secs(60));
    stage.world.close().await;
}

macro_rules! markets {
    ($($name:ident = $first:literal;)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            first_one_is_down($first).await;
        })+
    };
}

markets! {
    in_germany_truelayer_takes_over_from_trustly = "trustly-de";
    in_germany_trustly_takes_over_from_truelayer = "truelayer-de";
    in_britain_trustly_takes_over_from_truelayer = "truelayer-gb";
    in_britain_truelayer_takes_over_from_trustly = "trustly-gb";
    in_canada_paysafe_takes_over_from_nuvei = "nuvei-ca";
    in_canada_nuvei_takes_over_from_paysafe = "paysafe-ca";
    in_malta_fireblocks_takes_over_from_coinspaid = "coinspaid";
    in_malta_coinspaid_takes_over_from_fireblocks = "fireblocks";
}
