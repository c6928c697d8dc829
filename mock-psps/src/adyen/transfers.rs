//! Transfers v4: money from the balance account to a bank account or a stored card.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::api::{self, Both, Request, problem};
use super::{Adyen, Draft};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids};

type Peer = ConnectInfo<Connection>;

fn invalid(detail: &str) -> Answer {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "30_112", "Invalid transfer", detail)
}

pub(super) async fn create(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let outcome = transfer(&owner, &adyen, &headers, &body, &plan).await;
        outcome.unwrap_or_else(|answer| answer)
    };
    faults::guard(psp, connection, Call::CreatePayout, work).await
}

async fn transfer(
    psp: &Arc<Psp>,
    adyen: &Adyen,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(adyen, "/transfers", headers, body)?;
    if plan.is(Fault::DeclineHard) {
        let detail = "The transfer is not allowed for this counterparty.";
        return Err(problem(StatusCode::FORBIDDEN, "30_016", "Not permitted", detail));
    }
    if request.body["balanceAccountId"] != adyen.balance_account_id.as_str() {
        return Err(invalid("The balance account is unknown."));
    }
    let name = counterparty(&request)?;
    let reference = request.text("reference")?.to_owned();
    if 80 < reference.len() {
        return Err(invalid("reference is longer than 80 characters."));
    }
    let amount_minor =
        request.amount(&adyen.currency).map_err(|_| invalid("The amount is not valid."))?;
    let wire = json!({
        "category": request.body["category"], "counterparty": request.body["counterparty"],
        "reference": reference,
    });
    let draft = Draft {
        kind: Kind::Payout,
        client_reference: &reference,
        amount_minor,
        payer: Some(Payer { name, ..Payer::default() }),
        wire,
    };
    let movement = adyen.movement(draft);
    let (answer, fresh) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return (answer, false);
        }
        let answer = Answer::json(StatusCode::ACCEPTED, &created(adyen, &movement));
        entry.put(movement.clone());
        request.remember(entry, &answer);
        (answer, true)
    });
    if fresh {
        scenario::booked(psp, &movement, plan).await;
    }
    Ok(answer)
}

/// Checks who is paid, and gives the holder's name.
fn counterparty(request: &Request) -> Result<String, Answer> {
    let party = &request.body["counterparty"];
    match request.body["category"].as_str() {
        Some("bank") => {
            let speeds = ["regular", "fast", "instant", "wire", "crossBorder", "internal"];
            let speed = request.body["priority"].as_str().unwrap_or_default();
            let account = &party["bankAccount"]["accountIdentification"];
            let text = |name: &str| account[name].as_str().unwrap_or_default();
            let digits = |text: &str, len: usize| {
                text.len() == len && text.bytes().all(|b| b.is_ascii_digit())
            };
            let known = match text("type") {
                "iban" => ids::iban_is_valid(text("iban")),
                "ukLocal" => digits(text("sortCode"), 6) && digits(text("accountNumber"), 8),
                _ => false,
            };
            if !speeds.contains(&speed) || !known {
                return Err(invalid("counterparty.bankAccount or priority is not valid."));
            }
            let name = party["bankAccount"]["accountHolder"]["fullName"].as_str();
            let name = name.filter(|name| is_written_in(name, ",;:\\+&!?@()\"'0123456789"));
            name.map(str::to_owned).ok_or_else(|| invalid("accountHolder.fullName is required."))
        }
        Some("card") => {
            let token = &party["card"]["cardIdentification"]["storedPaymentMethodId"];
            let holder = &party["card"]["cardHolder"];
            let part = |name: &str| holder[name].as_str().filter(|part| is_written_in(part, ""));
            let party = holder["reference"].as_str().filter(|it| (1..=150).contains(&it.len()));
            let whose = (token.as_str(), party, holder["type"] == "individual");
            match (whose, part("firstName"), part("lastName")) {
                ((Some(_), Some(_), true), Some(first), Some(last)) => {
                    Ok(format!("{first} {last}"))
                }
                _ => Err(invalid("counterparty.card is not complete.")),
            }
        }
        _ => Err(invalid("category is not supported.")),
    }
}

/// Whether a name has none but the characters that Adyen supports in it.
fn is_written_in(name: &str, besides: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphabetic() || " -./—".contains(c) || besides.contains(c);
    !name.is_empty() && name.chars().all(fine)
}

