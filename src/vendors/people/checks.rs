//! Everybody who is asked about players: registers, files of limits, matchers of names, and who tells of
//! their identity.

use super::limit_file::LimitFile;
use super::matcher::Matcher;
use super::register::Register;
use crate::domain::OperatorId;
use crate::vendors::identity::vendor::IdentityVendor;

/// The vendors of this instance that know people. They change by a restart only.
#[derive(Debug, Default)]
pub struct Checks {
    pub registers: Vec<Register>,
    pub files: Vec<LimitFile>,
    /// All of those that serve a country are asked.
    pub matchers: Vec<Matcher>,
    /// They are looked at for their own operator's players.
    pub identities: Vec<IdentityVendor>,
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
        self.matchers.iter().filter(move |one| one.serves(country))
    }

    pub fn identity_named(&self, id: &str) -> Option<&IdentityVendor> {
        self.identities.iter().find(|one| one.id == id)
    }

    /// The vendors of identity of an operator.
    pub fn identity_ids(&self, operator: &OperatorId) -> Vec<String> {
        let own = self.identities.iter().filter(|one| one.operator == *operator);
        own.map(|one| one.id.clone()).collect()
    }

    pub fn file_named(&self, id: &str) -> Option<&LimitFile> {
        self.files.iter().find(|one| one.id == id)
    }
}
