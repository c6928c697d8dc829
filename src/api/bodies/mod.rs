//! The requests of the API: how each body and query is read, and its schema.
//!
//! A reader turns JSON into the words of the house in one step; the `…Schema` struct beside it is
//! what the OpenAPI document shows and is never made.
//!
//! Reading order: [`player`], [`wallet`], [`payment`], [`destination`], [`instrument`], [`review`], [`case`],
//! [`policy`], [`incident`], [`switch`], [`endpoint`].

pub mod case;
pub mod destination;
pub mod endpoint;
pub mod incident;
pub mod instrument;
pub mod payment;
pub mod player;
pub mod policy;
pub mod review;
pub mod switch;
pub mod wallet;
