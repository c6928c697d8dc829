//! CoinsPaid's requests: JSON whose very bytes are signed.

use super::Inner;
use crate::coins::Coin;
use crate::json::Json;
use psp_contract::{AttemptRef, Currency, HttpRequest, Method, Money, PayoutRequest};

/// What a wallet's currency means at CoinsPaid: the currency that is named, and the one that it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides {
    /// The coin that travels.
    pub coin: &'static str,
    /// The fiat currency that our balance is kept in, where it is not the coin.
    pub convert_to: Option<Currency>,
}

/// A wallet holds the coin itself, or the one fiat currency that this account converts to.
pub(super) fn sides(inner: &Inner, coin: &'static Coin, wallet: Currency) -> Option<Sides> {
    let convert_to = match wallet {
        wallet if wallet == coin.asset => None,
        wallet if Some(wallet) == inner.convert_to => Some(wallet),
        _ => return None,
    };
    Some(Sides { coin: coin.id, convert_to })
}

/// A signed request. None when it cannot be signed.
fn request(
    inner: &Inner,
    method: Method,
    path: &str,
    body: &Json,
    moves_money: bool,
) -> Option<HttpRequest> {
    let body = body.to_bytes();
    let signature = hex::encode(inner.keys.sign_sha512(&body)?);
    Some(HttpRequest {
        method,
        url: format!("{}/api/v2{path}", inner.base_url),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
            ("x-processing-key", inner.api_key.clone()),
            ("x-processing-signature", signature),
        ],
        body,
        moves_money,
    })
}

pub(super) fn take_address(
    inner: &Inner,
    coin: &Coin,
    sides: Sides,
    player_reference: &str,
) -> Option<HttpRequest> {
    let body =
        Json::object([("foreign_id", player_reference.into()), ("currency", coin.id.into())]);
    let body = body.with("convert_to", sides.convert_to.map(|fiat| fiat.code().into()));
    request(inner, Method::Post, "/addresses/take", &body, false)
}

/// What must be sent so that this amount arrives.
pub(super) fn quote(inner: &Inner, coin: &Coin, money: Money) -> Option<HttpRequest> {
    let body = Json::object([
        ("sender_currency", coin.id.into()),
        ("receiver_currency", money.currency.code().into()),
        ("receiver_amount", Json::Text(money.major())),
    ]);
    request(inner, Method::Post, "/exchange/calculate", &body, false)
}

pub(super) fn withdraw(
    inner: &Inner,
    payout: &PayoutRequest,
    sides: Sides,
    address: &str,
) -> Option<HttpRequest> {
    if payout.money.minor <= 0 {
        return None;
    }
    let named = sides.convert_to.map_or(sides.coin, Currency::code);
    let becomes = sides.convert_to.map(|_| sides.coin.into());
    let body = Json::object([
        ("foreign_id", Json::Text(payout.attempt.lower())),
        ("amount", Json::Text(payout.money.major())),
        ("currency", named.into()),
        ("address", address.into()),
    ]);
    request(inner, Method::Post, "/withdrawal/crypto", &body.with("convert_to", becomes), true)
}

/// A GET with a body, as CoinsPaid documents it: the signature covers the body.
pub(super) fn info_by_foreign_id(inner: &Inner, attempt: AttemptRef) -> Option<HttpRequest> {
    let body = Json::object([("foreign_id", Json::Text(attempt.lower()))]);
    request(inner, Method::Get, "/transactions/info", &body, false)
}

pub(super) fn info_by_id(inner: &Inner, id: &str) -> Option<HttpRequest> {
    let id = id.parse::<u64>().ok()?;
    let body = Json::object([("id", Json::Integer(id.into()))]);
    request(inner, Method::Get, "/transactions/info", &body, false)
}
