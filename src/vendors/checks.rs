//! Everybody who is asked about players: registers, files of limits, matchers of names.

use super::limit_file::LimitFile;
use super::register::Register;

/// The vendors of this instance that know people. They change by a restart only.
#[derive(Debug, Default)]
pub struct Checks {
    pub registers: Vec<Register>,
    pub files: Vec<LimitFile>,
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

    pub fn file_named(&self, id: &str) -> Option<&LimitFile> {
        self.files.iter().find(|one| one.id == id)
    }
}
