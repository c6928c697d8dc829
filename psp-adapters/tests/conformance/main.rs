//! One suite that every adapter passes: one table of cases per operation and outcome, the same attacks on
//! every webhook, and answers broken at random. A later adapter adds one fixture file and one line here.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod attacks;
mod fixture;
mod fuzz;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod truelayer;
mod trustly;

use fixture::Fixture;

/// Every registered adapter, by its fixture.
fn fixtures() -> Vec<Box<dyn Fixture>> {
    vec![Box::new(truelayer::TrueLayerFixture::new()), Box::new(trustly::TrustlyFixture::new())]
}

#[test]
fn every_adapter_has_a_fixture() {
    let tested: Vec<_> = fixtures().iter().map(|it| it.psp().adapter_name()).collect();
    assert_eq!(tested, psp_adapters::adapters().collect::<Vec<_>>());
}
