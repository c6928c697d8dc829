//! L3, what the casino does to a player: the record, the limits, the game platform's entries.
//!
//! Each is one command of the player's lane; every change of record or limits bumps the player's
//! version, so that no screening outlives what it was based on.

pub mod enter_game;
pub mod forget_keys;
pub mod knows_destination;
pub mod put_player;
pub mod set_limits;
