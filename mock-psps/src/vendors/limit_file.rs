//! A file of limits over all operators. Whose last name is `Limited` has the law's 1,000.00 a calendar
//! month; everybody else has so much, or what the setting `most` says, that a day of trying things out
//! under one name does not use it up. The wire is ours: Germany shows that of its LUGAS to licence
//! holders only.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use axum::routing::{post, put};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Vendor;
use super::door::{Call, header_text, object, serve};
use super::people::{Person, of_name};
use super::rules::{Operation, Plan};
use crate::faults::Answer;
use crate::server::Connection;
use crate::{ids, money};

const LAWS_LIMIT: &str = "1000.00";
const MOST: &str = "1000000000.00";

type Asked = (State<Arc<Vendor>>, ConnectInfo<Connection>, Path<String>, HeaderMap, Bytes);

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/v1/reservations/{id}", put(reserve))
        .route("/v1/reservations/{id}/commit", post(commit))
        .route("/v1/reservations/{id}/release", post(release))
        .with_state(vendor)
}

fn unauthorized() -> Answer {
    Answer::json(StatusCode::UNAUTHORIZED, &json!({ "error": "unauthorized" }))
}

fn bad_request() -> Response {
    let body = json!({ "error": "person, amount and currency are required" });
    Answer::json(StatusCode::BAD_REQUEST, &body).into_response()
}

fn knows(vendor: &Vendor, headers: &HeaderMap) -> bool {
    header_text(headers, "authorization") == format!("Bearer {}", vendor.setting("token"))
}

fn amount(request: &Value) -> Option<(i64, String)> {
    let currency = request["currency"].as_str()?;
    let minor = money::parse(request["amount"].as_str()?, money::decimals(currency))?;
    Some((minor, currency.to_owned()))
}

async fn reserve(
    (State(vendor), ConnectInfo(connection), Path(id), headers, body): Asked,
) -> Response {
    if !knows(&vendor, &headers) {
        return unauthorized().into_response();
    }
    let request = object(&body).unwrap_or_default();
    let person = &request["person"];
    let name = person["full_name"].as_str().unwrap_or_default().to_owned();
    let born = person["date_of_birth"].as_str().unwrap_or_default();
    let national_id = person["national_id"].as_str().unwrap_or_default().to_owned();
    let Some((minor, currency)) = amount(&request).filter(|_| !name.is_empty()) else {
        return bad_request();
    };
    let who = format!("{name}/{born}/{national_id}");
    let subjects = vec![national_id.as_str(), id.as_str()];
    let call = Call { operation: Operation::Ask, connection, subjects, address: &name };
    serve(&vendor, call, unauthorized(), |plan| {
        let most = most(&vendor, &name, plan, money::decimals(&currency));
        reserved(&vendor, &id, &who, (minor, &currency), most)
    })
    .await
}

/// What a person may have taken in a month, in minor units.
fn most(vendor: &Vendor, name: &str, plan: &Plan, decimals: usize) -> i64 {
    // Whoever is to be refused finds the month used up.
    if plan.finding().is_some() {
        return 0;
    }
    let setting = vendor.setting("most");
    let most = match of_name(name) {
        Person::Limited => LAWS_LIMIT,
        _ if setting.is_empty() => MOST,
        _ => setting,
    };
    money::parse(most, decimals).unwrap_or_default()
}

fn reserved(
    vendor: &Vendor,
    id: &str,
    who: &str,
    (minor, currency): (i64, &str),
    most: i64,
) -> Answer {
    let (state, left) = vendor.people.reserve(id, who, (minor, currency), most);
    let status = if state == "reserved" { StatusCode::OK } else { StatusCode::CONFLICT };
    let reference = ids::derived_digits(&["limit", &vendor.id, id], 12);
    let body = json!({ "id": id, "status": state, "reference": reference,
        "remaining": money::format(left.max(0), money::decimals(currency)) });
    Answer::json(status, &body)
}

async fn commit(
    (State(vendor), ConnectInfo(connection), Path(id), headers, body): Asked,
) -> Response {
    let Some((minor, currency)) = amount(&object(&body).unwrap_or_default()) else {
        return bad_request();
    };
    end(&vendor, connection, (&id, &headers), Some((minor, &currency))).await
}

async fn release(
    (State(vendor), ConnectInfo(connection), Path(id), headers, _): Asked,
) -> Response {
    end(&vendor, connection, (&id, &headers), None).await
}

async fn end(
    vendor: &Arc<Vendor>,
    connection: Connection,
    (id, headers): (&str, &HeaderMap),
    came: Option<(i64, &str)>,
) -> Response {
    if !knows(vendor, headers) {
        return unauthorized().into_response();
    }
    let call = Call { operation: Operation::Query, connection, subjects: vec![id], address: "" };
    serve(vendor, call, unauthorized(), |_| {
        let state = vendor.people.end(id, came);
        let reference = ids::derived_digits(&["limit", &vendor.id, id], 12);
        Answer::json(StatusCode::OK, &json!({ "id": id, "status": state, "reference": reference }))
    })
    .await
}
