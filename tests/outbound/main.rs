//! Outbound webhooks against a real PostgreSQL and real HTTP receivers on loopback.
//!
//! `DATABASE_URL` names a migrated database, as its owner; `TEST_DATABASE_URL` the same one as the
//! application's role. Each scene works on empty copies of the tables.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it failed")]

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
