//! The payer's page behind a payment link.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::api::Both;
use super::checkout::of_link;
use crate::pages::{self, Choice, Page};

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
