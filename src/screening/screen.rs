//! Which rules run at which checkpoint, and what they amount to.

use super::limits::{self, Limit, LimitUse};
use super::{Checkpoint, FxTable, MarketPolicy, Outcome, Policies, RuleResult, payer, rules};
use crate::domain::{Instrument, Method, Money, Origin, Player, Reason, Timestamp};
use time::Date;
use uuid::Uuid;

/// What came out, and by which policy and rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screening {
    pub outcome: Outcome,
    /// Every rule that ran, in order.
    pub rules: Vec<RuleResult>,
    /// One for each rule that hit.
    pub reasons: Vec<Reason>,
    /// Market, version and hash of the policy; none where there is no licence.
    pub policy: Option<(String, String, [u8; 32])>,
    /// Source and date of the exchange rates.
    pub fx: Option<(String, Date)>,
}

impl Screening {
    fn new(rules: Vec<RuleResult>, policy: Option<&MarketPolicy>, fx: &FxTable) -> Self {
        let named =
            |policy: &MarketPolicy| (policy.market.clone(), policy.version.clone(), policy.sha256);
        Self {
            outcome: rules::outcome_of(&rules),
            reasons: rules::reasons_of(&rules),
            rules,
            policy: policy.map(named),
            fx: Some((fx.source.clone(), fx.date)),
        }
    }
}

/// What must be known of a deposit.
#[derive(Debug, Clone, Copy)]
pub struct DepositFacts<'a> {
    /// [`Checkpoint::DepositPost`] when the money is in, else [`Checkpoint::DepositPre`].
    pub checkpoint: Checkpoint,
    /// None: the operator never told us of this player.
    pub player: Option<&'a Player>,
    /// The deposit itself, once it has an id: its own reservation is no use beside it.
    pub payment: Option<Uuid>,
    pub money: Money,
    pub method: Method,
    pub limits: &'a [Limit],
    pub uses: &'a [LimitUse],
    /// Who paid, where the PSP has told.
    pub source: Option<&'a Instrument>,
    pub fx: &'a FxTable,
    pub now: Timestamp,
}

/// Screens a deposit, before a PSP is asked or before the wallet is credited.
///
/// With the money in, only what makes crediting wrong is asked again, and the worst that can come
/// of it is a review: that money is credited or sent back, never denied.
pub fn screen_deposit(policies: &Policies, facts: &DepositFacts<'_>) -> Screening {
    let mut found = vec![rules::player_known(facts.player)];
    let mut policy = None;
    if let Some(player) = facts.player {
        policy = policies.in_force(&player.country, facts.now);
        found.push(rules::excluded_register(player, facts.now));
        found.push(rules::player_status(player, false, Outcome::Deny));
        found.push(rules::licence_market(&player.country, policy, Outcome::Deny));
        if let Some(policy) = policy {
            found.extend(deposit_by_policy(policy, player, facts));
        }
        found.extend(deposit_limits(facts));
        if let Some(source) = facts.source {
            found.extend(payer::payer(source, player));
        }
    }
    if facts.checkpoint == Checkpoint::DepositPost {
        for result in &mut found {
            if result.effect == Outcome::Deny {
                result.effect = Outcome::Review;
            }
        }
    }
    Screening::new(found, policy, facts.fx)
}

fn deposit_by_policy(
    policy: &MarketPolicy,
    player: &Player,
    facts: &DepositFacts<'_>,
) -> Vec<RuleResult> {
    let mut found = vec![rules::currency_allowed(facts.money.currency, policy)];
    if facts.checkpoint == Checkpoint::DepositPost {
        // Level, method and amount were asked when the deposit began; by now the player cannot
        // change them any more.
        return found;
    }
    let bounds = policy.deposit_amounts.get(&facts.money.currency);
    found.push(rules::method_allowed(facts.method, policy));
    found.push(rules::kyc_level(&player.kyc, policy.deposit_kyc_level_min));
    found.extend(rules::amounts(facts.money, bounds));
    found
}

fn deposit_limits(facts: &DepositFacts<'_>) -> Vec<RuleResult> {
    let (own, others): (Vec<LimitUse>, Vec<LimitUse>) =
        facts.uses.iter().partition(|found| Some(found.payment) == facts.payment);
    let reserved = own.iter().any(|found| found.state.counts());
    if reserved && facts.checkpoint == Checkpoint::DepositPost {
        // Its room was reserved when it began. A limit that was lowered since is for later ones.
        return Vec::new();
    }
    limits::evaluate(facts.limits, &others, facts.money, facts.now, facts.fx)
}

/// What must be known of a withdrawal.
#[derive(Debug, Clone, Copy)]
pub struct WithdrawalFacts<'a> {
    /// [`Checkpoint::WithdrawalPrePayout`] when it is about to be sent, else
    /// [`Checkpoint::WithdrawalRequest`].
    pub checkpoint: Checkpoint,
    pub origin: Origin,
    pub player: Option<&'a Player>,
    pub money: Money,
    pub method: Method,
    /// What the player owes, in any currency.
    pub owed: &'a [Money],
    pub fx: &'a FxTable,
    pub now: Timestamp,
}

/// Screens a withdrawal. Exclusion and limits are no rules of it: they never trap money.
///
/// Before the payout only what may have changed since the request is asked again: two people who
/// approved have approved. A deposit that goes back to its source is the casino's act, so none of
/// the player's own conditions apply to it.
pub fn screen_withdrawal(policies: &Policies, facts: &WithdrawalFacts<'_>) -> Screening {
    let mut found = vec![rules::player_known(facts.player)];
    let mut policy = None;
    if let Some(player) = facts.player {
        policy = policies.in_force(&player.country, facts.now);
        found.push(rules::player_status(player, true, Outcome::Hold));
        found.extend(match (facts.origin, facts.checkpoint) {
            (Origin::Return, _) => Vec::new(),
            (_, Checkpoint::WithdrawalPrePayout) => {
                vec![rules::wallet_owed(facts.owed, Outcome::Review)]
            }
            _ => withdrawal_request(policy, player, facts),
        });
    }
    Screening::new(found, policy, facts.fx)
}

fn withdrawal_request(
    policy: Option<&MarketPolicy>,
    player: &Player,
    facts: &WithdrawalFacts<'_>,
) -> Vec<RuleResult> {
    // A player cannot put a lost licence right, and the money is still theirs: people decide.
    let mut found = vec![rules::licence_market(&player.country, policy, Outcome::Review)];
    if let Some(policy) = policy {
        let bounds = policy.withdrawal_amounts.get(&facts.money.currency);
        found.push(rules::currency_allowed(facts.money.currency, policy));
        found.push(rules::method_allowed(facts.method, policy));
        found.push(rules::kyc_level(&player.kyc, policy.withdrawal_kyc_level_min));
        found.extend(rules::amounts(facts.money, bounds));
        found.push(rules::dual_approval(facts.money, policy, facts.fx));
    }
    found.push(rules::wallet_owed(facts.owed, Outcome::Deny));
    found
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
