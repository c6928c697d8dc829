//! Trustly in Germany.

use super::{Known, Proves, Stand};
use crate::support::{MERCHANT_RSA, TRUSTLY_RSA, eur, portable, texts, to, trustly_account};
use psp_adapters::PspAccount;
use psp_contract::{Destination, Money};
use std::collections::BTreeMap;

pub struct TrustlyDe;

impl Stand for TrustlyDe {
    fn id(&self) -> &'static str {
        "trustly-de"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        trustly_account(base_url)
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("username", "casino"),
            ("password", "correct horse"),
            ("merchant_public_key_pem", &MERCHANT_RSA.public_pem),
            ("trustly_private_key_pem", &TRUSTLY_RSA.private_pem),
        ])
    }

    fn money(&self) -> Money {
        eur(1050)
    }

    fn destination(&self) -> Destination {
        to(portable("iban").0)
    }

    fn deposit_success(&self) -> Known {
        Known::Event("credit")
    }

    fn payout_success(&self) -> Known {
        Known::Event("payoutconfirmation")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Event("credit"))
    }

    fn chargeback(&self) -> Option<Known> {
        Some(Known::Event("debit"))
    }

    fn proves(&self) -> Proves {
        Proves { name: true, tax_id: false, portable: false, token: true }
    }
}
