//! Nuvei in Canada.

use super::{Known, Proves, Stand};
use crate::support::{portable, secrets, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Currency, Destination, Money};
use std::collections::BTreeMap;

pub struct NuveiCa;

pub const MERCHANT: &str = "2885023999185468261";
pub const SITE: &str = "5612";
pub const SECRET: &str = "a merchant secret of Nuvei";
pub const SECRET_NEXT: &str = "the next merchant secret";

impl Stand for NuveiCa {
    fn id(&self) -> &'static str {
        "nuvei-ca"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        PspAccount {
            id: "nuvei-ca".to_owned(),
            adapter: "nuvei".to_owned(),
            method: "interac".to_owned(),
            base_url: base_url.to_owned(),
            notify_url: "http://127.0.0.1:9/webhooks/nuvei-ca".to_owned(),
            settings: texts(&[("merchant_id", MERCHANT), ("merchant_site_id", SITE)]),
            secrets: secrets(&[
                ("merchant_secret_key", SECRET),
                ("merchant_secret_key_next", SECRET_NEXT),
            ]),
        }
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("merchant_id", MERCHANT),
            ("merchant_site_id", SITE),
            ("merchant_secret_key", SECRET),
        ])
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::CAD)
    }

    fn destination(&self) -> Destination {
        to(portable("email").0)
    }

    fn deposit_success(&self) -> Known {
        Known::Event("payment_approved")
    }

    fn payout_success(&self) -> Known {
        Known::Event("withdrawal_settled")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Event("withdrawal_reversed"))
    }

    fn chargeback(&self) -> Option<Known> {
        // What kind of notification it is, the checksum does not cover.
        Some(Known::Hint("payment_chargeback"))
    }

    fn refund_success(&self) -> Known {
        Known::Hint("payment_credit")
    }

    fn proves(&self) -> Proves {
        Proves { name: false, tax_id: false, portable: true, token: true }
    }
}
