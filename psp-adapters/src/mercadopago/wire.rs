//! Mercado Pago's requests: bodies that never differ for the same operation.

use super::{MercadoPago, QR_LIFE};
use crate::pix::{cpf_digits, key_kind, key_of};
use crate::prelude::*;
use time::macros::format_description;

fn identification(payer: &Payer) -> Option<Json> {
    let cpf = cpf_digits(payer.national_id.as_deref()?)?;
    Some(object! { "type": "CPF", "number": cpf })
}

/// `2026-11-20T10:00:00.000+00:00`: with milliseconds and a numeric offset.
fn qr_expiry(attempt: AttemptRef) -> Option<String> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000+00:00");
    after(attempt, QR_LIFE)?.format(format).ok()
}

fn account(account: Json) -> Json {
    object! { "accounts": vec![account] }
}

impl MercadoPago {
    /// From a payer with an address and, where it is known, a CPF.
    pub fn payment(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let names = names(&deposit.payer);
        let body = object! {
            "transaction_amount": Json::major(deposit.money),
            "description": &self.description,
            "external_reference": deposit.attempt,
            "notification_url": &self.notify_url,
            "payer": object! {
                "email": deposit.payer.email.as_ref()?,
                "first_name": names.map(|(given, _)| given),
                "last_name": names.map(|(_, family)| family),
                "identification": identification(&deposit.payer),
            },
            "payment_method_id": "pix",
            "date_of_expiration": qr_expiry(deposit.attempt),
        };
        let request = self.api.create("payments", deposit.attempt, &body);
        deposit.instrument.is_none().then_some(request)
    }

    /// To a key whose owner's CPF is the player's: a key of somebody else's is for Mercado Pago to refuse.
    pub fn payout(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let (key, amount) = (key_of(&payout.destination)?, Json::major(payout.money));
        let to = object! {
            "amount": amount.clone(),
            "chave": object! { "type": key_kind(key)?, "value": key },
            "owner": object! { "identification": identification(&payout.payer)? },
            "type": "current",
        };
        let notify = object! { "notification_url": &self.notify_url };
        let body = object! {
            "external_reference": payout.attempt,
            "point_of_interaction": object! { "type": "PSP_TRANSFER" },
            "seller_configuration": object! { "notification_info": notify },
            "transaction": object! {
                "from": account(object! { "amount": amount.clone() }),
                "to": account(to),
                "total_amount": amount,
            },
        };
        let request = self.api.create("transaction-intents/process", payout.attempt, &body);
        // Over the bytes that are sent, which are made once.
        let signature = self.signer.sign(&request.body)?;
        Some(request.header("x-signature", signature).header("x-enforce-signature", "true"))
    }
}
