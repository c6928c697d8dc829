//! A PSP that fails is asked whether it answers.

use super::faults::answers_badly;
use crate::domain::Direction;
use crate::flows::Flows;
use crate::payments::run_attempts::{perform, question_about};
use crate::store::{StoreError, read_models, shared_health};
use psp_contract::Operation;

/// Asks a PSP about an attempt that it has had, and learns from what comes back. What it answers about the
/// attempt itself is not news: inquiries that matter are the payments' own.
pub async fn ask_psp(flows: &Flows, psp: &str, direction: Direction) {
    let Some(client) = flows.psps.get(psp) else { return };
    let question = match flows.health.question(psp, direction) {
        Some(question) => question,
        None => match find_question(flows, psp).await {
            Ok(Some(question)) => question,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(psp.id = psp, %error, "no payout was found to ask a PSP about");
                return;
            }
        },
    };
    let probe = flows.health.probe(psp, direction, flows.clock.now());
    let performed = perform(flows, &client, &question).await;
    let now = flows.clock.now();
    let fault = answers_badly(&performed.outcome);
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
            probe.judged(None, now);
        }
        (Some(_), _) => probe.judged(fault, now),
        // Asked again it would say as little: let another attempt be found to ask about.
        (None, _) => {
            flows.health.forget_question(psp, direction);
            probe.judged(None, now);
        }
    }
}

/// Money that leaves never tries a PSP that fails, so only an answer brings it back. An instance that has just
/// started, or was told of the fault by another, knows no payout to ask about: the books do.
async fn find_question(flows: &Flows, psp: &str) -> Result<Option<Operation>, StoreError> {
    flows.health.seek(psp, flows.clock.now());
    let pool = flows.db.pool();
    let Some((operator, payment, attempt)) = shared_health::payout_at(pool, psp).await? else {
        return Ok(None);
    };
    let payment = read_models::payment(pool, &operator, payment).await?;
    let question = payment.and_then(|payment| {
        let attempt = payment.attempt(attempt)?;
        question_about(flows, &payment, attempt, attempt.psp_reference.as_deref())
    });
    if let Some(question) = &question {
        flows.health.remember_question(psp, Direction::Withdrawal, question.clone());
    }
    Ok(question)
}
