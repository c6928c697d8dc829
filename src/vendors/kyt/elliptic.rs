//! Elliptic AML v2: transactions and wallets are analysed while we wait, each request signed. What is
//! still `running` is asked again by its id. Source: Elliptic's public OpenAPI document.
//!
//! The score is a number from 0 to 10; null says that no rule fired, which is no score and no zero. Where
//! our five words begin on that scale is ours to say: 0, above 0, from 3, from 6, from 9.

use super::words::{category, decimal, dollars, is_null};
use super::{Found, Question, Step, Wire, read};
use crate::domain::Timestamp;
use crate::screening::signals::{Hook, Risk, Signal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use psp_contract::{HttpRequest, HttpResponse, Method};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use sha2::Sha256;

/// Where and as whom Elliptic is asked.
#[derive(Debug)]
pub struct Elliptic {
    /// With the version, `https://aml-api.elliptic.co/v2`.
    pub base_url: String,
    pub key: String,
    /// In base64, as Elliptic gives it.
    pub secret: SecretString,
}

#[derive(Deserialize)]
struct Analysis {
    id: String,
    process_status: String,
    subject: Subject,
    risk_score: Box<RawValue>,
    evaluation_detail: Option<Evaluation>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Subject {
    hash: String,
}

#[derive(Deserialize)]
struct Evaluation {
    #[serde(default)]
    source: Vec<Fired>,
    #[serde(default)]
    destination: Vec<Fired>,
}

#[derive(Deserialize)]
struct Fired {
    rule_id: String,
    rule_name: String,
    #[serde(default)]
    rule_history_id: Option<String>,
    #[serde(default)]
    matched_elements: Vec<Matched>,
}

#[derive(Deserialize)]
struct Matched {
    category: String,
    #[serde(default)]
    exposure_type: Option<String>,
    #[serde(default)]
    contribution_value: Option<Contribution>,
}

#[derive(Deserialize)]
struct Contribution {
    usd: Option<Box<RawValue>>,
}

/// `x-access-sign`: base64 of HMAC-SHA256 with the decoded secret, over time, method, path in lower case
/// and the body, an empty one being `{}`. None: the secret is no base64.
pub fn sign(secret: &str, at_ms: i128, method: &str, path: &str, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(at_ms.to_string().as_bytes());
    mac.update(method.as_bytes());
    mac.update(path.to_lowercase().as_bytes());
    mac.update(if body.is_empty() { b"{}" } else { body });
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

impl Wire for Elliptic {
    fn vendor(&self) -> &'static str {
        "elliptic"
    }

    fn step(
        &self,
        question: &Question,
        request_id: Option<&str>,
        answers: &[HttpResponse],
        now: Timestamp,
    ) -> Step {
        let stepped = match (answers, request_id) {
            ([], None) => self.analyse(question, now).map(Step::Send),
            ([], Some(id)) => self.again(question, id, now).map(Step::Send),
            ([answer, ..], known) => found(question, known, answer),
        };
        stepped.unwrap_or_else(Step::Unusable)
    }
}

impl Elliptic {
    fn analyse(&self, question: &Question, now: Timestamp) -> Result<HttpRequest, &'static str> {
        let (path, body) = match question.hook {
            Hook::KytDeposit => {
                let hash = question.transaction.as_deref().ok_or("no transaction is known")?;
                let subject = json!({
                    "asset": question.asset, "blockchain": question.network, "type": "transaction",
                    "hash": hash, "output_type": "address", "output_address": question.address,
                });
                let body = json!({
                    "subject": subject, "type": "source_of_funds",
                    "customer_reference": question.player,
                });
                ("/analyses/synchronous", body)
            }
            Hook::KytWithdrawal => {
                // The same address may be asked about for many payments: each is a case of its own.
                let subject = json!({
                    "asset": "holistic", "blockchain": "holistic", "type": "address",
                    "hash": question.address,
                });
                let body = json!({
                    "subject": subject, "type": "wallet_exposure",
                    "customer_reference": question.reference,
                });
                ("/wallet/synchronous", body)
            }
            _ => return Err("Elliptic answers other questions"),
        };
        self.signed(Method::Post, path, body.to_string().into_bytes(), now)
    }

    fn again(
        &self,
        question: &Question,
        id: &str,
        now: Timestamp,
    ) -> Result<HttpRequest, &'static str> {
        let kind = if question.hook == Hook::KytDeposit { "analyses" } else { "wallet" };
        self.signed(Method::Get, &format!("/{kind}/{id}"), Vec::new(), now)
    }

    fn signed(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<HttpRequest, &'static str> {
        let url = format!("{}{path}", self.base_url);
        let signed_path = url::Url::parse(&url).map_err(|_| "the address of Elliptic is none")?;
        let at_ms = now.unix_timestamp_nanos() / 1_000_000;
        let secret = self.secret.expose_secret();
        let signature = sign(secret, at_ms, method.as_str(), signed_path.path(), &body)
            .ok_or("the secret of Elliptic is no base64")?;
        let request = match method {
            Method::Get => HttpRequest::get(url),
            _ => HttpRequest::json(method, url, body),
        };
        Ok(request
            .header("x-access-key", self.key.clone())
            .header("x-access-timestamp", at_ms.to_string())
            .header("x-access-sign", signature))
    }
}

