//! The mocks from outside: over HTTP only, as an adapter, a payer and a test see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adyen;
mod control;
mod faults;
mod harness;
mod mercadopago;
mod pages;
mod requests;
mod truelayer;
mod trustly;
mod webhooks;
