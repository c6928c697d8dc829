//! A credited deposit goes back whole, over each account that gives money back the way it came: the player is
//! debited once, whatever the PSP tells of it and however often, and nothing is left to ask.

use super::super::harness::SOON;
use super::super::taken_back::{approve, open_return};
use super::stage::{Stage, tried};
use serde_json::json;
use std::time::Duration;

/// The answer to the return is given, or lost after the PSP has taken it.
async fn goes_back(id: &'static str, answer_is_lost: bool) {
    let stage = Stage::open(id).await;
    let world = &stage.world;
    let (cell, payment) = stage.deposit("back", 0).await;
    stage.pay(&payment).await;
    let Some(deposit) = stage.reaches(&cell, "succeeded", SOON).await else {
        panic!("{id}: not credited: {:#?}", stage.payment(&cell).await);
    };
    let at_rest = || async {
        let open = "select (select count(*) from attempt where due_at is not null)
                         + (select count(*) from inbox where state = 'new')";
        (world.number(open).await == 0).then_some(())
    };
    world.later("the deposit is at rest", Duration::from_secs(60), at_rest).await;
    let back = open_return(world, &deposit, None).await;
    if answer_is_lost {
        let lost =
            json!({"operation": "create_refund", "fault": "timeout_after_accept", "times": 1});
        world.mocks.fault_with(id, lost).await;
    }
    approve(world, &back).await;
    let there = || async {
        let back = world.payment(back.id).await;
        (back.status.as_str() == "paid").then_some(back)
    };
    let paid = world.later("it is paid", Duration::from_secs(60), there).await;
    assert_eq!(tried(&paid), [format!("{id} succeeded")]);
    assert!(!world.mocks.has_faults(id).await, "{id}: the answer was lost");
    // PSPs repeat what nobody has acknowledged: all that was told is told once more. Mercado Pago's refunds
    // have no message of their own.
    for movement in world.mocks.movements(id).await {
        if movement.kind == "deposit" || !id.starts_with("mercadopago") {
            let resend = json!({"reference": movement.reference, "times": 1});
            assert_eq!(world.mocks.resend(id, resend).await, [200]);
        }
    }
    world.later("nothing is left to ask", Duration::from_secs(600), at_rest).await;
    let deposit = stage.payment(&cell).await;
    assert_eq!(deposit.status.as_str(), "returned", "{id}: {deposit:#?}");
    let wallet = world.wallet(&cell.player).await;
    assert_eq!((wallet.cash, wallet.held, wallet.owed), (0, 0, 0), "{id}");
    assert_eq!(world.house_balance("suspense").await, 0);
    let incidents = "select count(*) from incident";
    assert_eq!(world.number(incidents).await, 0, "{id}: people have nothing to look at");
    stage.world.close().await;
}

/// Adyen can be asked about no refund: one whose answer and whose message are lost is found out by sending it
/// again, under the same key.
#[tokio::test(flavor = "multi_thread")]
async fn adyen_hears_of_its_return_by_sending_it_again() {
    let id = "adyen-de";
    let stage = Stage::open(id).await;
    let world = &stage.world;
    let (cell, payment) = stage.deposit("back", 0).await;
    stage.pay(&payment).await;
    let deposit = stage.reaches(&cell, "succeeded", SOON).await.unwrap();
    let back = open_return(world, &deposit, None).await;
    world.mocks.fault(id, "create_refund", "timeout_after_accept", Some(1)).await;
    world.mocks.fault(id, "webhook", "webhook_drop", None).await;
    approve(world, &back).await;
    let found = || async {
        let back = world.payment(back.id).await;
        back.attempts.iter().any(|it| it.psp_reference.is_some()).then_some(back)
    };
    let sent = world.later("its id is known", Duration::from_secs(10), found).await;
    assert_eq!(tried(&sent), [format!("{id} accepted")]);
    let refunds = world.mocks.movements(id).await;
    let refunds: Vec<_> = refunds.iter().filter(|it| it.kind == "refund").collect();
    assert_eq!(refunds.len(), 1, "it was sent once in effect");
    world.mocks.clear_faults(id).await;
    let resend = json!({"reference": refunds[0].reference, "times": 1});
    assert_eq!(world.mocks.resend(id, resend).await, [200]);
    world.settled(back.id, "paid").await;
    stage.world.close().await;
}

/// Somebody at the casino sends a credited deposit back in Efí's own panel: there it is a return like ours,
/// under an id of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_pix_that_was_sent_back_by_hand_is_no_longer_the_players() {
    let stage = Stage::open("pix-efi-br").await;
    let (cell, payment) = stage.deposit("back", 0).await;
    stage.pay(&payment).await;
    let deposit = stage.reaches(&cell, "succeeded", SOON).await.unwrap();
    assert_eq!(stage.world.wallet(&cell.player).await.cash, stage.account.money(0).minor);
    stage.world.complete(&deposit, "returned").await;
    let reversed = stage.world.settled(deposit.id, "reversed").await;
    assert_eq!(tried(&reversed), ["pix-efi-br reversed"]);
    let wallet = stage.world.wallet(&cell.player).await;
    assert_eq!((wallet.cash, wallet.held, wallet.owed), (0, 0, 0));
    stage.world.close().await;
}

macro_rules! accounts {
    ($($name:ident = $id:literal $(, $lost:ident)?;)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            goes_back($id, false).await;
        }
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $lost() {
            goes_back($id, true).await;
        })?)+
    };
}

// Trustly knows a refund by no reference of ours: where its answer is lost, people find out.
accounts! {
    trustly_de_gives_back = "trustly-de";
    truelayer_gb_gives_back = "truelayer-gb", truelayer_gb_gives_back_though_its_answer_is_lost;
    nuvei_ca_gives_back = "nuvei-ca", nuvei_ca_gives_back_though_its_answer_is_lost;
    nuvei_de_gives_back = "nuvei-de", nuvei_de_gives_back_though_its_answer_is_lost;
    adyen_de_gives_back = "adyen-de", adyen_de_gives_back_though_its_answer_is_lost;
    paysafe_ca_gives_back = "paysafe-ca", paysafe_ca_gives_back_though_its_answer_is_lost;
    swish_se_gives_back = "swish-se", swish_se_gives_back_though_its_answer_is_lost;
    pix_efi_br_gives_back = "pix-efi-br", pix_efi_br_gives_back_though_its_answer_is_lost;
    mercadopago_br_gives_back = "mercadopago-br",
        mercadopago_br_gives_back_though_its_answer_is_lost;
}
