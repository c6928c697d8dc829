//! Where money comes from and goes to.

/// An account's identity that any PSP understands, if it can pay that kind of account at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portable {
    Iban { iban: String, holder_name: String },
    UkAccount { sort_code: String, account_number: String, holder_name: String },
    PixKey { key: String },
    CryptoAddress { network: String, asset: String, address: String, tag: Option<String> },
}

/// What a payout is sent to.
///
/// An instrument keeps its portable identity and each PSP's own token for it. A payout fails over
/// only to a PSP that can pay the *same* instrument: one that holds a token or understands the
/// portable identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    /// This PSP's own token for the instrument (an account id, a payment source), when it has one.
    pub token: Option<String>,
    pub portable: Option<Portable>,
}
