//! Chainalysis KYT v2. A transfer or a withdrawal attempt is registered (202), its summary is read until
//! `updatedAt` is set, then its exposure and its alerts. Before an attempt the free list of sanctioned
//! addresses is asked too, where there is a key for it. Shapes: captured traffic of public v2 clients.
//!
//! Chainalysis gives no number. The risk is its gravest alert's level; no alert and a counterparty that it
//! names is none; no alert and a counterparty that it does not know is no score.

use super::words::dollars;
use super::{Found, Question, Step, Wire, is_success, read};
use crate::domain::Timestamp;
use crate::screening::signals::{Hook, Risk, Signal};
use psp_contract::{HttpRequest, HttpResponse, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;

/// Where and as whom Chainalysis is asked.
#[derive(Debug)]
pub struct Chainalysis {
    pub base_url: String,
    pub api_key: SecretString,
    /// Base address and key of the free list of sanctioned addresses.
    pub sanctions: Option<(String, SecretString)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    updated_at: Option<String>,
    asset: String,
    network: String,
    external_id: String,
    transfer_reference: Option<String>,
    attempt_identifier: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
struct Exposures {
    direct: Option<Direct>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Direct {
    category_id: Option<u16>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    alert_level: String,
    external_id: String,
    alert_amount: Box<RawValue>,
    exposure_type: String,
    category_id: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HighRisk {
    custom_addresses: Vec<serde::de::IgnoredAny>,
    chainalysis_identifications: Vec<Identified>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identified {
    category_id: u16,
}

#[derive(Deserialize)]
struct Listed {
    identifications: Vec<serde::de::IgnoredAny>,
}

/// The numbers of `GET /v2/categories`. 16 is gambling, 13 mixing.
const fn category(id: u16) -> &'static str {
    match id {
        1 => "child_abuse",
        2 => "darknet",
        3 => "sanctions",
        4 => "no_kyc_exchange",
        6 => "stolen_funds",
        12 => "ransomware",
        13 => "mixing",
        16 => "gambling",
        18 => "scam",
        21 => "exchange",
        23 => "terrorist_financing",
        25 => "sanctioned_jurisdiction",
        33 => "privacy_protocol",
        35 => "malware",
        _ => "other",
    }
}

fn level(word: &str) -> Option<Risk> {
    Some(match word {
        "SEVERE" => Risk::Severe,
        "HIGH" => Risk::High,
        "MEDIUM" => Risk::Medium,
        "LOW" => Risk::Low,
        _ => return None,
    })
}

impl Wire for Chainalysis {
    fn vendor(&self) -> &'static str {
        "chainalysis"
    }

    fn step(
        &self,
        question: &Question,
        request_id: Option<&str>,
        answers: &[HttpResponse],
        now: Timestamp,
    ) -> Step {
        self.try_step(question, request_id, answers, now).unwrap_or_else(Step::Unusable)
    }
}

impl Chainalysis {
    fn try_step(
        &self,
        question: &Question,
        request_id: Option<&str>,
        answers: &[HttpResponse],
        now: Timestamp,
    ) -> Result<Step, &'static str> {
        let (id, answers) = match (request_id, answers) {
            (Some(id), answers) => (id.to_owned(), answers),
            (None, []) => return self.register(question, now).map(Step::Send),
            (None, [registered, rest @ ..]) => (self.taken(question, registered, None)?.0, rest),
        };
        let subject = match question.hook {
            Hook::KytDeposit => "transfers",
            _ => "withdrawal-attempts",
        };
        let part = |part: &str| {
            let url = format!("{}/api/kyt/v2/{subject}/{id}{part}", self.base_url);
            Step::Send(self.signed(HttpRequest::get(url)))
        };
        let Some((summary, rest)) = answers.split_first() else {
            return Ok(part(""));
        };
        let (_, updated_at) = self.taken(question, summary, Some(&id))?;
        let Some(version) = updated_at else {
            return Ok(Step::Pending { request_id: id });
        };
        let goes_out = question.hook == Hook::KytWithdrawal;
        match rest {
            [] => Ok(part("/exposures")),
            [_] => Ok(part("/alerts")),
            [exposures, alerts] if !goes_out => found(id, version, exposures, alerts, None, None),
            [_, _] => Ok(part("/high-risk-addresses")),
            [exposures, alerts, high] => match self.listed(question) {
                Some(request) => Ok(Step::Send(request)),
                None => found(id, version, exposures, alerts, Some(high), None),
            },
            [exposures, alerts, high, listed, ..] => {
                found(id, version, exposures, alerts, Some(high), Some(listed))
            }
        }
    }

    fn register(&self, question: &Question, now: Timestamp) -> Result<HttpRequest, &'static str> {
        let at = |at: Timestamp| at.format(&Rfc3339).map_err(|_| "the time has no text");
        let (path, body) = match question.hook {
            Hook::KytDeposit => (
                "transfers",
                json!({
                    "network": question.network, "asset": question.asset,
                    "transferReference": transfer_reference(question)?, "direction": "received",
                    "transferTimestamp": at(question.at)?, "outputAddress": question.address,
                }),
            ),
            Hook::KytWithdrawal => (
                "withdrawal-attempts",
                json!({
                    "network": question.network, "asset": question.asset,
                    "address": question.address, "attemptIdentifier": question.reference,
                    "assetAmount": amount(&question.amount)?, "attemptTimestamp": at(now)?,
                }),
            ),
            _ => return Err("Chainalysis answers other questions"),
        };
        let url = format!("{}/api/kyt/v2/users/{}/{path}", self.base_url, question.player);
        Ok(self.signed(HttpRequest::json(Method::Post, url, body.to_string().into_bytes())))
    }

    fn signed(&self, request: HttpRequest) -> HttpRequest {
        request.header("token", self.api_key.expose_secret())
    }

    fn listed(&self, question: &Question) -> Option<HttpRequest> {
        let (base_url, key) = self.sanctions.as_ref()?;
        let url = format!("{base_url}/api/v1/address/{}", question.address);
        Some(HttpRequest::get(url).header("x-api-key", key.expose_secret()))
    }

    /// Id and time of the last update, when the answer is about this very question.
    fn taken(
        &self,
        question: &Question,
        answer: &HttpResponse,
        id: Option<&str>,
    ) -> Result<(String, Option<String>), &'static str> {
        let told: Summary = read(answer)?;
        let own = match question.hook {
            Hook::KytDeposit => {
                told.transfer_reference.as_deref() == Some(transfer_reference(question)?.as_str())
            }
            _ => {
                told.attempt_identifier.as_deref() == Some(question.reference.as_str())
                    && told.address.as_deref() == Some(question.address.as_str())
            }
        };
        let same_coin = told.asset.eq_ignore_ascii_case(&question.asset)
            && told.network.eq_ignore_ascii_case(&question.network);
        if !own || !same_coin || id.is_some_and(|id| id != told.external_id) {
            return Err("the answer is about something else");
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if told.external_id.is_empty() || !told.external_id.bytes().all(plain) {
            return Err("the vendor's id is none");
        }
        Ok((told.external_id, told.updated_at))
    }
}

fn transfer_reference(question: &Question) -> Result<String, &'static str> {
    let transaction = question.transaction.as_deref().ok_or("no transaction is known")?;
    Ok(format!("{transaction}:{}", question.address))
}

