//! Fireblocks' side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::support::crypto_side::{
    API_KEY, ETHEREUM, WEBHOOK_RSA, WORKSPACE, fireblocks_account, jwks, usdt, webhook_signature,
};
use crate::support::{
    FOREIGN_RSA, Pair, attempt, deposit, inquiry, payer, payout, portable, psp, response, to,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use psp_adapters::{Psp, WebhookKeys};
use psp_contract::{HttpRequest, HttpResponse, InquiryBy, Money, Operation, Subject};
use serde_json::{Value, json};

pub struct FireblocksFixture {
    psp: Psp,
}

const ID: &str = "cfe5be48-9307-4aa3-8ead-b959fca35dd6";
const ADDRESS: &str = ETHEREUM;

impl FireblocksFixture {
    pub fn new() -> Self {
        Self { psp: psp(fireblocks_account("https://fireblocks.test")) }
    }

    fn body(act: Act, case: Case) -> Option<Value> {
        let amount = if case == Case::OtherAmount { "10.51" } else { "10.5" };
        match (act, case) {
            (Act::Deposit, Case::Accepted) => {
                Some(json!({"id": "USDT_ERC20", "address": ADDRESS, "tag": ""}))
            }
            (Act::PayoutToCrypto, Case::Accepted) => Some(json!({"id": ID, "status": "SUBMITTED"})),
            (act, case) if act.asks() => {
                let (status, sub_status) = match case {
                    Case::Pending => ("BROADCASTING", ""),
                    Case::Succeeded | Case::OtherAmount => ("COMPLETED", "CONFIRMED"),
                    Case::Failed => ("FAILED", "INSUFFICIENT_FUNDS"),
                    Case::Unlisted => ("DANCING", ""),
                    _ => return None,
                };
                Some(outgoing(status, sub_status, amount))
            }
            _ => None,
        }
    }
}

pub fn outgoing(status: &str, sub_status: &str, amount: &str) -> Value {
    json!({"id": ID, "externalTxId": attempt(1).lower(), "status": status,
        "subStatus": sub_status, "txHash": "", "operation": "TRANSFER", "assetId": "USDT_ERC20",
        "source": {"type": "VAULT_ACCOUNT", "id": "0", "name": "Payouts"},
        "destination": {"type": "ONE_TIME_ADDRESS", "id": null, "name": "N/A"},
        "destinationAddress": ADDRESS, "amount": 10.5, "createdAt": 1_795_000_000_000_u64,
        "lastUpdated": 1_795_000_000_000_u64,
        "amountInfo": {"amount": amount, "requestedAmount": amount, "netAmount": amount}})
}

pub fn incoming(status: &str, sub_status: &str, amount: &str) -> Value {
    json!({"id": ID, "status": status, "subStatus": sub_status,
        "txHash": "0x0f47094cde3fcc168ed97365a7cb3996ad5706fff03e7403e74ffd7a922025d4",
        "operation": "TRANSFER", "assetId": "USDT_ERC20",
        "source": {"type": "UNKNOWN", "id": null, "name": "External"},
        "sourceAddress": "0xde709f2102306220921060314715629080e2fb77",
        "destination": {"type": "VAULT_ACCOUNT", "id": "17", "name": payer().player_reference},
        "destinationAddress": ADDRESS, "destinationTag": "", "numOfConfirmations": 12,
        "lastUpdated": 1_795_000_000_000_u64,
        "amountInfo": {"amount": amount, "requestedAmount": amount, "netAmount": amount}})
}

pub fn envelope(kind: &str, data: &Value) -> Value {
    json!({"id": "b8d4dda0-ff2c-4d77-a6da-4615e4bad941", "eventType": kind, "eventVersion": 1,
        "resourceId": ID, "data": data, "createdAt": 1_795_000_000_000_u64,
        "workspaceId": WORKSPACE})
}

pub fn signed_call(pair: &Pair, event: &Value) -> Call {
    let body = event.to_string().into_bytes();
    let signature = webhook_signature(pair, &body);
    let headers = [("fireblocks-webhook-signature", &*signature)];
    Call::post("/webhooks/fireblocks", &headers, body, Signed::Body)
}

/// The token's claims say exactly what is sent.
fn check_token(request: &HttpRequest) {
    let header = |name| &request.headers.iter().find(|(key, _)| *key == name).unwrap().1;
    let token = header("authorization").strip_prefix("Bearer ").unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let path = request.url.strip_prefix("https://fireblocks.test").unwrap();
    assert_eq!(claims["uri"], path);
    assert_eq!(claims["sub"], API_KEY);
    assert_eq!(claims["bodyHash"], hex::encode(openssl::sha::sha256(&request.body)));
    let number = |name: &str| claims[name].as_i64().unwrap();
    assert!(number("exp") - number("iat") <= 55);
}

impl Fixture for FireblocksFixture {
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
                inquiry(Subject::Payout, ours, money, InquiryBy::PspReference(ID.to_owned()))
            }
            Act::AskPayoutByOurs => inquiry(Subject::Payout, ours, money, InquiryBy::OurReference),
            _ => return None,
        })
    }

    fn answer(
        &self,
        act: Act,
        case: Case,
        step: &str,
        request: &HttpRequest,
    ) -> Option<HttpResponse> {
        check_token(request);
        let not_found = || response(404, r#"{"message":"Transaction not found","code":1404}"#);
        match step {
            "find_vault" => return Some(response(200, r#"{"accounts":[],"paging":{}}"#)),
            "create_vault" => {
                let vault = json!({"id": "17", "name": payer().player_reference, "assets": [],
                    "hiddenOnUI": true});
                return Some(response(200, vault.to_string()));
            }
            // The look-up after a refusal.
            "query" if !act.asks() => return Some(not_found()),
            _ => {}
        }
        let good = Self::body(act, Case::Accepted).or_else(|| Self::body(act, Case::Succeeded))?;
        if let Some(common) = common_answer(case, good.to_string().as_bytes()) {
            return Some(common);
        }
        match case {
            Case::Refused => {
                Some(response(400, r#"{"message":"The amount is invalid","code":1407}"#))
            }
            Case::Duplicate => Some(response(
                400,
                r#"{"message":"The external tx id that was provided in the request, already exists","code":1438}"#,
            )),
            Case::Unlisted if !act.asks() => {
                Some(response(400, r#"{"message":"Something new","code":99}"#))
            }
            Case::NotFound if act.asks() => Some(not_found()),
            _ => Self::body(act, case).map(|body| response(200, body.to_string())),
        }
    }

    fn next_action(&self) -> &'static str {
        "crypto transfer"
    }

    /// Making vault accounts and taking addresses moves nothing.
    fn moves_money(&self, act: Act) -> bool {
        act == Act::PayoutToCrypto
    }

    fn tells_other_amounts(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        called(&WEBHOOK_RSA, news)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        called(&FOREIGN_RSA, News::Payin)
    }

    fn keys(&self) -> WebhookKeys {
        WebhookKeys::parse(jwks(&WEBHOOK_RSA).to_string().as_bytes()).unwrap()
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["BEGIN"]
    }
}

fn called(pair: &Pair, news: News) -> Option<Call> {
    let data = match news {
        News::Payin => incoming("COMPLETED", "CONFIRMED", "10.5"),
        News::PayoutSucceeded => outgoing("COMPLETED", "CONFIRMED", "10.5"),
        News::PayoutFailed => outgoing("FAILED", "INSUFFICIENT_FUNDS", "10.5"),
        News::DepositApproved | News::DepositSucceeded => return None,
    };
    Some(signed_call(pair, &envelope("transaction.status.updated", &data)))
}
