//! Vendors of identity (KYC): Sumsub, Onfido, Veriff.
//!
//! They look at documents and faces for minutes or days and then send a message. A message proves nothing
//! but that the vendor sent it: it is verified over its raw bytes, kept once for ever, and answered. What
//! counts is what the vendor says when it is then asked itself; of that its own time decides what is
//! newer, and the newest becomes the player's record through their lane.
//!
//! Nothing waits for ever: a vendor that does not answer, or is still looking, is asked again after
//! growing pauses until the message's deadline, and then people are told. What cannot be read, is about
//! nobody we know, or of a level that nobody has said the worth of, approves nobody.
//!
//! Reading order: [`verify`], [`wire`], [`vendor`], [`results`], [`receive`], [`follow`] (with
//! [`take`]), [`sweep`].

pub mod follow;
pub mod receive;
pub mod results;
pub mod sweep;
pub mod take;
pub mod vendor;
pub mod verify;
pub mod wire;
