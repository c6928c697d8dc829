//! What a lane stores in its commit in the words of this edge: idempotent answers, byte for byte,
//! and the snapshots of events.

use super::problem::Problem;
use super::refusals;
use super::views::payment;
use super::views::payment_event::event_data;
use super::views::wallet::WalletEntryView;
use crate::book::{KeyClaim, Payment, Viewer};
use crate::decide::{Answer, Refusal};
use crate::lane::Render;

/// Renders for this API.
#[derive(Debug, Clone, Copy)]
pub struct ApiRender;

const CREATED: u16 = 201;

/// A stored problem keeps the id of the request that it answers for good: every repeat tells the same bytes.
fn problem(problem: &Problem, claim: &KeyClaim) -> (u16, Vec<u8>) {
    (problem.status().as_u16(), problem.body(&claim.request))
}

impl Render for ApiRender {
    fn answer(&self, answer: &Answer, claim: &KeyClaim) -> (u16, Vec<u8>) {
        match answer {
            Answer::Payment(payment) => self.payment(payment, claim.viewer),
            Answer::Entry(entry) => (CREATED, entry_body(&WalletEntryView::from(&**entry))),
            // Nothing else is made under a key.
            _ => problem(&Problem::fault(), claim),
        }
    }

    fn refusal(&self, refusal: &Refusal, claim: &KeyClaim) -> (u16, Vec<u8>) {
        problem(&refusals::refused(refusal), claim)
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
