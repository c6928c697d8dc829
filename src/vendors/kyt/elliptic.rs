//! Elliptic AML v2: transactions and wallets are analysed while we wait, each request signed. What is
//! still `running` is asked again by its id. Source: Elliptic's public OpenAPI document.
//!
//! The score is a number from 0 to 10; null says that no rule fired, which is no score and no zero, and no answer
//! need have one. Where our five words begin on that scale is ours to say: 0, above 0, from 3, from 6, from 9.
//!
//! What a rule matched is told in shares: what came or went in one hop from the address, which is direct, and in
//! more. Each is a signal of its own.

use super::words::{category, decimal, dollars_of};
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
    risk_score: Option<Box<RawValue>>,
    /// Of a transaction a list, of a wallet one for each side.
    evaluation_detail: Option<Box<RawValue>>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Subject {
    hash: String,
}

#[derive(Deserialize)]
struct Sides {
    #[serde(default)]
    source: Vec<Fired>,
    #[serde(default)]
    destination: Vec<Fired>,
}

#[derive(Deserialize)]
struct Fired {
    rule_id: String,
    rule_name: Option<String>,
    rule_history_id: Option<String>,
    #[serde(default)]
    matched_elements: Vec<Matched>,
}

#[derive(Deserialize)]
struct Matched {
    category: String,
    contribution_value: Option<Value>,
    /// Of it, what is one hop away.
    counterparty_value: Option<Value>,
    /// Of it, what is more hops away.
    indirect_value: Option<Value>,
    #[serde(default)]
    contributions: Vec<Contribution>,
}

#[derive(Deserialize)]
struct Value {
    usd: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Contribution {
    /// The address that was asked about is this one's itself.
    is_screened_address: Option<bool>,
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
        let (asset, blockchain) = chain_of(&question.asset);
        let (path, body) = match question.hook {
            Hook::KytDeposit => {
                let hash = question.transaction.as_deref().ok_or("no transaction is known")?;
                let subject = json!({
                    "asset": asset, "blockchain": blockchain, "type": "transaction",
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
                    "asset": asset, "blockchain": blockchain, "type": "address",
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

/// How a question names what it is about: of all chains at once, but for the three that are asked about alone.
fn chain_of(asset: &str) -> (&str, &str) {
    match asset {
        "BCH" => (asset, "bitcoin_cash"),
        "ZEC" => (asset, "zcash"),
        "ZEN" => (asset, "horizen"),
        _ => ("holistic", "holistic"),
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
    let score = told.risk_score.map(|score| decimal(&score).ok_or("the score is no number"));
    let score = score.transpose()?;
    let risk = score.map(risk_of).transpose()?;
    let fired = match told.evaluation_detail {
        Some(detail) => rules_of(&detail).ok_or("the rules are not told as documented")?,
        // Every analysis of a transaction has them, if they are none.
        None if question.hook == Hook::KytDeposit => return Err("no rules are told"),
        None => Vec::new(),
    };
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

/// The rules that fired, of one side or both.
fn rules_of(detail: &RawValue) -> Option<Vec<Fired>> {
    let detail = detail.get();
    if detail.trim_start().starts_with('[') {
        return serde_json::from_str(detail).ok();
    }
    let sides: Sides = serde_json::from_str(detail).ok()?;
    Some(sides.source.into_iter().chain(sides.destination).collect())
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
        let name = fired.rule_name.as_ref().unwrap_or(&fired.rule_id);
        return vec![signal(name, None, None)];
    }
    let of_element = |element: &Matched| {
        let name = element.category.clone();
        let of_share = move |(direct, usd): Share| signal(&name, direct, usd.and_then(dollars_of));
        shares(element).into_iter().map(of_share).collect::<Vec<_>>()
    };
    fired.matched_elements.iter().flat_map(of_element).collect()
}

/// Whether it is direct, and its worth in US dollars, each where it is told.
type Share = (Option<bool>, Option<Decimal>);

/// What was matched, in its shares. It is never none: what no share accounts for is the address's own, if the
/// vendor says that it has an owner of this kind, and otherwise of an exposure that nobody knows.
fn shares(element: &Matched) -> Vec<Share> {
    let whole = usd(element.contribution_value.as_ref());
    let is_own = |it: &Contribution| it.is_screened_address == Some(true);
    let own = element.contributions.iter().any(is_own).then_some(true);
    // One hop from an exchange is whom an exchange paid, and whoever reads that it is direct takes it for the
    // exchange's own address. Only of that is it said.
    if own.is_none() && category(&element.category) == "exchange" {
        return vec![(None, whole)];
    }
    let near = usd(element.counterparty_value.as_ref());
    let far = usd(element.indirect_value.as_ref());
    let told = [(Some(true), near), (Some(false), far)];
    let is_some = |share: &Share| share.1.is_some_and(|usd| !usd.is_zero());
    let mut shares: Vec<Share> = told.into_iter().filter(is_some).collect();
    let rest = match near.unwrap_or_default().checked_add(far.unwrap_or_default()) {
        Some(sum) => whole.and_then(|whole| whole.checked_sub(sum)),
        None => None,
    };
    let is_all = match rest {
        Some(rest) => rest < CENT,
        None => near.is_some() && far.is_some(),
    };
    if shares.is_empty() || !is_all {
        shares.push((own, rest));
    }
    shares
}

/// Below it a difference is of the vendor's rounding.
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

fn usd(value: Option<&Value>) -> Option<Decimal> {
    let told = decimal(value?.usd.as_deref()?)?;
    (!told.is_sign_negative() || told.is_zero()).then_some(told)
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
