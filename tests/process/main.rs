//! The house from outside: real processes, real HTTP, a real browser.
//!
//! Every test has a folder, ports and a database of its own, and ends only what it started. Reading
//! order: `place` (where a test lives), `program` (processes), `world` (a service with mocks that
//! outlive it), `api` (the public API and the mocks' control), then the tests.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy spares test functions only, not their helpers"
)]

mod api;
mod attacks;
mod audit;
mod browser;
mod case_desk;
mod cases;
mod commands;
mod console;
mod copies;
mod crash;
mod demo;
mod documents;
#[path = "../drawn/mod.rs"]
mod drawn;
mod failover;
mod forge;
mod forgeries;
mod incidents;
mod journeys;
mod load;
mod misshapen;
#[path = "../it/harness/pace.rs"]
mod pace;
mod pages;
mod place;
mod program;
mod raw;
#[path = "../recorded/mod.rs"]
mod recorded;
mod replays;
mod sandbox_life;
mod scripts;
mod slow;
mod wait;
mod world;
