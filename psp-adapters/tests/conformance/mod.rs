//! One suite that every adapter passes: one table of cases per operation and outcome, the same attacks on
//! every webhook, and answers broken at random. A later adapter adds one fixture file, its stand (the
//! account that both suites use) and one line in each list.

mod act;
mod adyen;
mod attacks;
mod coinspaid;
mod fireblocks;
mod fixture;
mod fuzz;
mod mercadopago;
mod nuvei;
mod paysafe;
mod pix_efi;
mod pix_efi_traps;
mod swish;
mod table;
mod truelayer;
mod trustly;

use fixture::Fixture;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Every registered adapter, by its fixture: one line each, more where it has accounts of several kinds.
fn fixtures() -> &'static [Box<dyn Fixture>] {
    static FIXTURES: LazyLock<Vec<Box<dyn Fixture>>> = LazyLock::new(|| {
        vec![
            Box::new(adyen::AdyenFixture::new()),
            Box::new(coinspaid::CoinsPaidFixture::new()),
            Box::new(fireblocks::FireblocksFixture::new()),
            Box::new(mercadopago::MercadoPagoFixture::new()),
            Box::new(nuvei::NuveiFixture::new("interac")),
            Box::new(nuvei::NuveiFixture::new("card")),
            Box::new(paysafe::PaysafeFixture::new()),
            Box::new(pix_efi::PixEfiFixture::new()),
            Box::new(swish::SwishFixture::new("link")),
            Box::new(swish::SwishFixture::new("push")),
            Box::new(truelayer::TrueLayerFixture::new()),
            Box::new(trustly::TrustlyFixture::new()),
        ]
    });
    &FIXTURES
}

#[test]
fn every_adapter_has_a_fixture() {
    let tested: BTreeSet<_> = fixtures().iter().map(|it| it.psp().adapter_name()).collect();
    assert_eq!(tested, psp_adapters::adapters().collect());
}
