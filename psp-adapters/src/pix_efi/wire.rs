//! Operations as Efí's requests. The same operation always gives the same body.

use super::PixEfi;
use crate::json::{Json, object};
use crate::pix::cpf;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use psp_contract::{
    AttemptRef, Currency, DepositRequest, HttpRequest, Method, Money, PayoutRequest, Portable,
    ReturnRequest,
};
use secrecy::{ExposeSecret, SecretString};

fn amount(money: Money) -> Option<String> {
    (money.currency == Currency::BRL && 0 < money.minor).then(|| money.major())
}

pub(super) fn refund(back: &ReturnRequest) -> Option<Json> {
    Some(object! { "valor": amount(back.money)? })
}

pub(super) fn bearing(request: HttpRequest, token: &SecretString) -> HttpRequest {
    request.header("authorization", format!("Bearer {}", token.expose_secret()))
}

impl PixEfi {
    pub fn token_request(&self) -> HttpRequest {
        let credentials = format!("{}:{}", self.client_id, self.client_secret.expose_secret());
        let body = object! { "grant_type": "client_credentials" };
        let url = format!("{}/oauth/token", self.base_url);
        HttpRequest::json(Method::Post, url, body.to_bytes())
            .header("authorization", format!("Basic {}", STANDARD.encode(credentials)))
    }

    pub fn get(&self, path: &str) -> HttpRequest {
        HttpRequest::get(format!("{}{path}", self.base_url))
    }

    /// A PUT that could move money: our reference is in its path.
    pub fn put(&self, path: &str, body: &Json) -> HttpRequest {
        let url = format!("{}{path}", self.base_url);
        HttpRequest::json(Method::Put, url, body.to_bytes()).for_money()
    }

    pub fn charge_by(&self, txid: &str) -> HttpRequest {
        self.get(&format!("/v2/cob/{txid}"))
    }

    pub fn charge(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let payer = &deposit.payer;
        // Who must pay is named where it is known; the payment itself proves who did.
        let debtor = payer.national_id.as_deref().and_then(cpf);
        let body = object! {
            "calendario": object! { "expiracao": self.expires_in_s },
            "valor": object! { "original": amount(deposit.money)? },
            "chave": &self.pix_key,
            "solicitacaoPagador": &self.statement,
            "devedor": debtor.map(|cpf| object! { "cpf": cpf, "nome": &payer.full_name }),
        };
        Some(self.put(&format!("/v2/cob/{}", deposit.attempt.lower()), &body))
    }

    /// To a key whose owner Efí compares with the payer's CPF: money never goes to somebody else.
    pub fn payout(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let Some(Portable::PixKey { key }) = &payout.destination.portable else {
            return None;
        };
        let owner = payout.payer.national_id.as_deref().and_then(cpf)?;
        let body = object! {
            "valor": amount(payout.money)?,
            "pagador": object! { "chave": &self.pix_key, "infoPagador": &self.statement },
            "favorecido": object! { "chave": key, "cpf": owner },
        };
        let request = self.put(&format!("/v3/gn/pix/{}", payout.attempt.lower()), &body);
        (1..=77).contains(&key.len()).then_some(request)
    }

    pub fn cancel(&self, attempt: AttemptRef) -> HttpRequest {
        let url = format!("{}/v2/cob/{}", self.base_url, attempt.lower());
        let removed = object! { "status": "REMOVIDA_PELO_USUARIO_RECEBEDOR" };
        HttpRequest::json(Method::Patch, url, removed.to_bytes())
    }
}
