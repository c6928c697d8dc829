//! TrueLayer's requests: bodies that never differ for the same operation, and the signature over them.

use super::{CURRENCIES, TrueLayer};
use crate::common::{compact, given, path_word};
use crate::json::{Json, object};
use crate::signature::derived_uuid;
use psp_contract::{
    AttemptRef, DepositRequest, HttpRequest, Method, Money, Payer, PayoutRequest, Portable,
    ReturnRequest,
};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

/// One call, before it is authorised.
#[derive(Debug)]
pub struct Call {
    path: String,
    /// The idempotency key and the body; none for a GET.
    post: Option<(String, Vec<u8>)>,
    moves_money: bool,
}

impl Call {
    pub fn get(path: String) -> Self {
        Self { path, post: None, moves_money: false }
    }

    fn post(path: impl Into<String>, key: uuid::Uuid, body: &Json) -> Self {
        let post = Some((key.to_string(), body.to_bytes()));
        Self { path: path.into(), post, moves_money: true }
    }
}

/// A reference for bank statements: at most 18 characters are carried everywhere.
fn bank_reference(attempt: AttemptRef) -> String {
    format!("IL{}", &attempt.upper()[16..])
}

fn moves(money: Money) -> bool {
    CURRENCIES.contains(&money.currency) && money.minor > 0
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
    pub fn create_payment(&self, deposit: &DepositRequest) -> Option<Call> {
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
        let call = Call::post("/v3/payments", deposit.attempt.uuid(), &body);
        moves(deposit.money).then_some(call)
    }

    pub fn create_payout(&self, payout: &PayoutRequest) -> Option<Call> {
        let body = object! {
            "amount_in_minor": payout.money.minor,
            "currency": payout.money.currency,
            "merchant_account_id": self.merchant_account(payout.money.currency),
            "beneficiary": beneficiary(payout)?.and("reference", bank_reference(payout.attempt)),
            "metadata": object! { "reference": payout.attempt },
        };
        let call = Call::post("/v3/payouts", payout.attempt.uuid(), &body);
        moves(payout.money).then_some(call)
    }

    pub fn token_request(&self) -> HttpRequest {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("scope", &self.scope)
            .finish();
        let url = format!("{}/connect/token", self.auth_base_url);
        let request = HttpRequest::get(url);
        HttpRequest { method: Method::Post, body: body.into_bytes(), ..request }
            .header("content-type", "application/x-www-form-urlencoded")
    }

    /// The HTTP request of a call. None when it cannot be signed.
    pub fn request(&self, call: Call, token: &SecretString) -> Option<HttpRequest> {
        let url = format!("{}{}", self.base_url, call.path);
        let bearer = format!("Bearer {}", token.expose_secret());
        let Some((key, body)) = call.post else {
            return Some(HttpRequest::get(url).header("authorization", bearer));
        };
        let path = Url::parse(&url).ok()?.path().to_owned();
        let text = signed_text("POST", &path, &[("Idempotency-Key", &key)], &body);
        let signature = self.signer.detached_jws(&jws_header(&self.signing_kid), &text)?;
        let request = HttpRequest::json(Method::Post, url, body)
            .header("authorization", bearer)
            .header("idempotency-key", key)
            .header("tl-signature", signature);
        Some(HttpRequest { moves_money: call.moves_money, ..request })
    }
}

/// A refund takes the payment's currency; only the amount is sent.
pub(super) fn create_refund(back: &ReturnRequest) -> Option<Call> {
    let body = object! {
        "amount_in_minor": back.money.minor,
        "reference": bank_reference(back.attempt),
        "metadata": object! { "reference": back.attempt },
    };
    let path = format!("/v3/payments/{}/refunds", path_word(&back.deposit_psp_reference)?);
    moves(back.money).then(|| Call::post(path, back.attempt.uuid(), &body))
}

/// Under a key of its own: the attempt's key belongs to the payment.
pub(super) fn cancel_payment(attempt: AttemptRef, id: &str) -> Option<Call> {
    let key = derived_uuid(&["cancel", &attempt.lower()]);
    let path = format!("/v3/payments/{}/actions/cancel", path_word(id)?);
    Some(Call { moves_money: false, ..Call::post(path, key, &object! {}) })
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
