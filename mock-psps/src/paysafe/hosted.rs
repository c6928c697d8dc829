//! The payer's page. Reaching it makes the handle payable, as Paysafe documents of Interac; only the
//! payer's approval lets money move.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::api::Both;
use super::events;
use crate::book::{Kind, Movement, Status};
use crate::pages::{self, Choice, Page};
use crate::psp::{Dialect as _, Psp};
use crate::webhooks;

fn find(psp: &Psp, id: &str) -> Option<Movement> {
    psp.book.find(id).filter(|m| m.kind == Kind::Deposit)
}

pub(super) async fn show(State((psp, paysafe)): State<Both>, Path(id): Path<String>) -> Response {
    let Some(movement) = find(&psp, &id) else {
        return pages::missing();
    };
    let is_open = movement.status == Status::Pending && !paysafe.has_run_out(&movement);
    if is_open && movement.wire["payable"] != true {
        let payable = psp.book.enter(|entry| {
            let mut movement = entry.movement(&id).cloned()?;
            movement.wire["payable"] = true.into();
            entry.put(movement.clone());
            let told = vec![events::payable(&paysafe, &movement)];
            webhooks::keep(&psp, entry, movement.kind, &told);
            Some(told)
        });
        if let Some(told) = payable {
            drop(webhooks::send(&psp, movement.kind, told));
        }
    }
    let links = &movement.wire["return"];
    let link = |name: &str| links[name].as_str().unwrap_or_default().to_owned();
    let page = Page {
        brand: "Paysafe",
        class: "paysafe",
        movement: &movement,
        action: format!("/redirect/{id}"),
        return_to: None,
        next: vec![link("completed"), link("failed")],
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
        return pages::message(StatusCode::CONFLICT, "paysafe", "Paysafe", &problem);
    }
    let link = |name: &str| movement.wire["return"][name].as_str().unwrap_or_default();
    match choice {
        Choice::Approve => pages::redirect(link("completed")),
        Choice::Decline => pages::redirect(link("failed")),
        Choice::Expire | Choice::Close => pages::left("paysafe", "Paysafe", choice),
    }
}
