//! Money: whole minor units of one currency.

use std::fmt;
use std::str::FromStr;

macro_rules! currencies {
    ($($code:ident = $exponent:literal),+ $(,)?) => {
        /// A currency that the service knows, with its number of decimals.
        ///
        /// Fiat codes and exponents: ISO 4217. Crypto exponents are capped at 8, so that an `i64`
        /// of minor units can hold any amount a casino moves.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(clippy::upper_case_acronyms, reason = "ISO 4217 codes are upper case")]
        pub enum Currency { $($code),+ }

        impl Currency {
            /// Every currency, in the order of declaration.
            pub const ALL: &'static [Currency] = &[$(Currency::$code),+];

            /// The upper-case code, `"EUR"`.
            pub const fn code(self) -> &'static str {
                match self { $(Currency::$code => stringify!($code)),+ }
            }

            /// Digits after the decimal point in major units: 2 for EUR, 0 for JPY, 8 for BTC.
            pub const fn exponent(self) -> u32 {
                match self { $(Currency::$code => $exponent),+ }
            }
        }

        impl FromStr for Currency {
            type Err = MoneyError;
            fn from_str(code: &str) -> Result<Self, MoneyError> {
                match code {
                    $(stringify!($code) => Ok(Currency::$code),)+
                    _ => Err(MoneyError::UnknownCurrency),
                }
            }
        }
    };
}

currencies! {
    EUR = 2, GBP = 2, SEK = 2, DKK = 2, NOK = 2, PLN = 2, CZK = 2, HUF = 2, RON = 2, BGN = 2,
    CHF = 2, ISK = 0, USD = 2, CAD = 2, AUD = 2, NZD = 2, BRL = 2, MXN = 2, CLP = 0, COP = 2,
    PEN = 2, ARS = 2, UYU = 2, JPY = 0, KRW = 0, INR = 2, ZAR = 2, TRY = 2, KWD = 3, BHD = 3,
    TND = 3, AED = 2, BTC = 8, ETH = 8, USDT = 6, USDC = 6,
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of one currency in whole minor units: 1050 of EUR is 10.50 EUR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// Why a text is not money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyError {
    /// The code is none that the service knows.
    UnknownCurrency,
    /// Not `^(0|[1-9][0-9]{0,11})(\.[0-9]+)?$`.
    Malformed,
    /// More decimals than the currency has.
    TooManyDecimals,
    /// The amount is zero where one is needed.
    Zero,
    /// More than [`Money::MINOR_MAX`].
    TooLarge,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MoneyError::UnknownCurrency => "the currency is not known",
            MoneyError::Malformed => "an amount is digits with an optional decimal point",
            MoneyError::TooManyDecimals => "the amount has more decimals than the currency",
            MoneyError::Zero => "the amount must be greater than zero",
            MoneyError::TooLarge => {
                "the amount is too large: at most 1,000,000,000,000,000 of the currency's smallest \
                 unit, 10,000,000 BTC"
            }
        })
    }
}

impl std::error::Error for MoneyError {}

impl Money {
    /// The most that a text may say, in minor units: far above anything that is paid or won at once, and so far
    /// below 64 bits that thousands of such amounts still have an exact sum.
    pub const MINOR_MAX: i64 = 1_000_000_000_000_000;

    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal text in major units, `"10.50"`; zero is refused with [`MoneyError::Zero`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let money = Self::parse_with_zero(text, currency)?;
        if money.minor == 0 { Err(MoneyError::Zero) } else { Ok(money) }
    }

    /// As [`Money::parse`], and zero is welcome.
    pub fn parse_with_zero(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(MoneyError::Malformed),
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || whole.len() > 12 || leading_zero {
            return Err(MoneyError::Malformed);
        }
        if !digits(whole) || !digits(fraction) {
            return Err(MoneyError::Malformed);
        }
        let exponent = currency.exponent() as usize;
        if fraction.len() > exponent {
            return Err(MoneyError::TooManyDecimals);
        }
        let padded = format!("{whole}{fraction:0<exponent$}");
        let minor = padded.parse::<i64>().ok().filter(|minor| *minor <= Self::MINOR_MAX);
        Ok(Self { minor: minor.ok_or(MoneyError::TooLarge)?, currency })
    }

    /// The amount in major units with all decimals of its currency: `"10.50"`, `"-0.07"`.
    pub fn major(self) -> String {
        let exponent = self.currency.exponent();
        let sign = if self.minor < 0 { "-" } else { "" };
        let magnitude = self.minor.unsigned_abs();
        if exponent == 0 {
            return format!("{sign}{magnitude}");
        }
        let unit = 10_u64.pow(exponent);
        let width = exponent as usize;
        format!("{sign}{}.{:0width$}", magnitude / unit, magnitude % unit)
    }

    /// The sum, or none when the currencies differ or the number overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { minor: self.minor.checked_add(other.minor)?, currency: self.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.major(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, currency: Currency, expected: Result<i64, MoneyError>) {
        let read = Money::parse(text, currency);
        assert_eq!(read.map(|money| money.minor), expected, "{text} {currency}");
        if let (Ok(money), true) = (read, text.contains('.')) {
            let back = Money::parse(&money.major(), currency);
            assert_eq!(back, Ok(money), "{text} does not survive a round trip");
        }
    }

    #[test]
    fn amounts_are_read_exactly() {
        check("100.00", Currency::SEK, Ok(10_000));
        check("100", Currency::SEK, Ok(10_000));
        check("0.1", Currency::EUR, Ok(10));
        check("0.00000001", Currency::BTC, Ok(1));
        check("999999999999", Currency::JPY, Ok(999_999_999_999));
        check("1.000", Currency::KWD, Ok(1_000));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "01", "+1", "-1", "1e3", "1,0", " 1", "1 ", "1.2.3", "١"]
        {
            check(text, Currency::EUR, Err(MoneyError::Malformed));
        }
        check("1234567890123", Currency::EUR, Err(MoneyError::Malformed));
        check("0", Currency::EUR, Err(MoneyError::Zero));
        check("0.00", Currency::EUR, Err(MoneyError::Zero));
        check("1.001", Currency::EUR, Err(MoneyError::TooManyDecimals));
        check("1.0", Currency::JPY, Err(MoneyError::TooManyDecimals));
        check("999999999999.99999999", Currency::BTC, Err(MoneyError::TooLarge));
        check("10000000", Currency::BTC, Ok(Money::MINOR_MAX));
        check("10000000.00000001", Currency::BTC, Err(MoneyError::TooLarge));
        check("92233720368", Currency::BTC, Err(MoneyError::TooLarge));
        check("999999999999.999", Currency::KWD, Ok(999_999_999_999_999));
    }

    #[test]
    fn the_major_text_has_all_decimals() {
        assert_eq!(Money::new(-7, Currency::EUR).major(), "-0.07");
        assert_eq!(Money::new(5, Currency::JPY).major(), "5");
        assert_eq!(Money::new(i64::MIN, Currency::JPY).major(), "-9223372036854775808");
    }
}
