//! L3, vendors outside the house: what they are asked, and what their answers are in our words.
//!
//! Every hook has one normalised result ([`crate::screening::signals`]), and nothing here decides what
//! a result leads to: that is the policy's.
//!
//! Reading order: [`kyt`] (coins), [`registry`], [`ask_vendors`]; [`people`] (registers, limits over
//! all operators, names); [`identity`] (who somebody is).

pub mod ask_vendors;
pub mod identity;
pub mod kyt;
pub mod people;
pub mod registry;
