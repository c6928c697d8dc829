//! The JSON in which a proposal's payload is stored, and its hash: what is approved is these bytes.

use super::{StoreError, json};
use crate::book::{Adjustment, CasePayload, PlayerFields};
use crate::domain::{Exclusion, Money, Timestamp};
use crate::screening::attestation::{AttestationKind, AttestationTerms};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::Date;
use time::format_description::well_known::Iso8601;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Stored {
    Adjustment {
        entry: String,
        minor: i64,
        currency: String,
    },
    Attestation {
        kind: String,
        reference: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        minor: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        currency: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        valid_until: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        named: Option<String>,
    },
    ExclusionEnd {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        source: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        from: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        until: Option<i64>,
    },
    Exclusion,
    Erasure,
    PlayerFields {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        country: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        date_of_birth: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        national_id: Option<String>,
    },
}

/// The stored text and its SHA-256.
pub fn text(payload: &CasePayload) -> (String, [u8; 32]) {
    let stored = match payload {
        CasePayload::Adjustment { entry, money } => Stored::Adjustment {
            entry: entry.as_str().to_owned(),
            minor: money.minor,
            currency: money.currency.code().to_owned(),
        },
        CasePayload::Attestation(terms, named) => Stored::Attestation {
            kind: terms.kind.as_str().to_owned(),
            reference: terms.reference.clone(),
            minor: terms.amount.map(|money| money.minor),
            currency: terms.amount.map(|money| money.currency.code().to_owned()),
            valid_until: terms.valid_until.map(Timestamp::unix_timestamp),
            named: named.map(hex::encode),
        },
        CasePayload::ExclusionEnd(which) => Stored::ExclusionEnd {
            source: which.as_ref().map(|it| it.source.clone()),
            from: which.as_ref().map(|it| it.from.unix_timestamp()),
            until: which.as_ref().and_then(|it| it.until).map(Timestamp::unix_timestamp),
        },
        CasePayload::Exclusion => Stored::Exclusion,
        CasePayload::Erasure => Stored::Erasure,
        CasePayload::PlayerFields(fields) => Stored::PlayerFields {
            country: fields.country.clone(),
            date_of_birth: fields.date_of_birth.map(|day| day.to_string()),
            national_id: fields.national_id.clone(),
        },
    };
    let text = json::text(&stored);
    let hash = Sha256::digest(text.as_bytes()).into();
    (text, hash)
}

/// Reads it back; bytes that are not those of the hash are no proposal of anybody's.
pub fn read(text: &str, sha256: &[u8]) -> Result<(CasePayload, [u8; 32]), StoreError> {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    if hash != sha256 {
        return Err(corrupt("does not have its hash"));
    }
    let payload = match json::read::<Stored>(text, "a proposal's payload")? {
        Stored::Adjustment { entry, minor, currency } => CasePayload::Adjustment {
            entry: Adjustment::parse(&entry).ok_or_else(|| corrupt("adjusts in no known way"))?,
            money: Money::new(minor, json::currency(&currency)?),
        },
        Stored::Attestation { kind, reference, minor, currency, valid_until, named } => {
            let currency = currency.as_deref().map(json::currency).transpose()?;
            let terms = AttestationTerms {
                kind: AttestationKind::parse(&kind)
                    .ok_or_else(|| corrupt("attests nothing known"))?,
                reference,
                amount: minor.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
                valid_until: valid_until.map(instant).transpose()?,
            };
            // A proposal of an older release says nothing of it.
            CasePayload::Attestation(terms, named.map(|named| name(&named)).transpose()?)
        }
        Stored::ExclusionEnd { source, from, until } => {
            let until = until.map(instant).transpose()?;
            let from = from.map(instant).transpose()?;
            // A proposal of an older release says nothing of it.
            let which = source.zip(from).map(|(source, from)| Exclusion { source, from, until });
            CasePayload::ExclusionEnd(which)
        }
        Stored::Exclusion => CasePayload::Exclusion,
        Stored::Erasure => CasePayload::Erasure,
        Stored::PlayerFields { country, date_of_birth, national_id } => {
            let day = date_of_birth.map(|day| Date::parse(&day, &Iso8601::DATE)).transpose();
            CasePayload::PlayerFields(PlayerFields {
                country,
                date_of_birth: day.map_err(|_| corrupt("has no date of birth"))?,
                national_id,
            })
        }
    };
    Ok((payload, hash))
}

fn instant(seconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_unix_timestamp(seconds).map_err(|_| corrupt("names no time"))
}

fn name(hex: &str) -> Result<[u8; 32], StoreError> {
    let bytes = hex::decode(hex).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| corrupt("names no name"))
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("a proposal's payload {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;
    use time::macros::{date, datetime};

    #[test]
    fn a_payload_is_read_back_as_it_was_and_only_with_its_hash() {
        let terms = AttestationTerms {
            kind: AttestationKind::SourceOfFunds,
            reference: "file 7".to_owned(),
            amount: Some(Money::new(1, Currency::SEK)),
            valid_until: Some(datetime!(2026-03-01 12:00 UTC)),
        };
        let payloads = [
            CasePayload::Adjustment {
                entry: Adjustment::WriteOff,
                money: Money::new(125, Currency::EUR),
            },
            CasePayload::Attestation(terms.clone(), None),
            CasePayload::Attestation(terms, Some([7; 32])),
            CasePayload::ExclusionEnd(None),
            CasePayload::ExclusionEnd(Some(Exclusion {
                source: "self".to_owned(),
                from: datetime!(2026-02-01 12:00 UTC),
                until: None,
            })),
            CasePayload::Exclusion,
            CasePayload::Erasure,
            CasePayload::PlayerFields(PlayerFields {
                country: None,
                date_of_birth: Some(date!(1990 - 02 - 03)),
                national_id: Some("1".to_owned()),
            }),
        ];
        for payload in payloads {
            let (text, hash) = text(&payload);
            assert_eq!(read(&text, &hash).unwrap(), (payload, hash));
            assert!(read(&text.replace(':', ": "), &hash).is_err(), "other bytes");
        }
    }
}