/// The vendor wants a number: the very digits of ours.
fn amount(text: &str) -> Result<Box<RawValue>, &'static str> {
    RawValue::from_string(text.to_owned()).map_err(|_| "the amount is no number")
}

fn found(
    request_id: String,
    version: String,
    exposures: &HttpResponse,
    alerts: &HttpResponse,
    high_risk: Option<&HttpResponse>,
    listed: Option<&HttpResponse>,
) -> Result<Step, &'static str> {
    let exposures: Exposures = read(exposures)?;
    let alerts: Alerts = read(alerts)?;
    let mut signals = Vec::new();
    let mut risk = None;
    for alert in &alerts.alerts {
        let level = level(&alert.alert_level).ok_or("an alert has a level that nobody knows")?;
        let direct = match alert.exposure_type.as_str() {
            "DIRECT" => true,
            "INDIRECT" => false,
            _ => return Err("an alert has an exposure that nobody knows"),
        };
        risk = risk.max(Some(level));
        signals.push(Signal {
            code: alert.category_id.map_or_else(|| "none".to_owned(), |id| id.to_string()),
            category: alert.category_id.map_or("other", category).to_owned(),
            direct: Some(direct),
            amount: dollars(&alert.alert_amount),
            rule_ref: Some(alert.external_id.clone()),
        });
    }
    if let Some(id) = exposures.direct.and_then(|direct| direct.category_id) {
        risk = risk.max(Some(Risk::None));
        signals.push(signal(id, Some(true)));
    }
    if let Some(high_risk) = high_risk {
        let told: HighRisk = read(high_risk)?;
        for identified in &told.chainalysis_identifications {
            risk = risk.max(Some(Risk::High));
            signals.push(signal(identified.category_id, Some(true)));
        }
        if !told.custom_addresses.is_empty() {
            risk = risk.max(Some(Risk::High));
            signals.push(Signal { category: "own_list".to_owned(), ..signal(0, Some(true)) });
        }
    }
    if let Some(listed) = listed {
        // A list that does not answer is no list without this address.
        if !is_success(listed) {
            return Err("the list of sanctioned addresses refused");
        }
        let told: Listed = read(listed)?;
        if !told.identifications.is_empty() {
            risk = Some(Risk::Severe);
            signals.push(Signal { code: "sanctions_list".to_owned(), ..signal(3, Some(true)) });
        }
    }
    Ok(Step::Found(Found { request_id, risk, score: None, signals, version }))
}

fn signal(id: u16, direct: Option<bool>) -> Signal {
    let category = category(id).to_owned();
    Signal { code: id.to_string(), category, direct, amount: None, rule_ref: None }
}
