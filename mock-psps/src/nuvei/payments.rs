//! Deposits by redirect, what became of them, and refunds.

use std::sync::{Arc, PoisonError};

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Nuvei;
use super::api::{self, Admitted, Both, Fields, Refusal, fields};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{Call, Fault};
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids, money};

const OF_AMOUNT: &[&str] = &["clientRequestId", "amount", "currency", "timeStamp"];
const OF_REFUND: &[&str] = &[
    "clientRequestId",
    "clientUniqueId",
    "amount",
    "currency",
    "relatedTransactionId",
    "authCode",
    "comment",
    "urlDetails",
    "timeStamp",
];
const ID_LEN_MAX: usize = 45;

pub(super) async fn session(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    let of_session = &["clientRequestId", "timeStamp"];
    // Where cards are given on the page, this is the call that a deposit begins with.
    let call = if both.1.takes_cards() { Call::CreateDeposit } else { Call::Other };
    api::call(both, connection, call, body, of_session, |_, nuvei, asked| async move {
        match asked.plan.fault {
            Some(Fault::DeclineHard) => {
                return Err(Refusal::new(1022, "Invalid merchant site ID"));
            }
            Some(Fault::DeclineSoft) => {
                return Err(Refusal::new(1000, "General Error"));
            }
            _ => {}
        }
        let token = ids::uuid();
        let mut sessions = nuvei.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(token.clone());
        Ok(fields([("sessionToken", token.into())]))
    })
    .await
}

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    api::call(both, connection, Call::CreateDeposit, body, OF_AMOUNT, book).await
}

async fn book(psp: Arc<Psp>, nuvei: Arc<Nuvei>, asked: Admitted) -> Result<Fields, Refusal> {
    if asked.plan.is(Fault::DeclineHard) {
        return Err(Refusal::new(1068, "Payment method is not enabled"));
    }
    let movement = draft(&nuvei, &asked)?;
    let request_id = asked.needed("clientRequestId", 255)?;
    if asked.plan.is(Fault::DeclineSoft) {
        return Ok(refused(&movement));
    }
    psp.book.enter(|entry| {
        api::claim(entry, &request_id)?;
        entry.put(movement.clone());
        Ok(())
    })?;
    // There can be only one order per session token.
    let session = movement.text("session");
    nuvei.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    scenario::booked(&psp, &movement, &asked.plan).await;
    let url = format!("{}/ppp/redirect/{}", nuvei.base_url, movement.reference);
    Ok(fields([
        ("orderId", movement.text("order").into()),
        ("userTokenId", movement.text("user").into()),
        ("sessionToken", movement.text("session").into()),
        ("clientUniqueId", movement.text("unique_id").into()),
        ("transactionId", movement.reference.clone().into()),
        ("transactionType", "Sale".into()),
        ("transactionStatus", "REDIRECT".into()),
        ("gwErrorCode", 0.into()),
        ("gwExtendedErrorCode", 0.into()),
        ("paymentOption", json!({ "redirectUrl": url, "userPaymentOptionId": "" })),
    ]))
}

/// Declined by the payer's bank: nothing is open.
fn refused(movement: &Movement) -> Fields {
    fields([
        ("orderId", movement.text("order").into()),
        ("clientUniqueId", movement.text("unique_id").into()),
        ("transactionId", movement.reference.clone().into()),
        ("transactionStatus", "DECLINED".into()),
        ("gwErrorCode", (-1).into()),
        ("gwErrorReason", "Decline".into()),
        ("gwExtendedErrorCode", 0.into()),
    ])
}

fn draft(nuvei: &Nuvei, asked: &Admitted) -> Result<Movement, Refusal> {
    let session = asked.text("sessionToken");
    if !nuvei.sessions.lock().unwrap_or_else(PoisonError::into_inner).contains(&session) {
        return Err(Refusal::new(1064, "Invalid session token"));
    }
    let amount_minor = asked.amount(nuvei)?;
    let option = &asked.body["paymentOption"]["alternativePaymentMethod"];
    if option["paymentMethod"] != nuvei.payment_method.as_str() {
        return Err(Refusal::new(1060, "Missing or invalid payment data"));
    }
    let billing = &asked.body["billingAddress"];
    let email = [&option["email"], &billing["email"]].into_iter().find_map(Value::as_str);
    let email = email.filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| Refusal::validation("email is missing"))?;
    if billing["country"].as_str().is_none_or(|country| country.len() != 2) {
        return Err(Refusal::new(1014, "Invalid country code"));
    }
    let ip = asked.body["deviceDetails"]["ipAddress"].as_str();
    if ip.is_none_or(|ip| ip.parse::<std::net::IpAddr>().is_err()) {
        return Err(Refusal::validation("deviceDetails.ipAddress is missing"));
    }
    let unique_id = asked.needed("clientUniqueId", ID_LEN_MAX)?;
    let user = asked.needed("userTokenId", 255)?;
    let urls = &asked.body["urlDetails"];
    let url = |name: &str| urls[name].as_str().unwrap_or_default().to_owned();
    let notify = urls["notificationUrl"].as_str().unwrap_or(&nuvei.webhook_url);
    let name = |field: &str| billing[field].as_str().unwrap_or_default();
    let items = asked.body["items"].as_array().cloned().unwrap_or_default();
    let product: String = items.iter().filter_map(|item| item["name"].as_str()).collect();
    let now = clock::now();
    Ok(Movement {
        reference: ids::derived_digits(&[&ids::uuid()], 19),
        client_reference: ids::client_reference(&unique_id),
        kind: Kind::Deposit,
        amount_minor,
        currency: nuvei.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: Some(Payer {
            name: format!("{} {}", name("firstName"), name("lastName")).trim().to_owned(),
            ..Payer::default()
        }),
        wire: json!({
            "session": session, "user": user, "email": email, "unique_id": unique_id,
            "request_id": asked.text("clientRequestId"),
            "order": ids::derived_digits(&[&ids::uuid(), "order"], 10),
            "product": product, "success": url("successUrl"), "failure": url("failureUrl"), "notify": notify,
        }),
    })
}

