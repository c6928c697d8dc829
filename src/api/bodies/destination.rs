//! Where a withdrawal is to go, as it is sent.

use super::instrument::card_token;
use crate::api::fields::{Fields, FromFields};
use crate::domain::PaymentId;
use crate::domain::instrument::mask;
use crate::domain::pix_key::is_pix_key;
use psp_contract::Portable;
use utoipa::ToSchema;
use uuid::Uuid;

/// A wanted destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationBody {
    /// The source of an own deposit.
    Source {
        deposit: Uuid,
    },
    Portable(Portable),
    /// A PSP's token of a card.
    Card {
        token: String,
    },
}

impl FromFields for DestinationBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kinds = "source, iban, uk_account, pix_key, crypto_address or card";
        let known = ("destination.type_unknown", kinds);
        let kind =
            fields.parsed("type", known, |text| KINDS.into_iter().find(|kind| *kind == text))?;
        match kind {
            "source" => {
                let fault = ("destination.deposit_malformed", "this is no id of a deposit");
                let deposit = fields.parsed("deposit_id", fault, |text| {
                    let id = PaymentId::parse(text)?;
                    (id == PaymentId::deposit(id.uuid)).then_some(id.uuid)
                })?;
                Some(Self::Source { deposit })
            }
            "iban" => {
                let fault = (
                    "destination.iban_invalid",
                    "the check digits or the form of this IBAN are wrong",
                );
                let iban = fields.parsed("iban", fault, parse_iban);
                let holder_name = fields.line("holder_name", 140);
                Some(Self::Portable(Portable::Iban { iban: iban?, holder_name: holder_name? }))
            }
            "uk_account" => uk_account(fields),
            "pix_key" => {
                let fault = (
                    "destination.pix_key_invalid",
                    "a Pix key is a CPF or CNPJ with sound check digits and nothing but digits, a mobile \
                     number as +5511987654321, an e-mail address in lower case, or a random key (a UUID)",
                );
                let key =
                    fields.parsed("key", fault, |text| is_pix_key(text).then(|| text.to_owned()));
                key.map(|key| Self::Portable(Portable::PixKey { key }))
            }
            "crypto_address" => crypto_address(fields),
            _ => card_token(fields).map(|token| Self::Card { token }),
        }
    }
}

const KINDS: [&str; 6] = ["source", "iban", "uk_account", "pix_key", "crypto_address", "card"];

fn uk_account(fields: &mut Fields<'_>) -> Option<DestinationBody> {
    let digits = |count: usize| {
        move |text: &str| {
            let plain: String = text.chars().filter(|c| *c != '-' && *c != ' ').collect();
            let fits = plain.len() == count && plain.bytes().all(|b| b.is_ascii_digit());
            fits.then_some(plain)
        }
    };
    let sort_code = fields.parsed(
        "sort_code",
        ("destination.sort_code_invalid", "a sort code has six digits"),
        digits(6),
    );
    let account_number = fields.parsed(
        "account_number",
        ("destination.account_number_invalid", "an account number has eight digits"),
        digits(8),
    );
    let holder_name = fields.line("holder_name", 140);
    Some(DestinationBody::Portable(Portable::UkAccount {
        sort_code: sort_code?,
        account_number: account_number?,
        holder_name: holder_name?,
    }))
}

fn crypto_address(fields: &mut Fields<'_>) -> Option<DestinationBody> {
    let network = fields.line("network", 32);
    let asset = fields.line("asset", 16);
    let fault = ("destination.address_invalid", "an address has 10 to 128 letters and digits");
    let address = fields.parsed("address", fault, |text| {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b":_-".contains(&b));
        ((10..=128).contains(&text.len()) && plain).then(|| text.to_owned())
    });
    let tag = fields.line_opt("tag", 64);
    Some(DestinationBody::Portable(Portable::CryptoAddress {
        network: network?,
        asset: asset?,
        address: address?,
        tag,
    }))
}

