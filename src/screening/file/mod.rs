//! A policy version as a file: read from TOML, with every fault and its line.
//!
//! The hash that a decision names is that of the canonical form: JSON with sorted keys and no blanks,
//! of what the file says. A comment may be corrected without a new version, a number may not.
//!
//! Reading order: [`reader`], [`canonical`], [`policy`].

pub mod canonical;
mod policy;
pub mod reader;

pub use policy::{read, read_all};
pub use reader::{Fault, Table};
