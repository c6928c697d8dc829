//! Adyen in Germany.

use super::{Known, Proves, Stand};
use crate::support::{eur, portable, secrets, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Destination, Money};
use std::collections::BTreeMap;

pub const MERCHANT_ACCOUNT: &str = "CasinoECOM";
pub const BALANCE_ACCOUNT: &str = "BA00000000000000000000001";
pub const API_KEY: &str = "AQE-an-api-key-of-some-length";
/// The key of Adyen's published vector.
pub const HMAC_KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
pub const TRANSFERS_HMAC_KEY: &str =
    "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";

pub struct AdyenDe;

impl Stand for AdyenDe {
    fn id(&self) -> &'static str {
        "adyen-de"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        PspAccount {
            id: "adyen-de".to_owned(),
            adapter: "adyen".to_owned(),
            method: "card".to_owned(),
            base_url: base_url.to_owned(),
            notify_url: "http://127.0.0.1:9/webhooks/adyen-de".to_owned(),
            settings: texts(&[
                ("merchant_account", MERCHANT_ACCOUNT),
                ("balance_account_id", BALANCE_ACCOUNT),
            ]),
            secrets: secrets(&[
                ("api_key", API_KEY),
                ("hmac_key", HMAC_KEY),
                ("transfers_hmac_key", TRANSFERS_HMAC_KEY),
            ]),
        }
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("merchant_account", MERCHANT_ACCOUNT),
            ("balance_account_id", BALANCE_ACCOUNT),
            ("api_key", API_KEY),
            ("hmac_key", HMAC_KEY),
            ("transfers_hmac_key", TRANSFERS_HMAC_KEY),
        ])
    }

    fn money(&self) -> Money {
        eur(1050)
    }

    fn destination(&self) -> Destination {
        to(portable("iban").0)
    }

    fn deposit_success(&self) -> Known {
        Known::Event("AUTHORISATION")
    }

    fn payout_success(&self) -> Known {
        Known::Event("balancePlatform.transfer.updated")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Event("balancePlatform.transfer.updated"))
    }

    fn chargeback(&self) -> Option<Known> {
        Some(Known::Event("CHARGEBACK"))
    }

    fn refund_success(&self) -> Known {
        Known::Event("REFUND")
    }

    /// What its signature covers says nothing of who paid.
    fn proves(&self) -> Proves {
        Proves::default()
    }

    fn is_created_first(&self, _: &str, fault: &str) -> bool {
        // A link and a transfer are accepted first and refused afterwards.
        fault == "decline_soft"
    }
}
