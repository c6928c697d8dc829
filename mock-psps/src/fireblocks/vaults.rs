//! Vault accounts, their assets and addresses.

use std::sync::{Arc, PoisonError};

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Admitted, Answered, Both, Incoming, Refusal};
use super::{Fireblocks, coin_by_id};
use crate::book::Book;
use crate::chain;
use crate::faults::{Call, Fault};
use crate::psp::Psp;
use crate::server::Connection;

const VAULTS: &str = "vault";
const COUNTERS: &str = "counter";
const PAGE_MAX: usize = 500;

impl Fireblocks {
    pub(super) fn remember_vaults(&self, book: &Book) {
        for (id, vault) in book.facts(VAULTS) {
            self.remember(vault["name"].as_str().unwrap_or_default(), &id);
        }
    }

    fn remember(&self, name: &str, id: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.entry(name.to_owned()).or_default().push(id.to_owned());
    }

    fn with_prefix(&self, prefix: &str, count: usize) -> Vec<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let from = names.range(prefix.to_owned()..);
        let fitting = from.take_while(|(name, _)| name.starts_with(prefix));
        fitting.flat_map(|(_, ids)| ids.iter().cloned()).take(count).collect()
    }
}

/// A vault account as the API shows it.
fn view(vault: &Value) -> Value {
    let assets: Vec<Value> = vault["assets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|id| {
            json!({
                "id": id, "total": "0", "available": "0", "pending": "0", "frozen": "0",
                "lockedAmount": "0",
            })
        })
        .collect();
    let mut shown = json!({
        "id": vault["id"], "name": vault["name"], "hiddenOnUI": vault["hiddenOnUI"] == true,
        "autoFuel": vault["autoFuel"] == true, "assets": assets,
    });
    if vault["customerRefId"].is_string() {
        shown["customerRefId"] = vault["customerRefId"].clone();
    }
    shown
}

fn find(psp: &Psp, id: &str) -> Result<Value, Refusal> {
    let missing = || Refusal::not_found(1004, "The vault account was not found");
    psp.book.fact(VAULTS, id).ok_or_else(missing)
}

pub(super) async fn create(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body };
    api::serve(both, Call::Other, incoming, new_vault).await
}

async fn new_vault(psp: Arc<Psp>, mock: Arc<Fireblocks>, admitted: Admitted) -> Answered {
    let name = admitted.body["name"].as_str().filter(|name| !name.is_empty() && name.is_ascii());
    let name = name.ok_or_else(|| Refusal::bad(1002, "Create Vault Account failed: no name"))?;
    psp.book.enter(|entry| {
        if let Some(answer) = admitted.first_answer(entry) {
            return Ok(answer);
        }
        let last = entry.fact(COUNTERS, VAULTS).and_then(Value::as_u64).unwrap_or(0);
        entry.put_fact(COUNTERS, VAULTS, (last + 1).into());
        let id = (last + 1).to_string();
        let vault = json!({
            "id": id, "name": name, "customerRefId": admitted.body["customerRefId"],
            "hiddenOnUI": admitted.body["hiddenOnUI"], "autoFuel": admitted.body["autoFuel"],
            "assets": [],
        });
        entry.put_fact(VAULTS, &id, vault.clone());
        mock.remember(name, &id);
        let answer = view(&vault);
        admitted.remember(entry, &answer);
        Ok(answer)
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    name_prefix: String,
    #[serde(default)]
    limit: Option<usize>,
}

pub(super) async fn list(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Query(page): Query<Page>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body: Bytes::new() };
    api::serve(both, Call::Other, incoming, move |psp, mock, _| async move {
        let count = page.limit.unwrap_or(200).min(PAGE_MAX);
        let ids = mock.with_prefix(&page.name_prefix, count);
        // What a reset has cleared from the books is not there any more.
        let found = ids.iter().filter_map(|id| psp.book.fact(VAULTS, id));
        let fitting = found.filter(|vault| {
            vault["name"].as_str().is_some_and(|name| name.starts_with(&page.name_prefix))
        });
        let accounts: Vec<_> = fitting.map(|vault| view(&vault)).collect();
        Ok(json!({ "accounts": accounts, "paging": {} }))
    })
    .await
}

pub(super) async fn read(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body: Bytes::new() };
    api::serve(both, Call::Other, incoming, move |psp, _, _| async move {
        find(&psp, &id).map(|vault| view(&vault))
    })
    .await
}

