//! Blockchain analytics: one file a vendor's wire, and one look at a vendor.
//!
//! A wire is pure: from a question, and the answers of this look so far, it says what to ask next or
//! what was found. It is strict. A word that it does not know, a field that is missing, another
//! transfer than the one that was asked about: each is [`Step::Unusable`], and never a low risk.
//!
//! Reading order: [`chainalysis`], [`elliptic`], [`trm`], [`words`], [`look`].

pub mod chainalysis;
pub mod elliptic;
pub mod look;
pub mod trm;
pub mod words;

use crate::domain::Timestamp;
use crate::screening::signals::{Hook, Risk, Signal};
use psp_contract::{HttpRequest, HttpResponse};
use std::fmt::Debug;

/// What a vendor is asked about: money that came in a transaction, or that is to go to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// [`Hook::KytDeposit`] or [`Hook::KytWithdrawal`].
    pub hook: Hook,
    /// Ours; the same whenever this is asked again.
    pub reference: String,
    /// The player's pseudonym.
    pub player: String,
    /// `"ethereum"`.
    pub network: String,
    /// `"USDT"`.
    pub asset: String,
    /// In major units.
    pub amount: String,
    /// The same worth in US dollars, where there is a rate.
    pub usd: Option<String>,
    /// Where the money arrived, or is to go.
    pub address: String,
    /// The transaction that brought it, for deposits.
    pub transaction: Option<String>,
    pub at: Timestamp,
}

/// What to do next about a question.
#[derive(Debug)]
pub enum Step {
    Send(HttpRequest),
    /// The vendor is at work; by this id it is asked again.
    Pending {
        request_id: String,
    },
    Found(Found),
    /// The answers are not what was documented, or not about this question.
    Unusable(&'static str),
}

/// What a vendor has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub request_id: String,
    pub risk: Option<Risk>,
    pub score: Option<String>,
    pub signals: Vec<Signal>,
    pub version: String,
}

/// One vendor's protocol.
pub trait Wire: Debug + Send + Sync {
    /// `"chainalysis"`.
    fn vendor(&self) -> &'static str;

    /// The next step. `request_id` is known when the vendor took the question in an earlier look;
    /// `answers` are those of this look, in order.
    fn step(
        &self,
        question: &Question,
        request_id: Option<&str>,
        answers: &[HttpResponse],
        now: Timestamp,
    ) -> Step;
}

/// Whether an answer's status is a success.
fn is_success(answer: &HttpResponse) -> bool {
    (200..300).contains(&answer.status)
}

/// An answer as the type that was documented, or what is wrong with it.
fn read<'a, T: serde::Deserialize<'a>>(answer: &'a HttpResponse) -> Result<T, &'static str> {
    if !is_success(answer) {
        return Err("the vendor refused");
    }
    serde_json::from_slice(&answer.body).map_err(|_| "the answer is not what was documented")
}

#[cfg(test)]
mod wire_tests;
