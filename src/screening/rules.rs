//! The rules, one function each: what was observed, against which threshold, and whether it hit.
//!
//! A rule that is not hit is recorded too: a near miss explains as much as a hit. Texts are plain
//! and stable, since a decision that is replayed must come out with the same ones.

use super::payer::{PAYER_ACCOUNT, PAYER_NAME, PAYER_TAX_ID};
use super::{FxTable, MarketPolicy, Outcome, explain};
use crate::domain::{
    Currency, Kyc, KycStatus, Method, Money, Player, PlayerStatus, Reason, Timestamp,
};
use time::format_description::well_known::Rfc3339;

/// One rule's finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    /// Stable, `"limit.player"`.
    pub rule: &'static str,
    pub hit: bool,
    pub observed: String,
    /// How the observed value must stand to the threshold: `=`, `<`, `<=`, `>=`, `in`.
    pub operator: &'static str,
    pub threshold: String,
    /// What the rule does when it hits.
    pub effect: Outcome,
}

pub const PLAYER_KNOWN: &str = "player.known";
pub const EXCLUDED_REGISTER: &str = "excluded.register";
pub const PLAYER_STATUS: &str = "player.status";
pub const KYC_LEVEL: &str = "kyc.level";
pub const LICENCE_MARKET: &str = "licence.market";
pub const CURRENCY_ALLOWED: &str = "currency.allowed";
pub const METHOD_ALLOWED: &str = "method.allowed";
pub const AMOUNT_MIN: &str = "amount.min";
pub const AMOUNT_MAX: &str = "amount.max";
pub const LIMIT_PLAYER: &str = "limit.player";
pub const DUAL_APPROVAL: &str = "dual_approval";
pub const WALLET_OWED: &str = "wallet.owed";

/// Every rule, in the order in which they are told.
pub const ALL: [&str; 15] = [
    PLAYER_KNOWN,
    EXCLUDED_REGISTER,
    PLAYER_STATUS,
    KYC_LEVEL,
    LICENCE_MARKET,
    CURRENCY_ALLOWED,
    METHOD_ALLOWED,
    AMOUNT_MIN,
    AMOUNT_MAX,
    LIMIT_PLAYER,
    DUAL_APPROVAL,
    WALLET_OWED,
    PAYER_NAME,
    PAYER_TAX_ID,
    PAYER_ACCOUNT,
];

/// Every operator of a [`RuleResult`].
pub const OPERATORS: [&str; 5] = ["=", "<", "<=", ">=", "in"];

/// The word of [`ALL`] or [`OPERATORS`] that a stored text stands for.
pub fn word(text: &str) -> Option<&'static str> {
    let mut words = ALL.into_iter().chain(OPERATORS);
    words.find(|word| *word == text)
}

/// The rules that count things, and are therefore evaluated again over the locked rows.
pub const COUNTERS: [&str; 1] = [LIMIT_PLAYER];

/// The worst effect of all that hit.
pub fn outcome_of(rules: &[RuleResult]) -> Outcome {
    let hits = rules.iter().filter(|result| result.hit);
    hits.map(|result| result.effect).max().unwrap_or(Outcome::Approve)
}

/// A reason for each rule that hit, in the order of the rules.
pub fn reasons_of(rules: &[RuleResult]) -> Vec<Reason> {
    rules.iter().filter(|result| result.hit).map(explain::reason).collect()
}

/// Puts the counters' new findings in the place of those from before the lane.
pub fn add_results(
    outcome: &mut Outcome,
    rules: &mut Vec<RuleResult>,
    reasons: &mut Vec<Reason>,
    results: Vec<RuleResult>,
) {
    rules.retain(|result| !COUNTERS.contains(&result.rule));
    rules.extend(results);
    *outcome = outcome_of(rules);
    *reasons = reasons_of(rules);
}

pub(super) fn player_known(player: Option<&Player>) -> RuleResult {
    RuleResult {
        rule: PLAYER_KNOWN,
        hit: player.is_none(),
        observed: if player.is_some() { "known" } else { "unknown" }.to_owned(),
        operator: "=",
        threshold: "known".to_owned(),
        effect: Outcome::Deny,
    }
}

pub(super) fn excluded_register(player: &Player, now: Timestamp) -> RuleResult {
    let in_force = player.exclusion.as_ref().filter(|found| found.holds_at(now));
    let observed = in_force.map_or_else(
        || "none".to_owned(),
        |found| {
            let until = found
                .until
                .map_or("without end".to_owned(), |until| format!("until {}", rfc3339(until)));
            format!("excluded by {} {until}", found.source)
        },
    );
    RuleResult {
        rule: EXCLUDED_REGISTER,
        hit: in_force.is_some(),
        observed,
        operator: "=",
        threshold: "none".to_owned(),
        effect: Outcome::Deny,
    }
}

