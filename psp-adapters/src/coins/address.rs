//! How addresses look, and the check sums that most of them carry. A mistyped address pays nobody back.

use crate::signature::sha256;
use sha3::{Digest, Keccak256};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// A family of chains that write addresses alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// `0x` and 20 bytes in hex. Letters of both cases hold a check sum (EIP-55); of one case alone they
    /// have none.
    Evm,
    /// Base58 with a check sum (`1…`, `3…`; BIP-13, BIP-16) or segregated witness (`bc1…`; BIP-173,
    /// BIP-350), main network only.
    Bitcoin,
    /// Base58 with a check sum over the prefix `0x41`: `T…`.
    Tron,
}

impl Syntax {
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Syntax::Evm => text.strip_prefix("0x").is_some_and(is_evm),
            Syntax::Bitcoin => is_segwit(text) || matches!(base58check(text), Some(0 | 5)),
            Syntax::Tron => base58check(text) == Some(0x41),
        }
    }
}

fn is_evm(digits: &str) -> bool {
    if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let (lower, upper) = (digits.to_ascii_lowercase(), digits.to_ascii_uppercase());
    if digits == lower || digits == upper {
        return true;
    }
    // A letter is upper case where the hash of the lower-case text has a digit from 8 on.
    let hash = hex::encode(Keccak256::digest(lower.as_bytes()));
    let is_upper = |bits: u8| matches!(bits, b'8'..=b'9' | b'a'..=b'f');
    digits.bytes().zip(hash.bytes()).all(|(letter, bits)| {
        letter.is_ascii_digit() || letter.is_ascii_uppercase() == is_upper(bits)
    })
}

/// The version byte of 20 checked bytes in base58.
fn base58check(text: &str) -> Option<u8> {
    if !(26..=35).contains(&text.len()) {
        return None;
    }
    // Version, 20 bytes, 4 of check sum; most significant first.
    let mut bytes = [0_u8; 25];
    for letter in text.bytes() {
        let mut carry = BASE58.iter().position(|known| *known == letter)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry % 256).try_into().ok()?;
            carry /= 256;
        }
        if carry != 0 {
            return None;
        }
    }
    // A leading `1` stands for a zero byte, and nothing else does.
    let ones = text.bytes().take_while(|letter| *letter == b'1').count();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let (body, check) = bytes.split_at(21);
    (ones == zeros && sha256(&sha256(body)).starts_with(check)).then_some(bytes[0])
}

/// `bc1`, a witness version and a program of 2 to 40 bytes: version 0 with the first check sum, later ones
/// with the second.
fn is_segwit(text: &str) -> bool {
    const BECH32_SUM: u32 = 1;
    const BECH32M_SUM: u32 = 0x2bc8_30a3;
    let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = text.bytes().any(|byte| byte.is_ascii_lowercase());
    let plain = text.to_ascii_lowercase();
    let Some(data) = plain.strip_prefix("bc1").filter(|_| !(upper && lower)) else {
        return false;
    };
    let position = |letter: u8| BECH32.iter().position(|known| *known == letter);
    let values: Option<Vec<u8>> = data
        .bytes()
        .map(|letter| position(letter).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let Some(values) = values.filter(|values| (9..=72).contains(&values.len())) else {
        return false;
    };
    // The prefix "bc", spread out as BIP-173 says.
    let spread = [3_u8, 3, 0, 2, 3];
    let sum = polymod(spread.iter().chain(&values).copied());
    let Some((version, rest)) = values.split_first() else {
        return false;
    };
    let program = &rest[..rest.len() - 6];
    let (bits, padding) = (program.len() * 5, program.len() * 5 % 8);
    let len = bits / 8;
    let padded_with_zeros =
        program.last().is_none_or(|last| padding < 5 && last & ((1 << padding) - 1) == 0);
    let fits = match version {
        0 => sum == BECH32_SUM && matches!(len, 20 | 32),
        1..=16 => sum == BECH32M_SUM && (2..=40).contains(&len),
        _ => false,
    };
    fits && padded_with_zeros
}

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1, |sum: u32, value| {
        let top = sum >> 25;
        let shifted = ((sum & 0x1ff_ffff) << 5) ^ u32::from(value);
        let picked = GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
        picked.fold(shifted, |sum, (_, term)| sum ^ term)
    })
}

#[cfg(test)]
mod tests {
    use super::Syntax;

    #[track_caller]
    fn check(syntax: Syntax, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(syntax.accepts(text), "{text}");
        }
        for text in bad {
            assert!(!syntax.accepts(text), "{text}");
        }
    }

    #[test]
    fn bitcoin_addresses_carry_their_check_sum() {
        // The genesis block's; the documentation of CoinsPaid; BIP-173 and BIP-350, good and bad.
        check(
            Syntax::Bitcoin,
            &[
                "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
                "39mFf3X46YzUtfdwVQpYXPCMydc74ccbAZ",
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            ],
            &[
                "",
                "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
                "11A1zP1eP5QGefi2DMPTfTL5SLmv7Divf",
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
                "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
                "bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq54d7w8",
                "bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                "bc1gmk9yu",
                "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            ],
        );
    }

    #[test]
    fn tron_addresses_carry_their_check_sum() {
        check(
            Syntax::Tron,
            &["TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"],
            &["TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "T"],
        );
    }

    #[test]
    fn evm_addresses_are_twenty_bytes_and_may_carry_a_check_sum() {
        // The examples of EIP-55, and the same without a check sum; one digit and one case are wrong.
        check(
            Syntax::Evm,
            &[
                "0xdAC17F958D2ee523a2206206994597C13D831ec7",
                "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
                "0x52908400098527886E0F7030069857D2E4169EE7",
                "0xde709f2102306220921060314715629080e2fb77",
                "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            ],
            &[
                "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee",
                "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "dAC17F958D2ee523a2206206994597C13D831ec7",
                "0xdAC17F958D2ee523a2206206994597C13D831ec",
                "0xdAC17F958D2ee523a2206206994597C13D831ecg",
                "0x",
            ],
        );
    }
}
