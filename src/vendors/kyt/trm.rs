//! TRM Labs: an address is screened while we wait, a transfer is worked on (`PROCESSING`) and asked about
//! again; HTTP Basic with the key twice. Source: public clients of v2; TRM's own text was not read.
//!
//! Levels are 1, 5, 10 and 15; 0 is "unknown", and an address of which TRM knows nothing has no score.

use super::words::{category, dollars};
use super::{Found, Question, Step, Wire, read};
use crate::domain::Timestamp;
use crate::screening::signals::{Hook, Risk, Signal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use psp_contract::{HttpRequest, HttpResponse, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;

/// Where and as whom TRM is asked.
#[derive(Debug)]
pub struct Trm {
    pub base_url: String,
    pub api_key: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Screened {
    address: String,
    chain: String,
    address_risk_indicators: Vec<Indicator>,
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Indicator {
    category: String,
    category_risk_score_level: u8,
    risk_type: String,
    total_volume_usd: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    category: String,
    risk_score_level: u8,
    trm_urn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transfer {
    uuid: String,
    external_id: String,
    onchain_reference: String,
    destination_address: String,
    screen_status: String,
    risk_score_level: Option<u8>,
    #[serde(default)]
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    category: String,
    risk_score_level: u8,
    exposure_type: Option<String>,
    fiat_amount: Option<Box<RawValue>>,
}

/// None: "unknown". An error: no level that there is.
const fn level(told: u8) -> Result<Option<Risk>, &'static str> {
    Ok(Some(match told {
        15 => Risk::Severe,
        10 => Risk::High,
        5 => Risk::Medium,
        1 => Risk::Low,
        0 => return Ok(None),
        _ => return Err("a risk has a level that nobody knows"),
    }))
}

impl Wire for Trm {
    fn vendor(&self) -> &'static str {
        "trm"
    }

    fn step(
        &self,
        question: &Question,
        request_id: Option<&str>,
        answers: &[HttpResponse],
        _: Timestamp,
    ) -> Step {
        let stepped = match (question.hook, answers) {
            (Hook::KytWithdrawal, []) => Ok(Step::Send(self.screen_address(question))),
            (Hook::KytWithdrawal, [answer, ..]) => address(question, answer),
            (Hook::KytDeposit, answers) => self.transfer(question, request_id, answers),
            _ => Err("TRM answers other questions"),
        };
        stepped.unwrap_or_else(Step::Unusable)
    }
}

impl Trm {
    fn screen_address(&self, question: &Question) -> HttpRequest {
        let body = json!([{
            "address": question.address, "chain": question.network,
            "accountExternalId": question.reference,
        }]);
        let url = format!("{}/public/v2/screening/addresses", self.base_url);
        self.signed(HttpRequest::json(Method::Post, url, body.to_string().into_bytes()))
    }

    fn transfer(
        &self,
        question: &Question,
        request_id: Option<&str>,
        answers: &[HttpResponse],
    ) -> Result<Step, &'static str> {
        match (request_id, answers) {
            (None, []) => self.tell(question).map(Step::Send),
            (Some(id), []) => Ok(self.again(id)),
            (known, [answer]) => {
                let step = transfer(question, known, answer)?;
                match (known, &step) {
                    // Just told: it may be done when we come back at once.
                    (None, Step::Pending { request_id }) => Ok(self.again(request_id)),
                    _ => Ok(step),
                }
            }
            (_, [first, answer, ..]) => {
                let told: Transfer = read(first)?;
                transfer(question, Some(&told.uuid), answer)
            }
        }
    }

    fn tell(&self, question: &Question) -> Result<HttpRequest, &'static str> {
        let transaction = question.transaction.as_deref().ok_or("no transaction is known")?;
        let usd = question.usd.as_deref().ok_or("no rate to US dollars is known")?;
        let at = question.at.format(&Rfc3339).map_err(|_| "the time has no text")?;
        let body = json!({
            "accountExternalId": question.player, "asset": question.asset,
            "assetAmount": question.amount, "chain": question.network,
            "destinationAddress": question.address, "externalId": question.reference,
            "fiatCurrency": "USD", "fiatValue": usd, "onchainReference": transaction,
            "timestamp": at, "transferType": "CRYPTO_DEPOSIT",
        });
        let url = format!("{}/public/v2/tm/transfers", self.base_url);
        Ok(self.signed(HttpRequest::json(Method::Post, url, body.to_string().into_bytes())))
    }

    fn again(&self, id: &str) -> Step {
        let url = format!("{}/public/v2/tm/transfers/{id}", self.base_url);
        Step::Send(self.signed(HttpRequest::get(url)))
    }

    fn signed(&self, request: HttpRequest) -> HttpRequest {
        let key = self.api_key.expose_secret();
        let pair = STANDARD.encode(format!("{key}:{key}"));
        request.header("authorization", format!("Basic {pair}"))
    }
}

fn address(question: &Question, answer: &HttpResponse) -> Result<Step, &'static str> {
    let told: Vec<Screened> = read(answer)?;
    let [told] = told.as_slice() else {
        return Err("the answer is not about one address");
    };
    if told.address != question.address || told.chain != question.network {
        return Err("the answer is about something else");
    }
    let (mut risk, mut signals) = (None, Vec::new());
    for indicator in &told.address_risk_indicators {
        risk = risk.max(level(indicator.category_risk_score_level)?);
        let direct = match indicator.risk_type.as_str() {
            "OWNERSHIP" => true,
            "COUNTERPARTY" => false,
            _ => return Err("an indicator has a type that nobody knows"),
        };
        let volume = indicator.total_volume_usd.as_deref().and_then(dollars);
        signals.push(signal(&indicator.category, Some(direct), volume, None));
    }
    for entity in &told.entities {
        risk = risk.max(level(entity.risk_score_level)?);
        signals.push(signal(&entity.category, Some(true), None, entity.trm_urn.clone()));
    }
    let version = "v2".to_owned();
    let request_id = question.reference.clone();
    Ok(Step::Found(Found { request_id, risk, score: None, signals, version }))
}

