//! The payer's page behind a payment link, and the issuer's, where a card's holder is asked for.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use url::Url;

use super::api::Both;
use super::checkout::of_link;
use super::details;
use crate::book::Movement;
use crate::pages::{self, Choice, Page};
use crate::psp::Psp;

pub(super) async fn show(State((psp, _)): State<Both>, Path(id): Path<String>) -> Response {
    let Some(movement) = of_link(&psp, &id) else {
        return pages::missing();
    };
    let page = Page {
        brand: "Adyen",
        class: "adyen",
        movement: &movement,
        action: format!("/pay/{id}"),
        return_to: None,
        next: vec![movement.text("return_url").to_owned()],
    };
    pages::checkout(&page)
}

pub(super) async fn choose(
    State((psp, _)): State<Both>,
    Path((id, choice)): Path<(String, String)>,
) -> Response {
    let (Some(movement), Some(choice)) = (of_link(&psp, &id), Choice::parse(&choice)) else {
        return pages::missing();
    };
    if let Err(problem) = pages::carry_out(&psp, &movement, choice) {
        return pages::message(StatusCode::CONFLICT, "adyen", "Adyen", &problem);
    }
    match choice {
        Choice::Approve | Choice::Decline if !movement.text("return_url").is_empty() => {
            pages::redirect(movement.text("return_url"))
        }
        choice => pages::left("adyen", "Adyen", choice),
    }
}

/// A payment that its issuer wants to see the payer of.
fn of_issuer(psp: &Psp, id: &str) -> Option<Movement> {
    psp.book.find(id).filter(|m| m.wire["issuer"] == true)
}

pub(super) async fn show_issuer(State((psp, _)): State<Both>, Path(id): Path<String>) -> Response {
    let Some(movement) = of_issuer(&psp, &id) else {
        return pages::missing();
    };
    let page = Page {
        brand: "Card issuer",
        class: "adyen",
        movement: &movement,
        action: format!("/issuer/{id}"),
        return_to: None,
        next: vec![movement.text("return_url").to_owned()],
    };
    pages::checkout(&page)
}

/// What the payer decides there nobody knows before the merchant has told it: it goes with the payer.
pub(super) async fn choose_at_issuer(
    State((psp, _)): State<Both>,
    Path((id, choice)): Path<(String, String)>,
) -> Response {
    let (Some(movement), Some(choice)) = (of_issuer(&psp, &id), Choice::parse(&choice)) else {
        return pages::missing();
    };
    let approved = match choice {
        Choice::Approve => true,
        Choice::Decline => false,
        Choice::Expire | Choice::Close => {
            return match pages::carry_out(&psp, &movement, choice) {
                Ok(()) => pages::left("adyen", "Card issuer", choice),
                Err(problem) => {
                    pages::message(StatusCode::CONFLICT, "adyen", "Card issuer", &problem)
                }
            };
        }
    };
    let result = details::decided(&psp, &movement, approved);
    let Ok(mut back) = Url::parse(movement.text("return_url")) else {
        return pages::left("adyen", "Card issuer", choice);
    };
    back.query_pairs_mut().append_pair("redirectResult", &result);
    pages::redirect(back.as_str())
}
