//! Whether this instance should be sent requests.

use super::workers::Driven;
use crate::api::gate::Boxed;
use crate::api::health::{Check, Readiness};
use crate::flows::Flows;
use crate::store::{heartbeats, migrate};
use std::time::Duration;

/// Whoever asks, asks again soon and must not be kept waiting: a database that is frozen answers
/// nothing, which is an answer.
const PATIENCE: Duration = Duration::from_millis(700);
/// Whoever has not heard of policies for so long might miss one that comes into force.
const POLICIES_KNOWN: Duration = Duration::from_secs(45);

/// Looks at the database, its migrations, the lanes and the workers' heartbeats.
#[allow(missing_debug_implementations, reason = "a bundle of shared services")]
pub struct InstanceReadiness {
    pub flows: Flows,
    pub instance: String,
    /// Others of the instance's name may have beaten once: an earlier start drove more, or other ones.
    pub driven: Driven,
}

impl Readiness for InstanceReadiness {
    fn check(&self) -> Boxed<'_, Vec<Check>> {
        Box::pin(async move {
            let pool = self.flows.db.pool();
            let now = self.flows.clock.now();
            let asking = async {
                let current = migrate::is_current(pool).await;
                let mut overdue = heartbeats::overdue(pool, &self.instance, now).await;
                if let Ok(overdue) = &mut overdue {
                    overdue.retain(|worker| self.driven.has(worker));
                }
                (current, overdue)
            };
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let (current, overdue) = match asked {
                Ok((current, overdue)) => (current, overdue.ok()),
                Err(_) => (false, None),
            };
            let heard = now - self.flows.policies.read_at() <= POLICIES_KNOWN;
            let lanes = self.flows.lanes.are_running();
            vec![
                check("database", overdue.is_some(), "reachable", "does not answer in time"),
                check(
                    "migrations",
                    current,
                    "current",
                    "not all of this program's are known to be applied",
                ),
                check(
                    "policies",
                    heard,
                    "known",
                    "not heard of for too long: is the database well?",
                ),
                check("lanes", lanes, "running", "a lane has ended: restart this instance"),
                workers(overdue),
            ]
        })
    }
}

fn workers(overdue: Option<Vec<String>>) -> Check {
    let (ok, detail) = match overdue {
        Some(stuck) if stuck.is_empty() => (true, "looking".to_owned()),
        Some(stuck) => (false, format!("overdue: {}", stuck.join(", "))),
        None => (false, "not known".to_owned()),
    };
    Check { name: "workers".to_owned(), ok, detail }
}

fn check(name: &str, ok: bool, well: &str, ill: &str) -> Check {
    let detail = if ok { well } else { ill }.to_owned();
    Check { name: name.to_owned(), ok, detail }
}
