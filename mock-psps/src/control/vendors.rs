//! What the control API does to the mock screening vendors.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Json;
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Answered, ListenerRequest, Refused, parse};
use crate::vendors::{Vendor, identity};

pub(crate) type Vendors = Arc<Vec<Arc<Vendor>>>;

pub(super) fn routes(vendors: Vendors) -> Router {
    Router::new()
        .route("/vendors", get(list))
        .route("/vendors/{id}/cases", get(cases))
        .route("/vendors/{id}/movements", get(movements))
        .route("/vendors/{id}/lists", post(change_lists))
        .route("/vendors/{id}/applicants", get(applicants).post(submit))
        .route("/vendors/{id}/applicants/{reference}/complete", post(complete))
        .route("/vendors/{id}/webhooks/resend", post(resend))
        .route("/vendors/{id}/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/vendors/{id}/listener", post(listener))
        .with_state(vendors)
}

fn find(vendors: &Vendors, id: &str) -> Result<Arc<Vendor>, Refused> {
    let found = vendors.iter().find(|vendor| vendor.id == id);
    found.cloned().ok_or_else(|| Refused::unknown("vendor"))
}

async fn list(State(vendors): State<Vendors>) -> Json<Value> {
    let mut views = Vec::new();
    for vendor in vendors.iter() {
        let up = vendor.is_up().await;
        views.push(json!({ "id": vendor.id, "base_url": vendor.base_url(), "up": up }));
    }
    Json(Value::Array(views))
}

async fn cases(State(vendors): State<Vendors>, Path(id): Path<String>) -> Answered {
    Ok(Json(Value::Array(find(&vendors, &id)?.case_views())))
}

/// What a file of limits has reserved, committed and released.
async fn movements(State(vendors): State<Vendors>, Path(id): Path<String>) -> Answered {
    Ok(Json(Value::Array(find(&vendors, &id)?.people.reservations())))
}

/// The lists of a matcher change.
async fn change_lists(
    State(vendors): State<Vendors>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answered {
    let vendor = find(&vendors, &id)?;
    Ok(Json(vendor.people.change_lists(parse(&body)?)))
}

/// Whom a vendor of identity knows.
async fn applicants(State(vendors): State<Vendors>, Path(id): Path<String>) -> Answered {
    Ok(Json(Value::Array(find(&vendors, &id)?.identity.views())))
}

/// A player goes through the pages of a vendor of identity.
async fn submit(State(vendors): State<Vendors>, Path(id): Path<String>, body: Bytes) -> Answered {
    let vendor = find(&vendors, &id)?;
    let submitted = identity::submit(&vendor, parse(&body)?);
    submitted.map(Json).ok_or_else(|| Refused::unprocessable("this vendor verifies nobody"))
}

/// A vendor of identity decides.
async fn complete(
    State(vendors): State<Vendors>,
    Path((id, reference)): Path<(String, String)>,
    body: Bytes,
) -> Answered {
    let vendor = find(&vendors, &id)?;
    let done = identity::complete(&vendor, &reference, &parse(&body)?);
    done.map(Json).ok_or_else(|| Refused::unknown("applicant"))
}

/// A vendor of identity sends what it has sent again.
async fn resend(State(vendors): State<Vendors>, Path(id): Path<String>, body: Bytes) -> Answered {
    let vendor = find(&vendors, &id)?;
    let sent = identity::resend(&vendor, &parse(&body)?).await;
    sent.map(Json).ok_or_else(|| Refused::unknown("applicant"))
}

async fn faults(State(vendors): State<Vendors>, Path(id): Path<String>) -> Answered {
    Ok(Json(Value::Array(find(&vendors, &id)?.rules.list())))
}

async fn add_fault(
    State(vendors): State<Vendors>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answered {
    let vendor = find(&vendors, &id)?;
    vendor.rules.add(parse(&body)?).map(Json).map_err(Refused::unprocessable)
}

async fn clear_faults(
    State(vendors): State<Vendors>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    find(&vendors, &id)?.rules.clear();
    Ok(StatusCode::NO_CONTENT)
}

async fn listener(State(vendors): State<Vendors>, Path(id): Path<String>, body: Bytes) -> Answered {
    let vendor = find(&vendors, &id)?;
    let request: ListenerRequest = parse(&body)?;
    let taken = |error| Refused::conflict(format!("the port cannot be opened: {error}"));
    vendor.switch(request.up).await.map_err(taken)?;
    Ok(Json(json!({ "id": vendor.id, "up": request.up })))
}
