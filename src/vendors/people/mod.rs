//! Everybody outside the house who is asked about players.
//!
//! A vendor measures; what its answer leads to, and what the lack of one leads to, is the policy's to
//! say. Nobody is asked but where the policy in force asks ([`crate::screening::rule::Ask`]), each
//! question has a deadline, and no question is asked while a transaction is open. What names a person
//! goes to the vendor and nowhere else.
//!
//! Reading order: [`link`], [`wire`], [`register`], [`limit_file`], [`matcher`], [`checks`],
//! [`results`], [`ask_checks`], [`known_checks`]; [`room`], [`reserve_room`], [`give_room_back`], [`settle_rooms`];
//! [`rescreen`], [`sweep_names`].

pub mod ask_checks;
pub mod checks;
pub mod give_room_back;
pub mod known_checks;
pub mod limit_file;
pub mod link;
pub mod matcher;
pub mod near_names;
pub mod register;
pub mod rescreen;
pub mod reserve_room;
pub mod results;
pub mod room;
pub mod settle_rooms;
pub mod sweep_names;
pub mod wire;
