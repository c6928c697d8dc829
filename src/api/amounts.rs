//! What is wrong with an amount, as a code and in words.

use psp_contract::MoneyError;

/// The code of what is wrong with an amount.
pub const fn money_code(fault: MoneyError) -> &'static str {
    match fault {
        MoneyError::UnknownCurrency => "currency.unknown",
        MoneyError::Malformed => "amount.malformed",
        MoneyError::TooManyDecimals => "amount.too_many_decimals",
        MoneyError::Zero => "amount.zero",
        MoneyError::TooLarge => "amount.too_large",
    }
}

/// What is wrong with an amount, with how one is written.
pub fn money_words(fault: MoneyError) -> String {
    match fault {
        MoneyError::Malformed => {
            "an amount is at most 12 digits without a zero in front, and then a point and \
                                  decimals where it has any"
                .to_owned()
        }
        fault => fault.to_string(),
    }
}
