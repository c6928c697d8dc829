//! Where money comes from and goes to.

/// An account's identity that any PSP understands, if it can pay that kind of account at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portable {
    Iban {
        iban: String,
        holder_name: String,
    },
    UkAccount {
        sort_code: String,
        account_number: String,
        holder_name: String,
    },
    PixKey {
        key: String,
    },
    CryptoAddress {
        network: String,
        asset: String,
        address: String,
        tag: Option<String>,
    },
    /// A mobile number in E.164 digits without `+`, `46701234567` (Swish).
    Phone {
        number: String,
        holder_name: String,
    },
    /// An e-mail address that money can be sent to (Interac e-Transfer, wallets).
    Email {
        address: String,
        holder_name: String,
    },
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

/// What a player chose to pay a deposit with, where the method needs a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instrument {
    /// The PSP's own token of a card that the casino's page collected; no card number comes here.
    CardToken(String),
    /// The coin and the chain it is sent on, `USDT` on `ethereum`.
    Crypto { asset: String, network: String },
}
