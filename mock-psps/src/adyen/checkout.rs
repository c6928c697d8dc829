//! Checkout: pay by link, charges of stored cards, refunds.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::api::{self, Both, Request, invalid, service_error};
use super::{Adyen, Draft};
use crate::book::{Kind, Movement, Payer, Status};
use crate::clock;
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;

type Peer = ConnectInfo<Connection>;

fn either(outcome: Result<Answer, Answer>) -> Answer {
    outcome.unwrap_or_else(|answer| answer)
}

fn payer(body: &Value) -> Option<Payer> {
    let name = ["firstName", "lastName"].map(|part| body["shopperName"][part].as_str());
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then(|| Payer { name, ..Payer::default() })
}

pub(super) async fn create_link(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        either(link(&owner, &adyen, &headers, &body, &plan).await)
    };
    faults::guard(psp, connection, Call::CreateDeposit, work).await
}

async fn link(
    psp: &Arc<Psp>,
    adyen: &Adyen,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(adyen, "/paymentLinks", headers, body)?;
    request.for_merchant(adyen)?;
    if plan.is(Fault::DeclineHard) {
        let message = "The payment is not allowed for this account";
        return Err(service_error(StatusCode::FORBIDDEN, "010", "security", message));
    }
    let reference = request.text("reference")?;
    let return_url = request.body["returnUrl"].as_str().unwrap_or_default();
    let wire = json!({
        "link": true, "return_url": return_url, "expires_at": expiry(&request)?,
        "shopper": request.body["shopperReference"],
    });
    let payer = payer(&request.body);
    let amount_minor = request.amount(&adyen.currency)?;
    let draft =
        Draft { kind: Kind::Deposit, client_reference: reference, amount_minor, payer, wire };
    let movement = adyen.movement(draft);
    let (answer, fresh) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return (answer, false);
        }
        let answer = Answer::json(StatusCode::CREATED, &link_view(adyen, &movement, reference));
        entry.put(movement.clone());
        request.remember(entry, &answer);
        (answer, true)
    });
    if fresh {
        scenario::booked(psp, &movement, plan).await;
    }
    Ok(answer)
}

/// When a link runs out: as the merchant says, after a day when it says nothing.
fn expiry(request: &Request) -> Result<String, Answer> {
    let now = clock::now();
    let at = match &request.body["expiresAt"] {
        Value::Null => now + time::Duration::days(1),
        told => {
            let told = told.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            told.filter(|at| *at > now).ok_or_else(|| invalid("Invalid expiresAt"))?
        }
    };
    Ok(clock::seconds(at))
}

fn link_view(adyen: &Adyen, m: &Movement, reference: &str) -> Value {
    let status = match m.status {
        Status::Pending | Status::Declined => "active",
        Status::Expired | Status::Cancelled => "expired",
        Status::Succeeded | Status::Returned | Status::ChargedBack => "completed",
    };
    let id = format!("PL{}", m.reference);
    json!({
        "id": id, "status": status, "reference": reference, "reusable": false,
        "merchantAccount": adyen.merchant_account, "expiresAt": m.wire["expires_at"],
        "amount": { "currency": m.currency, "value": m.amount_minor },
        "url": format!("{}/pay/{id}", adyen.base_url), "returnUrl": m.wire["return_url"],
    })
}

/// The payment behind a link.
pub(super) fn of_link(psp: &Psp, id: &str) -> Option<Movement> {
    psp.book.find(id.strip_prefix("PL")?).filter(|m| m.wire["link"] == true)
}

fn no_link() -> Answer {
    service_error(StatusCode::NOT_FOUND, "182", "validation", "Payment link not found")
}

pub(super) async fn read_link(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let read = || {
            api::authorise(&adyen, &headers)?;
            let m = of_link(&owner, &id).ok_or_else(no_link)?;
            Ok(Answer::json(StatusCode::OK, &link_view(&adyen, &m, &m.client_reference)))
        };
        either(read())
    };
    faults::guard(psp, connection, Call::Query, work).await
}

pub(super) async fn expire_link(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let expire = || {
            let request = api::read(&adyen, &id, &headers, &body)?;
            let m = of_link(&owner, &id).ok_or_else(no_link)?;
            if request.body["status"] != "expired" {
                return Err(invalid("A link can only be expired"));
            }
            let done = Completion::plain(Outcome::Cancelled);
            scenario::complete(&owner, &m.reference, &done)
                .map_err(|error| invalid(&error.to_string()))?;
            let m = of_link(&owner, &id).ok_or_else(no_link)?;
            Ok(Answer::json(StatusCode::OK, &link_view(&adyen, &m, &m.client_reference)))
        };
        either(expire())
    };
    faults::guard(psp, connection, Call::Other, work).await
}

pub(super) async fn charge(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        either(charge_card(&owner, &adyen, &headers, &body, &plan).await)
    };
    faults::guard(psp, connection, Call::CreateDeposit, work).await
}

/// What Adyen answers to a charge: its result, and for a refusal why.
fn verdict(token: &str, plan: &Plan) -> (&'static str, Option<(&'static str, &'static str)>) {
    match plan.fault {
        Some(Fault::DeclineSoft) => ("Refused", Some(("12", "Not enough balance"))),
        Some(Fault::DeclineHard) => ("Refused", Some(("20", "FRAUD"))),
        Some(Fault::SuccessAfterDecline) => ("Received", None),
        _ if token.starts_with("REFUSED") => ("Refused", Some(("2", "Refused"))),
        _ if token.starts_with("CHALLENGE") => ("RedirectShopper", None),
        _ => ("Authorised", None),
    }
}

