//! One look at a payment that waits for vendors: those that have not answered are asked, what they say is
//! kept, and when all have, or the time is over, the lane decides.
//!
//! A crash at any point costs a look. Whoever takes the check next finds the answers that were kept, and
//! asks a vendor that took the question by its own id, never anew.

use super::kyt::Question;
use super::kyt::look::{Looked, look};
use super::people::ask_checks::ask_checks;
use super::registry::Listed;
use crate::decide::Command;
use crate::decide::command::VendorsSaid;
use crate::domain::{Currency, Timestamp};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::lane::desk::DeskError;
use crate::payments::facts::pseudonym;
use crate::screening::Checkpoint;
use crate::screening::hooks::CheckFacts;
use crate::screening::signals::{Hook, VendorResult, VendorState};
use crate::store::StoreError;
use crate::store::read_history;
use crate::store::vendor_checks::{self, Answered, DueCheck};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The longest pause after answers that could not be used.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why a look came to nothing; the check stays due.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("reading or keeping what vendors said")]
    Store(#[from] StoreError),
    #[error("submitting what vendors said")]
    Submit(#[from] SubmitError),
    #[error("reading the player")]
    Desk(#[from] DeskError),
}

/// Looks once. True: the payment goes on.
pub async fn ask_vendors(flows: &Flows, check: &DueCheck) -> Result<bool, AskError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let mut results = vendor_checks::newest(pool, check.payment, check.hook).await?;
    let is_late = check.deadline_at <= now;
    let question = question(flows, check);
    if !is_late {
        match &question {
            Some(question) => ask_each(flows, check, question, &mut results, now).await?,
            // Nobody can be asked about an address that nobody knows.
            None => results = vec![nobody(check, now)],
        }
    }
    let listed = flows.vendors.of(check.hook);
    if listed.is_empty() {
        results = vec![nobody(check, now)];
    }
    let told = |state| results.iter().filter(|it| it.state == state).count();
    let all_final = results.len() >= listed.len() && told(VendorState::Final) == results.len();
    let hopeless = question.is_none() || listed.is_empty();
    let now = flows.clock.now();
    let is_over = is_late || hopeless || check.deadline_at <= now;
    if all_final || is_over {
        let closed_loop = read_history::shared_out(pool, check.payment).await?;
        let checks = checks(flows, check).await?;
        let said = VendorsSaid { payment: check.payment, results, is_over, closed_loop, checks };
        let command = Command::VendorsSaid(Box::new(said));
        flows.submit_persistently(&check.player, command).await?;
        vendor_checks::close(pool, check, now).await?;
        flows.nudges.payouts.notify_one();
        return Ok(true);
    }
    let pause = pause(listed, told(VendorState::Error) > 0, check.tries);
    vendor_checks::look_again(pool, check, (now + pause).min(check.deadline_at)).await?;
    Ok(false)
}

/// What is known of the player whose withdrawal is decided about again. A deposit's money is in: nobody
/// is asked about its player any more.
async fn checks(flows: &Flows, check: &DueCheck) -> Result<CheckFacts, AskError> {
    if check.hook != Hook::KytWithdrawal {
        return Ok(CheckFacts::default());
    }
    match flows.desks.players.ask(check.player.clone()).await? {
        Some(known) => Ok(ask_checks(flows, &known.player, Checkpoint::WithdrawalRequest).await),
        None => Ok(CheckFacts::default()),
    }
}

/// Asks every vendor that has not finished, and puts its answer in the place of the one before.
async fn ask_each(
    flows: &Flows,
    check: &DueCheck,
    question: &Question,
    results: &mut Vec<VendorResult>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for listed in flows.vendors.of(check.hook) {
        let name = listed.vendor.wire.vendor();
        let before = results.iter().position(|it| it.vendor == name);
        let known = before.map(|at| &results[at]);
        if known.is_some_and(|known| known.state == VendorState::Final) {
            continue;
        }
        let taken = known.filter(|known| known.request_id != question.reference);
        let request_id = taken.map(|known| known.request_id.clone());
        let Looked { mut result, raw, problem } =
            look(&listed.vendor, question, request_id.as_deref(), now).await;
        result.received_at = flows.clock.now();
        if let Some(problem) = problem {
            metrics::counter!("vendor_looks_failed_total", "vendor" => result.vendor.clone())
                .increment(1);
            tracing::warn!(vendor = %result.vendor, payment.id = %check.payment, problem);
        }
        let says_more = known.is_none_or(|known| {
            (known.state, &known.request_id) != (result.state, &result.request_id)
        });
        if says_more {
            let id = flows.ids.next();
            let answered = Answered { id, result: &result, raw: &raw, asked_at: now };
            vendor_checks::keep(flows.db.pool(), check, &answered).await?;
        }
        match before {
            Some(at) => results[at] = result,
            None => results.push(result),
        }
    }
    Ok(())
}

fn question(flows: &Flows, check: &DueCheck) -> Option<Question> {
    let usd = flows.fx.convert_up(check.money, Currency::USD);
    Some(Question {
        hook: check.hook,
        reference: check.payment.simple().to_string(),
        player: pseudonym(&check.player).simple().to_string(),
        network: check.network.clone()?,
        asset: check.asset.clone()?,
        amount: check.money.major(),
        usd: usd.map(|usd| usd.major()),
        address: check.address.clone()?,
        transaction: check.transaction.clone(),
        at: check.opened_at,
    })
}

/// What stands in a decision where there is nobody to ask, or nothing to ask about.
fn nobody(check: &DueCheck, now: Timestamp) -> VendorResult {
    VendorResult {
        vendor: "none".to_owned(),
        hook: check.hook,
        request_id: check.payment.simple().to_string(),
        state: VendorState::Error,
        risk: None,
        score: None,
        signals: Vec::new(),
        raw_sha256: Sha256::digest(b"").into(),
        version: "none".to_owned(),
        received_at: now,
    }
}

/// A vendor at work is asked again soon; one that fails is left alone for longer each time.
fn pause(listed: &[Listed], failed: bool, tries: i32) -> Duration {
    let poll = listed.iter().map(|it| it.poll).min().unwrap_or(PAUSE_MAX);
    if !failed {
        return poll;
    }
    let doubled = u32::try_from(tries.clamp(0, 10)).unwrap_or_default();
    (poll * 2_u32.pow(doubled)).min(PAUSE_MAX)
}
