//! Where a player's money came from: the accounts and cards behind the deposits of one currency, each
//! with what it paid in and what was paid back to it.
//!
//! Two deposits from one account are one source, whichever PSP carried them: an account is known by its
//! portable identity, or by a PSP's own token for it. What goes out to an account counts against it
//! whatever the withdrawal was for; what is under way counts as paid, because it may be.

use crate::domain::{Instrument, Method, Timestamp};
use psp_contract::Portable;
use uuid::Uuid;

/// A deposit that was credited and still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidIn {
    pub deposit: Uuid,
    pub minor: i64,
    pub method: Method,
    pub at: Timestamp,
    /// None: its PSP never told who paid.
    pub from: Option<Instrument>,
}

/// A part of a withdrawal, or of a return out of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidOut {
    pub payment: Uuid,
    pub minor: i64,
    pub method: Method,
    pub at: Timestamp,
    pub to: Instrument,
    pub fate: Fate,
}

/// What became of a part, as far as its destination is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Held or with a PSP: it may still be paid.
    UnderWay,
    Paid,
    /// Given back after the last PSP that could pay it refused: the account is closed, the card is gone.
    Refused,
}

/// All that one player paid in and was paid in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    pub paid_in: Vec<PaidIn>,
    pub paid_out: Vec<PaidOut>,
}

/// One account or card that deposits came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its deposits, the oldest first.
    pub deposits: Vec<Uuid>,
    /// As the newest deposit knows it, with every PSP's token.
    pub instrument: Instrument,
    /// Of the newest deposit.
    pub method: Method,
    pub deposited_minor: i64,
    /// Paid back to it, or under way there.
    pub paid_out_minor: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The last payout that ended there was refused.
    pub refused: bool,
}

impl Source {
    /// What may still go back to it as the player's own money.
    pub const fn net_minor(&self) -> i64 {
        let net = self.deposited_minor.saturating_sub(self.paid_out_minor);
        if net < 0 { 0 } else { net }
    }

    /// Whether anything is known that a PSP could be told of it.
    pub fn is_named(&self) -> bool {
        is_named(&self.instrument)
    }
}

fn is_named(instrument: &Instrument) -> bool {
    instrument.portable.is_some() || !instrument.tokens.is_empty()
}

/// The sources behind a history, by their first deposit, the oldest first.
pub fn sources(history: &History) -> Vec<Source> {
    let mut paid_in: Vec<&PaidIn> = history.paid_in.iter().collect();
    paid_in.sort_by_key(|deposit| (deposit.at, deposit.deposit));
    let mut found: Vec<Source> = Vec::new();
    for deposit in paid_in {
        add(&mut found, deposit);
    }
    let mut paid_out: Vec<&PaidOut> = history.paid_out.iter().collect();
    paid_out.sort_by_key(|part| (part.at, part.payment));
    for part in paid_out {
        let source = found.iter_mut().find(|source| goes_to(part, source));
        let Some(source) = source else { continue };
        match part.fate {
            Fate::UnderWay => source.paid_out_minor += part.minor,
            Fate::Paid => {
                source.paid_out_minor += part.minor;
                source.refused = false;
            }
            Fate::Refused => source.refused = true,
        }
    }
    found
}

/// One deposit can show that two sources are one: it names the account of one and the token of another.
fn add(found: &mut Vec<Source>, deposit: &PaidIn) {
    let mut joined = source_of(deposit);
    let (same, others): (Vec<Source>, Vec<Source>) =
        found.drain(..).partition(|source| is_same(&source.instrument, &joined.instrument));
    for older in same.into_iter().rev() {
        joined = join(older, joined);
    }
    *found = others;
    let at = found.partition_point(|source| source.first_at <= joined.first_at);
    found.insert(at, joined);
}

fn source_of(deposit: &PaidIn) -> Source {
    let from = deposit.from.clone().unwrap_or_default();
    Source {
        deposits: vec![deposit.deposit],
        instrument: Instrument { source_deposit: Some(deposit.deposit), ..from },
        method: deposit.method,
        deposited_minor: deposit.minor,
        paid_out_minor: 0,
        first_at: deposit.at,
        last_at: deposit.at,
        refused: false,
    }
}

fn join(older: Source, newer: Source) -> Source {
    let mut tokens = older.instrument.tokens;
    tokens.extend(newer.instrument.tokens);
    let instrument = Instrument {
        portable: newer.instrument.portable.or(older.instrument.portable),
        tokens,
        holder_name: newer.instrument.holder_name.or(older.instrument.holder_name),
        tax_id: newer.instrument.tax_id.or(older.instrument.tax_id),
        masked: newer.instrument.masked,
        funding: newer.instrument.funding.or(older.instrument.funding),
        source_deposit: newer.instrument.source_deposit,
    };
    Source {
        deposits: older.deposits.into_iter().chain(newer.deposits).collect(),
        instrument,
        deposited_minor: older.deposited_minor.saturating_add(newer.deposited_minor),
        first_at: older.first_at.min(newer.first_at),
        ..newer
    }
}

fn goes_to(part: &PaidOut, source: &Source) -> bool {
    let named = part.to.source_deposit.is_some_and(|deposit| source.deposits.contains(&deposit));
    named || is_same(&part.to, &source.instrument)
}

/// Whether both are the same account or card. What is not known is the same as nothing.
pub fn is_same(one: &Instrument, other: &Instrument) -> bool {
    let portable = match (&one.portable, &other.portable) {
        (Some(one), Some(other)) => identity(one) == identity(other),
        _ => false,
    };
    portable || one.tokens.iter().any(|(psp, token)| other.tokens.get(psp) == Some(token))
}

/// An account without the ways of writing it and without its holder's name.
fn identity(portable: &Portable) -> (&'static str, String) {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    match portable {
        Portable::Iban { iban, .. } => ("iban", plain(iban)),
        Portable::UkAccount { sort_code, account_number, .. } => {
            ("uk_account", format!("{}/{}", plain(sort_code), plain(account_number)))
        }
        Portable::PixKey { key } => ("pix_key", key.trim().to_lowercase()),
        // Letters of an address can be a checksum, and on some chains they are the address itself.
        Portable::CryptoAddress { network, asset, address, tag } => {
            let tag = tag.as_deref().unwrap_or_default();
            let address =
                if address.starts_with("0x") { address.to_lowercase() } else { address.clone() };
            ("crypto_address", format!("{}/{asset}/{address}/{tag}", network.to_lowercase()))
        }
        Portable::Phone { number, .. } => ("phone", plain(number)),
        Portable::Email { address, .. } => ("email", address.trim().to_lowercase()),
    }
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
