//! The texts that a policy may include, by version.

use std::collections::BTreeMap;
use std::path::Path;

/// Files by the version that their name says.
#[derive(Debug, Clone, Default)]
pub struct Library(BTreeMap<String, (String, String)>);

impl Library {
    /// Of files with their texts.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entry =
            |(file, text): (&str, &str)| (version_of(file), (file.to_owned(), text.to_owned()));
        Self(files.into_iter().map(entry).collect())
    }

    pub fn add(&mut self, file: &str, text: &str) {
        self.0.insert(version_of(file), (file.to_owned(), text.to_owned()));
    }

    /// The file and its text.
    pub fn find(&self, version: &str) -> Option<(&str, &str)> {
        self.0.get(version).map(|(file, text)| (file.as_str(), text.as_str()))
    }
}

/// A file is named as the version that it holds: `DE/DE-2026-11-21e.toml` is `DE-2026-11-21e`.
pub fn version_of(file: &str) -> String {
    let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".toml").unwrap_or(&name).to_owned()
}
