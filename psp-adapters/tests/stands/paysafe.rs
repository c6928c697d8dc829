//! Paysafe in Canada.

use super::{Known, Proves, Stand};
use crate::support::{portable, secrets, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Currency, Destination, Money};
use std::collections::BTreeMap;

pub struct PaysafeCa;

pub const ACCOUNT: &str = "1009999999";
pub const PASSWORD: &str = "B-qa2-0-5f031cdd-0-302d0214";
pub const WEBHOOK_KEY: &str = "a webhook key of some length";
pub const WEBHOOK_KEY_NEXT: &str = "another key of some length";

impl Stand for PaysafeCa {
    fn id(&self) -> &'static str {
        "paysafe-ca"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        PspAccount {
            id: "paysafe-ca".to_owned(),
            adapter: "paysafe".to_owned(),
            method: "interac".to_owned(),
            base_url: base_url.to_owned(),
            notify_url: "http://127.0.0.1:9/webhooks/paysafe-ca".to_owned(),
            settings: texts(&[("api_username", "casino"), ("account_id", ACCOUNT)]),
            secrets: secrets(&[
                ("api_password", PASSWORD),
                ("webhook_key", WEBHOOK_KEY),
                ("webhook_key_next", WEBHOOK_KEY_NEXT),
            ]),
        }
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("api_username", "casino"),
            ("api_password", PASSWORD),
            ("account_id", ACCOUNT),
            ("webhook_key", WEBHOOK_KEY),
        ])
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::CAD)
    }

    fn destination(&self) -> Destination {
        to(portable("email").0)
    }

    fn approved(&self) -> Option<&'static str> {
        Some("PAYMENT_HANDLE_PAYABLE")
    }

    fn deposit_success(&self) -> Known {
        Known::Event("PAYMENT_COMPLETED")
    }

    fn payout_success(&self) -> Known {
        Known::Event("SA_CREDIT_COMPLETED")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Event("SA_CREDIT_FAILED"))
    }

    fn chargeback(&self) -> Option<Known> {
        Some(Known::Event("PAYMENT_RETURNED_COMPLETED"))
    }

    fn proves(&self) -> Proves {
        Proves { name: false, tax_id: false, portable: true, token: false }
    }
}
