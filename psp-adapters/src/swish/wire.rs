//! Operations as Swish's requests. The same operation always gives the same body, and what is signed is
//! embedded byte for byte.

use super::Swish;
use crate::prelude::*;

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

/// The number that a payout goes to.
pub(super) fn number_of(destination: &Destination) -> Option<String> {
    match &destination.portable {
        Some(Portable::Phone { number, .. }) => alias(number),
        _ => None,
    }
}

impl Swish {
    fn creation(&self, method: Method, resource: &str, body: &Json) -> HttpRequest {
        self.api.send(method, resource, body).for_money()
    }

    /// The payer's alias where the request is to be pushed to it.
    pub fn pushed_to(&self, deposit: &DepositRequest) -> Option<String> {
        if self.pushes { deposit.payer.phone.as_deref().and_then(alias) } else { None }
    }

    pub fn payment_request(&self, deposit: &DepositRequest) -> HttpRequest {
        let body = object! {
            "payeePaymentReference": deposit.attempt,
            "callbackUrl": &self.notify_url,
            "payeeAlias": &self.payee_alias,
            "amount": deposit.money.major(),
            "currency": deposit.money.currency,
            "message": &self.message,
            "payerAlias": self.pushed_to(deposit),
        };
        let resource = format!("v2/paymentrequests/{}", deposit.attempt.upper());
        self.creation(Method::Put, &resource, &body)
    }

    pub fn payout(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let payload = object! {
            "payoutInstructionUUID": payout.attempt.upper(),
            "payerPaymentReference": payout.attempt,
            "payerAlias": &self.payee_alias,
            "payeeAlias": number_of(&payout.destination)?,
            // Swish compares it with the number's owner: the money reaches the player or nobody.
            "payeeSSN": personal_number(payout.payer.national_id.as_deref()?)?,
            "amount": payout.money.major(),
            "currency": payout.money.currency,
            "payoutType": "PAYOUT",
            "message": &self.message,
            "instructionDate": made_at(payout.attempt)?,
            "signingCertificateSerialNumber": &self.signing_serial,
        };
        let signature = self.signer.sign_twice_sha512(&payload.to_bytes())?;
        // A tree is written the same way alone and inside of another: the signed bytes are the sent ones.
        let body = object! {
            "payload": payload,
            "callbackUrl": &self.notify_url,
            "signature": signature,
        };
        Some(self.creation(Method::Post, "v1/payouts", &body))
    }

    /// By the bank's reference of the payment that goes back.
    pub fn refund(&self, back: &ReturnRequest, payment: &str) -> HttpRequest {
        let body = object! {
            "originalPaymentReference": payment,
            "callbackUrl": &self.notify_url,
            "payerAlias": &self.payee_alias,
            "amount": back.money.major(),
            "currency": back.money.currency,
            "payerPaymentReference": back.attempt,
            "message": &self.message,
        };
        let resource = format!("v2/refunds/{}", back.attempt.upper());
        self.creation(Method::Put, &resource, &body)
    }

    pub fn cancel(&self, id: &str) -> Option<HttpRequest> {
        let change = object! { "op": "replace", "path": "/status", "value": "cancelled" };
        let request = self.api.get(format!("v1/paymentrequests/{}", path_id(id)?));
        let body = Json::Array(vec![change]).to_bytes();
        let request = HttpRequest { method: Method::Patch, body, ..request };
        Some(request.header("content-type", "application/json-patch+json"))
    }
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
