//! Everybody who is asked about players: registers, files of limits, matchers of names.

use super::limit_file::LimitFile;
use super::matcher::Matcher;
use super::register::Register;

/// The vendors of this instance that know people. They change by a restart only.
#[derive(Debug, Default)]
pub struct Checks {
    pub registers: Vec<Register>,
    pub files: Vec<LimitFile>,
    /// All of those that serve a country are asked.
    pub matchers: Vec<Matcher>,
}

impl Checks {
    /// The register of a country's players.
    pub fn register(&self, country: &str) -> Option<&Register> {
        self.registers.iter().find(|one| one.countries.iter().any(|own| own == country))
    }

    /// The file of limits of a country's players.
    pub fn file(&self, country: &str) -> Option<&LimitFile> {
        self.files.iter().find(|one| one.countries.iter().any(|own| own == country))
    }

    /// The matchers of a country's players' names.
    pub fn matchers<'a>(&'a self, country: &'a str) -> impl Iterator<Item = &'a Matcher> {
        let serves = move |one: &&Matcher| {
            one.countries.is_empty() || one.countries.iter().any(|own| own == country)
        };
        self.matchers.iter().filter(serves)
    }

    pub fn file_named(&self, id: &str) -> Option<&LimitFile> {
        self.files.iter().find(|one| one.id == id)
    }
}