fn found(
    question: &Question,
    known: Option<&str>,
    answer: &HttpResponse,
) -> Result<Step, &'static str> {
    let told: Analysis = read(answer)?;
    let hash = match question.hook {
        Hook::KytDeposit => question.transaction.as_deref().unwrap_or_default(),
        _ => question.address.as_str(),
    };
    if told.subject.hash != hash || known.is_some_and(|id| id != told.id) {
        return Err("the answer is about something else");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if told.id.is_empty() || !told.id.bytes().all(plain) {
        return Err("the vendor's id is none");
    }
    match told.process_status.as_str() {
        "complete" => {}
        "running" => return Ok(Step::Pending { request_id: told.id }),
        _ => return Err("the analysis failed"),
    }
    let score = if is_null(&told.risk_score) {
        None
    } else {
        Some(decimal(&told.risk_score).ok_or("the score is no number")?)
    };
    let risk = score.map(risk_of).transpose()?;
    let detail = told.evaluation_detail;
    let sides = detail.map(|detail| detail.source.into_iter().chain(detail.destination).collect());
    let fired: Vec<Fired> = sides.unwrap_or_default();
    let signals = fired.iter().flat_map(signals_of).collect();
    Ok(Step::Found(Found {
        request_id: told.id,
        risk,
        score: score.map(|score| score.normalize().to_string()),
        signals,
        version: told.updated_at.unwrap_or_else(|| "v2".to_owned()),
    }))
}

fn risk_of(score: Decimal) -> Result<Risk, &'static str> {
    let at_least = |least: i64| Decimal::from(least) <= score;
    Ok(match score {
        _ if score.is_sign_negative() && !score.is_zero() => return Err("the score is below 0"),
        _ if Decimal::from(10) < score => return Err("the score is above 10"),
        _ if at_least(9) => Risk::Severe,
        _ if at_least(6) => Risk::High,
        _ if at_least(3) => Risk::Medium,
        _ if score.is_zero() => Risk::None,
        _ => Risk::Low,
    })
}

fn signals_of(fired: &Fired) -> Vec<Signal> {
    let reference = fired.rule_history_id.as_ref().unwrap_or(&fired.rule_id);
    let signal = |name: &str, direct, amount| Signal {
        code: name.to_owned(),
        category: category(name).to_owned(),
        direct,
        amount,
        rule_ref: Some(reference.clone()),
    };
    if fired.matched_elements.is_empty() {
        return vec![signal(&fired.rule_name, None, None)];
    }
    let of_element = |element: &Matched| {
        let direct = match element.exposure_type.as_deref() {
            Some("direct") => Some(true),
            Some("indirect") => Some(false),
            _ => None,
        };
        let usd = element.contribution_value.as_ref().and_then(|value| value.usd.as_deref());
        signal(&element.category, direct, usd.and_then(dollars))
    };
    fired.matched_elements.iter().map(of_element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "894f142d667e8cdaca6822ac173937af";

    #[test]
    fn the_published_vector_of_a_get_comes_out() {
        let made = sign(SECRET, 1_478_692_862_000, "GET", "/v2/customers", b"");
        assert_eq!(made.as_deref(), Some("cN9fRUqeT7UnwwpkBZaNmnwxKAPHkhytdXelfUVvxMI="));
    }

    #[test]
    fn the_published_vector_of_a_post_comes_out() {
        let body = concat!(
            r#"[{"customer_reference":"123456","subject":{"asset":"BTC","hash":"#,
            r#""accf5c09cc027339a3beb2e28104ce9f406ecbbd29775b4a1a17ba213f1e035e","#,
            r#""output_address":"15Hm2UEPaEuiAmgyNgd5mF3wugqLsYs3Wn","output_type":"address","#,
            r#""type":"transaction"},"type":"source_of_funds"}]"#,
        );
        let made = sign(SECRET, 1_478_692_862_000, "POST", "/v2/analyses", body.as_bytes());
        assert_eq!(made.as_deref(), Some("65mQHB2o95lL3I+N/bZYwDC9p2YvNwsVDnXr8u72hUk="));
    }

    #[test]
    fn the_path_is_signed_in_lower_case_and_an_empty_body_as_two_braces() {
        let upper = sign(SECRET, 1_478_692_862_000, "GET", "/V2/Customers", b"{}");
        assert_eq!(upper.as_deref(), Some("cN9fRUqeT7UnwwpkBZaNmnwxKAPHkhytdXelfUVvxMI="));
    }

    #[test]
    fn the_scale_begins_where_it_says_and_ends_at_ten() {
        let of = |text: &str| risk_of(text.parse().expect("a number"));
        let expected = [
            ("0", Risk::None),
            ("0.1", Risk::Low),
            ("3", Risk::Medium),
            ("5.99", Risk::Medium),
            ("6", Risk::High),
            ("9", Risk::Severe),
            ("10", Risk::Severe),
        ];
        for (score, risk) in expected {
            assert_eq!(of(score), Ok(risk), "{score}");
        }
        assert!(of("10.01").is_err() && of("-1").is_err());
    }
}
