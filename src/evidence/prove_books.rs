//! The nightly proof: every invariant of the ledger is re-checked over the whole database, and
//! whatever is broken becomes an incident, one until a person closes it.

use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::incidents::{self, ServiceIncident};
use crate::store::prove::{self, Proof};

/// Proves the books and raises an incident for each finding.
pub async fn prove_books(flows: &Flows) -> Result<Proof, StoreError> {
    let pool = flows.db.pool();
    let proof = prove::prove(pool).await?;
    for finding in &proof.findings {
        let detail = format!("{}: {}", finding.check, finding.detail);
        tracing::error!(kind = "ledger.broken", detail, "an incident needs a person");
        let now = flows.clock.now();
        let incident = ServiceIncident { kind: "ledger.broken", detail: &detail, psp: None };
        if incidents::raise_unless_open(pool, flows.ids.next(), &incident, now).await? {
            metrics::counter!("incidents_total", "kind" => "ledger.broken").increment(1);
        }
    }
    tracing::info!(
        entries = proof.entries,
        checks = proof.checks.len(),
        findings = proof.findings.len(),
        "the books were proven"
    );
    Ok(proof)
}
