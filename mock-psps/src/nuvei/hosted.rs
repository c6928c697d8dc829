//! The payer's page: where Nuvei sends a payer of Interac, and the four things a payer can do.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::api::Both;
use crate::book::{Kind, Movement};
use crate::pages::{self, Choice, Page};
use crate::psp::Psp;

fn find(psp: &Psp, id: &str) -> Option<Movement> {
    psp.book.find(id).filter(|m| m.kind == Kind::Deposit)
}

pub(super) async fn show(State((psp, _)): State<Both>, Path(id): Path<String>) -> Response {
    shown(&psp, &id)
}

/// The page of one order.
pub(super) fn shown(psp: &Psp, id: &str) -> Response {
    let Some(movement) = find(psp, id) else {
        return pages::missing();
    };
    let page = Page {
        brand: "Nuvei",
        class: "nuvei",
        movement: &movement,
        action: format!("/ppp/redirect/{id}"),
        return_to: None,
        next: vec![movement.text("success").to_owned(), movement.text("failure").to_owned()],
    };
    pages::checkout(&page)
}

pub(super) async fn choose(
    State((psp, _)): State<Both>,
    Path((id, choice)): Path<(String, String)>,
) -> Response {
    let (Some(movement), Some(choice)) = (find(&psp, &id), Choice::parse(&choice)) else {
        return pages::missing();
    };
    if let Err(problem) = pages::carry_out(&psp, &movement, choice) {
        return pages::message(StatusCode::CONFLICT, "nuvei", "Nuvei", &problem);
    }
    match choice {
        Choice::Approve => pages::redirect(movement.text("success")),
        Choice::Decline => pages::redirect(movement.text("failure")),
        Choice::Expire | Choice::Close => pages::left("nuvei", "Nuvei", choice),
    }
}
