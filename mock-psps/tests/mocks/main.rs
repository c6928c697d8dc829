//! The mocks from outside: over HTTP only, as an adapter, a payer and a test see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adyen;
mod chain;
mod coinspaid;
mod control;
mod faults;
mod fireblocks;
mod harness;
mod mercadopago;
mod mtls;
mod nuvei;
mod pages;
mod paysafe;
mod pix_efi;
mod requests;
mod restarts;
mod swish;
mod truelayer;
mod trustly;
mod vendors;
mod webhooks;
