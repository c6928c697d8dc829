//! L3, letters to people: what is written ([`letters`]), how it goes out ([`mail`]), and when
//! ([`send_mails`]).
//!
//! A letter names cases by their ids and says where to read on; it holds nothing of a player. It is stored
//! in the commit that makes it needed and sent afterwards: after a crash it may come twice, and is never lost.

pub mod letters;
pub mod mail;
pub mod send_mails;
