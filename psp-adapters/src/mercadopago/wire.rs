//! Mercado Pago's requests: bodies that never differ for the same operation.

use super::{MercadoPago, QR_LIFE};
use crate::common::{after, names, path_id};
use crate::json::{Json, object};
use crate::pix::{cpf_digits, key_kind};
use psp_contract::{
    AttemptRef, Currency, DepositRequest, HttpRequest, Method, Money, Payer, PayoutRequest,
    Portable, ReturnRequest,
};
use secrecy::ExposeSecret;
use time::macros::format_description;

fn amount(money: Money) -> Option<Json> {
    (money.currency == Currency::BRL && 0 < money.minor).then(|| Json::major(money))
}

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
    fn authorised(&self, request: HttpRequest) -> HttpRequest {
        let bearer = format!("Bearer {}", self.access_token.expose_secret());
        request.header("authorization", bearer)
    }

    fn get(&self, path: &str) -> HttpRequest {
        self.authorised(HttpRequest::get(format!("{}/v1/{path}", self.base_url)))
    }

    fn send(&self, method: Method, path: &str, body: &Json) -> HttpRequest {
        let url = format!("{}/v1/{path}", self.base_url);
        self.authorised(HttpRequest::json(method, url, body.to_bytes()))
    }

    fn creation(&self, path: &str, attempt: AttemptRef, body: &Json) -> HttpRequest {
        let request = self.send(Method::Post, path, body);
        request.header("x-idempotency-key", attempt.lower()).for_money()
    }

    /// It collects in its own country only, and from a payer with an address and a CPF.
    pub fn payment(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let names = names(&deposit.payer);
        let body = object! {
            "transaction_amount": amount(deposit.money)?,
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
        let request = self.creation("payments", deposit.attempt, &body);
        deposit.instrument.is_none().then_some(request)
    }

    /// To a key whose owner's CPF is the player's: a key of somebody else's is for Mercado Pago to refuse.
    pub fn payout(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let Some(Portable::PixKey { key }) = &payout.destination.portable else {
            return None;
        };
        let amount = amount(payout.money)?;
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
        let request = self.creation("transaction-intents/process", payout.attempt, &body);
        // Over the bytes that are sent, which are made once.
        let signature = self.signer.sign(&request.body)?;
        Some(request.header("x-signature", signature).header("x-enforce-signature", "true"))
    }

    pub fn refund(&self, back: &ReturnRequest) -> Option<HttpRequest> {
        let path = format!("payments/{}/refunds", path_id(&back.deposit_psp_reference)?);
        let body = object! { "amount": amount(back.money)? };
        Some(self.creation(&path, back.attempt, &body))
    }

    pub fn cancel(&self, id: &str) -> Option<HttpRequest> {
        let path = format!("payments/{}", path_id(id)?);
        Some(self.send(Method::Put, &path, &object! { "status": "cancelled" }))
    }

    pub fn search(&self, attempt: AttemptRef) -> HttpRequest {
        self.get(&format!("payments/search?external_reference={}", attempt.lower()))
    }

    pub fn read_payment(&self, id: &str) -> Option<HttpRequest> {
        Some(self.get(&format!("payments/{}", path_id(id)?)))
    }

    pub fn read_refund(&self, payment: &str, id: &str) -> Option<HttpRequest> {
        Some(self.get(&format!("payments/{}/refunds/{}", path_id(payment)?, path_id(id)?)))
    }

    pub fn read_payout(&self, id: &str) -> Option<HttpRequest> {
        Some(self.get(&format!("transaction-intents/{}", path_id(id)?)))
    }
}
