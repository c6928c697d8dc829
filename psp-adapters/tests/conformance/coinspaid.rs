//! CoinsPaid's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::support::crypto_side::{ETHEREUM, SECRET, coinspaid_account, hmac_sha512, usdt};
use crate::support::{attempt, deposit, inquiry, payer, payout, portable, psp, response, to};
use psp_adapters::Psp;
use psp_contract::{HttpRequest, HttpResponse, InquiryBy, Money, Operation, Subject};
use serde_json::{Value, json};

pub struct CoinsPaidFixture {
    psp: Psp,
}

const ID: u64 = 2_686_565;
const ADDRESS: &str = ETHEREUM;

impl CoinsPaidFixture {
    pub fn new() -> Self {
        Self { psp: psp(coinspaid_account("https://coinspaid.test")) }
    }

    fn body(act: Act, case: Case) -> Option<Value> {
        let amount = if case == Case::OtherAmount { "10.51000000" } else { "10.50000000" };
        match (act, case) {
            (Act::Deposit, Case::Accepted) => Some(json!({"data": {"id": 1, "currency": "USDTE",
                "address": ADDRESS, "tag": null, "foreign_id": payer().player_reference}})),
            (Act::PayoutToCrypto, Case::Accepted | Case::OtherAmount) => {
                Some(json!({"data": {"id": ID, "foreign_id": attempt(1).lower(),
                    "type": "withdrawal", "status": "processing", "amount": amount,
                    "sender_amount": amount, "sender_currency": "USDTE",
                    "receiver_amount": amount, "receiver_currency": "USDTE"}}))
            }
            (act, case) if act.asks() => {
                let status = match case {
                    Case::Pending => "processing",
                    Case::Succeeded | Case::OtherAmount => "confirmed",
                    Case::Failed => "cancelled",
                    Case::Unlisted => "dancing",
                    _ => return None,
                };
                Some(transaction("withdrawal", status, amount))
            }
            _ => None,
        }
    }
}

/// As in the documentation's callbacks.
pub fn transaction(kind: &str, status: &str, amount: &str) -> Value {
    let mut body = json!({"id": ID, "type": kind, "status": status, "error": "",
        "crypto_address": {"id": 1, "currency": "USDTE", "address": ADDRESS, "tag": null},
        "currency_sent": {"currency": "USDTE", "amount": amount},
        "currency_received": {"currency": "USDTE", "amount": amount},
        "transactions": [{"id": 714_660, "currency": "USDTE", "transaction_type": "blockchain",
            "type": kind, "address": ADDRESS, "tag": null, "amount": amount, "txid": null,
            "confirmations": "12"}],
        "fees": [{"type": "mining", "currency": "ETH", "amount": "0.00010500"}]});
    if kind.starts_with("withdrawal") {
        body["foreign_id"] = attempt(1).lower().into();
    } else {
        body["crypto_address"]["foreign_id"] = payer().player_reference.into();
        body["currency_received"]["amount_minus_fee"] = "10.39500000".into();
    }
    body
}

pub fn callback(secret: &str, body: Vec<u8>) -> Call {
    let signature = hmac_sha512(secret, &body);
    let headers =
        [("x-processing-key", "public-key-of-the-casino"), ("x-processing-signature", &*signature)];
    Call::post("/webhooks/coinspaid", &headers, body, Signed::Body)
}

impl Fixture for CoinsPaidFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn money(&self) -> Money {
        usdt(10_500_000)
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (self.money(), attempt(1));
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutToCrypto => payout(ours, money, to(portable("crypto_address").0)),
            Act::AskPayout => {
                inquiry(Subject::Payout, ours, money, InquiryBy::PspReference(ID.to_string()))
            }
            Act::AskPayoutByOurs => inquiry(Subject::Payout, ours, money, InquiryBy::OurReference),
            _ => return None,
        })
    }

    fn answer(&self, act: Act, case: Case, _: &str, request: &HttpRequest) -> Option<HttpResponse> {
        let header = |name| request.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        assert_eq!(header("x-processing-signature"), hmac_sha512(SECRET, &request.body));
        let good = Self::body(act, Case::Accepted).or_else(|| Self::body(act, Case::Succeeded))?;
        if let Some(common) = common_answer(case, good.to_string().as_bytes()) {
            return Some(common);
        }
        let errors = |field: &str, text: &str| {
            Some(response(400, json!({"errors": {field: text}}).to_string()))
        };
        match case {
            Case::Refused => errors("amount", "The amount must be at least 0.001."),
            Case::Duplicate => errors("foreign_id", "The foreign id has already been taken."),
            Case::Unlisted if !act.asks() => {
                Some(response(400, r#"{"error":"Bad content format","code":"no_such_code"}"#))
            }
            Case::NotFound if act.asks() => {
                Some(response(404, r#"{"errors":{"foreign_id":"Transaction is not found."}}"#))
            }
            _ => {
                let status = if act.asks() { 200 } else { 201 };
                Self::body(act, case).map(|body| response(status, body.to_string()))
            }
        }
    }

    fn next_action(&self) -> &'static str {
        "crypto transfer"
    }

    /// Taking an address moves nothing.
    fn moves_money(&self, act: Act) -> bool {
        act == Act::PayoutToCrypto
    }

    fn tells_other_amounts(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        called(SECRET, news)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        called("somebody else's secret", News::Payin)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["callback secret"]
    }
}

fn called(secret: &str, news: News) -> Option<Call> {
    let (kind, status) = match news {
        News::Payin => ("deposit", "confirmed"),
        News::PayoutSucceeded => ("withdrawal", "confirmed"),
        News::PayoutFailed => ("withdrawal", "cancelled"),
        News::DepositApproved | News::DepositSucceeded => return None,
    };
    let body = transaction(kind, status, "10.50000000").to_string().into_bytes();
    Some(callback(secret, body))
}
