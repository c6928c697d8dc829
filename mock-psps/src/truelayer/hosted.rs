//! The payer's page at TrueLayer, and the key set behind its webhooks.
//!
//! The real link carries everything in a fragment, which only a script can read; `/hosted/{id}`
//! is the same page without one.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Json, Response};
use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::api::Both;
use super::payments;
use crate::book::Status;
use crate::pages::{self, Choice, Page};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    return_uri: Option<String>,
}

pub(super) async fn jwks(State((_, truelayer)): State<Both>) -> Response {
    Json(truelayer.jwks.clone()).into_response()
}

pub(super) async fn doorway() -> Response {
    pages::doorway("truelayer", "TrueLayer")
}

pub(super) async fn show(
    State((psp, _)): State<Both>,
    Path(id): Path<String>,
    Query(to): Query<Return>,
) -> Response {
    let Ok(movement) = payments::find(&psp, &id) else {
        return pages::missing();
    };
    if movement.status == Status::Pending && movement.wire["visited"] != true {
        // From here on the payment reads as `authorizing`.
        psp.book.enter(|entry| {
            if let Some(mut movement) = entry.movement(&id).cloned() {
                movement.wire["visited"] = true.into();
                entry.put(movement);
            }
        });
    }
    let page = Page {
        brand: "TrueLayer",
        class: "truelayer",
        movement: &movement,
        action: format!("/hosted/{id}"),
        return_to: to.return_uri.clone(),
        next: to.return_uri.into_iter().collect(),
    };
    pages::checkout(&page)
}

pub(super) async fn choose(
    State((psp, _)): State<Both>,
    Path((id, choice)): Path<(String, String)>,
    Form(to): Form<Return>,
) -> Response {
    let (Ok(movement), Some(choice)) = (payments::find(&psp, &id), Choice::parse(&choice)) else {
        return pages::missing();
    };
    if let Err(problem) = pages::carry_out(&psp, &movement, choice) {
        return pages::message(StatusCode::CONFLICT, "truelayer", "TrueLayer", &problem);
    }
    let answered = matches!(choice, Choice::Approve | Choice::Decline);
    let target = to.return_uri.and_then(|uri| Url::parse(&uri).ok()).filter(|_| answered);
    match target {
        Some(mut target) => {
            target.query_pairs_mut().append_pair("payment_id", &id);
            pages::redirect(target.as_str())
        }
        None => pages::left("truelayer", "TrueLayer", choice),
    }
}
