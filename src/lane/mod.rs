//! L2, the commit lane: where everything that matters becomes durable.
//!
//! A lane is one task with one connection, never cancelled. A handler submits a command and awaits
//! its answer; the lane drains what is queued (at most 200), locks the players of the batch, loads
//! their books, lets [`crate::decide`] decide each command in order, writes everything with a
//! handful of statements, commits once, and answers all.
//!
//! Invariants: a player is on one lane of an instance while the number of open lanes is the same
//! ([`width`]); two lanes, as two instances, are serialised by the player's row lock; `(slot, seq)` is
//! gap-free and the primary key of what is written, so a lane that lost its slot cannot commit; a
//! refused or slow command never fails its neighbours; a command whose answer cannot be told for sure is not
//! answered until the database has said what it kept.
//!
//! Reading order: [`lanes`] (the door), [`width`], [`work`], [`lane`] (the task), [`batch`], [`context`], [`render`];
//! beside them [`desk`], [`clerks`], [`known_places`].

pub mod batch;
pub mod clerks;
pub mod context;
pub mod desk;
pub mod known_places;
#[allow(clippy::module_inception, reason = "the room is named after its one task")]
pub mod lane;
pub mod lanes;
pub mod render;
pub mod width;
pub mod work;

pub use lanes::{LaneConfig, Lanes, LanesError, SubmitError};
pub use render::Render;