/// `status` and `reason` of a payout.
pub(super) fn state(m: &Movement) -> (&'static str, String) {
    let code = |default: &str| m.code.clone().unwrap_or_else(|| default.to_owned());
    match m.status {
        Status::Pending => ("authorised", "approved".to_owned()),
        Status::Succeeded => ("booked", "approved".to_owned()),
        // Told of a transfer that was booked: Adyen itself does not know where its money is.
        Status::Returned if m.code.as_deref().is_some_and(is_undecided) => ("failed", code("")),
        Status::Returned | Status::ChargedBack => ("returned", "approved".to_owned()),
        // The control's own word for a refusal is that the money was not there.
        Status::Declined if m.code.as_deref() == Some("insufficient_funds") => {
            ("refused", "notEnoughBalance".to_owned())
        }
        Status::Declined => ("failed", code("refusedByCounterpartyBank")),
        Status::Expired | Status::Cancelled => ("failed", code("counterpartyAccountClosed")),
    }
}

/// Reasons that say nothing of what the counterparty's bank has done.
fn is_undecided(reason: &str) -> bool {
    matches!(reason, "counterpartyBankTimedOut" | "internalTimeout" | "unknown")
}

/// A transfer as the answer to its creation shows it: without what only its history has.
fn created(adyen: &Adyen, m: &Movement) -> Value {
    let mut view = view(adyen, m);
    if let Value::Object(fields) = &mut view {
        fields
            .retain(|name, _| !matches!(&**name, "balancePlatform" | "events" | "sequenceNumber"));
    }
    view
}

/// A transfer as `GET` and the webhooks show it.
pub(super) fn view(adyen: &Adyen, m: &Movement) -> Value {
    let (status, reason) = state(m);
    let fresh = m.status == Status::Pending && m.created_at == m.changed_at;
    let (status, reason) =
        if fresh { ("received", "pending".to_owned()) } else { (status, reason) };
    let mut seen = vec!["received"];
    if m.settled_at.is_some() {
        seen.extend(["authorised", "booked"]);
    }
    if status != "received" && !seen.contains(&status) {
        seen.push(status);
    }
    let events: Vec<Value> =
        seen.iter().map(|status| json!({ "status": status, "type": "accounting" })).collect();
    json!({
        "id": m.reference, "reference": m.text("reference"), "status": status, "reason": reason,
        "amount": { "currency": m.currency, "value": m.amount_minor },
        "balanceAccount": { "id": adyen.balance_account_id }, "balancePlatform": "MockPlatform",
        "category": m.wire["category"], "counterparty": m.wire["counterparty"],
        "creationDate": clock::seconds(m.created_at), "direction": "outgoing",
        "sequenceNumber": seen.len(), "events": events,
        "type": if m.wire["category"] == "card" { "cardTransfer" } else { "bankTransfer" },
    })
}

pub(super) async fn read(
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
            let found = owner.book.find(&id).filter(|m| m.kind == Kind::Payout);
            let found = found.ok_or_else(|| {
                let detail = "The transfer does not exist.";
                problem(StatusCode::NOT_FOUND, "00_404", "Not found", detail)
            })?;
            Ok(Answer::json(StatusCode::OK, &view(&adyen, &found)))
        };
        read().unwrap_or_else(|answer: Answer| answer)
    };
    faults::guard(psp, connection, Call::Query, work).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    balance_account_id: Option<String>,
    reference: Option<String>,
    created_since: String,
    created_until: String,
}

pub(super) async fn list(
    State((psp, adyen)): State<Both>,
    ConnectInfo(connection): Peer,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let read = || {
            api::authorise(&adyen, &headers)?;
            let time = |text: &str| {
                OffsetDateTime::parse(text, &Rfc3339).map_err(|_| invalid("Not a time."))
            };
            let span = time(&filter.created_since)?..=time(&filter.created_until)?;
            if filter.balance_account_id.as_deref() != Some(&*adyen.balance_account_id) {
                return Err(invalid("balanceAccountId is required."));
            }
            let mut found = owner.book.movements();
            found.retain(|m| {
                let asked = filter.reference.as_deref().is_none_or(|it| m.text("reference") == it);
                m.kind == Kind::Payout && span.contains(&m.created_at) && asked
            });
            let data: Vec<Value> = found.iter().map(|m| view(&adyen, m)).collect();
            Ok(Answer::json(StatusCode::OK, &json!({ "data": data })))
        };
        read().unwrap_or_else(|answer: Answer| answer)
    };
    faults::guard(psp, connection, Call::Query, work).await
}
