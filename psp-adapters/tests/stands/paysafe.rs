//! Paysafe in Canada.

use super::{Known, Proves, Stand};
use crate::support::{deposit_with, portable, secrets, texts, to, token};
use psp_adapters::PspAccount;
use psp_contract::{AttemptRef, Currency, Destination, Instrument, Money, Operation};
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

/// Cards by Paysafe in Britain. It is no line of the stands: its deposits have no page unless the issuer wants one.
pub struct PaysafeCards;

pub const CARD: &str = "CkAxDrRKHbhOVrK";

impl Stand for PaysafeCards {
    fn id(&self) -> &'static str {
        "paysafe-gb"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        PspAccount {
            id: "paysafe-gb".to_owned(),
            method: "card".to_owned(),
            notify_url: "http://127.0.0.1:9/webhooks/paysafe-gb".to_owned(),
            ..PaysafeCa.account(base_url)
        }
    }

    fn mock(&self) -> BTreeMap<String, String> {
        let mut settings = PaysafeCa.mock();
        settings.insert("payment_type".to_owned(), "CARD".to_owned());
        settings
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::GBP)
    }

    fn deposit(&self, attempt: AttemptRef) -> Operation {
        deposit_with(attempt, self.money(), Some(Instrument::CardToken(CARD.to_owned())))
    }

    fn destination(&self) -> Destination {
        token(CARD)
    }

    fn deposit_success(&self) -> Known {
        PaysafeCa.deposit_success()
    }

    fn payout_success(&self) -> Known {
        PaysafeCa.payout_success()
    }

    fn payout_return(&self) -> Option<Known> {
        PaysafeCa.payout_return()
    }

    fn chargeback(&self) -> Option<Known> {
        PaysafeCa.chargeback()
    }

    fn proves(&self) -> Proves {
        Proves { name: false, tax_id: false, portable: false, token: true }
    }
}
