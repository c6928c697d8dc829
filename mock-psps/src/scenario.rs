//! What payers and banks do: they complete, refuse, let expire, return and charge back, by hand
//! through the control API or a hosted page, or by themselves after a while.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::book::{Kind, Movement, Payer, Status};
use crate::clock;
use crate::faults::{Fault, Plan};
use crate::psp::{Auto, Notice, Payin, Psp, Step};
use crate::webhooks;

/// How long a bank takes for a payout when nobody says otherwise.
const BANK_DELAY: Duration = Duration::from_millis(300);
/// How long an asynchronous refusal takes.
const REFUSAL_DELAY: Duration = Duration::from_millis(50);
/// A merchant that does not answer a notification cannot hold an API answer longer than this.
const BEFORE_RESPONSE_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Succeeded,
    Declined,
    Expired,
    Cancelled,
    Returned,
    ChargedBack,
}

impl Outcome {
    fn status(self) -> Status {
        match self {
            Self::Succeeded => Status::Succeeded,
            Self::Declined => Status::Declined,
            Self::Expired => Status::Expired,
            Self::Cancelled => Status::Cancelled,
            Self::Returned => Status::Returned,
            Self::ChargedBack => Status::ChargedBack,
        }
    }
}

/// What somebody does to a movement.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<String>,
    pub(crate) amount_minor: Option<i64>,
    pub(crate) payer: Option<Payer>,
}

