//! Who is let in, as far as it takes a memory: used nonces and players' sessions.
//!
//! A signature is checked at the edge, without I/O. What needs the database is here:
//! [`remember_nonce`] makes a signature work once over all instances, [`open_player_session`]
//! gives a player's browser a token of its own, and [`end_player_session`] takes it back.
//!
//! Reading order: [`token`], [`open_player_session`], [`end_player_session`], [`remember_nonce`].

pub mod end_player_session;
pub mod open_player_session;
pub mod remember_nonce;
pub mod token;
