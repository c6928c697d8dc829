//! Who is let in, as far as it takes a memory: used nonces, players' sessions, and people of the console.
//!
//! A signature is checked at the edge, without I/O. What needs the database is here:
//! [`remember_nonce`] makes a signature work once over all instances, [`open_player_session`]
//! gives a player's browser a token of its own, and [`end_player_session`] takes it back.
//! People [`sign_in`] to the console and [`sign_out`]; between them [`find_session`] knows them.
//!
//! Reading order: [`token`], [`open_player_session`], [`end_player_session`], [`remember_nonce`]; then [`account`],
//! [`console_desk`], [`password`], [`totp`], [`console_session`], [`sign_in`], [`find_session`], [`sign_out`],
//! [`set_totp`], [`add_account`].

pub mod account;
pub mod add_account;
pub mod console_desk;
pub mod console_session;
pub mod end_player_session;
pub mod find_session;
pub mod open_player_session;
pub mod password;
pub mod remember_nonce;
pub mod set_totp;
pub mod sign_in;
pub mod sign_out;
pub mod token;
pub mod totp;
