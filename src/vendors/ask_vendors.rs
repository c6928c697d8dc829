//! One look at a payment that waits for vendors: those that have not answered are asked, what they say is
//! kept, and when all have, or the time is over, the lane decides.
//!
//! A crash at any point costs a look. Whoever takes the check next finds the answers that were kept, and
//! asks a vendor that took the question by its own id, never anew.

use super::kyt::Question;
use super::kyt::look::{Looked, look};
use super::people::ask_checks::ask_checks_surely;
use super::registry::Listed;
use crate::book::AskedPlace;
use crate::decide::command::{PlayerChecks, VendorsSaid};
use crate::decide::{Command, Refusal};
use crate::domain::{Currency, Timestamp};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::lane::desk::DeskError;
use crate::payments::facts::pseudonym;
use crate::payments::start_deposit::SCREENINGS_MAX;
use crate::screening::Checkpoint;
use crate::screening::signals::{Hook, VendorResult, VendorState};
use crate::store::StoreError;
use crate::store::read_history;
use crate::store::vendor_checks::{self, Answered, DueCheck, Told};
use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// In the place of a vendor's name where there is none.
const NOBODY: &str = "none";
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
    let mut told = vendor_checks::newest(pool, check.payment, check.hook, check.round).await?;
    let (listed, questions) = (flows.vendors.of(check.hook), questions(flows, check));
    // Nobody can be asked, or not about an address that nobody knows.
    let is_hopeless = questions.is_empty() || listed.is_empty();
    let is_late = check.deadline_at <= now;
    if is_hopeless {
        told = vec![keep_nobody(flows, check, told.pop(), now).await?];
    } else if !is_late {
        told = ask_about_each(flows, check, &questions, told, now).await?;
    }
    let now = flows.clock.now();
    let is_over = is_late || is_hopeless || check.deadline_at <= now;
    if is_over && !is_hopeless {
        told = keep_missing(flows, check, &questions, told, now).await?;
    }
    let in_state = |state| told.iter().filter(|it| it.result.state == state).count();
    let wanted = listed.len() * questions.len();
    let all_final = wanted <= told.len() && in_state(VendorState::Final) == told.len();
    if all_final || is_over {
        go_on(flows, check, told, is_over).await?;
        return Ok(true);
    }
    let pause = pause(listed, in_state(VendorState::Error) > 0, check.tries);
    vendor_checks::look_again(pool, check, (now + pause).min(check.deadline_at)).await?;
    Ok(false)
}

/// All have answered, or the time is over: the lane decides.
async fn go_on(
    flows: &Flows,
    check: &DueCheck,
    told: Vec<Told>,
    is_over: bool,
) -> Result<(), AskError> {
    let pool = flows.db.pool();
    let results: Vec<VendorResult> = told.into_iter().map(Told::into_result).collect();
    let closed_loop = read_history::shared_out(pool, check.payment).await?;
    let (payment, round) = (check.payment, check.round);
    let mut tries = SCREENINGS_MAX;
    loop {
        let (results, closed_loop) = (results.clone(), closed_loop.clone());
        let checks = checks(flows, check).await?;
        let said = VendorsSaid { payment, results, round, is_over, closed_loop, checks };
        let command = Command::VendorsSaid(Box::new(said));
        tries -= 1;
        match flows.submit_persistently(&check.player, command).await {
            // Its record changed while others were asked about it; after that the check stays due.
            Err(SubmitError::Refused(Refusal::PlayerChanged)) if tries != 0 => {}
            done => {
                done?;
                break;
            }
        }
    }
    vendor_checks::close(pool, check, flows.clock.now()).await?;
    flows.nudges.payouts.notify_one();
    Ok(())
}

/// What is known of the player whose payment is decided about again. Of a deposit's, whose money is in, that is looked
/// at where nobody had asked for the money. Nobody waits for it: what the database does not tell at this moment is no
/// finding, and the check stays due.
async fn checks(flows: &Flows, check: &DueCheck) -> Result<PlayerChecks, AskError> {
    // Who is asked once more is asked because it is about to be sent.
    let checkpoint = match (check.hook, check.round) {
        (Hook::KytWithdrawal, ..=1) => Checkpoint::WithdrawalRequest,
        (Hook::KytWithdrawal, _) => Checkpoint::WithdrawalPrePayout,
        _ => Checkpoint::DepositPost,
    };
    let known = flows.desks.players.ask(check.player.clone()).await?;
    let Some(known) = known else { return Ok(PlayerChecks::default()) };
    let facts = ask_checks_surely(flows, &known.player, checkpoint).await?;
    Ok(PlayerChecks { version: Some(known.player.version), facts })
}

