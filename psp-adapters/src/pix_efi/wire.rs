//! Operations as Efí's requests. The same operation always gives the same body.

use super::Inner;
use crate::course::{Authority, Call};
use crate::json::Json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use psp_contract::{
    AttemptRef, Currency, DepositRequest, HttpRequest, Method, Money, PayoutRequest, Portable,
};
use secrecy::{ExposeSecret, SecretString};

/// An id as part of a path: what is not plainly one could name another resource.
pub(super) fn path_id(id: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// The digits of a CPF whose check digits are right, however it was written.
pub(super) fn cpf(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '.' | '-' | ' ')).collect();
    let numbers: Vec<u32> = digits.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if numbers.len() != 11 || numbers.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let check = |count: usize| {
        let mut sum = 0;
        for (number, weight) in numbers[..count].iter().rev().zip(2_u32..) {
            sum += number * weight;
        }
        (sum * 10) % 11 % 10
    };
    (check(9) == numbers[9] && check(10) == numbers[10]).then_some(digits)
}

pub(super) fn amount(money: Money) -> Option<Json> {
    (money.currency == Currency::BRL && 0 < money.minor).then(|| Json::Text(money.major()))
}

pub(super) fn charge(inner: &Inner, deposit: &DepositRequest) -> Option<Json> {
    let payer = &deposit.payer;
    // Who must pay is named where it is known; the payment itself proves who did.
    let debtor = payer.national_id.as_deref().and_then(cpf).map(|cpf| {
        Json::object([("cpf", Json::Text(cpf)), ("nome", Json::text(&payer.full_name))])
    });
    let body = Json::object([
        ("calendario", Json::object([("expiracao", Json::Integer(inner.expires_in_s.into()))])),
        ("valor", Json::object([("original", amount(deposit.money)?)])),
        ("chave", Json::text(&inner.pix_key)),
        ("solicitacaoPagador", Json::text(&inner.statement)),
    ]);
    Some(body.with("devedor", debtor))
}

/// To a key whose owner Efí compares with the payer's CPF: money never goes to somebody else.
pub(super) fn payout(inner: &Inner, payout: &PayoutRequest) -> Option<Json> {
    let Some(Portable::PixKey { key }) = &payout.destination.portable else {
        return None;
    };
    let owner = payout.payer.national_id.as_deref().and_then(cpf)?;
    if !(1..=77).contains(&key.len()) {
        return None;
    }
    let sender = Json::object([
        ("chave", Json::text(&inner.pix_key)),
        ("infoPagador", Json::text(&inner.statement)),
    ]);
    let favoured = Json::object([("chave", Json::text(key)), ("cpf", Json::Text(owner))]);
    let valor = amount(payout.money)?;
    Some(Json::object([("valor", valor), ("pagador", sender), ("favorecido", favoured)]))
}

pub(super) fn charge_path(attempt: AttemptRef) -> String {
    format!("/v2/cob/{}", attempt.lower())
}

impl Authority for Inner {
    fn token_request(&self) -> HttpRequest {
        let credentials = format!("{}:{}", self.client_id, self.client_secret.expose_secret());
        HttpRequest {
            method: Method::Post,
            url: format!("{}/oauth/token", self.base_url),
            headers: vec![
                ("authorization", format!("Basic {}", STANDARD.encode(credentials))),
                ("content-type", "application/json".to_owned()),
            ],
            body: Json::object([("grant_type", "client_credentials".into())]).to_bytes(),
            moves_money: false,
        }
    }

    fn request(&self, call: &Call, token: &SecretString) -> HttpRequest {
        let mut headers = vec![
            ("authorization", format!("Bearer {}", token.expose_secret())),
            ("accept", "application/json".to_owned()),
        ];
        if !call.body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        HttpRequest {
            method: call.method,
            url: format!("{}{}", self.base_url, call.path),
            headers,
            body: call.body.clone(),
            moves_money: call.moves_money,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpf_is_known_by_its_check_digits() {
        assert_eq!(cpf("529.982.247-25").as_deref(), Some("52998224725"));
        for wrong in ["52998224724", "11111111111", "5299822472", "5299822472x", "***.982.247-**"] {
            assert_eq!(cpf(wrong), None, "{wrong}");
        }
    }
}
