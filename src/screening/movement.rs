//! A player's movements: what each deposit and withdrawal means for limits and thresholds.
//!
//! A deposit counts from its reservation on, so that two deposits at the same moment cannot share
//! the same room; when it comes to nothing it is released. Money that comes after that takes room when it
//! comes. A withdrawal is reserved when it is asked for and counts when it is paid, at the time of paying.
//!
//! An instrument is known by its fingerprint alone: enough to say "the same again", and too little to
//! say whose account it is.

use crate::domain::{Direction, Instrument, Method, Money, OperatorId, Timestamp};
use psp_contract::Portable;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// One deposit or withdrawal, as the counters see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    pub payment: Uuid,
    pub direction: Direction,
    pub money: Money,
    /// When it counts: a deposit when it began, or when its money came where its room was not held until then;
    /// a withdrawal when it was paid.
    pub at: Timestamp,
    pub state: UseState,
    /// What it was paid from or to, once that is known.
    pub instrument: Option<Fingerprint>,
    /// None: written by a release that did not keep it.
    pub method: Option<Method>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UseState {
    /// It is under way.
    Reserved,
    /// It succeeded.
    Counted,
    /// It came to nothing, and counts for nothing.
    Released,
}

impl UseState {
    pub const ALL: [UseState; 3] = [UseState::Reserved, UseState::Counted, UseState::Released];

    pub const fn as_str(self) -> &'static str {
        match self {
            UseState::Reserved => "reserved",
            UseState::Counted => "counted",
            UseState::Released => "released",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it takes room within the limits.
    pub const fn counts(self) -> bool {
        match self {
            UseState::Reserved | UseState::Counted => true,
            UseState::Released => false,
        }
    }
}

/// Says whether two movements used the same instrument of one operator's players.
///
/// The first half of SHA-256 over the operator and the instrument. Other operators' fingerprints of
/// the same account differ, and it cannot be turned back; who guesses the account's number can check
/// the guess, so it is kept as close as the payments themselves, and is in no event, log or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// None: nothing is known that tells this instrument from another.
    ///
    /// The portable identity is preferred, since it is the same at every PSP; a token is the same at
    /// its own PSP only. The holder's name is no part of it, because it is spelt in many ways.
    pub fn of(operator: &OperatorId, instrument: &Instrument) -> Option<Self> {
        let parts = match &instrument.portable {
            Some(portable) => identity(portable),
            None => {
                let (psp, token) = instrument.tokens.first_key_value()?;
                vec!["token".to_owned(), psp.clone(), token.clone()]
            }
        };
        let mut hash = Sha256::new();
        for part in ["interlock instrument 1", operator.as_str()]
            .into_iter()
            .chain(parts.iter().map(String::as_str))
        {
            // Lengths stand first, so that no two lists of parts give the same bytes.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let whole: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        Some(Self(half))
    }
}

/// One spelling for what can be written in several ways.
fn identity(portable: &Portable) -> Vec<String> {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|letter| letter.is_alphanumeric());
        kept.flat_map(char::to_uppercase).collect()
    };
    let small = |text: &str| text.trim().to_lowercase();
    let list = |kind: &str, parts: &[String]| {
        std::iter::once(kind.to_owned()).chain(parts.iter().cloned()).collect()
    };
    match portable {
        Portable::Iban { iban, .. } => list("iban", &[plain(iban)]),
        Portable::UkAccount { sort_code, account_number, .. } => {
            list("uk_account", &[plain(sort_code), plain(account_number)])
        }
        Portable::PixKey { key } => list("pix_key", &[small(key)]),
        // Upper and lower case make another address on some chains; the asset does not.
        Portable::CryptoAddress { network, address, tag, .. } => {
            let tag = tag.clone().unwrap_or_default();
            list("crypto_address", &[small(network), address.trim().to_owned(), tag])
        }
        Portable::Phone { number, .. } => list("phone", &[plain(number)]),
        Portable::Email { address, .. } => list("email", &[small(address)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iban(text: &str, holder: &str) -> Instrument {
        let portable = Portable::Iban { iban: text.to_owned(), holder_name: holder.to_owned() };
        Instrument { portable: Some(portable), ..Instrument::default() }
    }

    fn token(psp: &str, token: &str) -> Instrument {
        let mut instrument = Instrument::default();
        instrument.tokens.insert(psp.to_owned(), token.to_owned());
        instrument
    }

    #[track_caller]
    fn check(a: &Instrument, b: &Instrument, same: bool) {
        let operator = OperatorId::trusted("op_demo");
        let of = |instrument| Fingerprint::of(&operator, instrument).expect("it has an identity");
        assert_eq!(of(a) == of(b), same, "{a:?} {b:?}");
    }

    #[test]
    fn one_account_has_one_fingerprint_however_it_is_written() {
        let account = iban("DE89 3704 0044 0532 0130 00", "Erika Mustermann");
        check(&account, &iban("de89370400440532013000", "MUSTERMANN, ERIKA"), true);
        check(&account, &iban("DE89370400440532013001", "Erika Mustermann"), false);
        check(&token("adyen-de", "t-1"), &token("adyen-de", "t-1"), true);
        check(&token("adyen-de", "t-1"), &token("nuvei-de", "t-1"), false);
        check(&token("adyen-de", "t-1"), &token("adyen-de", "t-2"), false);
    }

    #[test]
    fn another_operator_cannot_tell_that_it_is_the_same_account() {
        let account = iban("DE89370400440532013000", "Erika Mustermann");
        let of = |operator| Fingerprint::of(&OperatorId::trusted(operator), &account);
        assert_ne!(of("op_demo"), of("op_other"));
    }

    #[test]
    fn an_instrument_of_which_nothing_is_known_has_none() {
        let nobody = Instrument { holder_name: Some("Erika".to_owned()), ..Instrument::default() };
        assert_eq!(Fingerprint::of(&OperatorId::trusted("op_demo"), &nobody), None);
    }
}
