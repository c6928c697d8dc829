//! A payout stopped because a PSP cannot be reached: who is on call learns of it once for each PSP, however many
//! payouts stop there while it is open.

use crate::book::{Attempt, Payment};
use crate::domain::AttemptId;
use crate::flows::Flows;
use crate::store::incidents::{self, ServiceIncident};
use psp_contract::{NotSent, Subject};

const KIND: &str = "payout.psp_unreachable";
/// What says that a PSP is away, and not that we kept away from it.
const AWAY: [NotSent; 6] = [
    NotSent::Dns,
    NotSent::ConnectRefused,
    NotSent::ConnectTimeout,
    NotSent::Tls,
    NotSent::PreparationFailed,
    NotSent::RefusedStream,
];

/// Tells it of the PSPs that this attempt's part was tried at, when none of them is left to try. The payout's own
/// record is complete without it: what cannot be told now is told by the next payout that stops there.
pub async fn tell_unreachable(flows: &Flows, payment: &Payment, last: AttemptId) {
    let part = payment.attempt(last).and_then(|it| it.part);
    if payment.subject() == Subject::Deposit || payment.live_attempt(part).is_some() {
        return;
    }
    let is_away = |it: &&Attempt| AWAY.iter().any(|why| it.was_not_sent_for(*why));
    let of_part = payment.attempts.iter().filter(|it| it.part == part);
    if of_part.clone().any(|it| it.status.has_succeeded()) {
        return;
    }
    for attempt in of_part.filter(is_away) {
        let detail = format!("no payout reaches {}, and nobody else could pay", attempt.psp);
        let incident = ServiceIncident { kind: KIND, detail: &detail, psp: Some(&attempt.psp) };
        let (pool, id, now) = (flows.db.pool(), flows.ids.next(), flows.clock.now());
        match incidents::raise_unless_open(pool, id, &incident, now).await {
            Ok(true) => {
                tracing::error!(kind = KIND, detail, "an incident needs a person");
                metrics::counter!("incidents_total", "kind" => KIND).increment(1);
            }
            Ok(false) => {}
            Err(error) => tracing::error!(kind = KIND, detail, %error, "could not be kept"),
        }
    }
}
