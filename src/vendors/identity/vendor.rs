//! One account at a vendor of identity, as a client.

use super::verify::{Keys, Refused, Scheme, Verified, verify};
use super::wire::onfido::{self, Onfido};
use super::wire::sumsub::{self, Sumsub};
use super::wire::veriff::{self, Veriff};
use super::wire::{Event, Told, Unreadable};
use crate::domain::{OperatorId, Timestamp};
use crate::screening::hooks::HookFailure;
use crate::vendors::people::link::Link;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use time::Duration;

/// One account. It is one casino's: players of others cannot be told of through it.
#[derive(Debug)]
pub struct IdentityVendor {
    pub id: String,
    pub operator: OperatorId,
    /// Whose players it is looked at for. Empty: everybody's.
    pub countries: Vec<String>,
    pub link: Link,
    pub wire: Wire,
    /// What the vendor's messages are signed with.
    pub keys: Keys,
    /// What the vendor's own levels, workflows or sessions are worth here.
    pub levels: BTreeMap<String, i16>,
    /// Whether verifications of the vendor's sandbox count.
    pub sandbox: bool,
    /// How long the vendor may take, from a message on, before people are told.
    pub patience: Duration,
}

/// What it speaks.
#[derive(Debug)]
pub enum Wire {
    Sumsub(Sumsub),
    Onfido(Onfido),
    Veriff(Veriff),
}

impl IdentityVendor {
    pub fn serves(&self, country: &str) -> bool {
        self.countries.is_empty() || self.countries.iter().any(|own| own == country)
    }

    /// Whether the vendor sent these bytes.
    ///
    /// # Errors
    /// That is not proven.
    pub fn verify<'a>(
        &self,
        headers: &[(String, String)],
        body: &'a [u8],
    ) -> Result<Verified<'a>, Refused> {
        let scheme = match &self.wire {
            Wire::Sumsub(_) => Scheme::Sumsub,
            Wire::Onfido(_) => Scheme::Onfido,
            Wire::Veriff(_) => Scheme::Veriff,
        };
        verify(scheme, &self.keys, headers, body)
    }

    /// What a message says.
    ///
    /// # Errors
    /// It is not what the vendor documents.
    pub fn event(&self, verified: &Verified<'_>) -> Result<Event, Unreadable> {
        match &self.wire {
            Wire::Sumsub(_) => sumsub::event(verified),
            Wire::Onfido(_) => onfido::event(verified, self.link.base_url()),
            Wire::Veriff(_) => veriff::event(verified),
        }
    }

    /// Asks how a verification stands; the answer with the hash of the bytes that it was read from.
    ///
    /// # Errors
    /// No answer that can be used, within the deadline.
    pub async fn ask(
        &self,
        reference: &str,
        now: Timestamp,
    ) -> Result<(Told, [u8; 32]), HookFailure> {
        let (by, base_url) = (self.link.deadline(), self.link.base_url());
        let question = match &self.wire {
            Wire::Sumsub(sumsub) => sumsub.question(base_url, reference, now),
            Wire::Onfido(onfido) => onfido.question(base_url, reference),
            Wire::Veriff(veriff) => veriff.question(base_url, reference, &self.keys.current),
        };
        let answer = self.link.ask(question, by).await?;
        let told = match &self.wire {
            Wire::Sumsub(_) => sumsub::told(&answer.body, reference),
            Wire::Onfido(_) => onfido::told(&answer.body, reference),
            Wire::Veriff(_) => veriff::told(&answer, reference, &self.keys),
        };
        let told = told.map_err(|_| HookFailure::Unreadable)?;
        Ok((told, Sha256::digest(&answer.body).into()))
    }
}
