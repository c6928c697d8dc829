//! Nuvei's requests, each with the checksum over its own list of fields.

use super::Inner;
use crate::json::Json;
use crate::signature::{derived_uuid, sha256};
use psp_contract::{
    AttemptRef, DepositRequest, HttpRequest, Method, Money, Payer, PayoutRequest, Portable,
    Timestamp,
};
use secrecy::ExposeSecret;
use time::macros::format_description;

/// Nuvei's ids of transactions are numbers.
pub(super) fn is_transaction_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// `YYYYMMDDHHmmss`.
fn stamp(at: Timestamp) -> String {
    at.format(format_description!("[year][month][day][hour][minute][second]")).unwrap_or_default()
}

/// The time of a request for money is its attempt's: a replay must be the same bytes. An attempt's id
/// begins with the moment in which it was made.
pub(super) fn made_at(attempt: AttemptRef, now: Timestamp) -> Timestamp {
    let made = attempt.uuid().get_timestamp().and_then(|made| {
        let (seconds, _) = made.to_unix();
        Timestamp::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
    });
    made.unwrap_or(now)
}

fn stamp_of(attempt: AttemptRef, now: Timestamp) -> String {
    stamp(made_at(attempt, now))
}

/// Lower-case hex of SHA-256 over the merchant's ids, the fields of the call and the live secret.
fn checksum(inner: &Inner, values: &[&str]) -> String {
    let secret = inner.secrets.first().map_or("", |secret| secret.expose_secret());
    let text = [&inner.merchant_id, &inner.merchant_site_id, &*values.concat(), secret].concat();
    hex::encode(sha256(text.as_bytes()))
}

fn request(
    inner: &Inner,
    name: &str,
    fields: Json,
    (values, stamp): (&[&str], &str),
    moves_money: bool,
) -> HttpRequest {
    let signed: Vec<&str> = values.iter().copied().chain([stamp]).collect();
    let body = fields
        .with("merchantId", Some(Json::text(&inner.merchant_id)))
        .with("merchantSiteId", Some(Json::text(&inner.merchant_site_id)))
        .with("timeStamp", Some(stamp.into()))
        .with("checksum", Some(Json::Text(checksum(inner, &signed))));
    HttpRequest {
        method: Method::Post,
        url: format!("{}/{name}.do", inner.api_url),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
        ],
        body: body.to_bytes(),
        moves_money,
    }
}

pub(super) fn session(inner: &Inner, attempt: AttemptRef, now: Timestamp) -> HttpRequest {
    let id = derived_uuid(&["nuvei session", &attempt.lower()]).simple().to_string();
    let fields = Json::object([("clientRequestId", Json::text(&id))]);
    request(inner, "getSessionToken", fields, (&[&id], &stamp_of(attempt, now)), false)
}

/// First and last names, as far as they are known.
fn names(payer: &Payer) -> (String, String) {
    if let (Some(given), Some(family)) = (&payer.given_name, &payer.family_name) {
        return (given.clone(), family.clone());
    }
    let whole = payer.full_name.as_str();
    let (given, family) = whole.rsplit_once(' ').unwrap_or((whole, ""));
    (given.to_owned(), family.to_owned())
}

/// `{firstName, lastName, email, country}`.
fn person(payer: &Payer, email: &str, country: &str) -> Json {
    let (given, family) = names(payer);
    Json::object([
        ("firstName", Json::Text(given)),
        ("lastName", Json::Text(family)),
        ("email", email.into()),
        ("country", country.into()),
    ])
}

/// The fields of a payment, but for those that are signed and its session. None when Interac cannot be
/// asked for it: it wants an e-mail and the payer's own address.
pub(super) fn payment(inner: &Inner, deposit: &DepositRequest) -> Option<Json> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (email, ip) = (given(&deposit.payer.email)?, given(&deposit.payer.ip)?);
    if !inner.moves(deposit.money) {
        return None;
    }
    let method = Json::object([
        ("paymentMethod", Json::text(&inner.payment_method)),
        ("email", Json::text(&email)),
    ]);
    // Its name comes back as the notification's `productId`, which is signed.
    let item = Json::object([
        ("name", Json::Text(deposit.attempt.lower())),
        ("price", Json::Text(deposit.money.major())),
        ("quantity", "1".into()),
    ]);
    let back = Json::text(&deposit.return_url);
    let urls = Json::object([
        ("successUrl", back.clone()),
        ("failureUrl", back.clone()),
        ("pendingUrl", back),
        ("notificationUrl", Json::text(&inner.notify_url)),
    ]);
    let person = person(&deposit.payer, &email, &deposit.country);
    Some(Json::object([
        ("clientUniqueId", Json::Text(deposit.attempt.lower())),
        ("userTokenId", Json::text(&deposit.payer.player_reference)),
        ("paymentOption", Json::object([("alternativePaymentMethod", method)])),
        ("items", Json::Array(vec![item])),
        ("deviceDetails", Json::object([("ipAddress", Json::Text(ip))])),
        ("billingAddress", person.clone()),
        ("userDetails", person),
        ("urlDetails", urls),
    ]))
}