fn transfer(
    question: &Question,
    known: Option<&str>,
    answer: &HttpResponse,
) -> Result<Step, &'static str> {
    let told: Transfer = read(answer)?;
    let own = told.external_id == question.reference
        && Some(told.onchain_reference.as_str()) == question.transaction.as_deref()
        && told.destination_address == question.address;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !own || known.is_some_and(|id| id != told.uuid) {
        return Err("the answer is about something else");
    }
    if told.uuid.is_empty() || !told.uuid.bytes().all(plain) {
        return Err("the vendor's id is none");
    }
    match told.screen_status.as_str() {
        "SUCCEEDED" => {}
        "PROCESSING" => return Ok(Step::Pending { request_id: told.uuid }),
        _ => return Err("the screening failed"),
    }
    let mut risk = match told.risk_score_level {
        Some(told) => level(told)?,
        None => None,
    };
    let mut signals = Vec::new();
    for alert in &told.alerts {
        risk = risk.max(level(alert.risk_score_level)?);
        let direct = match alert.exposure_type.as_deref() {
            Some("DIRECT") => Some(true),
            Some("INDIRECT") => Some(false),
            None => None,
            Some(_) => return Err("an alert has an exposure that nobody knows"),
        };
        let amount = alert.fiat_amount.as_deref().and_then(dollars);
        signals.push(signal(&alert.category, direct, amount, None));
    }
    let score = told.risk_score_level.map(|level| level.to_string());
    let version = "v2".to_owned();
    Ok(Step::Found(Found { request_id: told.uuid, risk, score, signals, version }))
}

fn signal(
    name: &str,
    direct: Option<bool>,
    amount: Option<crate::domain::Money>,
    rule_ref: Option<String>,
) -> Signal {
    let category = category(name).to_owned();
    Signal { code: name.to_owned(), category, direct, amount, rule_ref }
}
