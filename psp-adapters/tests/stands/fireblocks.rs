//! Fireblocks.

use super::{Known, Proves, Stand};
use crate::support::crypto_side::{
    API_KEY, API_RSA, WEBHOOK_KID, WEBHOOK_RSA, WORKSPACE, fireblocks_account, usdt,
};
use crate::support::{portable, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Destination, Money};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Fireblocks;

impl Stand for Fireblocks {
    fn id(&self) -> &'static str {
        "fireblocks"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        fireblocks_account(base_url)
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("api_key", API_KEY),
            ("api_public_key_pem", &API_RSA.public_pem),
            ("workspace_id", WORKSPACE),
            ("source_vault_id", "0"),
            ("webhook_kid", WEBHOOK_KID),
            ("webhook_private_key_pem", &WEBHOOK_RSA.private_pem),
        ])
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
        Known::Payin("transaction.status.updated")
    }

    fn payout_success(&self) -> Known {
        Known::Event("transaction.status.updated")
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
        // A transaction is submitted first, and fails afterwards.
        operation == "create_payout" && fault == "decline_soft"
    }
}
