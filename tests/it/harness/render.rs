//! The words of an edge, as plain as these tests need them.

use interlock::api::views::payment_event::event_data;
use interlock::book::{KeyClaim, Payment, Viewer};
use interlock::decide::{Answer, Refusal};
use interlock::lane::Render;
use serde_json::json;

pub struct PlainRender;

impl Render for PlainRender {
    fn answer(&self, answer: &Answer, claim: &KeyClaim) -> (u16, Vec<u8>) {
        match answer {
            Answer::Payment(payment) => self.payment(payment, claim.viewer),
            _ => (201, b"{}".to_vec()),
        }
    }

    fn refusal(&self, refusal: &Refusal, _: &KeyClaim) -> (u16, Vec<u8>) {
        (422, json!({"code": refusal.code()}).to_string().into_bytes())
    }

    /// As casinos get it.
    fn event(&self, payment: &Payment) -> String {
        event_data(payment)
    }

    fn payment(&self, payment: &Payment, _: Viewer) -> (u16, Vec<u8>) {
        let metadata: serde_json::Value = serde_json::from_str(&payment.metadata).unwrap();
        let body = json!({
            "id": payment.id.to_string(), "status": payment.status.as_str(), "metadata": metadata,
        });
        (201, body.to_string().into_bytes())
    }
}
