//! What a sandbox brings along so that one command gives a whole house on a bare machine: a private
//! PostgreSQL cluster, keys for the mock PSPs, a player for each market, and a note where everything runs.
//!
//! Everything lives in one folder, `.interlock` of the project ([`home`]): `pg/` the cluster,
//! `keys/` the generated keys, `run.json` the addresses while a sandbox runs, `run.lock` whether one does.
//! Removing the folder while nothing runs gives a fresh start. Where the server's user cannot enter it (a
//! sandbox of root's below `/root`) the cluster is in `/var/lib/interlock-…`, which the end of the sandbox
//! names, and goes too.
//!
//! Reading order: [`cluster`], [`keys`], `certificates`, [`mocks`], [`players`],
//! [`console`], [`ports`], [`runfile`].

mod certificates;
pub mod cluster;
pub mod console;
pub mod keys;
pub mod mocks;
pub mod players;
pub mod ports;
pub mod runfile;

use std::path::PathBuf;

/// The variable that names another folder than `.interlock`.
pub const DIR_VARIABLE: &str = "INTERLOCK__SANDBOX__DIR";

/// The sandbox's folder: what [`DIR_VARIABLE`] names, else the `.interlock` of the working folder or
/// of the nearest one above it, else a new one here.
///
/// # Errors
/// When the working folder cannot be told.
pub fn home() -> std::io::Result<PathBuf> {
    if let Some(named) = std::env::var_os(DIR_VARIABLE).filter(|named| !named.is_empty()) {
        return std::path::absolute(named);
    }
    let here = std::env::current_dir()?;
    let existing =
        here.ancestors().map(|folder| folder.join(".interlock")).find(|folder| folder.is_dir());
    Ok(existing.unwrap_or_else(|| here.join(".interlock")))
}
