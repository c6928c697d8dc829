//! What a lane stores in its commit in the words of this edge: idempotent answers, byte for byte,
//! and the snapshots of events.

use super::problem::Problem;
use super::refusals;
use super::views::payment;
use super::views::payment_event::event_data;
use super::views::wallet::WalletEntryView;
use crate::book::{Payment, Viewer};
use crate::decide::{Answer, Refusal};
use crate::domain::Ids;
use crate::lane::Render;
use std::sync::Arc;

/// Renders for this API.
pub struct ApiRender {
    ids: Arc<dyn Ids>,
}

impl std::fmt::Debug for ApiRender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiRender").finish_non_exhaustive()
    }
}

const CREATED: u16 = 201;

impl ApiRender {
    pub fn new(ids: Arc<dyn Ids>) -> Self {
        Self { ids }
    }

    /// A stored problem keeps one request id for good: every repeat tells the same bytes.
    fn problem(&self, problem: &Problem) -> (u16, Vec<u8>) {
        let request_id = format!("req_{}", self.ids.next().simple());
        (problem.status().as_u16(), problem.body(&request_id))
    }
}

impl Render for ApiRender {
    fn answer(&self, answer: &Answer, viewer: Viewer) -> (u16, Vec<u8>) {
        match answer {
            Answer::Payment(payment) => self.payment(payment, viewer),
            Answer::Entry(entry) => (CREATED, entry_body(&WalletEntryView::from(&**entry))),
            // Nothing else is made under a key.
            _ => self.problem(&Problem::fault()),
        }
    }

    fn refusal(&self, refusal: &Refusal, _: Viewer) -> (u16, Vec<u8>) {
        self.problem(&refusals::refused(refusal))
    }

    fn payment(&self, payment: &Payment, viewer: Viewer) -> (u16, Vec<u8>) {
        (CREATED, payment::render(viewer, payment))
    }

    fn event(&self, payment: &Payment) -> String {
        event_data(payment)
    }
}

fn entry_body(view: &WalletEntryView) -> Vec<u8> {
    // A view of texts always serialises.
    serde_json::to_vec(view).unwrap_or_default()
}
