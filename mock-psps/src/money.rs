//! Amounts as text and as minor units; no floating point ever touches them.

/// Decimals of a currency's minor unit.
pub(crate) fn decimals(currency: &str) -> usize {
    match currency {
        "JPY" | "CLP" => 0,
        "USDT" | "USDC" => 6,
        "BTC" | "ETH" => 8,
        _ => 2,
    }
}

/// Parses `"12.3"` into 1230 for two decimals. `None` for signs, exponents, too many decimals.
pub(crate) fn parse(text: &str, decimals: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let only_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !only_digits(whole) || !only_digits(fraction) {
        return None;
    }
    if fraction.len() > decimals || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}

/// Writes 1230 as `"12.30"` for two decimals.
pub(crate) fn format(amount_minor: i64, decimals: usize) -> String {
    let sign = if amount_minor < 0 { "-" } else { "" };
    let digits = amount_minor.unsigned_abs().to_string();
    if decimals == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::{format, parse};

    #[test]
    fn text_and_minor_units_agree() {
        for (text, decimals, minor) in [("12.30", 2, 1230), ("0.05", 2, 5), ("7", 0, 7)] {
            assert_eq!(parse(text, decimals), Some(minor));
            assert_eq!(format(minor, decimals), text);
        }
        assert_eq!(parse("12.3", 2), Some(1230));
        assert_eq!(format(-49_90, 2), "-49.90");
    }

    #[test]
    fn anything_but_plain_decimals_is_refused() {
        for text in ["", "-1", "1e3", "1.234", ".5", "5.", "1,00", " 1"] {
            assert_eq!(parse(text, 2), None, "{text}");
        }
    }
}
