//! Mercado Pago's requests: bodies that never differ for the same operation.

use super::{Inner, QR_LIFE};
use crate::common::{after, names, path_id};
use crate::json::Json;
use psp_contract::{
    AttemptRef, Currency, DepositRequest, HttpRequest, Method, Money, Payer, PayoutRequest,
    Portable, ReturnRequest,
};
use secrecy::ExposeSecret;
use time::macros::format_description;

fn request(inner: &Inner, method: Method, path: &str, body: Option<&Json>) -> HttpRequest {
    let mut headers = vec![
        ("accept", "application/json".to_owned()),
        ("authorization", format!("Bearer {}", inner.access_token.expose_secret())),
    ];
    if body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    HttpRequest {
        method,
        url: format!("{}{path}", inner.base_url),
        headers,
        body: body.map(Json::to_bytes).unwrap_or_default(),
        moves_money: false,
    }
}

fn creation(inner: &Inner, path: &str, attempt: AttemptRef, body: &Json) -> HttpRequest {
    let mut request = request(inner, Method::Post, path, Some(body));
    request.headers.push(("x-idempotency-key", attempt.lower()));
    request.moves_money = true;
    request
}

fn amount(money: Money) -> Option<Json> {
    (money.currency == Currency::BRL && 0 < money.minor).then(|| Json::major(money))
}

/// The eleven digits of a CPF.
fn cpf(payer: &Payer) -> Option<String> {
    let text = payer.national_id.as_deref()?;
    let digits: String = text.chars().filter(|c| !matches!(c, '.' | '-' | ' ')).collect();
    let fine = digits.len() == 11 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fine.then_some(digits)
}

fn identification(cpf: &str) -> Json {
    Json::object([("type", "CPF".into()), ("number", cpf.into())])
}

/// `2026-11-20T10:00:00.000+00:00`: with milliseconds and a numeric offset.
fn qr_expiry(attempt: AttemptRef) -> Option<Json> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000+00:00");
    Some(Json::Text(after(attempt, QR_LIFE)?.format(format).ok()?))
}

pub(super) fn payment(inner: &Inner, deposit: &DepositRequest) -> Option<HttpRequest> {
    // It collects in its own country only, and from a payer with an address and a CPF.
    if deposit.instrument.is_some() {
        return None;
    }
    let payer = &deposit.payer;
    let names = names(payer);
    let who = Json::object([("email", Json::text(payer.email.as_ref()?))])
        .with("first_name", names.map(|(given, _)| Json::text(given)))
        .with("last_name", names.map(|(_, family)| Json::text(family)))
        .with("identification", cpf(payer).map(|cpf| identification(&cpf)));
    let body = Json::object([
        ("transaction_amount", amount(deposit.money)?),
        ("description", Json::text(&inner.description)),
        ("external_reference", Json::Text(deposit.attempt.lower())),
        ("notification_url", Json::text(&inner.notify_url)),
        ("payer", who),
        ("payment_method_id", "pix".into()),
    ]);
    let body = body.with("date_of_expiration", qr_expiry(deposit.attempt));
    Some(creation(inner, "/v1/payments", deposit.attempt, &body))
}

/// The kind of a PIX key. An address of e-mail and a random key show themselves; so does a telephone
/// number, which begins with the country's code.
fn key_kind(key: &str) -> Option<&'static str> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match key {
        _ if key.contains('@') && key.len() <= 77 => Some("EMAIL"),
        _ if key.strip_prefix("+55").is_some_and(|rest| rest.len() == 11 && digits(rest)) => {
            Some("PHONE")
        }
        _ if key.len() == 11 && digits(key) => Some("CPF"),
        _ if key.len() == 14 && digits(key) => Some("CNPJ"),
        _ if key.len() == 36 && uuid::Uuid::try_parse(key).is_ok() => Some("PIX_CODE"),
        _ => None,
    }
}

pub(super) fn is_key(key: &str) -> bool {
    key_kind(key).is_some()
}

pub(super) fn payout(inner: &Inner, payout: &PayoutRequest) -> Option<HttpRequest> {
    let Some(Portable::PixKey { key }) = &payout.destination.portable else {
        return None;
    };
    let amount = amount(payout.money)?;
    let from = Json::object([("amount", amount.clone())]);
    // The owner's CPF is the player's: a key of somebody else's is for Mercado Pago to refuse.
    let owner = Json::object([("identification", identification(&cpf(&payout.payer)?))]);
    let chave = Json::object([("type", key_kind(key)?.into()), ("value", Json::text(key))]);
    let to = Json::object([
        ("amount", amount.clone()),
        ("chave", chave),
        ("owner", owner),
        ("type", "current".into()),
    ]);
    let accounts = |account| Json::object([("accounts", Json::Array(vec![account]))]);
    let transaction =
        Json::object([("from", accounts(from)), ("to", accounts(to)), ("total_amount", amount)]);
    let notify = Json::object([("notification_url", Json::text(&inner.notify_url))]);
    let body = Json::object([
        ("external_reference", Json::Text(payout.attempt.lower())),
        ("point_of_interaction", Json::object([("type", "PSP_TRANSFER".into())])),
        ("seller_configuration", Json::object([("notification_info", notify)])),
        ("transaction", transaction),
    ]);
    let path = "/v1/transaction-intents/process";
    let mut request = creation(inner, path, payout.attempt, &body);
    // Over the bytes that are sent, which are made once.
    request.headers.push(("x-signature", inner.signer.sign(&request.body)?));
    request.headers.push(("x-enforce-signature", "true".to_owned()));
    Some(request)
}

pub(super) fn refund(inner: &Inner, back: &ReturnRequest) -> Option<HttpRequest> {
    let path = format!("/v1/payments/{}/refunds", path_id(&back.deposit_psp_reference)?);
    let body = Json::object([("amount", amount(back.money)?)]);
    Some(creation(inner, &path, back.attempt, &body))
}

pub(super) fn cancel(inner: &Inner, id: &str) -> Option<HttpRequest> {
    let path = format!("/v1/payments/{}", path_id(id)?);
    let body = Json::object([("status", "cancelled".into())]);
    Some(request(inner, Method::Put, &path, Some(&body)))
}

pub(super) fn search(inner: &Inner, attempt: AttemptRef) -> HttpRequest {
    let path = format!("/v1/payments/search?external_reference={}", attempt.lower());
    request(inner, Method::Get, &path, None)
}

pub(super) fn read_payment(inner: &Inner, id: &str) -> Option<HttpRequest> {
    Some(request(inner, Method::Get, &format!("/v1/payments/{}", path_id(id)?), None))
}

pub(super) fn read_refund(inner: &Inner, payment: &str, id: &str) -> Option<HttpRequest> {
    let path = format!("/v1/payments/{}/refunds/{}", path_id(payment)?, path_id(id)?);
    Some(request(inner, Method::Get, &path, None))
}

pub(super) fn read_payout(inner: &Inner, id: &str) -> Option<HttpRequest> {
    Some(request(inner, Method::Get, &format!("/v1/transaction-intents/{}", path_id(id)?), None))
}
