//! A webhook endpoint as it is asked for, and the slice of a plain list.

use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use crate::domain::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// An endpoint to be made. URL and event types are judged by the flow that makes it.
#[derive(Debug, Clone)]
pub struct EndpointBody {
    pub url: String,
    pub events: Vec<String>,
}

impl FromFields for EndpointBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields.line("url", 2048);
        let events = fields.texts("events", 64);
        Some(Self { url: url?, events: events? })
    }
}

/// From when on what an endpoint missed is sent again.
#[derive(Debug, Clone, Copy)]
pub struct MissedBody {
    pub since: Timestamp,
}

impl FromFields for MissedBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.time("since").map(|since| Self { since })
    }
}

#[derive(Debug, ToSchema)]
#[schema(as = PostMissedEvents)]
pub struct MissedSchema {
    /// RFC 3339, in UTC.
    #[schema(example = "2026-03-01T12:00:00Z")]
    pub since: String,
}

/// A list that is only paged.
#[derive(Debug, Clone)]
pub struct EndpointPage(pub Page);

/// A list that is only paged.
#[derive(Debug, Clone)]
pub struct DeliveryPage(pub Page);

/// A list that is only paged.
#[derive(Debug, Clone)]
pub struct EntryPage(pub Page);

impl FromFields for EndpointPage {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Page::read(fields, "webhook-endpoints").map(Self)
    }
}

impl FromFields for DeliveryPage {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Page::read(fields, "deliveries").map(Self)
    }
}

impl FromFields for EntryPage {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Page::read(fields, "entries").map(Self)
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = PostWebhookEndpoint)]
pub struct EndpointSchema {
    /// https in production.
    #[schema(example = "https://casino.example/interlock")]
    pub url: String,
    /// `*`, areas (`deposit.*`) or whole types (`deposit.succeeded`): `deposit.` and `withdrawal.` with each status, and
    /// `psp.health_changed`. Not sent yet, and refused by name (422 `webhook.event_not_sent`): `wallet.entry_posted`,
    /// `decision.recorded`, `reconciliation.break_found`.
    #[schema(example = json!(["*"]))]
    pub events: Vec<String>,
}
