//! The payer's app, as a page: opened by the token of a link, or by the number that a request was
//! pushed to.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::api::Both;
use super::payments;
use crate::book::{Kind, Movement, Status};
use crate::pages::{self, Choice, Page};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    token: String,
    #[serde(default)]
    callbackurl: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    return_uri: Option<String>,
}

fn page(movement: &Movement, return_to: Option<String>) -> Response {
    pages::checkout(&Page {
        brand: "Swish",
        class: "swish",
        movement,
        action: format!("/app/{}", movement.reference),
        next: return_to.iter().cloned().collect(),
        return_to,
    })
}

/// `/paymentrequest?token=…&callbackurl=…`, as the app's own links are made.
pub(super) async fn open(State((psp, _)): State<Both>, Query(link): Query<Link>) -> Response {
    let movements = psp.book.movements();
    let meant =
        |m: &&Movement| m.kind == Kind::Deposit && payments::token_of(&m.reference) == link.token;
    match movements.iter().find(meant) {
        Some(movement) => page(movement, link.callbackurl),
        None => pages::missing(),
    }
}

/// `/phone/{number}`: the newest request that was pushed to this number.
pub(super) async fn pushed(State((psp, _)): State<Both>, Path(number): Path<String>) -> Response {
    let movements = psp.book.movements();
    let meant = |m: &&Movement| {
        m.kind == Kind::Deposit && m.status == Status::Pending && m.text("payerAlias") == number
    };
    match movements.iter().rev().find(meant) {
        Some(movement) => page(movement, None),
        None => pages::message(StatusCode::OK, "swish", "Swish", "Nothing waits for this number."),
    }
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
        return pages::message(StatusCode::CONFLICT, "swish", "Swish", &problem);
    }
    let answered = matches!(choice, Choice::Approve | Choice::Decline);
    match to.return_uri.filter(|uri| answered && !uri.is_empty()) {
        Some(uri) => pages::redirect(&uri),
        None => pages::left("swish", "Swish", choice),
    }
}
