//! The forms of a Pix key, as the directory of Brazil's central bank has them: whoever is paid by a key that
//! can be nobody's is told so before money is held for it.

/// E-mail addresses are the longest keys.
const CHARS_MAX: usize = 77;

/// Whether the directory could know this key: a CPF or CNPJ with sound check digits, digits alone; a mobile
/// number with `+55`; an e-mail address in lower case; or a random key, a UUID in lower case.
pub fn is_pix_key(key: &str) -> bool {
    is_cpf(key) || is_cnpj(key) || is_phone(key) || is_email(key) || is_random(key)
}

fn digits(text: &str, count: usize) -> Option<Vec<u32>> {
    let found: Vec<u32> = text.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    (found.len() == count).then_some(found)
}

/// The check digit behind these digits: weights rise from 2, from the right, and begin anew behind `highest`.
fn check_digit(digits: &[u32], highest: u32) -> u32 {
    let weights = (2..=highest).cycle();
    let sum: u32 = digits.iter().rev().zip(weights).map(|(digit, weight)| digit * weight).sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

fn is_checked(text: &str, count: usize, highest: u32) -> bool {
    let Some(digits) = digits(text, count) else { return false };
    // Their check digits fit, and none was ever given to anybody.
    let all_alike = digits.windows(2).all(|pair| pair[0] == pair[1]);
    let sound = |at: usize| check_digit(&digits[..at], highest) == digits[at];
    !all_alike && sound(count - 2) && sound(count - 1)
}

fn is_cpf(text: &str) -> bool {
    is_checked(text, 11, 11)
}

fn is_cnpj(text: &str) -> bool {
    is_checked(text, 14, 9)
}

/// `+55`, an area of two digits, and nine digits that begin with the 9 of mobile numbers.
fn is_phone(text: &str) -> bool {
    let Some(number) = text.strip_prefix("+55").and_then(|rest| digits(rest, 11)) else {
        return false;
    };
    number[0] != 0 && number[1] != 0 && number[2] == 9
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let of_name = |b: u8| plain(b) || b".!#$&'*+/=?^_`{|}~-".contains(&b);
    let is_label = |label: &str| {
        let inside = label.bytes().all(|b| plain(b) || b == b'-');
        (1..=63).contains(&label.len())
            && inside
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= CHARS_MAX
        && !name.is_empty()
        && name.bytes().all(of_name)
        && host.contains('.')
        && host.split('.').all(is_label)
}

fn is_random(text: &str) -> bool {
    let known = uuid::Uuid::try_parse(text);
    known.is_ok_and(|id| id.hyphenated().to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_form_of_the_directory() {
        for key in [
            "52998224725",
            "12345678909",
            "11222333000181",
            "00000000000191",
            "+5511987654321",
            "ana.souza+pix@banco.example.br",
            "71cdf9ba-c695-4e3c-b010-abb521a3f1be",
        ] {
            assert!(is_pix_key(key), "{key}");
        }
    }

    #[test]
    fn what_can_be_nobodys_key_is_none() {
        let long = format!("{}@banco.example", "a".repeat(64));
        assert_eq!(long.len(), 78);
        for key in [
            "",
            "nope",
            "52998224724",
            "529.982.247-25",
            "11111111111",
            "11222333000182",
            "00000000000000",
            "5511987654321",
            "+5501987654321",
            "+551133334444",
            "+5511387654321",
            "+351987654321",
            "Ana@banco.example",
            "ana@banco",
            "ana@-banco.example",
            "ana@banco..example",
            "ana@b@nco.example",
            "@banco.example",
            "ana souza@banco.example",
            &long,
            "71CDF9BA-C695-4E3C-B010-ABB521A3F1BE",
            "71cdf9bac6954e3cb010abb521a3f1be",
        ] {
            assert!(!is_pix_key(key), "{key}");
        }
    }
}