impl Completion {
    pub(crate) fn plain(outcome: Outcome) -> Self {
        Self { outcome, code: None, amount_minor: None, payer: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CompleteError {
    #[error("there is no such movement")]
    Unknown,
    #[error("a {} {} cannot become {}", .from.as_str(), .kind.as_str(), .to.as_str())]
    Illegal { kind: Kind, from: Status, to: Status },
}

/// Completes a movement in the books and tells the merchant.
pub(crate) fn complete(
    psp: &Arc<Psp>,
    reference: &str,
    done: &Completion,
) -> Result<(Movement, oneshot::Receiver<()>), CompleteError> {
    complete_if(psp, reference, done, |_| true)
}

/// Completes a movement unless its present status speaks against it.
fn complete_if(
    psp: &Arc<Psp>,
    reference: &str,
    done: &Completion,
    wanted: impl FnOnce(Status) -> bool,
) -> Result<(Movement, oneshot::Receiver<()>), CompleteError> {
    let (movement, notices) = psp.book.enter(|entry| {
        let mut movement = entry.movement(reference).cloned().ok_or(CompleteError::Unknown)?;
        if !wanted(movement.status) {
            let (kind, from, to) = (movement.kind, movement.status, done.outcome.status());
            return Err(CompleteError::Illegal { kind, from, to });
        }
        if let Some(told) = held_back(psp, &mut movement, done)? {
            entry.put(movement.clone());
            webhooks::keep(psp, entry, movement.kind, &told);
            return Ok((movement, told));
        }
        let mut notices = Vec::new();
        for to in path(movement.status, done.outcome) {
            let from = movement.status;
            let deposit_only = to == Status::ChargedBack && movement.kind != Kind::Deposit;
            let untold_win = from == Status::ChargedBack && !psp.dialect.tells_of_wins();
            if !from.may_become(to)
                || deposit_only
                || untold_win
                || !psp.dialect.knows(movement.kind, to)
            {
                return Err(CompleteError::Illegal { kind: movement.kind, from, to });
            }
            movement.status = to;
            movement.changed_at = clock::now();
            if from == Status::ChargedBack {
                // The payment is what it was, and has its first day of settlement.
                movement.wire["won"] = true.into();
            } else if to == Status::Succeeded {
                movement.settled_at = Some(movement.changed_at);
                movement.amount_minor = done.amount_minor.unwrap_or(movement.amount_minor);
                movement.code = None;
                if movement.kind == Kind::Deposit {
                    movement.payer = done.payer.clone().or(movement.payer.take());
                    psp.dialect.paid(entry, &mut movement);
                }
            } else {
                movement.code.clone_from(&done.code);
            }
            notices.extend(psp.dialect.notices(&movement, Step { from, to }));
        }
        entry.put(movement.clone());
        webhooks::keep(psp, entry, movement.kind, &notices);
        Ok((movement, notices))
    })?;
    let over = webhooks::send(psp, movement.kind, notices);
    Ok((movement, over))
}

/// What is told instead when a payer approves a deposit that its PSP takes only at the merchant's word.
fn held_back(
    psp: &Psp,
    movement: &mut Movement,
    done: &Completion,
) -> Result<Option<Vec<Notice>>, CompleteError> {
    let (kind, from, to) = (movement.kind, movement.status, done.outcome.status());
    let pays = matches!(to, Status::Succeeded | Status::Returned | Status::ChargedBack);
    if kind != Kind::Deposit || from != Status::Pending || !pays {
        return Ok(None);
    }
    if psp.dialect.has_run_out(movement) {
        return Err(CompleteError::Illegal { kind, from: Status::Expired, to });
    }
    let Some(told) = psp.dialect.awaits_merchant(movement, done.amount_minor) else {
        return Ok(None);
    };
    if to != Status::Succeeded {
        // Nothing has moved that could come back.
        return Err(CompleteError::Illegal { kind, from, to });
    }
    movement.changed_at = clock::now();
    movement.payer = done.payer.clone().or(movement.payer.take());
    Ok(Some(told))
}

/// A return of something that never succeeded passes through success first.
fn path(from: Status, outcome: Outcome) -> Vec<Status> {
    let reverses = matches!(outcome, Outcome::Returned | Outcome::ChargedBack);
    if reverses && from == Status::Pending {
        return vec![Status::Succeeded, outcome.status()];
    }
    vec![outcome.status()]
}

/// Sets a freshly booked movement on its way; called before the API answers.
pub(crate) async fn booked(psp: &Arc<Psp>, movement: &Movement, plan: &Plan) {
    let reference = movement.reference.clone();
    match plan.fault {
        Some(Fault::DeclineSoft | Fault::DeclineHard) => {
            let code = Some("insufficient_funds".to_owned());
            let refusal = Completion { code, ..Completion::plain(Outcome::Declined) };
            later(psp, reference, REFUSAL_DELAY, refusal);
        }
        Some(Fault::SuccessAfterDecline) => {
            let refusal = Completion::plain(Outcome::Declined);
            later(psp, reference.clone(), REFUSAL_DELAY, refusal);
            let delay = REFUSAL_DELAY + plan.delay_or(1_000);
            later_whatever(psp, reference, delay, Completion::plain(Outcome::Succeeded));
        }
        Some(Fault::WebhookBeforeResponse) => {
            let outcome = match psp.auto() {
                Auto::Set { outcome, .. } => outcome,
                Auto::AsABank => Outcome::Succeeded,
            };
            if let Ok((_, over)) = complete(psp, &reference, &Completion::plain(outcome)) {
                let _ = tokio::time::timeout(BEFORE_RESPONSE_MAX, over).await;
            }
        }
        _ => by_itself(psp, movement),
    }
}

/// Starts the clock of a movement that completes by itself, if it does.
pub(crate) fn by_itself(psp: &Arc<Psp>, movement: &Movement) {
    let (after, outcome) = match psp.auto() {
        Auto::AsABank if movement.kind == Kind::Deposit => return,
        Auto::AsABank => (BANK_DELAY, Outcome::Succeeded),
        Auto::Set { after: None, .. } => return,
        Auto::Set { after: Some(after), outcome, declined_ppm } => {
            let declined = movement.kind == Kind::Deposit && psp.faults.chance(declined_ppm);
            (after, if declined { Outcome::Declined } else { outcome })
        }
    };
    later(psp, movement.reference.clone(), after, Completion::plain(outcome));
}

/// Completes after a while, unless somebody else was faster.
pub(crate) fn later(psp: &Arc<Psp>, reference: String, after: Duration, done: Completion) {
    let owner = psp.clone();
    psp.spawn(async move {
        tokio::time::sleep(after).await;
        let _ = complete_if(&owner, &reference, &done, |status| status == Status::Pending);
    });
}

fn later_whatever(psp: &Arc<Psp>, reference: String, after: Duration, done: Completion) {
    let owner = psp.clone();
    psp.spawn(async move {
        tokio::time::sleep(after).await;
        let _ = complete(&owner, &reference, &done);
    });
}

/// A payer pays any amount: against an open request, or out of the blue.
pub(crate) fn pay_in(psp: &Arc<Psp>, payin: &Payin, named: bool) -> Result<Movement, PayinError> {
    let open = psp.book.find(&payin.target).or_else(|| {
        let movements = psp.book.movements();
        movements.into_iter().find(|m| m.client_reference == payin.target)
    });
    // Paid already, or taken back: then it is other money that comes.
    let open = open.filter(|m| m.kind == Kind::Deposit && m.status.may_be_paid());
    if let Some(movement) = open {
        if payin.currency != movement.currency {
            return Err(PayinError::Currency);
        }
        let done = Completion {
            outcome: Outcome::Succeeded,
            code: None,
            amount_minor: Some(payin.amount_minor),
            payer: named.then(|| payin.payer.clone()),
        };
        return Ok(complete(psp, &movement.reference, &done)?.0);
    }
    loop {
        let mut movement = psp.dialect.unsolicited(payin).ok_or(PayinError::Unsupported)?;
        let booked = psp.book.enter(|entry| {
            if !entry.add(&movement) {
                return None;
            }
            psp.dialect.paid(entry, &mut movement);
            entry.put(movement.clone());
            let step = Step { from: Status::Pending, to: Status::Succeeded };
            let notices = psp.dialect.notices(&movement, step);
            webhooks::keep(psp, entry, movement.kind, &notices);
            Some(notices)
        });
        if let Some(notices) = booked {
            drop(webhooks::send(psp, movement.kind, notices));
            return Ok(movement);
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PayinError {
    #[error("this request is open in another currency")]
    Currency,
    #[error("no player was given such an address")]
    NoSuchAddress,
    #[error("the amount is not one that this coin can have")]
    Amount,
    #[error("this PSP cannot receive money that no request asked for")]
    Unsupported,
    #[error(transparent)]
    Complete(#[from] CompleteError),
}