/// A request for money: its reference, amount and currency, signed in this order.
fn for_money(
    inner: &Inner,
    name: &str,
    fields: Json,
    (attempt, money): (AttemptRef, Money),
    now: Timestamp,
) -> HttpRequest {
    let (id, amount) = (attempt.lower(), money.major());
    let fields = fields
        .with("clientRequestId", Some(Json::text(&id)))
        .with("amount", Some(Json::text(&amount)))
        .with("currency", Some(money.currency.code().into()));
    let signed = [&*id, &*amount, money.currency.code()];
    request(inner, name, fields, (&signed, &stamp_of(attempt, now)), true)
}

pub(super) fn paying(
    inner: &Inner,
    fields: Json,
    attempt: AttemptRef,
    money: Money,
    session: &str,
    now: Timestamp,
) -> HttpRequest {
    let fields = fields.with("sessionToken", Some(session.into()));
    for_money(inner, "payment", fields, (attempt, money), now)
}

pub(super) fn payout(inner: &Inner, payout: &PayoutRequest, now: Timestamp) -> Option<HttpRequest> {
    if !inner.moves(payout.money) {
        return None;
    }
    let email = match &payout.destination.portable {
        Some(Portable::Email { address, .. }) => Some(address.clone()),
        _ => payout.payer.email.clone().filter(|_| payout.destination.token.is_some()),
    };
    let option = match &payout.destination.token {
        Some(token) => {
            let option = Json::object([("userPaymentOptionId", Json::text(token))]);
            ("userPaymentOption", option)
        }
        // A card is paid by what Nuvei has of it alone.
        None if inner.is_card => return None,
        None => {
            let method = Json::object([
                ("paymentMethod", Json::text(&inner.payment_method)),
                ("email", Json::Text(email.clone()?)),
            ]);
            ("paymentOption", Json::object([("alternativePaymentMethod", method)]))
        }
    };
    let ip = payout.payer.ip.as_ref();
    let device = ip.map(|ip| Json::object([("ipAddress", Json::text(ip))]));
    let person = person(&payout.payer, &email.unwrap_or_default(), &payout.country);
    let urls = Json::object([("notificationUrl", Json::text(&inner.notify_url))]);
    let fields = Json::object([
        ("clientUniqueId", Json::Text(payout.attempt.lower())),
        ("userTokenId", Json::text(&payout.payer.player_reference)),
        ("userDetails", person),
        ("urlDetails", urls),
        option,
    ])
    .with("deviceDetails", device);
    Some(for_money(inner, "payout", fields, (payout.attempt, payout.money), now))
}

/// `authCode` and `comment` are part of the checksum, and empty when they are not sent.
pub(super) fn refund(
    inner: &Inner,
    attempt: AttemptRef,
    money: Money,
    deposit: &str,
    now: Timestamp,
) -> Option<HttpRequest> {
    if !inner.moves(money) || !is_transaction_id(deposit) {
        return None;
    }
    let (id, amount) = (attempt.lower(), money.major());
    let fields = Json::object([
        ("clientRequestId", Json::text(&id)),
        ("clientUniqueId", Json::text(&id)),
        ("amount", Json::text(&amount)),
        ("currency", money.currency.code().into()),
        ("relatedTransactionId", deposit.into()),
        ("urlDetails", Json::object([("notificationUrl", Json::text(&inner.notify_url))])),
    ]);
    let signed = [&*id, &*id, &*amount, money.currency.code(), deposit, "", "", &*inner.notify_url];
    Some(request(inner, "refundTransaction", fields, (&signed, &stamp_of(attempt, now)), true))
}

/// By Nuvei's id or by ours; the other is empty.
pub(super) fn details(inner: &Inner, id: &str, unique_id: &str, now: Timestamp) -> HttpRequest {
    let fields = Json::object([])
        .with("transactionId", (!id.is_empty()).then(|| id.into()))
        .with("clientUniqueId", (!unique_id.is_empty()).then(|| unique_id.into()));
    request(inner, "getTransactionDetails", fields, (&[id, unique_id], &stamp(now)), false)
}

pub(super) fn payout_status(inner: &Inner, attempt: AttemptRef, now: Timestamp) -> HttpRequest {
    let id = attempt.lower();
    let fields = Json::object([("clientRequestId", Json::text(&id))]);
    request(inner, "getPayoutStatus", fields, (&[&id], &stamp(now)), false)
}
