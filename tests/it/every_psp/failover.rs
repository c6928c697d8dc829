//! Every market, when its first PSP cannot be reached: a deposit goes to the other one, and so does a
//! payout where the other can pay the same instrument; where it cannot, people decide. Afterwards mocks and ledger agree, and nothing was
//! paid twice. (Each PSP's own payments, and chosen instruments: `markets`.)

use super::super::harness::SOON;
use super::stage::{Stage, tried};
use super::truth::{contradictions, ours, theirs};
use interlock::book::Payment;

async fn agrees(stage: Stage) {
    let faults = contradictions(&ours(&stage.world).await, &theirs(&stage.world).await);
    assert_eq!(faults, Vec::<String>::new());
    stage.world.close().await;
}

async fn deposit_goes_on(first: &str) {
    let stage = Stage::open(first).await;
    let [_, second] = stage.account.market else {
        panic!("a market has two PSPs: {:?}", stage.account.market);
    };
    stage.world.mocks.listener(first, false).await;
    let (deposit, payment) = stage.deposit("deposit", 1).await;
    let asked: Vec<String> = vec![format!("{first} not_sent"), format!("{second} accepted")];
    assert_eq!(tried(&payment), asked);
    stage.pay(&payment).await;
    let Some(ended) = stage.reaches(&deposit, "succeeded", SOON).await else {
        panic!("not succeeded: {:#?}", stage.payment(&deposit).await);
    };
    assert_eq!(tried(&ended), [format!("{first} not_sent"), format!("{second} succeeded")]);
    let wallet = stage.world.wallet(&deposit.player).await;
    assert_eq!((wallet.cash, wallet.held), (stage.account.money(1).minor, 0));
    stage.world.mocks.listener(first, true).await;
    assert!(stage.world.mocks.movements(first).await.is_empty());
    agrees(stage).await;
}

async fn payout_goes_on(first: &str) {
    let stage = Stage::open(first).await;
    let [_, second] = stage.account.market else {
        panic!("a market has two PSPs: {:?}", stage.account.market);
    };
    stage.world.mocks.listener(first, false).await;
    let (payout, _) = stage.withdraw("payout", 1).await;
    let psp = stage.world.one().flows.psps.get(second).unwrap();
    let destination = stage.account.destination().for_psp(second);
    let payable = psp.can_pay(&destination, stage.account.currency);
    let status = if payable { "paid" } else { "in_review" };
    let Some(ended) = stage.reaches(&payout, status, SOON).await else {
        panic!("not {status}: {:#?}", stage.payment(&payout).await);
    };
    let mut expected = vec![format!("{first} not_sent")];
    expected.extend(payable.then(|| format!("{second} succeeded")));
    assert_eq!(tried(&ended), expected);
    let wallet = stage.world.wallet(&payout.player).await;
    let held = if payable { 0 } else { stage.account.money(1).minor };
    assert_eq!((wallet.cash, wallet.held), (0, held));
    stage.world.mocks.listener(first, true).await;
    assert!(stage.world.mocks.movements(first).await.is_empty());
    if !payable {
        people_decide(&stage, &ended, first).await;
    }
    agrees(stage).await;
}

/// The money is held: two people send it again, now that the PSP is back, or give it back.
async fn people_decide(stage: &Stage, stuck: &Payment, first: &str) {
    let money = stage.account.money(1);
    let (outcome, status, cash) = if first == "trustly-se" {
        ("approve", "paid", 0)
    } else {
        ("reject", "rejected", money.minor)
    };
    stage.world.two_people(stuck, outcome).await;
    let ended = stage.world.settled(stuck.id, status).await;
    let again = (outcome == "approve").then(|| format!("{first} succeeded"));
    let expected: Vec<String> = [format!("{first} not_sent")].into_iter().chain(again).collect();
    assert_eq!(tried(&ended), expected);
    let wallet = stage.world.wallet(&stuck.player).await;
    assert_eq!((wallet.cash, wallet.held), (cash, 0));
}

macro_rules! markets {
    ($($name:ident = $course:ident($first:literal);)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            $course($first).await;
        })+
    };
}

markets! {
    a_swedish_deposit_goes_from_swish_to_trustly = deposit_goes_on("swish-se");
    a_swedish_deposit_goes_from_trustly_to_swish = deposit_goes_on("trustly-se");
    a_german_deposit_goes_from_trustly_to_truelayer = deposit_goes_on("trustly-de");
    a_german_deposit_goes_from_truelayer_to_trustly = deposit_goes_on("truelayer-de");
    a_german_card_deposit_goes_from_adyen_to_nuvei = deposit_goes_on("adyen-de");
    a_german_card_deposit_goes_from_nuvei_to_adyen = deposit_goes_on("nuvei-de");
    a_british_deposit_goes_from_truelayer_to_trustly = deposit_goes_on("truelayer-gb");
    a_british_deposit_goes_from_trustly_to_truelayer = deposit_goes_on("trustly-gb");
    a_british_card_deposit_goes_from_adyen_to_nuvei = deposit_goes_on("adyen-gb");
    a_british_card_deposit_goes_from_nuvei_to_adyen = deposit_goes_on("nuvei-gb");
    a_brazilian_deposit_goes_from_efi_to_mercado_pago = deposit_goes_on("pix-efi-br");
    a_brazilian_deposit_goes_from_mercado_pago_to_efi = deposit_goes_on("mercadopago-br");
    a_canadian_deposit_goes_from_nuvei_to_paysafe = deposit_goes_on("nuvei-ca");
    a_canadian_deposit_goes_from_paysafe_to_nuvei = deposit_goes_on("paysafe-ca");
    a_deposit_of_coins_goes_from_coinspaid_to_fireblocks = deposit_goes_on("coinspaid");
    a_deposit_of_coins_goes_from_fireblocks_to_coinspaid = deposit_goes_on("fireblocks");

    a_german_payout_goes_from_trustly_to_truelayer = payout_goes_on("trustly-de");
    a_german_payout_goes_from_truelayer_to_trustly = payout_goes_on("truelayer-de");
    a_british_payout_goes_from_truelayer_to_trustly = payout_goes_on("truelayer-gb");
    a_british_payout_goes_from_trustly_to_truelayer = payout_goes_on("trustly-gb");
    a_swedish_payout_to_an_account_waits_for_people_and_does_not_go_from_trustly_to_swish = payout_goes_on("trustly-se");
    a_swedish_payout_to_a_telephone_waits_for_people_and_does_not_go_from_swish_to_trustly = payout_goes_on("swish-se");
    a_brazilian_payout_goes_from_efi_to_mercado_pago = payout_goes_on("pix-efi-br");
    a_brazilian_payout_goes_from_mercado_pago_to_efi = payout_goes_on("mercadopago-br");
    a_canadian_payout_goes_from_nuvei_to_paysafe = payout_goes_on("nuvei-ca");
    a_canadian_payout_goes_from_paysafe_to_nuvei = payout_goes_on("paysafe-ca");
    a_payout_of_coins_goes_from_coinspaid_to_fireblocks = payout_goes_on("coinspaid");
    a_payout_of_coins_goes_from_fireblocks_to_coinspaid = payout_goes_on("fireblocks");
}
