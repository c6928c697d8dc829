//! Where secrets come from: a variable, a file, or in the sandbox the configuration itself.

use super::layers::{SECRET_SINCE, Variables};
use super::reader::Section;
use super::sections::day;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use time::Date;

/// What reading a secret needs.
#[derive(Debug)]
pub(super) struct Secrets<'a> {
    pub variables: &'a Variables,
    /// Relative files are relative to this: the folder of the configuration file.
    pub folder: PathBuf,
    /// The sandbox's folder of generated keys; in production there is none.
    pub generated: Option<PathBuf>,
}

/// Where a secret came from, as far as its age tells: never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Since when it is used, where the configuration says so.
    pub since: Option<Date>,
    /// The file that holds it: when that changes, the secret does.
    pub file: Option<PathBuf>,
    /// Of the file, taken before it was read: what changes after that is seen to have changed.
    pub modified: Option<SystemTime>,
}

/// When a file was changed last.
pub fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|found| found.modified()).ok()
}

impl Secrets<'_> {
    pub fn in_sandbox(&self) -> bool {
        self.generated.is_some()
    }

    /// `{ env = "NAME" }`, `{ file = "path" }`; in the sandbox also `{ value = "…" }` and
    /// `{ generated = "<account>/<name>.private.pem" }`. Each may say `since = "2026-11-01"`.
    pub fn table(&self, section: &Section<'_>, key: &str) -> (SecretString, Origin) {
        let source = section.section(key);
        let since = source.has(SECRET_SINCE).then(|| day(&source, SECRET_SINCE));
        let named = |key: &str| section_text(&source, key);
        let file = match (named("file"), named("generated"), &self.generated) {
            (Some(file), ..) => Some(self.path(&file)),
            (None, Some(name), Some(folder)) => Some(folder.join(name)),
            _ => None,
        };
        let modified = file.as_deref().and_then(modified);
        (self.read_source(&source), Origin { since, file, modified })
    }

    fn read_source(&self, source: &Section<'_>) -> SecretString {
        let keys: Vec<String> =
            source.keys().into_iter().filter(|key| key != SECRET_SINCE).collect();
        match keys.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["env"] => self.read_variable(source, "env"),
            ["file"] => self.read_named_file(source, "file"),
            ["value"] => self.plain(source, "value"),
            ["generated"] => self.read_generated(source, "generated"),
            _ => {
                source.fault("", "must be one of { env = … }, { file = … }");
                source.forgive();
                nothing()
            }
        }
    }

    /// The keys `<key>`, `<key>_env` and `<key>_file`, of which at most one may be there.
    pub fn flat(&self, section: &Section<'_>, key: &str) -> Option<SecretString> {
        let (env, file) = (format!("{key}_env"), format!("{key}_file"));
        let named: Vec<&str> =
            [key, &env, &file].into_iter().filter(|name| section.has(name)).collect();
        match named.as_slice() {
            [] => None,
            [one] if *one == key => Some(self.plain(section, one)),
            [one] if *one == env => Some(self.read_variable(section, one)),
            [one] => Some(self.read_named_file(section, one)),
            [_, ..] => {
                for name in &named {
                    let _ = section.opt_text(name);
                }
                section.fault(key, format!("give one of {key}, {env}, {file}, not several"));
                None
            }
        }
    }

    /// A file's path as this configuration means it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// A folder among the sandbox's own things; elsewhere as [`Secrets::path`].
    pub fn beside_generated(&self, path: &str) -> PathBuf {
        match self.generated.as_ref().and_then(|keys| keys.parent()) {
            Some(home) => home.join(path),
            None => self.path(path),
        }
    }

    fn plain(&self, section: &Section<'_>, key: &str) -> SecretString {
        let text = section.text(key);
        if self.generated.is_none() {
            section.fault(
                key,
                "a secret in the file itself is for the sandbox: use a variable or a file",
            );
        }
        SecretString::from(text)
    }

    fn read_variable(&self, section: &Section<'_>, key: &str) -> SecretString {
        let name = section.text(key);
        match self.variables.get(&name) {
            Some(value) if !value.trim().is_empty() => SecretString::from(value.trim()),
            _ if name.is_empty() => nothing(),
            _ => {
                section.fault(key, format!("the variable {name} is not set"));
                nothing()
            }
        }
    }

    fn read_named_file(&self, section: &Section<'_>, key: &str) -> SecretString {
        let name = section.text(key);
        if name.is_empty() {
            return nothing();
        }
        read_file(section, key, &self.path(&name))
    }

    fn read_generated(&self, section: &Section<'_>, key: &str) -> SecretString {
        let name = section.text(key);
        match &self.generated {
            Some(folder) => read_file(section, key, &folder.join(name)),
            None => {
                section.fault(key, "generated keys are for the sandbox: use a file");
                nothing()
            }
        }
    }
}

/// A text of the section, where it is there.
fn section_text(section: &Section<'_>, key: &str) -> Option<String> {
    section.has(key).then(|| section.opt_text(key)).flatten()
}

fn read_file(section: &Section<'_>, key: &str, path: &Path) -> SecretString {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            section.fault(key, format!("the file {} is empty", path.display()));
            nothing()
        }
        Ok(text) => SecretString::from(text.trim()),
        Err(error) => {
            section.fault(key, format!("the file {}: {error}", path.display()));
            nothing()
        }
    }
}

fn nothing() -> SecretString {
    SecretString::from("")
}

pub(super) fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}
