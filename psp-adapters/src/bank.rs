//! Bank accounts as PSPs are told of them: `{type, …}` of an IBAN, which all name alike, or of a British
//! account, for which each has words of its own.

use crate::common::compact;
use crate::json::{Field, Json, object};
use psp_contract::Portable;

/// What a PSP calls a British account, its sort code and its number.
pub(crate) struct British {
    pub kind: &'static str,
    pub sort_code: &'static str,
    pub account_number: &'static str,
}

impl British {
    /// The account that is paid, and its holder. None for what is no bank account.
    pub fn or_iban<'a>(&self, portable: Option<&'a Portable>) -> Option<(Json, &'a str)> {
        match portable? {
            Portable::Iban { iban, holder_name } => {
                let iban = compact(iban).to_ascii_uppercase();
                Some((object! { "type": "iban", "iban": iban }, holder_name))
            }
            Portable::UkAccount { sort_code, account_number, holder_name } => {
                let account = Json::fields([
                    ("type", self.kind.field()),
                    (self.sort_code, compact(sort_code).field()),
                    (self.account_number, compact(account_number).field()),
                ]);
                Some((account, holder_name))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_written_without_the_blanks_of_people_and_in_the_psps_words() {
        let british = British { kind: "uk", sort_code: "sort", account_number: "number" };
        let written = |portable: Portable| {
            let (account, holder) = british.or_iban(Some(&portable))?;
            Some((String::from_utf8(account.to_bytes()).ok()?, holder.to_owned()))
        };
        let holder_name = "Erika".to_owned();
        let iban = "de89 3704 0044 0532 0130 00".to_owned();
        let iban = written(Portable::Iban { iban, holder_name: holder_name.clone() });
        let text = r#"{"iban":"DE89370400440532013000","type":"iban"}"#;
        assert_eq!(iban, Some((text.to_owned(), holder_name.clone())));
        let (sort_code, account_number) = ("04-00-04".to_owned(), "12345678".to_owned());
        let account = written(Portable::UkAccount { sort_code, account_number, holder_name });
        let text = r#"{"number":"12345678","sort":"040004","type":"uk"}"#;
        assert_eq!(account.map(|(text, _)| text).as_deref(), Some(text));
        assert_eq!(written(Portable::PixKey { key: "7".to_owned() }), None);
    }
}
