//! What a withdrawal is paid to, and what a deposit was paid from.

use psp_contract::{CardFunding, Destination, Portable};
use std::collections::BTreeMap;

/// An instrument: its portable identity where that is known, and each PSP account's own token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instrument {
    pub portable: Option<Portable>,
    /// PSP account id → that PSP's own token.
    pub tokens: BTreeMap<String, String>,
    pub holder_name: Option<String>,
    /// National or tax id of the holder, where a PSP proves it.
    pub tax_id: Option<String>,
    /// A short masked text for people, `"DE** **** 3000"`.
    pub masked: String,
    /// Whose money a card spends, where the PSP tells.
    pub funding: Option<CardFunding>,
    /// The deposit whose source this is, when it was asked for as one.
    pub source_deposit: Option<uuid::Uuid>,
}

impl Instrument {
    /// The instrument as one PSP account can be told of it.
    pub fn for_psp(&self, psp: &str) -> Destination {
        Destination { token: self.tokens.get(psp).cloned(), portable: self.portable.clone() }
    }

    /// Whose it is by name, as whoever named it said, or as a PSP proves it.
    pub fn holder(&self) -> Option<&str> {
        let named = match &self.portable {
            Some(
                Portable::Iban { holder_name, .. }
                | Portable::UkAccount { holder_name, .. }
                | Portable::Phone { holder_name, .. }
                | Portable::Email { holder_name, .. },
            ) => Some(holder_name.as_str()),
            _ => None,
        };
        self.holder_name.as_deref().or(named).filter(|name| !name.is_empty())
    }

    /// The kind as the API names it.
    pub const fn kind(&self) -> &'static str {
        match &self.portable {
            Some(Portable::Iban { .. }) => "iban",
            Some(Portable::UkAccount { .. }) => "uk_account",
            Some(Portable::PixKey { .. }) => "pix_key",
            Some(Portable::CryptoAddress { .. }) => "crypto_address",
            Some(Portable::Phone { .. }) => "phone",
            Some(Portable::Email { .. }) => "email",
            // The token of a card that was named, or of whatever a deposit was paid from.
            None if self.source_deposit.is_none() => "card",
            None => "source",
        }
    }
}

/// Leaves the first two and the last four characters readable; short texts show nothing.
pub fn mask(text: &str) -> String {
    let plain: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if plain.len() < 9 {
        return "****".to_owned();
    }
    let head: String = plain[..2].iter().collect();
    let tail: String = plain[plain.len() - 4..].iter().collect();
    format!("{head}** **** {tail}")
}
