//! CoinsPaid's requests: JSON whose very bytes are signed.

use super::CoinsPaid;
use crate::coins::Coin;
use crate::prelude::*;

/// What a wallet's currency means at CoinsPaid: the currency that is named, and the one that it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// The coin that travels.
    pub coin: &'static str,
    /// The fiat currency that our balance is kept in, where it is not the coin.
    pub convert_to: Option<Currency>,
}

/// A person, as the rules on the transfer of funds want one named; none who has not both names.
fn person(payer: &Payer) -> Option<Json> {
    let (first, last) = names(payer)?;
    let born = given(&payer.date_of_birth)?;
    Some(object! { "first_name": first, "last_name": last, "date_of_birth": born })
}

impl CoinsPaid {
    /// A wallet holds the coin itself, or the one fiat currency that this account converts to.
    pub fn sides(&self, coin: &'static Coin, wallet: Currency) -> Option<Sides> {
        let convert_to = match wallet {
            wallet if wallet == coin.asset => None,
            wallet if Some(wallet) == self.convert_to => Some(wallet),
            _ => return None,
        };
        Some(Sides { coin: coin.id, convert_to })
    }

    /// A signed request. None when it cannot be signed.
    fn request(&self, method: Method, path: &str, body: &Json) -> Option<HttpRequest> {
        let body = body.to_bytes();
        let signature = hex::encode(self.keys.sign_sha512(&body)?);
        let request = HttpRequest::json(method, format!("{}/api/v2{path}", self.base_url), body);
        let request = request.header("x-processing-key", &self.api_key);
        Some(request.header("x-processing-signature", signature))
    }

    pub fn take_address(&self, coin: &Coin, sides: Sides, payer: &Payer) -> Option<HttpRequest> {
        let body = object! {
            "foreign_id": &payer.player_reference,
            "end_user_reference": &payer.player_reference,
            "sender_type": "natural",
            "sender_data": person(payer)?,
            "currency": coin.id,
            "convert_to": sides.convert_to,
        };
        self.request(Method::Post, "/addresses/take", &body)
    }

    /// What must be sent so that this amount arrives.
    pub fn quote(&self, coin: &Coin, money: Money) -> Option<HttpRequest> {
        let body = object! {
            "sender_currency": coin.id,
            "receiver_currency": money.currency,
            "receiver_amount": money.major(),
        };
        self.request(Method::Post, "/exchange/calculate", &body)
    }

    pub fn withdraw(
        &self,
        payout: &PayoutRequest,
        sides: Sides,
        address: &str,
    ) -> Option<HttpRequest> {
        let body = object! {
            "foreign_id": payout.attempt,
            "end_user_reference": &payout.payer.player_reference,
            "sender_type": "legal",
            "sender_data": object! {
                "legal_name": &self.legal_name,
                "country_of_registration": &self.country_of_registration,
            },
            "receiver_type": "natural",
            "receiver_data": person(&payout.payer)?,
            "amount": payout.money.major(),
            "currency": sides.convert_to.map_or(sides.coin, Currency::code),
            "convert_to": sides.convert_to.map(|_| sides.coin),
            "address": address,
        };
        Some(self.request(Method::Post, "/withdrawal/crypto", &body)?.for_money())
    }

    /// A GET with a body, as CoinsPaid documents it: the signature covers the body.
    pub fn info(&self, by: &Json) -> Option<HttpRequest> {
        self.request(Method::Get, "/transactions/info", by)
    }
}
