//! What the Banco Central's directory (DICT) takes for a key, which both of Brazil's mocks look at.

const CPF_WEIGHTS: [u32; 10] = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
const CNPJ_WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];

/// `CPF`, `CNPJ`, `PHONE`, `EMAIL` or `EVP`; None for what is no key.
pub fn kind(key: &str) -> Option<&'static str> {
    if key.len() > 77 || key.contains(char::is_whitespace) {
        return None;
    }
    if let Some((name, host)) = key.split_once('@') {
        let lower = !key.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii_graphic());
        let fine = lower && !name.is_empty() && !host.contains('@');
        let labels = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
        return (fine && labels).then_some("EMAIL");
    }
    if let Some(number) = key.strip_prefix("+55") {
        let digits = number.len() == 11 && number.bytes().all(|b| b.is_ascii_digit());
        return (digits && number.as_bytes()[2] == b'9').then_some("PHONE");
    }
    match key.len() {
        11 => document(key, &CPF_WEIGHTS).then_some("CPF"),
        14 => document(key, &CNPJ_WEIGHTS).then_some("CNPJ"),
        36 => {
            let hyphens = key.char_indices().filter(|(_, c)| *c == '-').map(|(at, _)| at);
            let hex = key.bytes().all(|b| b"0123456789abcdef-".contains(&b));
            (hex && hyphens.eq([8, 13, 18, 23])).then_some("EVP")
        }
        _ => None,
    }
}

/// Whether the two last digits are those that the first ones give.
fn document(text: &str, weights: &[u32]) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != weights.len() + 1 || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let expected = |weights: &[u32]| {
        let sum: u32 = weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
        (11 - sum % 11) % 11 % 10
    };
    let first = expected(&weights[1..]);
    let second = expected(weights);
    digits.ends_with(&[first, second])
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn a_key_is_told_by_its_form() {
        for (key, expected) in [
            ("52998224725", Some("CPF")),
            ("12345678909", Some("CPF")),
            ("11222333000181", Some("CNPJ")),
            ("+5511987654321", Some("PHONE")),
            ("ana@example.com", Some("EMAIL")),
            ("71cdf9ba-c695-4e3c-b010-abb521a3f1be", Some("EVP")),
            ("52998224724", None),
            ("11222333000180", None),
            ("11111111111", None),
            ("+551133334444", None),
            ("Ana@example.com", None),
            ("ana@example", None),
            ("71CDF9BA-C695-4E3C-B010-ABB521A3F1BE", None),
            ("nope", None),
            ("", None),
        ] {
            assert_eq!(kind(key), expected, "{key}");
        }
    }
}
