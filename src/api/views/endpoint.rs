//! A casino's webhook endpoints and what was delivered to them.

use super::time::Time;
use crate::store::deliveries::Delivery;
use crate::store::webhook_endpoints::Endpoint;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a casino hears what happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointView {
    #[schema(example = "whe_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    pub url: String,
    /// `*`, an area (`deposit.*`), or whole types.
    pub events: Vec<String>,
    /// `active`, or `disabled` after days of failure.
    #[schema(example = "active")]
    pub status: &'static str,
    #[schema(required)]
    pub disabled_reason: Option<String>,
    /// The first failure since the last success.
    #[schema(required)]
    pub failing_since: Option<Time>,
    pub created_at: Time,
}

/// A fresh endpoint with its secret, which is told only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewWebhookEndpoint)]
pub struct NewEndpointView {
    #[schema(example = "whe_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
    /// Signs deliveries after the Standard Webhooks specification.
    #[schema(example = "whsec_…")]
    pub secret: String,
}

/// An endpoint's new secret. The old one signs beside it for a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
pub struct RotatedSecretView {
    pub id: String,
    #[schema(example = "whsec_…")]
    pub secret: String,
}

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    pub id: String,
    #[schema(example = "evt_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub event_id: String,
    #[schema(example = "deposit.succeeded")]
    pub event_type: String,
    #[schema(example = "dep_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub subject: String,
    /// `pending`, `delivered`, `failed` or `cancelled`.
    #[schema(example = "delivered")]
    pub status: String,
    /// True when it was sent again because somebody asked.
    pub redelivery: bool,
    pub tries: i32,
    /// The next try, while it is pending.
    #[schema(required)]
    pub due_at: Option<Time>,
    #[schema(required)]
    pub last_status: Option<i32>,
    #[schema(required)]
    pub last_error: Option<String>,
    /// The beginning of the newest answer, for a month.
    #[schema(required)]
    pub last_answer: Option<String>,
    pub created_at: Time,
    #[schema(required)]
    pub delivered_at: Option<Time>,
}

/// How many deliveries are due again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Redelivery)]
pub struct RedeliveryView {
    pub deliveries: u64,
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url,
            events: endpoint.events,
            status: if endpoint.is_active { "active" } else { "disabled" },
            disabled_reason: endpoint.disabled_reason,
            failing_since: endpoint.failing_since.map(Time),
            created_at: endpoint.created_at.into(),
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.status == "pending";
        Self {
            id: delivery.delivery_id.simple().to_string(),
            event_id: delivery.event_id.to_string(),
            event_type: delivery.kind,
            subject: delivery.subject,
            due_at: waits.then_some(Time(delivery.due_at)),
            status: delivery.status,
            redelivery: delivery.is_redelivery,
            tries: delivery.tries,
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            last_answer: delivery.last_excerpt,
            created_at: delivery.created_at.into(),
            delivered_at: delivery.delivered_at.map(Time),
        }
    }
}
