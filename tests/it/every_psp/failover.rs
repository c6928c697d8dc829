//! A payout whose first PSP cannot be reached: the other PSP pays it where it can pay the same instrument,
//! and else the money is the player's again: provably nobody was told to pay. (Deposits, and each PSP's own payouts: `markets`.)

use super::super::harness::SOON;
use super::stage::{Stage, tried};

async fn first_one_is_down(first: &str) {
    let stage = Stage::open(first).await;
    let [_, second] = stage.account.market else {
        panic!("a market has two PSPs: {:?}", stage.account.market);
    };
    stage.world.mocks.listener(first, false).await;
    let (payout, _) = stage.withdraw("payout", 1).await;
    let psp = stage.world.one().flows.psps.get(second).unwrap();
    let destination = stage.account.destination().for_psp(second);
    let payable = psp.can_pay(&destination, stage.account.currency);
    let status = if payable { "paid" } else { "failed" };
    let Some(ended) = stage.reaches(&payout, status, SOON).await else {
        panic!("not {status}: {:#?}", stage.payment(&payout).await);
    };
    let mut expected = vec![format!("{first} not_sent")];
    expected.extend(payable.then(|| format!("{second} succeeded")));
    assert_eq!(tried(&ended), expected);
    let wallet = stage.world.wallet(&payout.player).await;
    let cash = if payable { 0 } else { stage.account.money(1).minor };
    assert_eq!((wallet.cash, wallet.held), (cash, 0));
    assert!(stage.world.mocks.movements(first).await.is_empty());
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
    a_german_payout_goes_from_trustly_to_truelayer = "trustly-de";
    a_german_payout_goes_from_truelayer_to_trustly = "truelayer-de";
    a_british_payout_goes_from_truelayer_to_trustly = "truelayer-gb";
    a_british_payout_goes_from_trustly_to_truelayer = "trustly-gb";
    a_swedish_payout_to_an_account_does_not_go_from_trustly_to_swish = "trustly-se";
    a_swedish_payout_to_a_telephone_does_not_go_from_swish_to_trustly = "swish-se";
    a_canadian_payout_goes_from_nuvei_to_paysafe = "nuvei-ca";
    a_canadian_payout_goes_from_paysafe_to_nuvei = "paysafe-ca";
    a_maltese_payout_goes_from_coinspaid_to_fireblocks = "coinspaid";
    a_maltese_payout_goes_from_fireblocks_to_coinspaid = "fireblocks";
}