/// By the session token, for as long as it lives: only the payment that was made with it.
pub(super) async fn status(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    api::call(both, connection, Call::Query, body, &[], |psp, _, asked| async move {
        let session = asked.text("sessionToken");
        let movements = psp.book.movements();
        let found = movements.iter().find(|m| !session.is_empty() && m.text("session") == session);
        let m = found.ok_or_else(|| Refusal::new(1064, "Invalid session token"))?;
        Ok(fields([
            ("transactionStatus", word(m).into()),
            ("transactionId", m.reference.clone().into()),
            ("clientUniqueId", m.text("unique_id").into()),
            ("amount", amount(m).into()),
            ("currency", m.currency.clone().into()),
        ]))
    })
    .await
}

/// By Nuvei's id or by the merchant's; payouts are not found here.
pub(super) async fn details(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    let of_details = &["transactionId", "clientUniqueId", "timeStamp"];
    api::call(both, connection, Call::Query, body, of_details, |psp, _, asked| async move {
        let (id, unique_id) = (asked.text("transactionId"), asked.text("clientUniqueId"));
        if id.is_empty() && unique_id.is_empty() {
            return Err(Refusal::validation("transactionId or clientUniqueId is needed"));
        }
        let of_merchant = |m: &&Movement| {
            let named = unique_id.is_empty() || unique_id == m.text("unique_id");
            m.kind != Kind::Payout && named
        };
        let movements = psp.book.movements();
        let mut found = movements.iter().filter(of_merchant);
        // Each transaction of an order has an id of its own: that of the step stays the step's.
        let found = found.find_map(|m| match () {
            () if id.is_empty() => Some((m, is_at_issuer(m))),
            () if id == m.reference || id == transaction_of(m) => Some((m, false)),
            () if id == issuer_step(m) => Some((m, true)),
            () => None,
        });
        let (movement, is_step) = found.ok_or_else(Refusal::not_found)?;
        Ok(view(movement, is_step))
    })
    .await
}

/// Whether the payer of an order is with the issuer of the card that they tried first.
fn is_at_issuer(m: &Movement) -> bool {
    m.kind == Kind::Deposit && m.status == Status::Pending && !m.text("card").is_empty()
}

/// The id of the step at the issuer.
fn issuer_step(m: &Movement) -> String {
    ids::derived_digits(&["InitAuth3D", &m.reference], 19)
}

/// The id of a movement's newest transaction that is more than a step: what takes a sale back has its own.
fn transaction_of(m: &Movement) -> String {
    match (m.kind, m.status) {
        (Kind::Deposit, Status::Returned | Status::ChargedBack) => {
            ids::derived_digits(&[m.status.as_str(), &m.reference], 19)
        }
        _ => m.reference.clone(),
    }
}

/// A transaction as getTransactionDetails shows it. Whose card is with its issuer has a transaction that
/// is approved, of the amount, and no sale yet; the sale has another id, and may be of another card.
fn view(m: &Movement, is_step: bool) -> Fields {
    let (kind, status) = match (m.kind, m.status) {
        _ if is_step => ("InitAuth3D", "APPROVED"),
        (Kind::Refund, _) => ("Credit", word(m)),
        (_, Status::ChargedBack) => ("Chargeback", word(m)),
        (Kind::Deposit, Status::Returned) => ("Void", "APPROVED"),
        _ => ("Sale", word(m)),
    };
    let id = if is_step { issuer_step(m) } else { transaction_of(m) };
    let details = json!({
        "transactionId": id, "transactionStatus": status, "transactionType": kind,
        "processedAmount": amount(m), "processedCurrency": m.currency,
        "date": clock::day(m.changed_at), "gwErrorCode": if m.code.is_some() { -1 } else { 0 },
        "gwErrorReason": m.code, "gwExtendedErrorCode": 0,
    });
    fields([
        ("clientUniqueId", m.text("unique_id").into()),
        ("transactionDetails", details),
        ("paymentOption", if is_step { first_card(m) } else { option(m) }),
    ])
}

