//! What can be asked of CoinsPaid: addresses, withdrawals, quotes, transactions.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both, Incoming, Refusal};
use super::{COINS, CoinsPaid, FOREIGN_IDS, callbacks};
use crate::book::{Kind, Movement, Status};
use crate::chain::{self, Chain as _, Coin};
use crate::faults::{Call, Fault, Plan};
use crate::psp::Psp;
use crate::server::Connection;
use crate::{clock, ids, money, scenario};

/// CoinsPaid writes every amount with eight decimals.
const DECIMALS: u32 = 8;

type Answered = Result<(StatusCode, Value), Refusal>;

macro_rules! methods {
    ($($name:ident = $call:expr => $work:path),+ $(,)?) => {
        $(pub(super) async fn $name(
            State(both): State<Both>,
            connection: ConnectInfo<Connection>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let incoming = Incoming { connection, headers, body };
            api::serve(both, $call, incoming, $work).await
        })+
    };
}

methods! {
    currencies = Call::Other => list_currencies,
    take_address = Call::CreateDeposit => take,
    withdraw = Call::CreatePayout => book_withdrawal,
    info = Call::Query => look_up,
    calculate = Call::Other => quote,
}

fn required<'a>(request: &'a Value, name: &'static str) -> Result<&'a str, Refusal> {
    let text = request[name].as_str().filter(|text| !text.is_empty());
    let label = name.replace('_', " ");
    text.ok_or_else(|| Refusal::field(name, format!("The {label} field is required.")))
}

/// A field of an object in a request, by both of their names.
fn required_of(request: &Value, object: &'static str, name: &str) -> Result<(), Refusal> {
    let given = request[object][name].as_str().is_some_and(|text| !text.is_empty());
    let text = || format!("The {object}.{name} field is required.");
    if given { Ok(()) } else { Err(Refusal::field(object, text())) }
}

/// Who sends or is paid, from CryptoProcessing's page "User data collection": the names and the birth date
/// of a person, the name and country of a company.
fn check_party(request: &Value, kind: &'static str, data: &'static str) -> Result<(), Refusal> {
    match required(request, kind)? {
        "natural" => {
            required_of(request, data, "first_name")?;
            required_of(request, data, "last_name")?;
            required_of(request, data, "date_of_birth")
        }
        "legal" => {
            required_of(request, data, "legal_name")?;
            required_of(request, data, "country_of_registration")
        }
        _ => Err(Refusal::field(kind, "The selected type is invalid.")),
    }
}

/// Accounts from before those rules send requests that name nobody: such a one is taken, and one that names
/// somebody is held to all of it.
fn names_parties(request: &Value) -> bool {
    let fields =
        ["end_user_reference", "sender_type", "sender_data", "receiver_type", "receiver_data"];
    fields.iter().any(|field| !request[*field].is_null())
}

