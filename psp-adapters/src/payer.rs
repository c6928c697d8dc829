//! Who paid, and how people may see it: the portable identities that several PSPs tell.

use psp_contract::{CardFunding, PayerProof, Portable};

/// The e-mail address that paid, which any PSP of the scheme can pay back, shown as `e***@example.test`.
pub(crate) fn email(address: &str) -> Option<PayerProof> {
    let (name, host) = address.split_once('@')?;
    let masked = name.chars().next().map(|first| format!("{first}***@{host}"));
    let portable = Portable::Email { address: address.to_owned(), holder_name: String::new() };
    Some(PayerProof { masked, portable: Some(portable), ..PayerProof::default() })
}

/// A bank account and its holder, shown as `DE** **** 3000` or `**** 5678`.
pub(crate) fn bank_account(holder_name: Option<String>, portable: Option<Portable>) -> PayerProof {
    let end = |text: &str| Some(text.get(text.len().checked_sub(4)?..)?.to_owned());
    let masked = portable.as_ref().and_then(|portable| match portable {
        Portable::Iban { iban, .. } => Some(format!("{}** **** {}", iban.get(..2)?, end(iban)?)),
        Portable::UkAccount { account_number, .. } => {
            Some(format!("**** {}", end(account_number)?))
        }
        _ => None,
    });
    PayerProof { holder_name, portable, masked, ..PayerProof::default() }
}

/// A card by the PSP's own token of it, shown by its last digits where they are four, with the PSP's word
/// for whose money it spends.
pub(crate) fn card(
    token: Option<String>,
    digits: Option<&str>,
    funding: Option<&str>,
) -> PayerProof {
    let digits = digits.filter(|text| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()));
    let masked = digits.map(|digits| format!("**** {digits}"));
    PayerProof { token, masked, funding: funding.and_then(funding_of), ..PayerProof::default() }
}

/// What the issuer lends, however soon it wants it back, is credit. Adyen's list spells `DEFFERED_DEBIT` so.
fn funding_of(word: &str) -> Option<CardFunding> {
    match &*word.to_ascii_lowercase() {
        "credit" | "charge" | "deferred_debit" | "deffered_debit" => Some(CardFunding::Credit),
        "debit" => Some(CardFunding::Debit),
        "prepaid" | "prepaid_reloadable" | "prepaid_nonreloadable" => Some(CardFunding::Prepaid),
        _ => None,
    }
}

/// A mobile number, shown as `+46*******67`.
pub(crate) fn phone(number: String) -> PayerProof {
    let end = number.len().saturating_sub(2);
    let masked = number.get(..2).zip(number.get(end..));
    let masked = masked.map(|(country, end)| format!("+{country}*******{end}"));
    let portable = Some(Portable::Phone { number, holder_name: String::new() });
    PayerProof { portable, masked, ..PayerProof::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_spends_its_issuers_money_or_its_holders() {
        let funding = |word| card(None, None, Some(word)).funding;
        assert_eq!(funding("DEFERRED_DEBIT"), Some(CardFunding::Credit));
        assert_eq!(funding("Credit"), Some(CardFunding::Credit));
        assert_eq!(funding("DEBIT"), Some(CardFunding::Debit));
        assert_eq!(funding("Prepaid"), Some(CardFunding::Prepaid));
        // As the published list of Adyen's `fundingSource` spells them.
        assert_eq!(funding("DEFFERED_DEBIT"), Some(CardFunding::Credit));
        assert_eq!(funding("PREPAID_RELOADABLE"), Some(CardFunding::Prepaid));
        assert_eq!(funding("PREPAID_NONRELOADABLE"), Some(CardFunding::Prepaid));
        assert_eq!(funding("unknown"), None);
    }

    #[test]
    fn people_see_as_much_as_it_takes_to_know_an_account_again() {
        let shown = |proof: PayerProof| proof.masked.unwrap_or_default();
        assert_eq!(email("erika@example.test").map(shown).as_deref(), Some("e***@example.test"));
        assert_eq!(email("erika"), None);
        assert_eq!(shown(phone("46701234567".to_owned())), "+46*******67");
        let iban = "DE89370400440532013000".to_owned();
        let iban = Portable::Iban { iban, holder_name: String::new() };
        assert_eq!(shown(bank_account(None, Some(iban))), "DE** **** 3000");
        assert_eq!(shown(bank_account(None, None)), "");
        assert_eq!(shown(card(None, Some("1111"), None)), "**** 1111");
        assert_eq!(shown(card(None, Some("411111******1111"), None)), "");
    }
}
