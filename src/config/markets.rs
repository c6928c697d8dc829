//! The files of the markets' policies: those that come with the program, or a folder's.
//!
//! One file a version, `policies/<market>/<version>.toml`, never changed once it was in force: a
//! decision is replayed at the version that it was made with. What a file says is read by
//! [`crate::screening::file`].

use super::ConfigFault;
use crate::screening::MarketPolicy;
use crate::screening::file::{self, Fault, Library, canonical};
use std::path::Path;

macro_rules! built_in {
    ($($path:literal),+ $(,)?) => {
        &[$((concat!("config/policies/", $path), include_str!(concat!("../../config/policies/", $path)))),+]
    };
}

/// The policies that come with the program, by file.
const BUILT_IN: &[(&str, &str)] = built_in![
    "BR/BR-2026-11-21f.toml",
    "CA/CA-2026-11-21e.toml",
    "DE/DE-2026-11-21e.toml",
    "EU-crypto/EU-crypto-2026-11-21c.toml",
    "GB/GB-2026-11-21f.toml",
    "MT/MT-2026-11-21f.toml",
    "NL/NL-2026-11-21e.toml",
    "SE/SE-2026-11-21e.toml",
];

/// The files of the versions that come with the program, and their texts.
pub const fn built_in_policies() -> &'static [(&'static str, &'static str)] {
    BUILT_IN
}

/// The policy files of an installation.
#[derive(Debug, Clone, Default)]
pub struct Markets {
    /// By market and the day they come into force.
    pub versions: Vec<MarketPolicy>,
    /// Every file with its text, as it is published.
    pub files: Vec<(String, String)>,
}

/// The built-in versions, or those of a folder.
pub(super) fn load(folder: Option<&Path>) -> (Markets, Vec<ConfigFault>) {
    let mut faults = Vec::new();
    let files = match folder {
        None => BUILT_IN.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect(),
        Some(folder) => read_folder(folder, &mut faults),
    };
    let (versions, found) = file::read_all(&files);
    faults.extend(found.into_iter().map(fault));
    (Markets { versions, files }, faults)
}

fn fault(fault: Fault) -> ConfigFault {
    let source = match fault.line {
        0 => fault.file,
        line => format!("{}:{line}", fault.file),
    };
    ConfigFault { source, key: String::new(), message: fault.message }
}

fn read_folder(folder: &Path, faults: &mut Vec<ConfigFault>) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut unreadable = |path: &Path, error: &std::io::Error| {
        faults.push(ConfigFault {
            source: path.display().to_string(),
            key: String::new(),
            message: format!("cannot be read: {error}"),
        });
    };
    let markets = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()),
        Err(error) => {
            unreadable(folder, &error);
            return files;
        }
    };
    for market in markets.filter(|path| path.is_dir()) {
        let versions = std::fs::read_dir(&market).into_iter().flatten().flatten();
        for path in versions.map(|entry| entry.path()) {
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => files.push((path.display().to_string(), text)),
                Err(error) => unreadable(&path, &error),
            }
        }
    }
    files.sort();
    files
}

/// The text of the policy version with this hash: one of the program's own, or of a folder.
pub fn text_of(folder: Option<&Path>, sha256: &str) -> Option<String> {
    let named = folder.map(|folder| read_folder(folder, &mut Vec::new())).unwrap_or_default();
    let named = named.iter().map(|(file, text)| (file.as_str(), text.as_str()));
    let files: Vec<(&str, &str)> = BUILT_IN.iter().copied().chain(named).collect();
    let library = Library::new(files.iter().copied());
    canonical::text_of(sha256, files.iter().map(|(_, text)| *text), &library)
}