fn coin_of(request: &Value, name: &'static str) -> Result<&'static Coin, Refusal> {
    let id = required(request, name)?;
    let coin = COINS.iter().find(|coin| coin.id == id);
    let label = name.replace('_', " ");
    coin.ok_or_else(|| Refusal::field(name, format!("The selected {label} is invalid.")))
}

async fn list_currencies(_: Arc<Psp>, _: Arc<CoinsPaid>, _: Value, _: Plan) -> Answered {
    let list: Vec<_> = COINS
        .iter()
        .enumerate()
        .map(|(index, coin)| {
            json!({
                "id": index + 1, "type": "crypto", "currency": coin.id,
                "minimum_amount": "0.00010000", "deposit_fee_percent": "1.00",
                "withdrawal_fee_percent": "0", "precision": coin.decimals.min(DECIMALS),
            })
        })
        .collect();
    Ok((StatusCode::OK, json!({ "data": list })))
}

/// `POST /addresses/take`: the same customer, coin and target give the same address for ever.
async fn take(psp: Arc<Psp>, mock: Arc<CoinsPaid>, request: Value, plan: Plan) -> Answered {
    if plan.is(Fault::DeclineHard) {
        let text = "Deposits are forbidden for this merchant.";
        return Err(Refusal::field("currency", text));
    }
    if plan.is(Fault::DeclineSoft) {
        return Err(Refusal::field("currency", "The selected currency is disabled."));
    }
    let owner = required(&request, "foreign_id")?;
    let coin = coin_of(&request, "currency")?;
    let convert_to = request["convert_to"].as_str().filter(|fiat| !fiat.is_empty());
    if convert_to.is_some_and(|fiat| mock.price(coin.asset, fiat).is_none()) {
        return Err(Refusal::field("convert_to", "The selected convert to is invalid."));
    }
    if names_parties(&request) {
        required(&request, "end_user_reference")?;
        check_party(&request, "sender_type", "sender_data")?;
    }
    let owner = owner.to_owned();
    let record =
        psp.book.enter(|entry| chain::address_of(entry, &owner, coin, convert_to, &Value::Null));
    tracing::info!(psp.id = %psp.id, "an address was given; /send lists them for people");
    let mut data = json!({
        "id": record["id"], "currency": coin.id, "address": record["address"], "tag": null,
        "foreign_id": owner,
    });
    if let Some(fiat) = convert_to {
        data["convert_to"] = fiat.into();
    }
    Ok((StatusCode::CREATED, json!({ "data": data })))
}

async fn book_withdrawal(
    psp: Arc<Psp>,
    mock: Arc<CoinsPaid>,
    request: Value,
    plan: Plan,
) -> Answered {
    if plan.is(Fault::DeclineHard) {
        return Err(Refusal::field("amount", "The amount must be at least 100000."));
    }
    let mut movement = draft(&mock, &request)?;
    if names_parties(&request) {
        required(&request, "end_user_reference")?;
        check_party(&request, "sender_type", "sender_data")?;
        check_party(&request, "receiver_type", "receiver_data")?;
    }
    let foreign_id = required(&request, "foreign_id")?.to_owned();
    psp.book.enter(|entry| {
        if entry.fact(FOREIGN_IDS, &foreign_id).is_some() {
            let text = "The foreign id has already been taken.";
            return Err(Refusal::field("foreign_id", text));
        }
        while !entry.add(&movement) {
            movement = draft(&mock, &request)?;
        }
        entry.put_fact(FOREIGN_IDS, &foreign_id, movement.reference.clone().into());
        Ok(())
    })?;
    scenario::booked(&psp, &movement, &plan).await;
    let sent = money::format(movement.amount_minor, money::decimals(&movement.currency));
    let data = json!({
        "id": callbacks::number(&movement.reference),
        "foreign_id": foreign_id,
        "type": callbacks::kind(&movement),
        "status": "processing",
        "amount": callbacks::eight(&sent),
        "sender_amount": callbacks::eight(&sent),
        "sender_currency": movement.text("currency"),
        "receiver_amount": movement.text("received"),
        "receiver_currency": movement.text("coin"),
    });
    Ok((StatusCode::CREATED, json!({ "data": data })))
}

fn draft(mock: &CoinsPaid, request: &Value) -> Result<Movement, Refusal> {
    let foreign_id = required(request, "foreign_id")?;
    let amount = required(request, "amount")?;
    let address = required(request, "address")?;
    let convert = request["convert_to"].as_str().filter(|coin| !coin.is_empty());
    let (coin, currency) = match convert {
        Some(_) => (coin_of(request, "convert_to")?, required(request, "currency")?),
        None => {
            let coin = coin_of(request, "currency")?;
            (coin, coin.asset)
        }
    };
    if !coin.style.accepts(address) {
        return Err(Refusal::field("address", "The address is invalid."));
    }
    if request["tag"].as_str().is_some_and(|tag| !tag.is_empty()) {
        return Err(Refusal::field("tag", "This currency has no tag."));
    }
    let minor = money::parse(amount, money::decimals(currency)).filter(|minor| *minor > 0);
    let minor = minor.ok_or_else(|| Refusal::field("amount", "The amount format is invalid."))?;
    let received = match convert {
        None => callbacks::eight(amount),
        Some(_) => {
            let price = mock.price(coin.asset, currency).ok_or_else(|| {
                Refusal::field("currency", "Exchange is unavailable for given currencies")
            })?;
            coins_for(minor, price)
        }
    };
    let now = clock::now();
    let reference = ids::ten_digits();
    Ok(Movement {
        client_reference: ids::client_reference(foreign_id),
        kind: Kind::Payout,
        amount_minor: minor,
        currency: currency.to_owned(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: None,
        wire: json!({
            "foreign_id": foreign_id, "to": address, "coin": coin.id,
            "currency": request["currency"], "received": received, "converted": convert.is_some(),
            "txid": chain::transaction_hash(coin, &reference),
        }),
        reference,
    })
}

/// So many coins cost so many cents, with eight decimals.
fn coins_for(cents: i64, price: u128) -> String {
    let cents = u128::try_from(cents).unwrap_or(0);
    let units = cents * 1_000_000 * 100_000_000 / price.max(1);
    money::format(i64::try_from(units).unwrap_or(i64::MAX), 8)
}

/// `GET /transactions/info`, asked with a body: by `id`, `foreign_id` or `txid`, one of them.
async fn look_up(psp: Arc<Psp>, _: Arc<CoinsPaid>, request: Value, _: Plan) -> Answered {
    let field = |name: &str| match &request[name] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let asked = request.as_object().map_or(0, serde_json::Map::len);
    if asked != 1 {
        return Err(Refusal::field("id", "Exactly one of id, foreign_id, txid is required."));
    }
    let (name, found) = if let Some(id) = field("id") {
        ("id", psp.book.find(&id))
    } else if let Some(foreign_id) = field("foreign_id") {
        let id = psp.book.fact(FOREIGN_IDS, &foreign_id);
        ("foreign_id", id.and_then(|id| psp.book.find(id.as_str()?)))
    } else if let Some(txid) = field("txid") {
        let movements = psp.book.movements();
        ("txid", movements.into_iter().find(|m| m.text("txid") == txid))
    } else {
        return Err(Refusal::field("id", "The id field is required."));
    };
    let movement = found.ok_or(Refusal::NotFound(name))?;
    Ok((StatusCode::OK, callbacks::transaction(&movement)))
}

/// `POST /exchange/calculate`: what a conversion would cost right now. Moves nothing.
async fn quote(_: Arc<Psp>, mock: Arc<CoinsPaid>, request: Value, _: Plan) -> Answered {
    let coin = coin_of(&request, "sender_currency")?;
    let fiat = required(&request, "receiver_currency")?;
    let price = mock.price(coin.asset, fiat).ok_or_else(|| {
        Refusal::field("sender_currency", "Exchange is unavailable for given currencies")
    })?;
    let receiver = request["receiver_amount"].as_str();
    let (sender_amount, receiver_amount) = match (receiver, request["sender_amount"].as_str()) {
        (Some(amount), None) => {
            let cents = money::parse(amount, money::decimals(fiat)).filter(|cents| *cents > 0);
            let cents = cents.ok_or_else(|| {
                Refusal::field("receiver_amount", "The receiver amount format is invalid.")
            })?;
            (coins_for(cents, price), callbacks::eight(amount))
        }
        (None, Some(amount)) => {
            let units = chain::exact(amount, DECIMALS).and_then(|units| units.checked_mul(price));
            let worth = units.and_then(|worth| i64::try_from(worth / 100_000_000_000_000).ok());
            let worth = worth.ok_or_else(|| {
                Refusal::field("sender_amount", "The sender amount format is invalid.")
            })?;
            (callbacks::eight(amount), callbacks::eight(&money::format(worth, 2)))
        }
        _ => return Err(Refusal::field("sender_amount", "The sender amount field is required.")),
    };
    let now = clock::now().unix_timestamp();
    let unit = i64::try_from(price / 1_000_000).unwrap_or(i64::MAX);
    Ok((
        StatusCode::OK,
        json!({ "data": {
            "sender_amount": sender_amount, "sender_currency": coin.id,
            "receiver_amount": receiver_amount, "receiver_currency": fiat,
            "fee_amount": "0.00000000", "fee_currency": fiat,
            "price": callbacks::eight(&money::format(unit, 2)),
            "ts_fixed": now, "ts_release": now + 60, "fix_period": 60,
        }}),
    ))
}
