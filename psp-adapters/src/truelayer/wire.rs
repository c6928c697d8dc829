//! TrueLayer's requests: bodies that never differ for the same operation, and the signature over them.

use super::TrueLayer;
use crate::prelude::*;
use url::Url;
use uuid::Uuid;

/// A reference for bank statements: at most 18 characters are carried everywhere.
fn bank_reference(attempt: AttemptRef) -> String {
    format!("IL{}", &attempt.upper()[16..])
}

fn user(payer: &Payer) -> Json {
    let email = given(&payer.email);
    object! {
        "id": payer.player_uuid.to_string(),
        "name": &payer.full_name,
        "email": email,
        "phone": given(&payer.phone).filter(|_| email.is_none()),
    }
}

fn external(identifier: Json, holder: &str) -> Json {
    object! {
        "type": "external_account",
        "account_holder_name": holder,
        "account_identifier": identifier,
    }
}

/// Whom a payout is for.
fn beneficiary(payout: &PayoutRequest) -> Option<Json> {
    Some(match (&payout.destination.token, &payout.destination.portable) {
        (Some(token), _) => object! {
            "type": "payment_source",
            "payment_source_id": token,
            "user_id": payout.payer.player_uuid.to_string(),
        },
        (None, Some(Portable::Iban { iban, holder_name })) => {
            let iban = compact(iban).to_ascii_uppercase();
            external(object! { "type": "iban", "iban": iban }, holder_name)
        }
        (None, Some(Portable::UkAccount { sort_code, account_number, holder_name })) => {
            let identifier = object! {
                "type": "sort_code_account_number",
                "sort_code": compact(sort_code),
                "account_number": compact(account_number),
            };
            external(identifier, holder_name)
        }
        _ => return None,
    })
}

impl TrueLayer {
    pub fn get(&self, path: &str) -> HttpRequest {
        HttpRequest::get(format!("{}{path}", self.base_url))
    }

    /// A signed POST under its own idempotency key. None when it cannot be signed.
    fn post(&self, path: &str, key: Uuid, body: &Json) -> Option<HttpRequest> {
        let (url, key) = (format!("{}{path}", self.base_url), key.to_string());
        let path = Url::parse(&url).ok()?.path().to_owned();
        let request = HttpRequest::json(Method::Post, url, body.to_bytes());
        let text = signed_text("POST", &path, &[("Idempotency-Key", &key)], &request.body);
        let signature = self.signer.detached_jws(&jws_header(&self.signing_kid), &text)?;
        Some(request.header("idempotency-key", key).header("tl-signature", signature))
    }

    fn create(&self, path: &str, attempt: AttemptRef, body: &Json) -> Option<HttpRequest> {
        Some(self.post(path, attempt.uuid(), body)?.for_money())
    }

    pub fn create_payment(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let currency = deposit.money.currency;
        let method = object! {
            "type": "bank_transfer",
            "provider_selection": object! { "type": "user_selected" },
            "beneficiary": object! {
                "type": "merchant_account",
                "merchant_account_id": self.merchant_account(currency),
            },
        };
        let body = object! {
            "amount_in_minor": deposit.money.minor,
            "currency": currency,
            "payment_method": method,
            "user": user(&deposit.payer),
            "metadata": object! { "reference": deposit.attempt },
        };
        self.create("/v3/payments", deposit.attempt, &body)
    }

    pub fn create_transfer(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let body = object! {
            "amount_in_minor": payout.money.minor,
            "currency": payout.money.currency,
            "merchant_account_id": self.merchant_account(payout.money.currency),
            "beneficiary": beneficiary(payout)?.and("reference", bank_reference(payout.attempt)),
            "metadata": object! { "reference": payout.attempt },
        };
        self.create("/v3/payouts", payout.attempt, &body)
    }

    /// A refund takes the payment's currency; only the amount is sent.
    pub fn create_refund(&self, back: &ReturnRequest) -> Option<HttpRequest> {
        let body = object! {
            "amount_in_minor": back.money.minor,
            "reference": bank_reference(back.attempt),
            "metadata": object! { "reference": back.attempt },
        };
        let path = format!("/v3/payments/{}/refunds", path_word(&back.deposit_psp_reference)?);
        self.create(&path, back.attempt, &body)
    }

    /// Under a key of its own: the attempt's key belongs to the payment.
    pub fn cancel_payment(&self, attempt: AttemptRef, id: &str) -> Option<HttpRequest> {
        let key = derived_uuid(&["cancel", &attempt.lower()]);
        let path = format!("/v3/payments/{}/actions/cancel", path_word(id)?);
        self.post(&path, key, &object! {})
    }
}

/// The text under a `Tl-Signature`: method and path, the listed headers as they are listed, the body.
pub(super) fn signed_text(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {path}\n").into_bytes();
    for (name, value) in headers {
        text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    text.extend_from_slice(body);
    text
}

/// The signature's header, with its fields in TrueLayer's own order: verifiers are about that write the
/// header again from what they read, and then check the signature over their own text.
fn jws_header(kid: &str) -> String {
    let kid = String::from_utf8_lossy(&Json::from(kid).to_bytes()).into_owned();
    format!(r#"{{"alg":"ES512","kid":{kid},"tl_version":"2","tl_headers":"Idempotency-Key"}}"#)
}
