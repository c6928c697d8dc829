//! Mercado Pago in Brazil.

use super::{Known, Proves, Stand};
use crate::support::{Pair, pair, portable, secrets, texts, to};
use openssl::pkey::PKey;
use psp_adapters::PspAccount;
use psp_contract::{Currency, Destination, Money};
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub const ACCESS_TOKEN: &str = "APP_USR-7434-a-token-of-some-length";
pub const WEBHOOK_SECRET: &str = "a webhook secret of some length";
pub static PAYOUT_KEY: LazyLock<Pair> = LazyLock::new(|| pair(PKey::generate_ed25519().unwrap()));

pub struct MercadoPagoBr;

impl Stand for MercadoPagoBr {
    fn id(&self) -> &'static str {
        "mercadopago-br"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        PspAccount {
            id: "mercadopago-br".to_owned(),
            adapter: "mercadopago".to_owned(),
            method: "pix".to_owned(),
            base_url: base_url.to_owned(),
            notify_url: "http://127.0.0.1:9/webhooks/mercadopago-br".to_owned(),
            settings: BTreeMap::new(),
            secrets: secrets(&[
                ("access_token", ACCESS_TOKEN),
                ("webhook_secret", WEBHOOK_SECRET),
                ("payout_private_key_pem", &PAYOUT_KEY.private_pem),
            ]),
        }
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("access_token", ACCESS_TOKEN),
            ("webhook_secret", WEBHOOK_SECRET),
            ("payout_public_key_pem", &PAYOUT_KEY.public_pem),
        ])
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::BRL)
    }

    fn destination(&self) -> Destination {
        to(portable("pix_key").0)
    }

    fn deposit_success(&self) -> Known {
        Known::Hint("payment")
    }

    fn payout_success(&self) -> Known {
        Known::Hint("transaction_intent")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Hint("transaction_intent"))
    }

    fn chargeback(&self) -> Option<Known> {
        Some(Known::Hint("payment"))
    }

    fn proves(&self) -> Proves {
        Proves { name: true, tax_id: true, portable: true, token: false }
    }

    fn is_created_first(&self, _: &str, fault: &str) -> bool {
        // A payment and a payout are accepted first and rejected afterwards.
        fault == "decline_soft"
    }
}
