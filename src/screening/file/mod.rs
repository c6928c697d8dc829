//! A policy version as a file: read from TOML, with every fault and its line.
//!
//! The hash that a decision names is that of the canonical form: JSON with sorted keys and no blanks,
//! of what the file says. A comment may be corrected without a new version, a number may not.
//!
//! A version may include another one, which is `shared` and has rules only: they follow its own, and
//! what they say is part of its hash.
//!
//! Reading order: [`reader`], [`library`], [`canonical`], [`policy`], [`said`], [`mod@check`], [`mod@diff`].

pub mod canonical;
pub mod check;
pub mod diff;
pub mod library;
mod policy;
pub mod reader;
pub mod said;

pub use check::check;
pub use diff::diff;
pub use library::Library;
pub use policy::{read, read_all, read_with};
pub use reader::{Fault, Table};
