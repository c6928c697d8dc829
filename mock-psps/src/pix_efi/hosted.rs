//! The page behind a QR code, where a person plays the payer's bank.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::api::Both;
use super::cobs;
use crate::pages::{self, Choice, Page};

pub(super) async fn show(State((psp, _)): State<Both>, Path(txid): Path<String>) -> Response {
    let Ok(movement) = cobs::find(&psp, &txid) else {
        return pages::missing();
    };
    pages::checkout(&Page {
        brand: "Efí Pix",
        class: "efi",
        movement: &movement,
        action: format!("/qr/v2/{txid}"),
        return_to: None,
        next: Vec::new(),
    })
}

pub(super) async fn choose(
    State((psp, _)): State<Both>,
    Path((txid, choice)): Path<(String, String)>,
) -> Response {
    let (Ok(movement), Some(choice)) = (cobs::find(&psp, &txid), Choice::parse(&choice)) else {
        return pages::missing();
    };
    match pages::carry_out(&psp, &movement, choice) {
        Ok(()) => pages::left("efi", "Efí Pix", choice),
        Err(problem) => pages::message(StatusCode::CONFLICT, "efi", "Efí Pix", &problem),
    }
}
