//! A payment as an event tells it: to a casino's queue, and to a player's stream.

use super::payment::{NextActionTold, PaymentView};
use crate::book::{Payment, Viewer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The snapshot in an event: as the casino sees it, and of the next action only its type, for a
/// link that acts in the payer's name belongs in no queue.
pub fn event_data(payment: &Payment) -> String {
    let next_action = payment.next_action.as_ref().map(NextActionTold::kind_of);
    let view = PaymentView { next_action, ..PaymentView::of(Viewer::Backend, payment) };
    // Written at once, never by way of a `Value`: that knows no number beyond a binary fraction's range and
    // spells the others anew, and metadata is the casino's own words.
    serde_json::to_string(&view).unwrap_or_default()
}

/// An event's snapshot, with the casino's own words kept as they are.
#[derive(Deserialize, Serialize)]
struct Snapshot<'a> {
    #[serde(flatten)]
    payment: serde_json::Map<String, serde_json::Value>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
}

/// An event's snapshot as a player may see it. Reasons are left to GET, which knows their audience. What
/// cannot be read is not told.
pub fn event_data_for_player(data: &str) -> String {
    let Ok(mut snapshot) = serde_json::from_str::<Snapshot<'_>>(data) else {
        return "null".to_owned();
    };
    let payment = &mut snapshot.payment;
    payment.remove("route");
    payment.insert("reasons".to_owned(), serde_json::json!([]));
    narrow_attempts(payment);
    for part in payment.get_mut("parts").and_then(|p| p.as_array_mut()).into_iter().flatten() {
        let Some(part) = part.as_object_mut() else { continue };
        part.remove("route");
        narrow_attempts(part);
    }
    serde_json::to_string(&snapshot).unwrap_or_else(|_| "null".to_owned())
}

fn narrow_attempts(holder: &mut serde_json::Map<String, serde_json::Value>) {
    let attempts = holder.get_mut("attempts").and_then(|attempts| attempts.as_array_mut());
    for attempt in attempts.into_iter().flatten().filter_map(|a| a.as_object_mut()) {
        attempt.remove("psp");
        attempt.remove("error");
    }
}