/// Asks about all places at once: a look may not take longer for many of them. By vendor, then by place.
async fn ask_about_each(
    flows: &Flows,
    check: &DueCheck,
    questions: &[Question],
    told: Vec<Told>,
    now: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    let asking = (0_i16..).zip(questions).map(|(place, question)| {
        let known = told.iter().filter(|told| told.place == place).cloned().collect();
        ask_each(flows, check, (place, question), known, now)
    });
    Ok(in_order(try_join_all(asking).await?.concat()))
}

fn in_order(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by(|a, b| (&a.result.vendor, a.place).cmp(&(&b.result.vendor, b.place)));
    told
}

/// Asks every vendor that has not finished, and puts its answer in the place of the one before.
async fn ask_each(
    flows: &Flows,
    check: &DueCheck,
    (place, question): (i16, &Question),
    mut told: Vec<Told>,
    now: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    for listed in flows.vendors.of(check.hook) {
        let name = listed.vendor.wire.vendor();
        let before = told.iter().position(|it| it.result.vendor == name);
        let known = before.map(|at| &told[at].result);
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
            let answered = Answered { id, place, result: &result, raw: &raw, asked_at: now };
            vendor_checks::keep(flows.db.pool(), check, &answered).await?;
        }
        match before {
            Some(at) => told[at].result = result,
            None => told.push(Told { place, result }),
        }
    }
    Ok(told)
}

/// One question for each place. Each has a reference of its own, and in each round another: under the same
/// one a vendor would tell again what it told before.
fn questions(flows: &Flows, check: &DueCheck) -> Vec<Question> {
    let fx = Some(&flows.fx).filter(|fx| !fx.is_too_old(flows.clock.now()));
    let of = |(number, AskedPlace { place, money }): (i16, &AskedPlace)| {
        let usd = fx.and_then(|fx| fx.convert_up(*money, Currency::USD));
        Question {
            hook: check.hook,
            reference: reference(check.payment, number, check.round),
            player: pseudonym(&check.player).simple().to_string(),
            network: place.network.clone(),
            asset: place.asset.clone(),
            amount: money.major(),
            usd: usd.map(|usd| usd.major()),
            address: place.address.clone(),
            transaction: place.transaction.clone(),
            at: check.opened_at,
        }
    };
    (0_i16..).zip(&check.places).map(of).collect()
}

fn reference(payment: Uuid, place: i16, round: i16) -> String {
    if (place, round) == (0, 1) {
        return payment.simple().to_string();
    }
    let digest = Sha256::new()
        .chain_update("interlock.vendor_question.v1\0")
        .chain_update(payment.as_bytes())
        .chain_update(place.to_be_bytes())
        .chain_update(round.to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().simple().to_string()
}

/// What stands in a decision where there is nobody to ask, or nothing to ask about. It is kept like an
/// answer: before the payout it counts what was known when people let the withdrawal go.
async fn keep_nobody(
    flows: &Flows,
    check: &DueCheck,
    before: Option<Told>,
    now: Timestamp,
) -> Result<Told, StoreError> {
    let is_same = |told: &Told| told.result.vendor == NOBODY;
    if let Some(told) = before.filter(is_same) {
        return Ok(told);
    }
    let request_id = check.payment.simple().to_string();
    let nothing = nothing_from(check, NOBODY, request_id, VendorState::Error, now);
    keep_nothing(flows, check, (0, nothing), now).await
}

/// The time is over: a vendor of which nothing at all is kept about a place, because whoever asked it died or
/// nobody came to ask it, has not answered. What the others said of other places must not stand for it.
async fn keep_missing(
    flows: &Flows,
    check: &DueCheck,
    questions: &[Question],
    mut told: Vec<Told>,
    now: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    for listed in flows.vendors.of(check.hook) {
        let name = listed.vendor.wire.vendor();
        for (place, question) in (0_i16..).zip(questions) {
            if told.iter().any(|it| it.place == place && it.result.vendor == name) {
                continue;
            }
            let request_id = question.reference.clone();
            let nothing = nothing_from(check, name, request_id, VendorState::Pending, now);
            told.push(keep_nothing(flows, check, (place, nothing), now).await?);
        }
    }
    Ok(in_order(told))
}

fn nothing_from(
    check: &DueCheck,
    vendor: &str,
    request_id: String,
    state: VendorState,
    now: Timestamp,
) -> VendorResult {
    VendorResult {
        vendor: vendor.to_owned(),
        hook: check.hook,
        place: None,
        request_id,
        state,
        risk: None,
        score: None,
        signals: Vec::new(),
        raw_sha256: Sha256::digest(b"").into(),
        version: NOBODY.to_owned(),
        received_at: now,
    }
}

async fn keep_nothing(
    flows: &Flows,
    check: &DueCheck,
    (place, result): (i16, VendorResult),
    now: Timestamp,
) -> Result<Told, StoreError> {
    let answered =
        Answered { id: flows.ids.next(), place, result: &result, raw: b"", asked_at: now };
    vendor_checks::keep(flows.db.pool(), check, &answered).await?;
    Ok(Told { place, result })
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
