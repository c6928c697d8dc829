//! Without a fault: each account by itself, at the first try, and the wallet moves once.

use super::super::harness::SOON;
use super::stage::{Stage, tried};

async fn plain(id: &'static str, deposit: bool) {
    let stage = Stage::open(id).await;
    let (cell, payment) =
        if deposit { stage.deposit("plain", 0).await } else { stage.withdraw("plain", 0).await };
    stage.pay(&payment).await;
    let status = if deposit { "succeeded" } else { "paid" };
    let Some(done) = stage.reaches(&cell, status, SOON).await else {
        panic!("{id}: not {status}: {:#?}", stage.payment(&cell).await);
    };
    assert_eq!(tried(&done), [format!("{id} succeeded")]);
    let wallet = stage.world.wallet(&cell.player).await;
    let cash = if deposit { stage.account.money(0).minor } else { 0 };
    assert_eq!((wallet.currency, wallet.cash, wallet.held), (stage.account.currency, cash, 0));
    stage.world.close().await;
}

macro_rules! accounts {
    ($($name:ident = $id:literal;)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            tokio::join!(plain($id, true), plain($id, false));
        })+
    };
}

accounts! {
    trustly_de_takes_and_pays = "trustly-de";
    truelayer_de_takes_and_pays = "truelayer-de";
    trustly_gb_takes_and_pays = "trustly-gb";
    truelayer_gb_takes_and_pays = "truelayer-gb";
    nuvei_ca_takes_and_pays = "nuvei-ca";
    paysafe_ca_takes_and_pays = "paysafe-ca";
    coinspaid_takes_and_pays = "coinspaid";
    fireblocks_takes_and_pays = "fireblocks";
    trustly_se_takes_and_pays = "trustly-se";
    swish_se_takes_and_pays = "swish-se";
    pix_efi_br_takes_and_pays = "pix-efi-br";
    mercadopago_br_takes_and_pays = "mercadopago-br";
}
