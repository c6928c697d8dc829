//! The JSON forms in which nested words are stored. They are the database's own: the API's shapes
//! are the API's, and may change without a migration.
//!
//! What is written for every payment (rules' findings, route, payer) is written as arrays in the order
//! of the fields: their names would be half of its bytes. Both forms are read, with names and without.

use super::StoreError;
use crate::book::Returns;
use crate::domain::{AttemptId, Audience, Currency, Money, Reason, Timestamp};
use crate::routing::plan::{Candidate, Route};
use crate::screening::Outcome;
use crate::screening::limits::{Limit, PendingLimit, Period};
use crate::screening::rule::{Rule, RuleResult, State};
use psp_contract::{NextAction, Payer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Renders a stored form.
pub fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a stored form is plain data")
}

/// Reads a stored form.
pub fn read<T: DeserializeOwned>(value: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(value).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}

/// Reads a currency's code.
pub fn currency(code: &str) -> Result<Currency, StoreError> {
    code.parse().map_err(|_| StoreError::Corrupt(format!("currency {code}")))
}

#[derive(Debug, Serialize, Deserialize)]
pub struct StoredReason {
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    observed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    threshold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    remedy: Option<String>,
    audience: String,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    holds: bool,
}

impl From<&Reason> for StoredReason {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.clone(),
            message: reason.message.clone(),
            rule: reason.rule.clone(),
            observed: reason.observed.clone(),
            threshold: reason.threshold.clone(),
            remedy: reason.remedy.clone(),
            audience: reason.audience.as_str().to_owned(),
            holds: reason.holds,
        }
    }
}

impl From<StoredReason> for Reason {
    fn from(stored: StoredReason) -> Self {
        Self {
            code: stored.code,
            message: stored.message,
            rule: stored.rule,
            observed: stored.observed,
            threshold: stored.threshold,
            remedy: stored.remedy,
            // What cannot be read is for the narrowest circle.
            audience: Audience::parse(&stored.audience).unwrap_or(Audience::Compliance),
            holds: stored.holds,
        }
    }
}

pub fn reasons(reasons: &[Reason]) -> String {
    text(&reasons.iter().map(StoredReason::from).collect::<Vec<_>>())
}

pub fn read_reasons(value: &str) -> Result<Vec<Reason>, StoreError> {
    Ok(read::<Vec<StoredReason>>(value, "reasons")?.into_iter().map(Reason::from).collect())
}

/// One rule's finding. What the policy version says of the rule is not stored again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum StoredRule {
    Numbered(NumberedRule),
    /// As the first engine wrote it, which knew no numbers.
    Named(NamedRule),
}

/// Number in the policy version, state, observed, threshold, effect, and whether it acted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NumberedRule {
    pub number: u16,
    pub state: String,
    pub observed: String,
    pub threshold: String,
    pub effect: String,
    pub acts: bool,
}

