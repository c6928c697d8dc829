//! Implementations that nobody here wrote, asked about ours.
//!
//! The PSPs publish libraries that sign, verify and call, and descriptions that a validator reads. Each
//! is an oracle: our mock's signature must satisfy its validator, its signature must satisfy our adapter,
//! its client must understand our mock, and what our adapter sends must be what it would accept. A mock
//! and an adapter that agree with each other alone could share one misreading.
//!
//! `scripts/oracles.sh` installs them with pinned versions; the programs that drive them are in
//! `programs/`, one a library. `oracle` starts a program and asks it, `world` is a mock with a listener
//! for its webhooks. Stripe is no PSP of ours: its signer and validator prove that the harness would
//! notice a refusal.

mod adyen;
mod fireblocks;
mod mercadopago;
mod nuvei;
mod oracle;
mod pix;
mod prism;
mod stripe;
mod swish;
mod tour;
mod truelayer;
mod trustly;
mod world;
