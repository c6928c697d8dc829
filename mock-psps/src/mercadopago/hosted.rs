//! The page of a payment's `ticket_url`: where a person pays the QR code in a browser.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::api::Both;
use super::payments;
use crate::pages::{self, Choice, Page};

pub(super) async fn show(State((psp, _)): State<Both>, Path(id): Path<String>) -> Response {
    let Some(movement) = payments::find(&psp, &id) else {
        return pages::missing();
    };
    let page = Page {
        brand: "Mercado Pago",
        class: "mercadopago",
        movement: &movement,
        action: format!("/payments/{id}/ticket"),
        return_to: None,
        next: Vec::new(),
    };
    pages::checkout(&page)
}

pub(super) async fn choose(
    State((psp, _)): State<Both>,
    Path((id, choice)): Path<(String, String)>,
) -> Response {
    let (Some(movement), Some(choice)) = (payments::find(&psp, &id), Choice::parse(&choice)) else {
        return pages::missing();
    };
    match pages::carry_out(&psp, &movement, choice) {
        Ok(()) => pages::left("mercadopago", "Mercado Pago", choice),
        Err(problem) => {
            pages::message(StatusCode::CONFLICT, "mercadopago", "Mercado Pago", &problem)
        }
    }
}
