//! CoinsPaid.

use super::{Known, Proves, Stand};
use crate::support::crypto_side::{SECRET, coinspaid_account, usdt};
use crate::support::{portable, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Destination, Money};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct CoinsPaid;

impl Stand for CoinsPaid {
    fn id(&self) -> &'static str {
        "coinspaid"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        coinspaid_account(base_url)
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[("api_key", "public-key-of-the-casino"), ("api_secret", SECRET)])
    }

    fn money(&self) -> Money {
        usdt(10_500_000)
    }

    fn destination(&self) -> Destination {
        to(portable("crypto_address").0)
    }

    fn pay(&self, order: &str) -> (String, Value) {
        ("/payins".to_owned(), json!({"address": order, "amount": "10.50"}))
    }

    fn deposit_success(&self) -> Known {
        Known::Payin("deposit.confirmed")
    }

    fn payout_success(&self) -> Known {
        Known::Event("withdrawal.confirmed")
    }

    fn payout_return(&self) -> Option<Known> {
        None
    }

    fn chargeback(&self) -> Option<Known> {
        None
    }

    /// Coins have no name on them.
    fn proves(&self) -> Proves {
        Proves::default()
    }

    fn books_deposits(&self) -> bool {
        false
    }

    fn is_created_first(&self, operation: &str, fault: &str) -> bool {
        // A withdrawal is taken on first, and cancelled when it cannot be sent.
        operation == "create_payout" && fault == "decline_soft"
    }
}
