//! Identifiers: fresh ones for what is booked, derived ones for what must come out the same
//! again after a restart (a notification's id, a bank account behind a payer).

use openssl::sha::sha256;
use uuid::Uuid;

/// A fresh UUID with dashes, TrueLayer's form of an id.
pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

/// A random ten-digit number, Trustly's form of an id. The caller must check that it is free:
/// among a hundred thousand of them two are likely to be equal.
pub(crate) fn ten_digits() -> String {
    digits_of(Uuid::new_v4().as_u128(), 10)
}

/// The same words give the same UUID, also after a restart.
pub(crate) fn derived_uuid(words: &[&str]) -> String {
    uuid::Builder::from_random_bytes(derived_u128(words).to_be_bytes()).into_uuid().to_string()
}

/// The same words give the same number of `len` digits, the first of them not zero.
pub(crate) fn derived_digits(words: &[&str], len: usize) -> String {
    digits_of(derived_u128(words), len)
}

/// An attempt's digits as the control API shows them: a UUID loses its dashes and upper case.
pub(crate) fn client_reference(text: &str) -> String {
    Uuid::try_parse(text).map_or_else(|_| text.to_owned(), |id| id.simple().to_string())
}

/// The same words give the same IBAN, of the length that the country's IBANs have.
pub(crate) fn derived_iban(country: &str, words: &[&str]) -> String {
    let (bank, len) = match country {
        "SE" => ("", 20),
        "DK" => ("", 14),
        "NO" => ("", 11),
        "PL" => ("", 24),
        "GB" => ("MOCK", 14),
        _ => ("", 18),
    };
    iban(country, &format!("{bank}{}", derived_digits(words, len)))
}

/// An IBAN with valid check digits for a country prefix (`DE`, `GB`, …) and a bank account body.
pub(crate) fn iban(country: &str, body: &str) -> String {
    let check = 98 - iban_remainder(&format!("{body}{country}00"));
    format!("{country}{check:02}{body}")
}

/// Whether the check digits of an IBAN are right (ISO 13616, mod 97).
pub(crate) fn iban_is_valid(iban: &str) -> bool {
    let plausible = (15..=34).contains(&iban.len())
        && iban.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    plausible && iban_remainder(&format!("{}{}", &iban[4..], &iban[..4])) == 1
}

fn iban_remainder(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, value| {
        let shift = if value < 10 { 10 } else { 100 };
        (rest * shift + value) % 97
    })
}

fn derived_u128(words: &[&str]) -> u128 {
    let digest = sha256(words.join("\u{1f}").as_bytes());
    digest.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

fn digits_of(number: u128, len: usize) -> String {
    let text = format!("{number:0>39}");
    let tail = &text[text.len() - len..];
    tail.strip_prefix('0').map_or_else(|| tail.to_owned(), |rest| format!("1{rest}"))
}

#[cfg(test)]
mod tests {
    use super::{client_reference, derived_digits, derived_iban, iban, iban_is_valid};

    #[test]
    fn made_ibans_are_valid_and_broken_ones_are_not() {
        assert!(iban_is_valid("DE89370400440532013000"));
        assert!(!iban_is_valid("DE88370400440532013000"));
        assert!(iban_is_valid(&iban("DE", "370400440532013000")));
        for (country, len) in [("SE", 24), ("DK", 18), ("NO", 15), ("PL", 28), ("GB", 22)] {
            let made = derived_iban(country, &["a"]);
            assert!(iban_is_valid(&made) && made.len() == len, "{made}");
        }
    }

    #[test]
    fn a_client_reference_loses_dashes_and_case() {
        let digits = "0192f0c28a7d7c9ab1e4aa00bb11cc22";
        assert_eq!(client_reference("0192F0C2-8A7D-7C9A-B1E4-AA00BB11CC22"), digits);
        assert_eq!(client_reference(digits), digits);
        assert_eq!(client_reference("order-7"), "order-7");
    }

    #[test]
    fn derived_numbers_repeat() {
        assert_eq!(derived_digits(&["a", "b"], 10), derived_digits(&["a", "b"], 10));
        assert_ne!(derived_digits(&["a", "b"], 10), derived_digits(&["ab"], 10));
    }
}
