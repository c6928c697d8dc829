//! What became of a payment: every decision about it, its statuses, and what it did to the player's wallet.

use super::session::Signed;
use super::{Console, words};
use crate::domain::{Audience, DecisionId, PaymentId};
use crate::screening::rule::State;
use crate::screening::{Policies, engine};
use crate::store::decision_reads::{self, DecisionRead, ReadAct};
use crate::store::json::StoredRule;
use crate::store::payment_past::{self, Step, WalletMove};
use crate::store::read_decisions::{self, DecisionFilter, DecisionLine};
use crate::store::{Pool, StoreError};

/// Decisions that the page shows, the newest first.
const SHOWN: i64 = 100;

#[derive(Debug)]
pub struct DecisionRow {
    pub id: String,
    pub checkpoint: String,
    pub outcome: String,
    pub version: String,
    pub reasons: Vec<String>,
    /// What rules found that are on record alone.
    pub on_record: Vec<String>,
    pub at: String,
}

#[derive(Debug)]
pub struct StepRow {
    pub status: String,
    pub at: String,
}

#[derive(Debug)]
pub struct MoveRow {
    pub kind: String,
    pub account: String,
    pub money: String,
    pub at: String,
}

/// What the page shows of the past.
#[derive(Debug)]
pub struct Past {
    pub decisions: Vec<DecisionRow>,
    pub steps: Vec<StepRow>,
    pub moves: Vec<MoveRow>,
}

/// Reads it. Who reads decisions is noted first.
pub async fn read(
    console: &Console,
    signed: &Signed,
    payment: PaymentId,
) -> Result<Past, StoreError> {
    note_read(console, signed, payment).await?;
    let (flows, account) = (&console.flows, &signed.account);
    let pool: &Pool = flows.db.pool();
    let wanted =
        DecisionFilter { payment: Some(payment.uuid), limit: SHOWN, ..DecisionFilter::default() };
    let decisions = read_decisions::decisions(pool, &account.operator, &wanted).await?;
    let policies = flows.policies.current();
    let all = account.reads_compliance();
    Ok(Past {
        decisions: decisions.iter().map(|line| DecisionRow::of(line, &policies, all)).collect(),
        steps: payment_past::steps(pool, payment.uuid).await?.iter().map(StepRow::of).collect(),
        moves: payment_past::wallet_moves(pool, payment.uuid)
            .await?
            .iter()
            .map(MoveRow::of)
            .collect(),
    })
}

/// Notes that somebody reads what was decided about a payment.
pub async fn note_read(
    console: &Console,
    signed: &Signed,
    payment: PaymentId,
) -> Result<(), StoreError> {
    note(console, signed, ReadAct::List, &format!("payment {}", payment.uuid.simple())).await
}

/// Notes what somebody reads, before it is shown.
pub async fn note(
    console: &Console,
    signed: &Signed,
    act: ReadAct,
    subject: &str,
) -> Result<(), StoreError> {
    let (flows, account) = (&console.flows, &signed.account);
    let read = DecisionRead {
        id: flows.ids.next(),
        operator: account.operator.as_str(),
        person: Some(&account.person),
        door: "console",
        act,
        subject,
        at: flows.clock.now(),
    };
    decision_reads::keep(flows.db.pool(), &read).await
}

impl DecisionRow {
    fn of(line: &DecisionLine, policies: &Policies, reads_compliance: bool) -> Self {
        let outcome = match &*line.outcome {
            // As the API tells it: who may not know of a hold sees a review.
            "hold" if !reads_compliance => "review",
            outcome => outcome,
        };
        let reasons = words::readable(&line.reasons, reads_compliance);
        Self {
            id: DecisionId(line.id).to_string(),
            checkpoint: line.checkpoint.clone(),
            outcome: outcome.to_owned(),
            version: line.policy_version.clone().unwrap_or_default(),
            reasons: reasons.map(|it| format!("{} ({})", it.message, it.code)).collect(),
            on_record: on_record(line, policies, reads_compliance),
            at: words::time(line.occurred_at),
        }
    }
}

/// What rules found that do nothing. The policy version says their names, and who may read of them.
fn on_record(line: &DecisionLine, policies: &Policies, reads_compliance: bool) -> Vec<String> {
    let version = line.market.as_deref().zip(line.policy_version.as_deref());
    let policy = version.and_then(|(market, version)| policies.version(market, version));
    let found = line.rules.iter().filter_map(|stored| match stored {
        StoredRule::Numbered(stored) if !stored.acts => {
            let rule = engine::rule_of(policy, stored.number)?;
            let result = stored.result(rule);
            let is_found = matches!(result.state, State::Hit | State::Error);
            let may_read =
                reads_compliance || rule.reason(&result).audience != Audience::Compliance;
            (is_found && may_read).then(|| format!("{}: {}", result.rule, result.observed))
        }
        _ => None,
    });
    found.collect()
}

impl StepRow {
    fn of(step: &Step) -> Self {
        Self { status: step.to.clone(), at: words::time(step.at) }
    }
}

impl MoveRow {
    fn of(moved: &WalletMove) -> Self {
        Self {
            kind: moved.kind.clone(),
            account: moved.account.clone(),
            money: moved.money.to_string(),
            at: words::time(moved.at),
        }
    }
}