/// With `addresses`, the call that gives an address: what the control API calls `create_deposit`.
pub(super) async fn add_asset(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Path((id, asset)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body };
    api::serve(both, Call::CreateDeposit, incoming, move |psp, _, admitted| async move {
        activate(&psp, &id, &asset, &admitted)
    })
    .await
}

fn may_give_addresses(admitted: &Admitted) -> Result<(), Refusal> {
    if admitted.plan.is(Fault::DeclineHard) {
        return Err(Refusal::forbidden("This API user may not use vault wallets"));
    }
    if admitted.plan.is(Fault::DeclineSoft) {
        return Err(Refusal::bad(1027, "The asset is suspended in this workspace"));
    }
    Ok(())
}

fn activate(psp: &Psp, id: &str, asset: &str, admitted: &Admitted) -> Answered {
    may_give_addresses(admitted)?;
    let mut vault = find(psp, id)?;
    let coin = coin_by_id(asset);
    let coin = coin.ok_or_else(|| Refusal::not_found(1006, "The asset does not exist"))?;
    psp.book.enter(|entry| {
        if let Some(answer) = admitted.first_answer(entry) {
            return Ok(answer);
        }
        let assets = vault["assets"].as_array().cloned().unwrap_or_default();
        if assets.iter().any(|known| known == asset) {
            let message = "The asset already exists in this vault account";
            return Err(Refusal::bad(1026, message));
        }
        vault["assets"] = assets.into_iter().chain([Value::from(asset)]).collect();
        entry.put_fact(VAULTS, id, vault.clone());
        let owner = vault["name"].as_str().unwrap_or_default();
        let record = chain::address_of(entry, owner, coin, None, &json!({ "vault": id }));
        let answer = json!({ "id": asset, "address": record["address"], "tag": "" });
        admitted.remember(entry, &answer);
        tracing::info!(psp.id = %psp.id, "an address was given; /send lists them for people");
        Ok(answer)
    })
}

pub(super) async fn asset(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Path((id, asset)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body: Bytes::new() };
    api::serve(both, Call::Other, incoming, move |psp, _, _| async move {
        let shown = view(&find(&psp, &id)?);
        let assets = shown["assets"].as_array().cloned().unwrap_or_default();
        let found = assets.into_iter().find(|one| one["id"] == asset.as_str());
        found.ok_or_else(|| Refusal::not_found(1006, "The asset does not exist"))
    })
    .await
}

pub(super) async fn addresses(
    State(both): State<Both>,
    connection: ConnectInfo<Connection>,
    Path((id, asset)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, uri, headers, body: Bytes::new() };
    api::serve(both, Call::CreateDeposit, incoming, move |psp, _, admitted| async move {
        may_give_addresses(&admitted)?;
        let vault = find(&psp, &id)?;
        let owner = vault["name"].as_str().unwrap_or_default();
        let known =
            vault["assets"].as_array().into_iter().flatten().any(|it| *it == asset.as_str());
        if !known {
            return Err(Refusal::not_found(1006, "The asset does not exist"));
        }
        let record = chain::owned(&psp.book, owner, &asset).unwrap_or(Value::Null);
        Ok(json!({
            "addresses": [{
                "assetId": asset, "address": record["address"], "tag": "", "type": "Permanent",
                "bip44AddressIndex": 0, "userDefined": false,
            }],
            "paging": {},
        }))
    })
    .await
}