pub(super) fn charge_view(
    adyen: &Adyen,
    movement: &Movement,
    reference: &str,
    (result, refusal): (&str, Option<(&str, &str)>),
) -> Value {
    let mut view = json!({
        "pspReference": movement.reference, "resultCode": result, "merchantReference": reference,
        "amount": { "currency": movement.currency, "value": movement.amount_minor },
        "additionalData": {
            "cardSummary": "1111", "paymentMethod": "visa",
            "fundingSource": funding_source(movement.text("token")),
            "tokenization.storedPaymentMethodId": movement.text("token"),
        },
    });
    if let Some((code, reason)) = refusal {
        view["refusalReasonCode"] = code.into();
        view["refusalReason"] = reason.into();
    }
    if result == "RedirectShopper" {
        let url = format!("{}/issuer/{}", adyen.base_url, movement.reference);
        view["action"] = json!({ "type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": url });
        // The payment's own id is told once the payer has done what is asked of them.
        if let Value::Object(fields) = &mut view {
            fields.remove("pspReference");
        }
    }
    view
}

/// Told where the merchant account is set up for it, as this one is. The stored card's token decides.
fn funding_source(token: &str) -> &'static str {
    if token.starts_with("CREDIT") {
        "CREDIT"
    } else if token.starts_with("PREPAID") {
        "PREPAID"
    } else {
        "DEBIT"
    }
}

async fn charge_card(
    psp: &Arc<Psp>,
    adyen: &Adyen,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(adyen, "/payments", headers, body)?;
    request.for_merchant(adyen)?;
    let (reference, return_url) = (request.text("reference")?, request.text("returnUrl")?);
    let method = &request.body["paymentMethod"];
    let token = method["storedPaymentMethodId"].as_str().filter(|_| method["type"] == "scheme");
    let token = token.ok_or_else(|| invalid("Required object 'paymentMethod' is not provided."))?;
    request.text("shopperReference")?;
    let (result, refusal) = verdict(token, plan);
    let draft = Draft {
        kind: Kind::Deposit,
        client_reference: reference,
        amount_minor: request.amount(&adyen.currency)?,
        payer: payer(&request.body),
        wire: json!({
            "token": token, "shopper": request.body["shopperReference"],
            "issuer": result == "RedirectShopper", "return_url": return_url,
        }),
    };
    let movement = adyen.movement(draft);
    let view = charge_view(adyen, &movement, reference, (result, refusal));
    let answer = Answer::json(StatusCode::OK, &view);
    let (answer, fresh) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return (answer, false);
        }
        entry.put(movement.clone());
        request.remember(entry, &answer);
        (answer, true)
    });
    if !fresh {
        return Ok(answer);
    }
    let at_once = match (result, plan.fault) {
        ("Authorised", Some(Fault::WebhookBeforeResponse)) => None,
        ("Authorised", _) => Some(Completion::plain(Outcome::Succeeded)),
        ("Refused", _) => {
            let code = refusal.map(|(code, _)| code.to_owned());
            Some(Completion { code, ..Completion::plain(Outcome::Declined) })
        }
        _ => None,
    };
    match at_once {
        Some(done) => drop(scenario::complete(psp, &movement.reference, &done)),
        None if result != "RedirectShopper" => scenario::booked(psp, &movement, plan).await,
        None => {}
    }
    Ok(answer)
}

pub(super) async fn refund(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    Path(payment): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        either(refund_payment(&owner, &adyen, &payment, &headers, &body, &plan).await)
    };
    faults::guard(psp, connection, Call::CreateRefund, work).await
}

async fn refund_payment(
    psp: &Arc<Psp>,
    adyen: &Adyen,
    payment: &str,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(adyen, payment, headers, body)?;
    request.for_merchant(adyen)?;
    let amount_minor = request.amount(&adyen.currency)?;
    let reference = request.text("reference")?;
    let (movement, answer) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return Ok((None, answer));
        }
        let paid = entry.movement(payment).filter(|m| m.kind == Kind::Deposit).cloned();
        let paid = paid.filter(|m| m.status == Status::Succeeded).ok_or_else(|| {
            service_error(
                StatusCode::UNPROCESSABLE_ENTITY,
                "167",
                "validation",
                "Original pspReference required for this operation",
            )
        })?;
        let live = |m: &&Movement| matches!(m.status, Status::Pending | Status::Succeeded);
        let earlier = entry.movements().iter().filter(|m| m.text("original") == payment);
        let refunded: i64 = earlier.filter(live).map(|m| m.amount_minor).sum();
        if paid.amount_minor - refunded < amount_minor {
            return Err(invalid("The amount is more than what is left of the payment"));
        }
        let draft = Draft {
            kind: Kind::Refund,
            client_reference: reference,
            amount_minor,
            payer: paid.payer,
            wire: json!({ "original": payment }),
        };
        let movement = adyen.movement(draft);
        let view = json!({
            "merchantAccount": adyen.merchant_account, "paymentPspReference": payment,
            "pspReference": movement.reference, "reference": reference, "status": "received",
            "amount": { "currency": movement.currency, "value": amount_minor },
        });
        let answer = Answer::json(StatusCode::CREATED, &view);
        entry.put(movement.clone());
        request.remember(entry, &answer);
        Ok((Some(movement), answer))
    })?;
    if let Some(movement) = movement {
        scenario::booked(psp, &movement, plan).await;
    }
    Ok(answer)
}
