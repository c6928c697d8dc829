//! What the lanes of an instance share with what they decide by, and who is told of what they commit.

use super::render::Render;
use crate::book::Incident;
use crate::clock::Clock;
use crate::decide::PspFacts;
use crate::decide::four_eyes::ReviewTerms;
use crate::domain::Ids;
use crate::screening::policy::FxTable;
use crate::screening::shelf::PolicyShelf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What every decision and every write of an instance's lanes may look at.
#[allow(missing_debug_implementations, reason = "a bundle of shared services")]
pub struct LaneContext {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub psps: Arc<dyn PspFacts>,
    pub render: Arc<dyn Render>,
    pub policies: Arc<PolicyShelf>,
    pub fx: Arc<FxTable>,
    pub holder: String,
    /// How long whoever calls a PSP keeps an attempt to itself.
    pub attempt_lease: Duration,
    pub reviews: ReviewTerms,
    /// Told after each commit that wrote something: relays and workers look at once.
    pub committed: Vec<Arc<Notify>>,
}

impl LaneContext {
    pub fn tell_committed(&self, incidents: &[Incident]) {
        for bell in &self.committed {
            bell.notify_one();
        }
        for incident in incidents {
            let payment = incident.payment.map(|id| id.to_string()).unwrap_or_default();
            tracing::error!(incident.id = %incident.id, kind = incident.kind,
                payment.id = payment, detail = incident.detail, "an incident needs a person");
            metrics::counter!("incidents_total", "kind" => incident.kind).increment(1);
        }
    }
}