/// `closed_is_fine`: who closed the account may still take the money home.
pub(super) fn player_status(player: &Player, closed_is_fine: bool, effect: Outcome) -> RuleResult {
    let (hit, threshold) = match player.status {
        PlayerStatus::Active => (false, "active"),
        PlayerStatus::Frozen => (true, "active"),
        PlayerStatus::Closed if closed_is_fine => (false, "active or closed"),
        PlayerStatus::Closed => (true, "active"),
    };
    RuleResult {
        rule: PLAYER_STATUS,
        hit,
        observed: player.status.as_str().to_owned(),
        operator: "=",
        threshold: threshold.to_owned(),
        effect,
    }
}

/// A level counts only while its verification stands: level 2 with a rejected document is none.
pub(super) fn kyc_level(kyc: &Kyc, level_min: i16) -> RuleResult {
    let proven = match kyc.status {
        KycStatus::Verified => kyc.level,
        KycStatus::Unverified | KycStatus::Pending | KycStatus::Rejected => 0,
    };
    RuleResult {
        rule: KYC_LEVEL,
        hit: proven < level_min,
        observed: format!("level {} ({})", kyc.level, kyc.status.as_str()),
        operator: ">=",
        threshold: format!("verified level {level_min}"),
        effect: Outcome::Deny,
    }
}

pub(super) fn licence_market(
    country: &str,
    policy: Option<&MarketPolicy>,
    effect: Outcome,
) -> RuleResult {
    RuleResult {
        rule: LICENCE_MARKET,
        hit: policy.is_none(),
        observed: country.to_owned(),
        operator: "in",
        threshold: "licensed markets".to_owned(),
        effect,
    }
}

pub(super) fn currency_allowed(currency: Currency, policy: &MarketPolicy) -> RuleResult {
    RuleResult {
        rule: CURRENCY_ALLOWED,
        hit: !policy.currencies.contains(&currency),
        observed: currency.code().to_owned(),
        operator: "in",
        threshold: list(policy.currencies.iter().map(|currency| currency.code())),
        effect: Outcome::Deny,
    }
}

pub(super) fn method_allowed(method: Method, policy: &MarketPolicy) -> RuleResult {
    RuleResult {
        rule: METHOD_ALLOWED,
        hit: !policy.methods.contains(&method),
        observed: method.as_str().to_owned(),
        operator: "in",
        threshold: list(policy.methods.iter().map(|method| method.as_str())),
        effect: Outcome::Deny,
    }
}

/// Minimum and maximum, both included. Without bounds for the currency neither can hit.
pub(super) fn amounts(money: Money, bounds: Option<&(i64, i64)>) -> [RuleResult; 2] {
    let text = |minor: i64| Money::new(minor, money.currency).to_string();
    let result = |rule, hit, operator, threshold: Option<i64>| RuleResult {
        rule,
        hit,
        observed: money.to_string(),
        operator,
        threshold: threshold.map_or("none".to_owned(), text),
        effect: Outcome::Deny,
    };
    let least = bounds.map(|bounds| bounds.0);
    let most = bounds.map(|bounds| bounds.1);
    let below = least.is_some_and(|least| money.minor < least);
    let above = most.is_some_and(|most| money.minor > most);
    [result(AMOUNT_MIN, below, ">=", least), result(AMOUNT_MAX, above, "<=", most)]
}

/// Without a rate nobody can tell that it is small, so people look at it.
pub(super) fn dual_approval(money: Money, policy: &MarketPolicy, fx: &FxTable) -> RuleResult {
    let worth = fx.convert_up(money, Currency::EUR);
    let observed = worth.map_or_else(
        || format!("{money}, no exchange rate to EUR"),
        |worth| match money.currency {
            Currency::EUR => worth.to_string(),
            _ => format!("{worth} ({money})"),
        },
    );
    RuleResult {
        rule: DUAL_APPROVAL,
        hit: worth.is_none_or(|worth| worth.minor >= policy.dual_approval_eur_minor),
        observed,
        operator: "<",
        threshold: Money::new(policy.dual_approval_eur_minor, Currency::EUR).to_string(),
        effect: Outcome::Review,
    }
}

/// Run again in the lane, where the debt is what the locked wallets say.
pub fn wallet_owed(owed: &[Money], effect: Outcome) -> RuleResult {
    let debts: Vec<String> =
        owed.iter().filter(|debt| debt.minor > 0).map(Money::to_string).collect();
    RuleResult {
        rule: WALLET_OWED,
        hit: !debts.is_empty(),
        observed: list(debts.iter().map(String::as_str)),
        operator: "=",
        threshold: "none".to_owned(),
        effect,
    }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn rfc3339(at: Timestamp) -> String {
    // Years outside 0–9999 have no such text; the number says the same less nicely.
    at.format(&Rfc3339).unwrap_or_else(|_| at.unix_timestamp().to_string())
}
