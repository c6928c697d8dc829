//! Efí's Pix in Brazil, behind mutual TLS.

use super::{Known, Proves, Stand};
use crate::support::pki::{CA, CLIENT, SERVER};
use crate::support::{portable, secrets, texts, to};
use psp_adapters::PspAccount;
use psp_contract::{Currency, Destination, Money};
use std::collections::BTreeMap;

pub const PIX_KEY: &str = "71cdf9ba-c695-4e3c-b010-abb521a3f1be";

pub struct PixEfiBr;

impl Stand for PixEfiBr {
    fn id(&self) -> &'static str {
        "pix-efi-br"
    }

    fn account(&self, base_url: &str) -> PspAccount {
        PspAccount {
            id: "pix-efi-br".to_owned(),
            adapter: "pix_efi".to_owned(),
            method: "pix".to_owned(),
            base_url: base_url.to_owned(),
            notify_url: "http://127.0.0.1:9/webhooks/pix-efi-br".to_owned(),
            settings: texts(&[("client_id", "Client_Id_casino"), ("pix_key", PIX_KEY)]),
            secrets: secrets(&[
                ("client_secret", "a client secret of some length"),
                ("tls_client_certificate_pem", &CLIENT.certificate_pem),
                ("tls_client_key_pem", &CLIENT.private_pem),
                ("tls_ca_pem", CA.pem()),
                ("webhook_client_ca_pem", CA.pem()),
            ]),
        }
    }

    fn mock(&self) -> BTreeMap<String, String> {
        texts(&[
            ("client_id", "Client_Id_casino"),
            ("client_secret", "a client secret of some length"),
            ("pix_key", PIX_KEY),
            ("server_certificate_pem", &SERVER.certificate_pem),
            ("server_private_key_pem", &SERVER.private_pem),
            ("client_ca_pem", CA.pem()),
        ])
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::BRL)
    }

    fn destination(&self) -> Destination {
        to(portable("pix_key").0)
    }

    fn deposit_success(&self) -> Known {
        Known::Hint("pix")
    }

    fn payout_success(&self) -> Known {
        Known::Hint("envio")
    }

    fn payout_return(&self) -> Option<Known> {
        Some(Known::Hint("devolucao_recebida"))
    }

    fn chargeback(&self) -> Option<Known> {
        Some(Known::Hint("devolucao"))
    }

    fn proves(&self) -> Proves {
        Proves { name: true, tax_id: true, portable: true, token: false }
    }

    fn takes_a_token(&self) -> bool {
        true
    }

    fn is_created_first(&self, _: &str, fault: &str) -> bool {
        // Soft refusals come later: the charge is taken away, the payment is not carried out.
        fault == "decline_soft"
    }
}
