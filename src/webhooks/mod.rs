//! Webhooks, both ways.
//!
//! **Inbound**: how PSPs tell us. [`receive`] verifies the raw bytes, stores the events, each once
//! for ever, and answers; [`process`] applies them to the attempts they name. A path that skips
//! verification does not compile: only `Verified` leaves an adapter.
//!
//! **Outbound**: how a casino learns what happened. An event becomes durable with the fact it tells
//! (the outbox), is fanned out to the endpoints that listen ([`crate::outbox::publish`]) and is then
//! delivered at least once and in order per payment: signed after the Standard Webhooks
//! specification, as a CloudEvents body, along a ladder of twelve tries over 75 hours. Every
//! delivery carries the payment's whole snapshot and its sequence number, so a receiver drops what
//! is older than what it has.
//!
//! Invariants: nothing of an inbound message is acted on before it is stored; an outbound request
//! goes only to an address that [`guard`] checked for that very connection; no transaction is open
//! while a receiver thinks; only the holder of a lease settles a delivery; a receiver that is slow
//! or dead costs no other receiver anything.
//!
//! Reading order: [`receive`], [`process`], `place_credit`, `place_return`, `follow_hint`,
//! [`process_again`], [`stored_event`]; then [`guard`], [`client`], [`sign`],
//! [`envelope`], [`deliver`], [`register_endpoint`], [`rotate_secret`], [`change_endpoint`],
//! [`redeliver`].

pub mod change_endpoint;
pub mod client;
pub mod deliver;
pub mod envelope;
mod follow_hint;
pub mod guard;
mod place_credit;
mod place_return;
pub mod process;
pub mod process_again;
pub mod receive;
pub mod redeliver;
pub mod register_endpoint;
pub mod rotate_secret;
pub mod sign;
pub mod stored_event;
mod stored_payin;
