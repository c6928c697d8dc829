//! The night's work, done once by whichever instance takes it: idempotency keys whose time is over go, then the
//! books are proven. A night that was missed is made up for as soon as somebody looks.

use super::prove_books::prove_books;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::players::forget_keys::forget_keys;
use crate::store::StoreError;
use crate::store::incidents::ServiceIncident;
use crate::store::proofs::{self, Proven};
use crate::store::prove::Proof;
use std::convert::Infallible;
use std::time::Duration;
use time::macros::{format_description, time};
use time::{Time, UtcOffset};
use uuid::Uuid;

/// The night's work is due from this hour on, in UTC.
const NIGHT: Time = time!(03:00);
/// Whoever proves keeps the proof by a lease, so that another takes it over soon when they are gone.
const LEASE: Duration = Duration::from_secs(120);
/// People are told when the books were not proven for so long.
const LATE: Duration = Duration::from_secs(48 * 3_600);

/// What a night's work did.
#[derive(Debug)]
pub struct Night {
    pub keys_forgotten: u64,
    pub proof: Proof,
}

/// Does the night's work where it is due and nobody else is at it. None: there was nothing to do.
pub async fn prove_nightly(
    flows: &Flows,
    holder: Uuid,
    now: Timestamp,
) -> Result<Option<Night>, StoreError> {
    let pool = flows.db.pool();
    // First: whatever keeps a proof from its end must not keep people from hearing of it.
    tell_late(flows, now).await?;
    if !proofs::claim(pool, holder, newest_night(now), (now, now + LEASE)).await? {
        return Ok(None);
    }
    let working = async {
        // First: a proof may take long, or not come to its end. What becomes of this one changes nothing there.
        let forgotten = forget_keys(flows).await;
        let began_at = flows.clock.now();
        let proof = prove_books(flows).await?;
        let (ended_at, findings) = (flows.clock.now(), proof.findings.len());
        let proven = Proven { began_at, ended_at, entries: proof.entries, findings };
        proofs::end(pool, holder, &proven).await?;
        Ok(Some(Night { keys_forgotten: forgotten?, proof }))
    };
    tokio::select! {
        done = working => done,
        never = keep_lease(flows, holder) => match never {},
    }
}

/// The newest beginning of a night.
fn newest_night(now: Timestamp) -> Timestamp {
    let tonight = now.to_offset(UtcOffset::UTC).replace_time(NIGHT);
    if tonight <= now { tonight } else { tonight - time::Duration::DAY }
}

async fn keep_lease(flows: &Flows, holder: Uuid) -> Infallible {
    loop {
        tokio::time::sleep(LEASE / 4).await;
        let until = flows.clock.now() + LEASE;
        if let Err(error) = proofs::keep(flows.db.pool(), holder, until).await {
            tracing::warn!(%error, "keeping the lease of the books' proof");
        }
    }
}

/// Raises an incident when the newest proof is too old, and again after as long a time.
async fn tell_late(flows: &Flows, now: Timestamp) -> Result<(), StoreError> {
    let last = proofs::last(flows.db.pool()).await?;
    if now - last <= LATE {
        return Ok(());
    }
    let told = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let last_text = last.to_offset(UtcOffset::UTC).format(&told).unwrap_or_default();
    let detail = format!(
        "the books were not proven since {last_text} UTC: an instance with the role worker makes up for it by \
         itself; if none does, its log says why, and `interlock prove` proves them now"
    );
    let incident = ServiceIncident { kind: "ledger.unproven", detail: &detail, psp: None };
    let (id, told_since) = (flows.ids.next(), last.max(now - LATE));
    if proofs::tell_late(flows.db.pool(), id, &incident, (told_since, now)).await? {
        tracing::error!(kind = incident.kind, detail, "an incident needs a person");
        metrics::counter!("incidents_total", "kind" => incident.kind).increment(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::newest_night;
    use time::macros::datetime;

    #[test]
    fn a_night_begins_at_three_and_lasts_until_the_next() {
        let second = datetime!(2026-11-20 03:00 UTC);
        let first = datetime!(2026-11-19 03:00 UTC);
        assert_eq!(newest_night(datetime!(2026-11-20 02:59:59 UTC)), first);
        assert_eq!(newest_night(second), second);
        assert_eq!(newest_night(datetime!(2026-11-20 04:01 UTC)), second);
        assert_eq!(newest_night(datetime!(2026-11-21 02:00 UTC)), second);
        // Told in another zone it is the same moment.
        assert_eq!(newest_night(datetime!(2026-11-20 04:30 +02:00)), first);
    }
}