impl NumberedRule {
    /// With what the policy version says of the rule. Words that nobody knows are read as the worst.
    pub fn result(&self, rule: &Rule) -> RuleResult {
        RuleResult {
            number: self.number,
            rule: rule.id.clone(),
            state: State::parse(&self.state).unwrap_or(State::Error),
            observed: self.observed.clone(),
            operator: rule.check.operator(),
            threshold: self.threshold.clone(),
            effect: Outcome::parse(&self.effect).unwrap_or(Outcome::Hold),
            acts: self.acts,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedRule {
    pub rule: String,
    pub hit: bool,
    pub observed: String,
    pub operator: String,
    pub threshold: String,
    pub effect: String,
}

impl NamedRule {
    /// As the rule that has this name now would have found it. An effect that nobody knows is read as
    /// the worst.
    pub fn result(&self, rule: &Rule) -> RuleResult {
        RuleResult {
            number: rule.number,
            rule: rule.id.clone(),
            state: if self.hit { State::Hit } else { State::NoHit },
            observed: self.observed.clone(),
            operator: rule.check.operator(),
            threshold: self.threshold.clone(),
            effect: Outcome::parse(&self.effect).unwrap_or(Outcome::Hold),
            acts: true,
        }
    }
}

pub fn rules(results: &[RuleResult]) -> String {
    let stored = results.iter().map(|result| {
        let RuleResult { number, state, observed, threshold, effect, acts, .. } = result;
        (number, state.as_str(), observed, threshold, effect.as_str(), acts)
    });
    text(&stored.collect::<Vec<_>>())
}

#[derive(Debug, Deserialize)]
struct StoredRoute {
    version: String,
    candidates: Vec<StoredCandidate>,
}

#[derive(Debug, Deserialize)]
struct StoredCandidate {
    psp: String,
    rank: Option<u16>,
    reason: String,
}

pub fn route(route: &Route) -> String {
    let candidates =
        route.candidates.iter().map(|Candidate { psp, rank, reason }| (psp, rank, reason));
    text(&(&route.version, candidates.collect::<Vec<_>>()))
}

pub fn read_route(value: &str) -> Result<Route, StoreError> {
    let stored: StoredRoute = read(value, "route")?;
    let candidates = stored.candidates.into_iter().map(|candidate| Candidate {
        psp: candidate.psp,
        rank: candidate.rank,
        reason: candidate.reason,
    });
    Ok(Route { version: stored.version, candidates: candidates.collect() })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StoredAction {
    Redirect {
        url: String,
    },
    QrCode {
        payload: String,
        #[serde(with = "time::serde::rfc3339::option", default)]
        expires_at: Option<Timestamp>,
    },
    AppLink {
        url: String,
        token: Option<String>,
    },
    CryptoTransfer {
        address: String,
        network: String,
        asset: String,
        asset_amount: String,
        #[serde(with = "time::serde::rfc3339::option", default)]
        expires_at: Option<Timestamp>,
    },
}

pub fn action(action: &NextAction) -> String {
    text(&match action.clone() {
        NextAction::Redirect { url } => StoredAction::Redirect { url },
        NextAction::QrCode { payload, expires_at } => StoredAction::QrCode { payload, expires_at },
        NextAction::AppLink { url, token } => StoredAction::AppLink { url, token },
        NextAction::CryptoTransfer { address, network, asset, asset_amount, expires_at } => {
            StoredAction::CryptoTransfer { address, network, asset, asset_amount, expires_at }
        }
    })
}

pub fn read_action(value: &str) -> Result<NextAction, StoreError> {
    Ok(match read(value, "next action")? {
        StoredAction::Redirect { url } => NextAction::Redirect { url },
        StoredAction::QrCode { payload, expires_at } => NextAction::QrCode { payload, expires_at },
        StoredAction::AppLink { url, token } => NextAction::AppLink { url, token },
        StoredAction::CryptoTransfer { address, network, asset, asset_amount, expires_at } => {
            NextAction::CryptoTransfer { address, network, asset, asset_amount, expires_at }
        }
    })
}

#[derive(Debug, Deserialize)]
struct StoredPayer {
    player_reference: String,
    player_uuid: Uuid,
    full_name: String,
    given_name: Option<String>,
    family_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    national_id: Option<String>,
    date_of_birth: Option<String>,
    locale: Option<String>,
    ip: Option<String>,
}

pub fn payer(payer: &Payer) -> String {
    text(&(
        &payer.player_reference,
        payer.player_uuid,
        &payer.full_name,
        &payer.given_name,
        &payer.family_name,
        &payer.email,
        &payer.phone,
        &payer.national_id,
        &payer.date_of_birth,
        &payer.locale,
        &payer.ip,
    ))
}

pub fn read_payer(value: &str) -> Result<Payer, StoreError> {
    let stored: StoredPayer = read(value, "payer")?;
    Ok(Payer {
        player_reference: stored.player_reference,
        player_uuid: stored.player_uuid,
        full_name: stored.full_name,
        given_name: stored.given_name,
        family_name: stored.family_name,
        email: stored.email,
        phone: stored.phone,
        national_id: stored.national_id,
        date_of_birth: stored.date_of_birth,
        locale: stored.locale,
        ip: stored.ip,
    })
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredReturns {
    deposit: Uuid,
    #[serde(default)]
    attempt: Option<Uuid>,
    psp: String,
    psp_reference: String,
    from_suspense: bool,
}

pub fn returns(returns: &Returns) -> String {
    text(&StoredReturns {
        deposit: returns.deposit,
        attempt: returns.attempt.map(|id| id.0),
        psp: returns.psp.clone(),
        psp_reference: returns.psp_reference.clone(),
        from_suspense: returns.from_suspense,
    })
}

pub fn read_returns(value: &str) -> Result<Returns, StoreError> {
    let stored: StoredReturns = read(value, "returns")?;
    Ok(Returns {
        deposit: stored.deposit,
        attempt: stored.attempt.map(AttemptId),
        psp: stored.psp,
        psp_reference: stored.psp_reference,
        from_suspense: stored.from_suspense,
    })
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredLimit {
    period: String,
    minor: i64,
    currency: String,
    #[serde(with = "time::serde::rfc3339")]
    effective_at: Timestamp,
    pending: Option<StoredPending>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredPending {
    minor: Option<i64>,
    #[serde(with = "time::serde::rfc3339")]
    requested_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    effective_at: Timestamp,
    confirmed: bool,
}

pub fn limits(limits: &[Limit]) -> String {
    let stored = limits.iter().map(|limit| StoredLimit {
        period: limit.period.as_str().to_owned(),
        minor: limit.money.minor,
        currency: limit.money.currency.code().to_owned(),
        effective_at: limit.effective_at,
        pending: limit.pending.as_ref().map(|pending| StoredPending {
            minor: pending.money.map(|money| money.minor),
            requested_at: pending.requested_at,
            effective_at: pending.effective_at,
            confirmed: pending.confirmed,
        }),
    });
    text(&stored.collect::<Vec<_>>())
}

pub fn read_limits(value: &str) -> Result<Vec<Limit>, StoreError> {
    let stored: Vec<StoredLimit> = read(value, "limits")?;
    stored.into_iter().map(read_limit).collect()
}

fn read_limit(stored: StoredLimit) -> Result<Limit, StoreError> {
    let currency = currency(&stored.currency)?;
    let period = Period::parse(&stored.period)
        .ok_or_else(|| StoreError::Corrupt(format!("period {}", stored.period)))?;
    Ok(Limit {
        period,
        money: Money::new(stored.minor, currency),
        effective_at: stored.effective_at,
        pending: stored.pending.map(|pending| PendingLimit {
            money: pending.minor.map(|minor| Money::new(minor, currency)),
            requested_at: pending.requested_at,
            effective_at: pending.effective_at,
            confirmed: pending.confirmed,
        }),
    })
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
