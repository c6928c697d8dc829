//! The API over HTTP and a real database: what only shows when everything is behind it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy spares test functions only, not their helpers"
)]

#[path = "../cluster/mod.rs"]
mod cluster;

mod cancellations;
mod case_desk;
mod cases;
mod decisions;
mod destinations;
mod endpoints;
mod events;
mod half_way;
mod idempotency;
mod incidents;
mod isolation;
mod marked;
mod nonces;
mod offers;
mod players;
mod policies;
mod returns;
mod routing;
mod sessions;
mod shapes;
mod support;
mod tipping_off;
mod vendor_webhooks;
mod wallets;
mod webhooks_tls;
