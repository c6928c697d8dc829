//! Ends an endpoint, or puts a disabled one to work again.

use crate::domain::{EndpointId, OperatorId, Timestamp};
use crate::store::{Pool, StoreError, webhook_endpoints};

/// What is to become of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// For good; what waits for it is cancelled.
    Delete,
    /// Deliveries that were cancelled meanwhile are sent only when asked for.
    Enable,
}

/// False when the operator has no such endpoint.
pub async fn change_endpoint(
    pool: &Pool,
    operator: &OperatorId,
    endpoint: EndpointId,
    change: Change,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match change {
        Change::Delete => webhook_endpoints::delete(pool, operator, endpoint, now).await,
        Change::Enable => webhook_endpoints::enable(pool, operator, endpoint).await,
    }
}
