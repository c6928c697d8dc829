//! L1, the double-entry ledger: accounts, balanced postings, and the one function per business
//! fact that makes them.
//!
//! Signs: a leg's amount is what it adds to its account. Accounts that say what *we owe* (a
//! player's cash) grow with a credit, which is positive; accounts that say what *is owed to us*
//! (our balance at a PSP) grow with a debit, which is negative. So every posting sums to zero per
//! currency, and so does the whole ledger.
//!
//! Invariants: money moves only through [`templates`]; a posting that does not balance cannot be
//! made; `cash`, `bonus`, `held` and `owed` of a wallet never go below zero; each wallet carries a
//! gap-free version and a hash chain over all of its legs.
//!
//! Reading order: [`account`], [`entry`], [`templates`], [`balance`].

pub mod account;
pub mod balance;
pub mod entry;
pub mod templates;

pub use account::Account;
pub use balance::{InsufficientFunds, PostedLeg, post};
pub use entry::{Leg, Posting};
