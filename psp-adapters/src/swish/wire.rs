//! Operations as Swish's requests. The same operation always gives the same body, and what is signed is
//! embedded byte for byte.

use super::Inner;
use crate::json::Json;
use psp_contract::{
    AttemptRef, Currency, DepositRequest, HttpRequest, Method, Money, PayoutRequest, Portable,
    ReturnRequest, Timestamp,
};
use time::format_description::well_known::Rfc3339;

/// An id as part of a path: what is not plainly one could name another resource.
pub(super) fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// The digits of a mobile number with its country, `46701234567`, however it was written in Sweden.
pub(super) fn alias(phone: &str) -> Option<String> {
    let text: String = phone.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let digits = match (text.strip_prefix('+'), text.strip_prefix("00"), text.strip_prefix('0')) {
        (Some(digits), _, _) | (None, Some(digits), _) => digits.to_owned(),
        (None, None, Some(national)) => format!("46{national}"),
        (None, None, None) => text,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (8..=15).contains(&digits.len())).then_some(digits)
}

/// `YYYYMMDDNNNN`. A number without its century could be two people's.
fn personal_number(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | '+' | ' ')).collect();
    (digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn amount(money: Money) -> Option<Json> {
    (money.currency == Currency::SEK && 0 < money.minor).then(|| Json::Text(money.major()))
}

/// When an attempt was made, which its id tells: a replay must say the same.
fn made_at(attempt: AttemptRef) -> Option<String> {
    let (seconds, _) = attempt.uuid().get_timestamp()?.to_unix();
    let at = Timestamp::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    at.format(&Rfc3339).ok()
}

impl Inner {
    pub fn url(&self, resource: &str) -> String {
        format!("{}/swish-cpcapi/api/{resource}", self.base_url)
    }

    pub fn get(&self, resource: &str) -> HttpRequest {
        self.send(Method::Get, resource, Vec::new(), false)
    }

    fn send(
        &self,
        method: Method,
        resource: &str,
        body: Vec<u8>,
        moves_money: bool,
    ) -> HttpRequest {
        let mut headers = vec![("accept", "application/json".to_owned())];
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        HttpRequest { method, url: self.url(resource), headers, body, moves_money }
    }
}

/// The payer's alias where the request is to be pushed to it.
pub(super) fn pushed_to(inner: &Inner, deposit: &DepositRequest) -> Option<String> {
    if inner.pushes { deposit.payer.phone.as_deref().and_then(alias) } else { None }
}

pub(super) fn payment_request(inner: &Inner, deposit: &DepositRequest) -> Option<HttpRequest> {
    let body = Json::object([
        ("payeePaymentReference", Json::Text(deposit.attempt.lower())),
        ("callbackUrl", Json::text(&inner.notify_url)),
        ("payeeAlias", Json::text(&inner.payee_alias)),
        ("amount", amount(deposit.money)?),
        ("currency", "SEK".into()),
        ("message", Json::text(&inner.message)),
    ])
    .with("payerAlias", pushed_to(inner, deposit).map(Json::Text));
    let resource = format!("v2/paymentrequests/{}", deposit.attempt.upper());
    Some(inner.send(Method::Put, &resource, body.to_bytes(), true))
}

pub(super) fn payout(inner: &Inner, payout: &PayoutRequest) -> Option<HttpRequest> {
    let Some(Portable::Phone { number, .. }) = &payout.destination.portable else {
        return None;
    };
    let payload = Json::object([
        ("payoutInstructionUUID", Json::Text(payout.attempt.upper())),
        ("payerPaymentReference", Json::Text(payout.attempt.lower())),
        ("payerAlias", Json::text(&inner.payee_alias)),
        ("payeeAlias", Json::Text(alias(number)?)),
        // Swish compares it with the number's owner: the money reaches the player or nobody.
        ("payeeSSN", Json::Text(personal_number(payout.payer.national_id.as_deref()?)?)),
        ("amount", amount(payout.money)?),
        ("currency", "SEK".into()),
        ("payoutType", "PAYOUT".into()),
        ("message", Json::text(&inner.message)),
        ("instructionDate", Json::Text(made_at(payout.attempt)?)),
        ("signingCertificateSerialNumber", Json::text(&inner.signing_serial)),
    ]);
    let signature = inner.signer.sign_twice_sha512(&payload.to_bytes())?;
    // A tree is written the same way alone and inside of another: the signed bytes are the sent ones.
    let body = Json::object([
        ("payload", payload),
        ("callbackUrl", Json::text(&inner.notify_url)),
        ("signature", Json::Text(signature)),
    ]);
    Some(inner.send(Method::Post, "v1/payouts", body.to_bytes(), true))
}

/// By the bank's reference of the payment that goes back.
pub(super) fn refund(inner: &Inner, back: &ReturnRequest, payment: &str) -> Option<HttpRequest> {
    let body = Json::object([
        ("originalPaymentReference", payment.into()),
        ("callbackUrl", Json::text(&inner.notify_url)),
        ("payerAlias", Json::text(&inner.payee_alias)),
        ("amount", amount(back.money)?),
        ("currency", "SEK".into()),
        ("payerPaymentReference", Json::Text(back.attempt.lower())),
        ("message", Json::text(&inner.message)),
    ]);
    let resource = format!("v2/refunds/{}", back.attempt.upper());
    Some(inner.send(Method::Put, &resource, body.to_bytes(), true))
}

pub(super) fn cancel(inner: &Inner, id: &str) -> Option<HttpRequest> {
    let patch = Json::Array(vec![Json::object([
        ("op", "replace".into()),
        ("path", "/status".into()),
        ("value", "cancelled".into()),
    ])]);
    let resource = format!("v1/paymentrequests/{}", path_id(id)?);
    let mut request = inner.send(Method::Patch, &resource, patch.to_bytes(), false);
    for (name, value) in &mut request.headers {
        if *name == "content-type" {
            *value = "application/json-patch+json".to_owned();
        }
    }
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in ["46701234567", "+46 70-123 45 67", "0046701234567", "070-123 45 67"] {
            assert_eq!(alias(text).as_deref(), Some("46701234567"), "{text}");
        }
        for text in ["", "+", "12", "4670123456x", "46701234567890123"] {
            assert_eq!(alias(text), None, "{text}");
        }
        assert_eq!(personal_number("19900101-1234").as_deref(), Some("199001011234"));
        assert_eq!(personal_number("900101-1234"), None);
    }
}
