//! The payer's page at Trustly: `GET /checkout/{orderid}` and the four things a payer can do.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::Trustly;
use crate::book::Kind;
use crate::pages::{self, Choice, Page};
use crate::psp::Psp;

type Both = (Arc<Psp>, Arc<Trustly>);

pub(super) async fn show(State((psp, _)): State<Both>, Path(order_id): Path<String>) -> Response {
    let movement = psp.book.find(&order_id).filter(|m| m.kind == Kind::Deposit);
    let Some(movement) = movement else {
        return pages::missing();
    };
    let page = Page {
        brand: "Trustly",
        class: "trustly",
        movement: &movement,
        action: format!("/checkout/{order_id}"),
        return_to: None,
        next: vec![movement.text("success").to_owned(), movement.text("fail").to_owned()],
    };
    pages::checkout(&page)
}

pub(super) async fn choose(
    State((psp, _)): State<Both>,
    Path((order_id, choice)): Path<(String, String)>,
) -> Response {
    let movement = psp.book.find(&order_id).filter(|m| m.kind == Kind::Deposit);
    let (Some(movement), Some(choice)) = (movement, Choice::parse(&choice)) else {
        return pages::missing();
    };
    if let Err(problem) = pages::carry_out(&psp, &movement, choice) {
        return pages::message(StatusCode::CONFLICT, "trustly", "Trustly", &problem);
    }
    match choice {
        Choice::Approve => pages::redirect(movement.text("success")),
        Choice::Decline => pages::redirect(movement.text("fail")),
        Choice::Expire | Choice::Close => pages::left("trustly", "Trustly", choice),
    }
}
