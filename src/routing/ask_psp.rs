//! A PSP that fails is asked whether it answers.

use super::faults::answers_badly;
use super::questions::Question;
use crate::domain::{Direction, Timestamp};
use crate::flows::Flows;
use crate::payments::run_attempts::{perform, question_about};
use crate::store::{StoreError, read_models, shared_health};

/// Asks a PSP about an attempt that it has had, and learns from what comes back. What it answers about the
/// attempt itself is not news: inquiries that matter are the payments' own.
pub async fn ask_psp(flows: &Flows, psp: &str, direction: Direction) {
    let Some(client) = flows.psps.get(psp) else { return };
    let question = match question(flows, psp, direction).await {
        Ok(Some(question)) => question,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(psp.id = psp, %error, "no payment was found to ask a PSP about");
            return;
        }
    };
    let asked_at = flows.clock.now();
    let probe = flows.health.probe(psp, direction, asked_at);
    let performed = perform(flows, &client, &question.operation).await;
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
            flows.health.let_a_payment_try(psp, asked_at, now);
            probe.judged(None, now);
        }
        (Some(_), _) => probe.judged(fault, now),
        // Asked again it would say as little: let another attempt be found to ask about.
        (None, _) => {
            flows.health.questions(|known| known.forget(psp, direction));
            probe.judged(None, now);
        }
    }
}

/// A question that its PSP may be asked now. The payments' own inquiries count too, whoever made them.
async fn question(
    flows: &Flows,
    psp: &str,
    direction: Direction,
) -> Result<Option<Question>, StoreError> {
    let now = flows.clock.now();
    if let Some(known) = flows.health.questions(|known| known.take(psp, direction, now)) {
        let asked_at = shared_health::last_asked(flows.db.pool(), known.attempt).await?;
        match asked_at.filter(|at| now < *at + known.pause) {
            None => return Ok(Some(known)),
            Some(at) => flows.health.questions(|all| all.asked(&known, at, now)),
        }
    }
    match direction {
        Direction::Deposit => Ok(None),
        Direction::Withdrawal => find_question(flows, psp, now).await,
    }
}

/// Money that leaves never tries a PSP that fails, so only an answer brings it back. An instance that has just
/// started, or was told of the fault by another, knows no payout to ask about, or none that may be asked about
/// yet: the books do.
async fn find_question(
    flows: &Flows,
    psp: &str,
    now: Timestamp,
) -> Result<Option<Question>, StoreError> {
    let too_early = flows.health.questions(|known| known.seek(psp, now));
    let (Some(client), Some(too_early)) = (flows.psps.get(psp), too_early) else {
        return Ok(None);
    };
    let pool = flows.db.pool();
    let not_since = now - client.capabilities().payout_inquiry.min_interval;
    let found = shared_health::payout_at(pool, psp, not_since, &too_early).await?;
    let Some((operator, payment, attempt)) = found else { return Ok(None) };
    let payment = read_models::payment(pool, &operator, payment).await?;
    let question = payment.and_then(|payment| {
        let attempt = payment.attempt(attempt)?;
        question_about(flows, &payment, attempt, attempt.psp_reference.as_deref())
    });
    if let Some(question) = &question {
        flows.health.questions(|known| {
            known.remember(psp, Direction::Withdrawal, question.clone());
            known.asked(question, now, now);
        });
    }
    Ok(question)
}
