//! Who really paid, as far as the PSP proves it, against who the player is.
//!
//! A fact says only how the proof stands to the record, never what either of them is: decisions are
//! kept for ever and shown to people, and names and numbers need not be in them.

use super::facts::{Match, PayerFacts};
use crate::domain::{Instrument, Player};
use psp_contract::Portable;
use std::collections::BTreeSet;

/// What a PSP proves of a payer against the player's record.
pub fn compare(source: &Instrument, player: &Player) -> PayerFacts {
    PayerFacts {
        name: compare_names(source.holder_name.as_deref(), &player.full_name),
        tax_id: compare_ids(source.tax_id.as_deref(), player.national_id.as_deref()),
        account: account(source, player),
        funding: source.funding,
    }
}

/// Whether what a PSP proves of a payer contradicts the player's record. The number says who it is;
/// where it is the player's, a name is spelt otherwise.
pub fn contradicts(source: &Instrument, player: &Player) -> bool {
    let PayerFacts { name, tax_id, .. } = compare(source, player);
    tax_id == Match::Other || (name == Match::Other && tax_id != Match::Same)
}

/// Whose account a payout is to go to, by the name of its holder as the casino or the player gave it.
pub fn whose(to: &Instrument, player: &Player) -> Match {
    let holder = match &to.portable {
        Some(Portable::Iban { holder_name, .. } | Portable::UkAccount { holder_name, .. }) => {
            Some(holder_name.as_str())
        }
        _ => to.holder_name.as_deref(),
    };
    compare_names(holder, &player.full_name)
}

/// What kind of account paid. Its address is compared where the record has one, and never hits:
/// people have several.
fn account(source: &Instrument, player: &Player) -> String {
    let same = |ours: &Option<String>, theirs: &str| match ours {
        Some(ours) if plain(ours) == plain(theirs) => "the player's",
        Some(_) => "another than in the record",
        None => "not in the record",
    };
    match &source.portable {
        Some(Portable::Phone { number, .. }) => format!("phone, {}", same(&player.phone, number)),
        Some(Portable::Email { address, .. }) => format!("email, {}", same(&player.email, address)),
        Some(_) => source.kind().to_owned(),
        None if source.tokens.is_empty() => "not told".to_owned(),
        None => "known to the PSP".to_owned(),
    }
}

/// Names are the same when all words of the shorter one are in the longer: second names, titles and
/// the order differ from bank to bank. A single word is too little to know a person by.
fn compare_names(told: Option<&str>, ours: &str) -> Match {
    let Some(told) = told.filter(|told| !told.contains('*')) else { return Match::Unknown };
    let (told, ours) = (words(told), words(ours));
    let shorter = told.len().min(ours.len());
    if shorter == 0 {
        return Match::Unknown;
    }
    let common = told.intersection(&ours).count();
    if common == shorter && (1 < common || told == ours) { Match::Same } else { Match::Other }
}

fn compare_ids(told: Option<&str>, ours: Option<&str>) -> Match {
    let (Some(told), Some(ours)) = (told, ours) else { return Match::Unknown };
    let (told, ours) = (plain(told), plain(ours));
    if told.contains('*') || told.is_empty() || ours.is_empty() {
        return Match::Unknown;
    }
    // A Swedish number is written with or without its century.
    let long_enough = 10 <= told.len().min(ours.len());
    let same = told == ours || (long_enough && (told.ends_with(&ours) || ours.ends_with(&told)));
    if same { Match::Same } else { Match::Other }
}

/// Letters, digits and asterisks, in capitals.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric() || *c == '*');
    kept.flat_map(char::to_uppercase).collect()
}

fn words(name: &str) -> BTreeSet<String> {
    let folded: String = name.chars().flat_map(char::to_lowercase).map(unaccented).collect();
    let parts = folded.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// A letter without its accent: banks send names in the letters that their old systems know.
const fn unaccented(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_whatever_a_bank_makes_of_them() {
        for (told, ours) in [
            ("MARIA DA SILVA SANTOS", "Maria Santos"),
            ("Söderström, Åsa", "Asa Soderstrom"),
            ("JOSE GARCIA", "José García"),
            ("Cher", "Cher"),
        ] {
            assert_eq!(compare_names(Some(told), ours), Match::Same, "{told} and {ours}");
        }
        for (told, ours) in [("Maria Santos", "Joao Santos"), ("Anna", "Anna Berg")] {
            assert_eq!(compare_names(Some(told), ours), Match::Other, "{told} and {ours}");
        }
        for told in [None, Some(""), Some("M*** S****")] {
            assert_eq!(compare_names(told, "Maria Santos"), Match::Unknown, "{told:?}");
        }
    }

    #[test]
    fn numbers_are_compared_without_their_punctuation() {
        let compare = |told, ours| compare_ids(Some(told), Some(ours));
        assert_eq!(compare("123.456.789-09", "12345678909"), Match::Same);
        assert_eq!(compare("19900101-1234", "900101-1234"), Match::Same);
        assert_eq!(compare("12345678909", "12345678908"), Match::Other);
        assert_eq!(compare("***.456.789-**", "12345678909"), Match::Unknown);
        assert_eq!(compare_ids(None, Some("1")), Match::Unknown);
        assert_eq!(compare_ids(Some("1"), None), Match::Unknown);
    }

    #[test]
    fn the_players_own_number_counts_for_more_than_a_name() {
        let player = Player {
            national_id: Some("12345678909".to_owned()),
            ..crate::screening::test_data::player()
        };
        let told = Instrument {
            holder_name: Some("Somebody Else".to_owned()),
            tax_id: player.national_id.clone(),
            ..Instrument::default()
        };
        assert!(!contradicts(&told, &player));
        assert!(contradicts(&Instrument { tax_id: None, ..told.clone() }, &player));
        let foreign = Instrument { tax_id: Some("98765432100".to_owned()), ..told };
        assert!(contradicts(&foreign, &player));
        let own_name = Instrument { holder_name: Some(player.full_name.clone()), ..foreign };
        assert!(contradicts(&own_name, &player), "another's number is another's account");
    }
}
