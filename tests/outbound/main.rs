//! Outbound webhooks against a real PostgreSQL and real HTTP receivers on loopback.
//!
//! Each scene has a database of its own in the binary's private cluster.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it failed")]

#[path = "../cluster/mod.rs"]
mod cluster;
mod deliveries;
mod endpoints;
mod endurance;
mod guard;
mod guard_urls;
mod reading;
mod receiver;
mod redeliveries;
mod relay;
mod support;
mod workers;