/// Reads an IBAN (ISO 13616) without its spaces, upper case, with sound check digits.
pub fn parse_iban(text: &str) -> Option<String> {
    let iban: String = text.chars().filter(|c| *c != ' ').collect();
    let form = (15..=34).contains(&iban.len())
        && iban.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && iban.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && iban.bytes().skip(2).take(2).all(|b| b.is_ascii_digit());
    if !form {
        return None;
    }
    let (head, tail) = iban.split_at(4);
    let remainder = tail.bytes().chain(head.bytes()).fold(0_u32, |remainder, byte| {
        let (value, shift) = match byte {
            b'0'..=b'9' => (u32::from(byte - b'0'), 10),
            _ => (u32::from(byte - b'A') + 10, 100),
        };
        (remainder * shift + value) % 97
    });
    (remainder == 1).then_some(iban)
}

/// The short text that people may see of it.
pub fn masked(portable: &Portable) -> String {
    mask(match portable {
        Portable::Iban { iban, .. } => iban,
        // A number of eight digits alone would show nothing.
        Portable::UkAccount { sort_code, account_number, .. } => {
            return mask(&format!("{sort_code}{account_number}"));
        }
        Portable::PixKey { key } => key,
        Portable::CryptoAddress { address, .. } | Portable::Email { address, .. } => address,
        Portable::Phone { number, .. } => number,
    })
}

/// One of the forms by `type`: `source` (`deposit_id`), `iban` (`iban`, `holder_name`),
/// `uk_account` (`sort_code`, `account_number`, `holder_name`), `pix_key` (`key`: a CPF, a CNPJ, `+55` and a
/// mobile number, an e-mail address in lower case, or a random key),
/// `crypto_address` (`network`, `asset`, `address`, `tag`), `card` (`token`).
#[derive(Debug, ToSchema, serde::Serialize)]
#[schema(as = Destination)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DestinationSchema {
    /// The source of an own deposit.
    Source {
        deposit_id: String,
    },
    Iban {
        iban: String,
        holder_name: String,
    },
    UkAccount {
        sort_code: String,
        account_number: String,
        holder_name: String,
    },
    PixKey {
        key: String,
    },
    CryptoAddress {
        network: String,
        asset: String,
        address: String,
        tag: Option<String>,
    },
    Card {
        token: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fields::read;
    use crate::api::json::Json;

    #[test]
    fn an_iban_is_checked() {
        let iban = "DE89 3704 0044 0532 0130 00";
        assert_eq!(parse_iban(iban).as_deref(), Some("DE89370400440532013000"));
        assert!(parse_iban("GB82WEST12345698765432").is_some());
        for bad in [
            "DE88370400440532013000",
            "de89370400440532013000",
            "DE89",
            "",
            "DE8937040044053201300000000000000000",
        ] {
            assert_eq!(parse_iban(bad), None, "{bad}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<DestinationBody, (u16, &str)>) {
        let got = read::<DestinationBody>(Json::parse(text.as_bytes()).unwrap());
        let got = got.map_err(|problem| (problem.status().as_u16(), problem.code().to_owned()));
        let expected = expected.map_err(|(status, code)| (status, code.to_owned()));
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn each_type_has_its_own_fields() {
        check(
            r#"{"type":"uk_account","sort_code":"12-34-56","account_number":"12345678","holder_name":"A B"}"#,
            Ok(DestinationBody::Portable(Portable::UkAccount {
                sort_code: "123456".to_owned(),
                account_number: "12345678".to_owned(),
                holder_name: "A B".to_owned(),
            })),
        );
        check(
            r#"{"type":"source","deposit_id":"dep_00000000000000000000000000000001"}"#,
            Ok(DestinationBody::Source { deposit: Uuid::from_u128(1) }),
        );
        check(
            r#"{"type":"source","deposit_id":"wd_00000000000000000000000000000001"}"#,
            Err((422, "destination.deposit_malformed")),
        );
        check(r#"{"type":"card","token":"t","iban":"x"}"#, Err((400, "request.invalid")));
        check(
            r#"{"type":"iban","iban":"x","holder_name":"A"}"#,
            Err((422, "destination.iban_invalid")),
        );
        let key = "ana@banco.example".to_owned();
        check(
            r#"{"type":"pix_key","key":"ana@banco.example"}"#,
            Ok(DestinationBody::Portable(Portable::PixKey { key })),
        );
        for key in ["nope", "52998224724"] {
            let body = format!(r#"{{"type":"pix_key","key":"{key}"}}"#);
            check(&body, Err((422, "destination.pix_key_invalid")));
        }
        check(r#"{"type":"cheque"}"#, Err((422, "destination.type_unknown")));
    }
}
