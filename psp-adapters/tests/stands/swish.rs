//! Swish in Sweden, behind mutual TLS; once with requests that are opened by a link, once with pushed ones.

use super::{Known, Proves, Stand};
use crate::support::pki::{CA, CLIENT, SERVER};
use crate::support::{MERCHANT_RSA, portable, secrets, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Currency, Destination, Money};
use std::collections::BTreeMap;

pub const PAYEE: &str = "1231181189";
pub const SERIAL: &str = "4512B3EBDA6E3CE6BFB14ABA6274A02C";

pub fn account(base_url: &str, flow: &str) -> PspAccount {
    PspAccount {
        id: "swish-se".to_owned(),
        adapter: "swish".to_owned(),
        method: "bank_transfer".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/swish-se".to_owned(),
        settings: texts(&[
            ("payee_alias", PAYEE),
            ("signing_certificate_serial", SERIAL),
            ("flow", flow),
        ]),
        secrets: secrets(&[
            ("signing_private_key_pem", &MERCHANT_RSA.private_pem),
            ("tls_client_certificate_pem", &CLIENT.certificate_pem),
            ("tls_client_key_pem", &CLIENT.private_pem),
            ("tls_ca_pem", CA.pem()),
        ]),
    }
}

pub struct SwishSe;

impl Stand for SwishSe {
    fn id(&self) -> &'static str {
        "swish-se"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        account(base_url, "link")
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("payee_alias", PAYEE),
            ("signing_public_key_pem", &MERCHANT_RSA.public_pem),
            ("signing_certificate_serial", SERIAL),
            ("server_certificate_pem", &SERVER.certificate_pem),
            ("server_private_key_pem", &SERVER.private_pem),
            ("client_ca_pem", CA.pem()),
        ])
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::SEK)
    }

    fn destination(&self) -> Destination {
        to(portable("phone").0)
    }

    fn deposit_success(&self) -> Known {
        Known::Hint("payment.PAID")
    }

    fn payout_success(&self) -> Known {
        Known::Hint("payout.PAID")
    }

    fn payout_return(&self) -> Option<Known> {
        None
    }

    fn chargeback(&self) -> Option<Known> {
        None
    }

    fn refund_success(&self) -> Known {
        Known::Inquiry
    }

    fn proves(&self) -> Proves {
        Proves { name: false, tax_id: false, portable: true, token: false }
    }

    fn is_created_first(&self, _: &str, fault: &str) -> bool {
        // What is refused softly is created, and refused by the payer or the bank.
        fault == "decline_soft"
    }
}
