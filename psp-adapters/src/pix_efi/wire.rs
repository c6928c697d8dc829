//! Operations as Efí's requests. The same operation always gives the same body.

use super::PixEfi;
use crate::pix::{cpf, key_of};
use crate::prelude::*;

impl PixEfi {
    /// A PUT that could move money: our reference is in its path.
    fn put(&self, path: &str, attempt: AttemptRef, body: &Json) -> HttpRequest {
        self.api.send(Method::Put, format!("{path}/{}", attempt.lower()), body).for_money()
    }

    pub fn charge_by(&self, txid: &str) -> HttpRequest {
        self.api.get(format!("v2/cob/{txid}"))
    }

    pub fn charge(&self, deposit: &DepositRequest) -> HttpRequest {
        let payer = &deposit.payer;
        // Who must pay is named where it is known; the payment itself proves who did.
        let debtor = payer.national_id.as_deref().and_then(cpf);
        let body = object! {
            "calendario": object! { "expiracao": self.expires_in_s },
            "valor": object! { "original": deposit.money.major() },
            "chave": &self.pix_key,
            "solicitacaoPagador": &self.statement,
            "devedor": debtor.map(|cpf| object! { "cpf": cpf, "nome": &payer.full_name }),
        };
        self.put("v2/cob", deposit.attempt, &body)
    }

    /// To a key whose owner Efí compares with the payer's CPF: money never goes to somebody else.
    pub fn payout(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let owner = payout.payer.national_id.as_deref().and_then(cpf)?;
        let body = object! {
            "valor": payout.money.major(),
            "pagador": object! { "chave": &self.pix_key, "infoPagador": &self.statement },
            "favorecido": object! { "chave": key_of(&payout.destination)?, "cpf": owner },
        };
        Some(self.put("v3/gn/pix", payout.attempt, &body))
    }

    /// Of the Pix that paid, by its end-to-end id.
    pub fn refund(&self, back: &ReturnRequest, e2eid: &str) -> HttpRequest {
        let body = object! { "valor": back.money.major() };
        self.put(&format!("v2/pix/{e2eid}/devolucao"), back.attempt, &body)
    }

    pub fn cancel(&self, attempt: AttemptRef) -> HttpRequest {
        let removed = object! { "status": "REMOVIDA_PELO_USUARIO_RECEBEDOR" };
        self.api.send(Method::Patch, format!("v2/cob/{}", attempt.lower()), &removed)
    }
}