/// The card that the payer was sent to its issuer with: a debit card, and not the one that they pay with.
fn first_card(m: &Movement) -> Value {
    let digits = ids::derived_digits(&["first card", m.text("user")], 4);
    json!({
        "userPaymentOptionId": ids::derived_digits(&["upo", m.text("user"), &digits], 8),
        "card": {
            "ccCardNumber": format!("5****{digits}"), "last4Digits": digits,
            "ccExpMonth": "12", "ccExpYear": "30", "cardType": "Debit", "cardBrand": "MASTERCARD",
        },
    })
}

/// What was paid with.
fn option(m: &Movement) -> Value {
    let mut option = json!({ "userPaymentOptionId": m.text("option") });
    match m.text("card") {
        "" => option["alternativePaymentMethod"] = json!({ "externalAccountID": m.text("email") }),
        digits => {
            option["card"] = json!({
                "ccCardNumber": format!("4****{digits}"), "last4Digits": digits,
                "ccExpMonth": "12", "ccExpYear": "30", "cardType": card_type(m), "cardBrand": "VISA",
            });
        }
    }
    option
}

/// The name on the card decides, as it does for Nuvei's own test cards.
fn card_type(m: &Movement) -> &'static str {
    let name = m.payer.as_ref().map(|payer| payer.name.to_lowercase()).unwrap_or_default();
    ["Credit", "Prepaid"]
        .into_iter()
        .find(|kind| name.contains(&kind.to_lowercase()))
        .unwrap_or("Debit")
}

pub(super) fn amount(m: &Movement) -> String {
    money::format(m.amount_minor, money::decimals(&m.currency))
}

/// A movement's state in Nuvei's words.
pub(super) fn word(m: &Movement) -> &'static str {
    match m.status {
        Status::Pending if m.kind == Kind::Deposit => "REDIRECT",
        Status::Pending => "PENDING",
        Status::Succeeded | Status::ChargedBack => "APPROVED",
        Status::Declined => "DECLINED",
        Status::Expired => "EXPIRED",
        Status::Cancelled => "CANCELED",
        Status::Returned => "REVERSED",
    }
}

pub(super) async fn refund(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    api::call(both, connection, Call::CreateRefund, body, OF_REFUND, give_back).await
}

async fn give_back(psp: Arc<Psp>, nuvei: Arc<Nuvei>, asked: Admitted) -> Result<Fields, Refusal> {
    let amount_minor = asked.amount(&nuvei)?;
    let unique_id = asked.needed("clientUniqueId", ID_LEN_MAX)?;
    let request_id = asked.needed("clientRequestId", 255)?;
    let related = asked.needed("relatedTransactionId", 20)?;
    let movement = psp.book.enter(|entry| {
        api::claim(entry, &request_id)?;
        let paid = entry.movement(&related).filter(|m| m.kind == Kind::Deposit);
        let paid = paid.filter(|m| m.status == Status::Succeeded).cloned();
        let paid =
            paid.ok_or_else(|| Refusal::validation("relatedTransactionId is not settled"))?;
        let open = |m: &&Movement| {
            m.text("related") == related && matches!(m.status, Status::Pending | Status::Succeeded)
        };
        let gone: i64 = entry.movements().iter().filter(open).map(|m| m.amount_minor).sum();
        if amount_minor > paid.amount_minor - gone {
            return Err(Refusal::new(1040, "Invalid or missing amount"));
        }
        let now = clock::now();
        let movement = Movement {
            reference: ids::derived_digits(&[&ids::uuid()], 19),
            client_reference: ids::client_reference(&unique_id),
            kind: Kind::Refund,
            amount_minor,
            status: Status::Pending,
            created_at: now,
            changed_at: now,
            settled_at: None,
            wire: json!({
                "related": related, "unique_id": unique_id, "request_id": request_id,
                "order": paid.text("order"), "product": paid.text("product"), "user": paid.text("user"),
                "email": paid.text("email"), "card": paid.text("card"),
                "notify": paid.text("notify"),
            }),
            ..paid
        };
        entry.put(movement.clone());
        Ok(movement)
    })?;
    scenario::booked(&psp, &movement, &asked.plan).await;
    Ok(fields([
        ("transactionId", movement.reference.clone().into()),
        ("transactionStatus", "PENDING".into()),
        ("clientUniqueId", movement.text("unique_id").into()),
        ("gwErrorCode", 0.into()),
        ("gwExtendedErrorCode", 0.into()),
    ]))
}
