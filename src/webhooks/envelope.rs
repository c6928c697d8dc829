//! The body of a delivery: a CloudEvents 1.0 event in JSON.

use serde::Serialize;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;

use crate::domain::EventId;
use crate::outbox::event::{StoredEvent, area};

const SOURCE: &str = "interlock";
const SPEC_VERSION: &str = "1.0";

/// The stored event cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("writing the body of event {event_id}")]
pub struct EnvelopeError {
    event_id: EventId,
    #[source]
    source: serde_json::Error,
}

#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: String,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'a str,
    subject: &'a str,
    time: String,
    dataschema: String,
    datacontenttype: &'static str,
    /// CloudEvents knows no 64-bit integers; the sequence extension is a string.
    sequence: String,
    data: &'a RawValue,
}

/// The same bytes for every try: a retry differs in its time stamp and signature only.
pub fn cloud_event(event: &StoredEvent) -> Result<Vec<u8>, EnvelopeError> {
    let fault = |source| EnvelopeError { event_id: event.event_id, source };
    let time =
        event.created_at.format(&Rfc3339).map_err(serde::ser::Error::custom).map_err(fault)?;
    let envelope = Envelope {
        specversion: SPEC_VERSION,
        id: event.event_id.to_string(),
        source: SOURCE,
        kind: &event.kind,
        subject: &event.subject,
        time,
        dataschema: format!("urn:interlock:schema:{}/v1", area(&event.kind)),
        datacontenttype: "application/json",
        sequence: event.sequence.to_string(),
        data: serde_json::from_str(&event.data).map_err(fault)?,
    };
    serde_json::to_vec(&envelope).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn the_body_is_a_cloud_event_of_the_contract() {
        let uuid = uuid::Uuid::from_u128(1);
        let event = StoredEvent {
            event_id: EventId(uuid),
            kind: "deposit.succeeded".to_owned(),
            subject: "dep_1".to_owned(),
            sequence: 7,
            created_at: datetime!(2026-03-01 12:00:00.5 UTC),
            data: r#"{"amount": "100.00"}"#.to_owned(),
        };
        let body: serde_json::Value =
            serde_json::from_slice(&cloud_event(&event).unwrap()).unwrap();
        let expected = json!({
            "specversion": "1.0",
            "id": "evt_00000000000000000000000000000001",
            "source": "interlock",
            "type": "deposit.succeeded",
            "subject": "dep_1",
            "time": "2026-03-01T12:00:00.5Z",
            "dataschema": "urn:interlock:schema:deposit/v1",
            "datacontenttype": "application/json",
            "sequence": "7",
            "data": {"amount": "100.00"},
        });
        assert_eq!(body, expected);
    }
}
