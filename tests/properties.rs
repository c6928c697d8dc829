//! Properties that hold for every sequence of events, not only for those somebody thought of.

#![allow(clippy::unwrap_used, reason = "a test says by panicking that it failed")]

#[path = "properties/books/mod.rs"]
mod books;
#[path = "properties/calendars.rs"]
mod calendars;
#[path = "properties/closed_loop.rs"]
mod closed_loop;
#[path = "drawn/mod.rs"]
mod drawn;
#[path = "properties/limits.rs"]
mod limits;
#[path = "properties/machines.rs"]
mod machines;
#[path = "properties/replays.rs"]
mod replays;
