//! L4, the workers: what happens without anybody asking for it now.
//!
//! A worker is told to look, not what to do. A timer and a nudge run the same path, the normal case
//! and the repair of a lost one run the same path, and running twice equals running once: rows are
//! claimed by lease or by lock. [`driver`] runs any [`driver::Worker`]; a worker's own file says
//! only what a look is.
//!
//! Reading order: [`driver`], [`running`], [`setbacks`], [`attempts`], [`payouts`], [`deadlines`], [`inbox`], [`outbox`],
//! [`deliveries`], [`health`], [`incidents`], [`nightly`], [`rooms`], [`names`], [`identity`], [`policies`],
//! [`switches`], [`routing`], [`checkpoints`], [`screenings`], [`reviews`], [`erasures`],
//! [`mail`], [`clocks`], [`rates`].

pub mod attempts;
pub mod checkpoints;
pub mod clocks;
pub mod deadlines;
pub mod deliveries;
pub mod driver;
pub mod erasures;
pub mod health;
pub mod identity;
pub mod inbox;
pub mod incidents;
pub mod mail;
pub mod names;
pub mod nightly;
pub mod outbox;
pub mod payouts;
pub mod policies;
pub mod rates;
pub mod reviews;
pub mod rooms;
pub mod routing;
pub mod running;
pub mod screenings;
pub mod sessions;
pub mod setbacks;
pub mod switches;
