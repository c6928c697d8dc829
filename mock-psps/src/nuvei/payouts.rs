//! Payouts: to a user's payment option, or to an e-mail address by the account's payment method.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;

use super::api::{self, Admitted, Both, Fields, Refusal, fields};
use super::payments::{amount, word};
use super::{Nuvei, OPTIONS, dmn};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{Call, Fault};
use crate::psp::Psp;
use crate::server::Connection;
use crate::{clock, ids, scenario, webhooks};

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    let of_payout = &["clientRequestId", "amount", "currency", "timeStamp"];
    api::call(both, connection, Call::CreatePayout, body, of_payout, book).await
}

async fn book(psp: Arc<Psp>, nuvei: Arc<Nuvei>, asked: Admitted) -> Result<Fields, Refusal> {
    if asked.plan.is(Fault::DeclineHard) {
        return Err(Refusal::new(1023, "User payment option is not enabled"));
    }
    let movement = draft(&psp, &nuvei, &asked)?;
    let id = movement.reference.clone();
    let ids = |status: &str| {
        fields([
            ("userTokenId", movement.text("user").into()),
            ("clientUniqueId", movement.text("unique_id").into()),
            ("userPaymentOptionId", movement.text("option").into()),
            ("transactionId", id.clone().into()),
            ("transactionStatus", status.into()),
            ("gwErrorCode", 0.into()),
            ("gwExtendedErrorCode", 0.into()),
        ])
    };
    if asked.plan.is(Fault::DeclineSoft) {
        return Ok(ids("DECLINED"));
    }
    let question = nuvei.asks_before_paying.then(|| dmn::question(&nuvei, &movement));
    let question: Vec<_> = question.into_iter().collect();
    psp.book.enter(|entry| {
        api::claim(entry, movement.text("request_id"))?;
        entry.put(movement.clone());
        webhooks::keep(&psp, entry, Kind::Payout, &question);
        Ok(())
    })?;
    if !question.is_empty() {
        drop(webhooks::send(&psp, Kind::Payout, question));
    }
    scenario::booked(&psp, &movement, &asked.plan).await;
    Ok(ids("PENDING"))
}

fn draft(psp: &Psp, nuvei: &Nuvei, asked: &Admitted) -> Result<Movement, Refusal> {
    let amount_minor = asked.amount(nuvei)?;
    let user = asked.needed("userTokenId", 255)?;
    let unique_id = asked.needed("clientUniqueId", 45)?;
    let request_id = asked.needed("clientRequestId", 255)?;
    let option = api::text(&asked.body["userPaymentOption"]["userPaymentOptionId"]);
    let mut card = String::new();
    let email = if option.is_empty() {
        if nuvei.takes_cards() {
            return Err(Refusal::new(1060, "Missing or invalid payment data"));
        }
        let method = &asked.body["paymentOption"]["alternativePaymentMethod"];
        if method["paymentMethod"] != nuvei.payment_method.as_str() {
            return Err(Refusal::new(1060, "Missing or invalid payment data"));
        }
        method["email"].as_str().unwrap_or_default().to_owned()
    } else {
        let known = psp.book.fact(OPTIONS, &option);
        let known = known.filter(|known| known["user"] == user.as_str());
        let known =
            known.ok_or_else(|| Refusal::new(1011, "Missing or invalid UserPaymentOption data"))?;
        known["card"].as_str().unwrap_or_default().clone_into(&mut card);
        known["email"].as_str().unwrap_or_default().to_owned()
    };
    if card.is_empty() && !email.contains('@') {
        return Err(Refusal::validation("email is missing"));
    }
    let details = &asked.body["userDetails"];
    let name = |field: &str| details[field].as_str().unwrap_or_default();
    let urls = &asked.body["urlDetails"];
    let notify = urls["notificationUrl"].as_str().unwrap_or(&nuvei.webhook_url);
    let now = clock::now();
    Ok(Movement {
        reference: ids::derived_digits(&[&ids::uuid()], 19),
        client_reference: ids::client_reference(&unique_id),
        kind: Kind::Payout,
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
            "user": user, "email": email, "unique_id": unique_id, "request_id": request_id,
            "option": option, "card": card, "notify": notify,
            "request": ids::derived_digits(&[&ids::uuid(), "withdrawal"], 8),
        }),
    })
}

/// By the `clientRequestId` of the payout itself.
pub(super) async fn status(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    body: Bytes,
) -> Response {
    let of_status = &["clientRequestId", "timeStamp"];
    api::call(both, connection, Call::Query, body, of_status, |psp, _, asked| async move {
        let request_id = asked.needed("clientRequestId", 255)?;
        let movements = psp.book.movements();
        let ours = |m: &&Movement| m.kind == Kind::Payout && m.text("request_id") == request_id;
        let m = movements.iter().find(ours).ok_or_else(Refusal::not_found)?;
        Ok(fields([
            ("userTokenId", m.text("user").into()),
            ("clientUniqueId", m.text("unique_id").into()),
            ("userPaymentOptionId", m.text("option").into()),
            ("transactionId", m.reference.clone().into()),
            ("transactionStatus", word(m).into()),
            ("amount", amount(m).into()),
            ("currency", m.currency.clone().into()),
            ("gwErrorCode", (if m.code.is_some() { -1 } else { 0 }).into()),
            ("gwErrorReason", m.code.clone().into()),
        ]))
    })
    .await
}
