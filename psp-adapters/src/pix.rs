//! What all of Brazil's PSPs share: people are known by their CPF, and paid by a Pix key, of which the CPF
//! can be one.

use psp_contract::{Destination, PayerProof, Portable};

/// The eleven digits of a CPF, however it was written.
pub(crate) fn cpf_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '.' | '-' | ' ')).collect();
    let fine = digits.len() == 11 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fine.then_some(digits)
}

/// The digits of a CPF whose check digits are right.
pub(crate) fn cpf(text: &str) -> Option<String> {
    let digits = cpf_digits(text)?;
    let numbers: Vec<u32> = digits.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if numbers.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let check = |count: usize| {
        let mut sum = 0;
        for (number, weight) in numbers[..count].iter().rev().zip(2_u32..) {
            sum += number * weight;
        }
        (sum * 10) % 11 % 10
    };
    (check(9) == numbers[9] && check(10) == numbers[10]).then_some(digits)
}

/// The Pix key that a payout goes to. The longest, an address of e-mail, has 77 characters.
pub(crate) fn key_of(destination: &Destination) -> Option<&str> {
    match &destination.portable {
        Some(Portable::PixKey { key }) => (1..=77).contains(&key.len()).then_some(key),
        _ => None,
    }
}

/// The kind of a Pix key. An address of e-mail and a random key show themselves; so does a telephone
/// number, which begins with the country's code.
pub(crate) fn key_kind(key: &str) -> Option<&'static str> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match key {
        _ if key.contains('@') && key.len() <= 77 => Some("EMAIL"),
        _ if key.strip_prefix("+55").is_some_and(|rest| rest.len() == 11 && digits(rest)) => {
            Some("PHONE")
        }
        _ if key.len() == 11 && digits(key) => Some("CPF"),
        _ if key.len() == 14 && digits(key) => Some("CNPJ"),
        _ if key.len() == 36 && uuid::Uuid::try_parse(key).is_ok() => Some("PIX_CODE"),
        _ => None,
    }
}

/// Who paid, by a CPF that is told whole: it is a Pix key of nobody else's, and shown as `***.982.247-**`.
pub(crate) fn payer(holder_name: Option<String>, cpf: Option<String>) -> PayerProof {
    let middle = |cpf: &String| Some(format!("***.{}.{}-**", cpf.get(3..6)?, cpf.get(6..9)?));
    PayerProof {
        holder_name,
        masked: cpf.as_ref().and_then(middle),
        portable: cpf.clone().map(|key| Portable::PixKey { key }),
        tax_id: cpf,
        token: None,
        funding: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpf_is_known_by_its_check_digits() {
        assert_eq!(cpf("529.982.247-25").as_deref(), Some("52998224725"));
        for wrong in ["52998224724", "11111111111", "5299822472", "5299822472x", "***.982.247-**"] {
            assert_eq!(cpf(wrong), None, "{wrong}");
        }
        assert_eq!(cpf_digits("529.982.247-24").as_deref(), Some("52998224724"));
        assert_eq!(cpf_digits("***.982.247-**"), None);
    }

    #[test]
    fn a_payer_is_shown_by_the_middle_of_the_cpf() {
        let proof = payer(None, Some("52998224725".to_owned()));
        assert_eq!(proof.masked.as_deref(), Some("***.982.247-**"));
        assert_eq!(payer(None, None), PayerProof::default());
    }
}
