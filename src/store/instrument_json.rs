//! The JSON forms in which instruments are stored: where money goes to, and where it came from.

use super::StoreError;
use super::json::{read, text};
use crate::domain::Instrument;
use psp_contract::{CardFunding, Instrument as Chosen, Portable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StoredPortable {
    Iban { iban: String, holder_name: String },
    UkAccount { sort_code: String, account_number: String, holder_name: String },
    PixKey { key: String },
    CryptoAddress { network: String, asset: String, address: String, tag: Option<String> },
    Phone { number: String, holder_name: String },
    Email { address: String, holder_name: String },
}

impl From<Portable> for StoredPortable {
    fn from(portable: Portable) -> Self {
        match portable {
            Portable::Iban { iban, holder_name } => Self::Iban { iban, holder_name },
            Portable::UkAccount { sort_code, account_number, holder_name } => {
                Self::UkAccount { sort_code, account_number, holder_name }
            }
            Portable::PixKey { key } => Self::PixKey { key },
            Portable::CryptoAddress { network, asset, address, tag } => {
                Self::CryptoAddress { network, asset, address, tag }
            }
            Portable::Phone { number, holder_name } => Self::Phone { number, holder_name },
            Portable::Email { address, holder_name } => Self::Email { address, holder_name },
        }
    }
}

impl From<StoredPortable> for Portable {
    fn from(stored: StoredPortable) -> Self {
        match stored {
            StoredPortable::Iban { iban, holder_name } => Self::Iban { iban, holder_name },
            StoredPortable::UkAccount { sort_code, account_number, holder_name } => {
                Self::UkAccount { sort_code, account_number, holder_name }
            }
            StoredPortable::PixKey { key } => Self::PixKey { key },
            StoredPortable::CryptoAddress { network, asset, address, tag } => {
                Self::CryptoAddress { network, asset, address, tag }
            }
            StoredPortable::Phone { number, holder_name } => Self::Phone { number, holder_name },
            StoredPortable::Email { address, holder_name } => Self::Email { address, holder_name },
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredInstrument {
    portable: Option<StoredPortable>,
    tokens: BTreeMap<String, String>,
    holder_name: Option<String>,
    // Absent in rows of a release that kept none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_id: Option<String>,
    masked: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    funding: Option<String>,
    source_deposit: Option<Uuid>,
}

pub fn instrument(instrument: &Instrument) -> String {
    text(&StoredInstrument {
        portable: instrument.portable.clone().map(StoredPortable::from),
        tokens: instrument.tokens.clone(),
        holder_name: instrument.holder_name.clone(),
        tax_id: instrument.tax_id.clone(),
        masked: instrument.masked.clone(),
        funding: instrument.funding.map(|funding| funding.as_str().to_owned()),
        source_deposit: instrument.source_deposit,
    })
}

pub fn read_instrument(value: &str) -> Result<Instrument, StoreError> {
    let stored: StoredInstrument = read(value, "instrument")?;
    Ok(Instrument {
        portable: stored.portable.map(Portable::from),
        tokens: stored.tokens,
        holder_name: stored.holder_name,
        tax_id: stored.tax_id,
        masked: stored.masked,
        funding: stored.funding.as_deref().and_then(CardFunding::parse),
        source_deposit: stored.source_deposit,
    })
}

/// What a player chose to pay with.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StoredChosen {
    Card { token: String },
    Crypto { asset: String, network: String },
}

pub fn chosen(instrument: &Chosen) -> String {
    text(&match instrument.clone() {
        Chosen::CardToken(token) => StoredChosen::Card { token },
        Chosen::Crypto { asset, network } => StoredChosen::Crypto { asset, network },
    })
}

pub fn read_chosen(value: &str) -> Result<Chosen, StoreError> {
    Ok(match read(value, "chosen instrument")? {
        StoredChosen::Card { token } => Chosen::CardToken(token),
        StoredChosen::Crypto { asset, network } => Chosen::Crypto { asset, network },
    })
}
