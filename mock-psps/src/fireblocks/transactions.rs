//! Transactions: from the vault account that pays out to an address that is named once.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use super::api::{self, Admitted, Answered, Both, Incoming, Refusal};
use super::{Fireblocks, coin_by_id, view};
use crate::book::{Kind, Movement, Status};
use crate::chain;
use crate::faults::{Call, Fault};
use crate::psp::Psp;
use crate::server::Connection;
use crate::{clock, ids, money, scenario};

/// Transactions by the id that the caller gave; never given twice.
const EXTERNAL: &str = "external_tx_id";

pub(super) async fn create(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body };
    api::serve(both, Call::CreatePayout, incoming, book).await
}

async fn book(psp: Arc<Psp>, mock: Arc<Fireblocks>, admitted: Admitted) -> Answered {
    if admitted.plan.is(Fault::DeclineHard) {
        return Err(Refusal::forbidden("This API user may not create transactions"));
    }
    let movement = draft(&mock, &admitted.body)?;
    let external = movement.text("externalTxId").to_owned();
    let answer = json!({ "id": movement.reference, "status": "SUBMITTED" });
    let (answer, is_new) = psp.book.enter(|entry| {
        if let Some(answer) = admitted.first_answer(entry) {
            return Ok((answer, false));
        }
        if !external.is_empty() && entry.fact(EXTERNAL, &external).is_some() {
            let message = "The external tx id that was provided in the request, already exists";
            return Err(Refusal::bad(1438, message));
        }
        if !external.is_empty() {
            entry.put_fact(EXTERNAL, &external, movement.reference.clone().into());
        }
        entry.put(movement.clone());
        admitted.remember(entry, &answer);
        Ok((answer, true))
    })?;
    if is_new {
        scenario::booked(&psp, &movement, &admitted.plan).await;
    }
    Ok(answer)
}

fn draft(mock: &Fireblocks, body: &Value) -> Result<Movement, Refusal> {
    if !body["operation"].is_null() && body["operation"] != "TRANSFER" {
        return Err(Refusal::bad(1401, "Only the operation TRANSFER is simulated"));
    }
    let coin = body["assetId"].as_str().and_then(coin_by_id);
    let coin = coin.ok_or_else(|| Refusal::bad(1403, "The asset does not exist"))?;
    let source = &body["source"];
    if source["type"] != "VAULT_ACCOUNT" || source["id"] != mock.source_vault_id.as_str() {
        return Err(Refusal::bad(1404, "The source is not a vault account of this workspace"));
    }
    let destination = &body["destination"];
    let address = destination["oneTimeAddress"]["address"].as_str().unwrap_or_default();
    if destination["type"] != "ONE_TIME_ADDRESS" || !coin.style.accepts(address) {
        return Err(Refusal::bad(1405, "The destination address is invalid"));
    }
    // Numbers are deprecated and lose digits; this mock takes texts only.
    let amount = body["amount"].as_str().unwrap_or_default();
    let minor = money::parse(amount, money::decimals(coin.asset)).filter(|minor| *minor > 0);
    let amount_minor = minor.ok_or_else(|| Refusal::bad(1407, "The amount is invalid"))?;
    let external = body["externalTxId"].as_str().unwrap_or_default();
    let now = clock::now();
    let reference = ids::uuid();
    Ok(Movement {
        client_reference: ids::client_reference(external),
        kind: Kind::Payout,
        amount_minor,
        currency: coin.asset.to_owned(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: None,
        wire: json!({
            "externalTxId": external, "coin": coin.id, "to": address, "exact": amount,
            "tag": destination["oneTimeAddress"]["tag"], "note": body["note"],
            "customerRefId": body["customerRefId"],
            "txid": chain::transaction_hash(coin, &reference),
        }),
        reference,
    })
}

pub(super) async fn read(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body: Bytes::new() };
    api::serve(both, Call::Query, incoming, move |psp, mock, _| async move {
        let missing = || Refusal::not_found(1404, "The transaction was not found");
        psp.book.find(&id).map(|m| view::transaction(&mock, &m)).ok_or_else(missing)
    })
    .await
}

pub(super) async fn read_external(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Path(external): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body: Bytes::new() };
    api::serve(both, Call::Query, incoming, move |psp, mock, _| async move {
        let id = psp.book.fact(EXTERNAL, &external);
        let found = id.and_then(|id| psp.book.find(id.as_str()?));
        let missing = || Refusal::not_found(1404, "The transaction was not found");
        found.map(|m| view::transaction(&mock, &m)).ok_or_else(missing)
    })
    .await
}
