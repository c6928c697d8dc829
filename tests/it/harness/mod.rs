//! A whole world for each test: a database, mock PSPs, one or more instances of the service, a
//! player, and at the end closed books.
//!
//! Nothing here waits by luck: [`eventually`] polls a condition until its deadline, which is further away
//! on a slow machine ([`pace`]). Time is real, and a test may move it forward ([`MovableClock`]).
//!
//! Reading order: [`house`] (what the run shares), [`mocks`], [`instance`], [`front`] (where webhooks
//! arrive), [`world`], [`players`], [`payments`], [`books`], [`rows`], [`proxy`].

mod books;
mod clock;
mod front;
mod house;
mod instance;
pub mod markets;
mod mocks;
mod pace;
mod payments;
mod players;
mod proxy;
mod render;
mod rows;
mod wait;
mod world;

pub use house::house;
pub use mocks::{CHECKS, Movement, sandbox};
pub use pace::stretched;
pub use payments::{
    SOON, claim, deposit_order, eur, gbp, key, until_recorded, withdrawal_order, withdrawal_to,
};
pub use players::person;
pub use wait::{eventually, for_a_moment, try_eventually};
pub use world::{Setup, World};
