//! A PSP that fails is asked whether it answers.

use super::faults::is_psp_fault;
use crate::domain::Direction;
use crate::flows::Flows;
use crate::payments::run_attempts::perform;

/// Asks a PSP about an attempt that it has had, and learns from what comes back. What it answers about the
/// attempt itself is not news: inquiries that matter are the payments' own.
pub async fn ask_psp(flows: &Flows, psp: &str, direction: Direction) {
    let (Some(client), Some(question)) =
        (flows.psps.get(psp), flows.health.question(psp, direction))
    else {
        return;
    };
    let probe = flows.health.probe(psp, direction, flows.clock.now());
    let performed = perform(flows, &client, &question).await;
    let now = flows.clock.now();
    let fault = is_psp_fault(&performed.outcome);
    let labels = [
        ("psp", psp.to_owned()),
        ("direction", direction.as_str().to_owned()),
        ("result", if fault == Some(false) { "well" } else { "ill" }.to_owned()),
    ];
    metrics::counter!("psp_probes_total", &labels).increment(1);
    tracing::debug!(psp.id = psp, %direction, ?fault, "a PSP that fails was asked whether it answers");
    match (fault, direction) {
        // It answers questions; whether deposits get through again, a deposit must show.
        (Some(false), Direction::Deposit) => {
            flows.health.let_a_payment_try(psp, now);
            probe.says_nothing(now);
        }
        _ => probe.answered(&performed.outcome, now),
    }
}
