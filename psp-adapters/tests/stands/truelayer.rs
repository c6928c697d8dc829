//! TrueLayer in Great Britain.

use super::{Known, Proves, Stand};
use crate::support::{
    CLIENT_EC, KID, MERCHANT_ACCOUNT, WEBHOOK_EC, WEBHOOK_KID, gbp, portable, texts, to,
    truelayer_account,
};
use psp_adapters::PspAccount;
use psp_contract::{Destination, Money};
use std::collections::BTreeMap;

pub struct TrueLayerGb;

impl Stand for TrueLayerGb {
    fn id(&self) -> &'static str {
        "truelayer-gb"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        truelayer_account(base_url)
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("client_id", "casino"),
            ("client_secret", "a client secret of some length"),
            ("merchant_account_id", MERCHANT_ACCOUNT),
            ("signing_kid", KID),
            ("signing_public_key_pem", &CLIENT_EC.public_pem),
            ("webhook_kid", WEBHOOK_KID),
            ("webhook_private_key_pem", &WEBHOOK_EC.private_pem),
        ])
    }

    fn money(&self) -> Money {
        gbp(1050)
    }

    fn destination(&self) -> Destination {
        to(portable("uk_account").0)
    }

    fn deposit_success(&self) -> Known {
        // It carries no amount.
        Known::Hint("payment_settled")
    }

    fn payout_success(&self) -> Known {
        Known::Hint("payout_executed")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Hint("payout_failed"))
    }

    fn chargeback(&self) -> Option<Known> {
        Some(Known::Hint("payment_reversed"))
    }

    fn proves(&self) -> Proves {
        Proves { name: true, tax_id: false, portable: true, token: true }
    }

    fn takes_a_token(&self) -> bool {
        true
    }

    fn is_created_first(&self, _: &str, fault: &str) -> bool {
        // What TrueLayer refuses softly is created, and fails at the bank.
        fault == "decline_soft"
    }
}
