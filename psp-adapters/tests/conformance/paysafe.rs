//! Paysafe's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::stands::Stand;
use crate::stands::paysafe::{PASSWORD, PaysafeCa, WEBHOOK_KEY};
use crate::support::{
    attempt, completion, deposit, inquiry, payout, portable, psp, refund, response, to,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use psp_adapters::Psp;
use psp_contract::{HttpRequest, HttpResponse, InquiryBy, Money, Operation, Subject};
use serde_json::{Value, json};

pub struct PaysafeFixture {
    psp: Psp,
}

const ID: &str = "33e82d3b-9706-4495-80b1-a387fcfcbbae";

impl PaysafeFixture {
    pub fn new() -> Self {
        Self { psp: psp(PaysafeCa.account("https://paysafe.test")) }
    }

    /// The status and amount of the record that a case is about.
    fn state(act: Act, case: Case) -> Option<(&'static str, i64)> {
        let status = match (act, case) {
            (Act::Deposit, Case::Accepted) => "INITIATED",
            (_, Case::Unlisted) => "DANCING",
            (Act::Deposit, Case::OtherAmount) => return Some(("INITIATED", 1051)),
            (_, Case::OtherAmount) => return Some(("COMPLETED", 1051)),
            (Act::Deposit, _) => return None,
            (_, Case::Accepted) if act.asks() => return None,
            (_, Case::Accepted | Case::Pending) => "PENDING",
            (_, Case::Succeeded) => "COMPLETED",
            (_, Case::Failed) => "ERROR",
            (Act::AskPayoutByOurs, Case::CameBack) => "FAILED",
            _ => return None,
        };
        // After a creation, "pending" says that it was accepted.
        let told = case != Case::Pending || act.asks();
        told.then_some((status, 1050))
    }
}

fn record(status: &str, amount: i64, kind: &str) -> Value {
    json!({"id": ID, "merchantRefNum": attempt(1).lower(), "paymentHandleToken": "PHu44cSJ0fLdkGXR",
        "transactionType": kind, "paymentType": "INTERAC_ETRANSFER", "amount": amount,
        "currencyCode": "CAD", "status": status, "txnTime": "2026-11-18T22:13:20Z",
        "timeToLiveSeconds": 899,
        "links": [{"rel": "redirect_payment", "href": "https://paysafe.test/redirect?id=1"}],
        "interacEtransfer": {"consumerId": "erika@example.test", "type": "EMAIL"}})
}

fn list(name: &str, records: &[Value]) -> HttpResponse {
    let body = json!({"meta": {"numberOfRecords": records.len()}, name: records});
    response(200, body.to_string())
}

fn error(status: u16, code: &str) -> HttpResponse {
    let body = json!({"error": {"code": code, "message": "x", "details": []}});
    response(status, body.to_string())
}

/// The good answers of steps that only prepare, and of the questions that come second.
fn prepared(act: Act, case: Case, step: &str) -> Option<HttpResponse> {
    Some(match step {
        "find_handle" => list("paymentHandles", &[record("PAYABLE", 1050, "PAYMENT")]),
        "payout_handle" => response(201, record("PAYABLE", 1050, "STANDALONE_CREDIT").to_string()),
        "find_deposit" => response(200, record("COMPLETED", 1050, "PAYMENT").to_string()),
        "find_settlement" => list("settlements", &[record("COMPLETED", 1050, "PAYMENT")]),
        "query_handle" => {
            let status = match case {
                Case::Accepted => "INITIATED",
                Case::Approved => "PAYABLE",
                Case::NotFound => return Some(list("paymentHandles", &[])),
                _ => return None,
            };
            list("paymentHandles", &[record(status, 1050, "PAYMENT")])
        }
        "query" if act == Act::AskDepositByOurs => match case {
            Case::Accepted | Case::Approved | Case::NotFound => list("payments", &[]),
            _ => return None,
        },
        _ => return None,
    })
}

impl Fixture for PaysafeFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn money(&self) -> Money {
        PaysafeCa.money()
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (self.money(), attempt(1));
        let ask = |subject| inquiry(subject, ours, money, InquiryBy::OurReference);
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::Complete => completion(ours, money),
            Act::PayoutToEmail => payout(ours, money, to(portable("email").0)),
            Act::Return => refund(ours, money, ID),
            Act::AskDepositByOurs => ask(Subject::Deposit),
            Act::AskPayoutByOurs => ask(Subject::Payout),
            Act::AskReturnByOurs => ask(Subject::Return),
            _ => return None,
        })
    }

    fn answer(&self, act: Act, case: Case, step: &str, _: &HttpRequest) -> Option<HttpResponse> {
        if let Some(prepared) = prepared(act, case, step) {
            return Some(prepared);
        }
        let name = match act {
            Act::AskDepositByOurs => Some("payments"),
            Act::AskPayoutByOurs => Some("standaloneCredits"),
            Act::AskReturnByOurs => Some("refunds"),
            _ => None,
        };
        let shown = |(status, amount)| {
            let record = record(status, amount, "PAYMENT");
            match name {
                Some(name) => list(name, &[record]),
                None => response(201, record.to_string()),
            }
        };
        let fine = Self::state(act, Case::Succeeded).or_else(|| Self::state(act, Case::Accepted));
        if let Some(common) = common_answer(case, &shown(fine?).body) {
            return Some(common);
        }
        match case {
            Case::Refused => Some(error(402, "3022")),
            Case::Duplicate => Some(error(409, "5031")),
            Case::NotFound if act.asks() => name.map(|name| list(name, &[])),
            _ => Self::state(act, case).map(shown),
        }
    }

    fn differs(&self, act: Act, case: Case) -> Option<(&'static str, &'static str)> {
        let leaves = matches!(act, Act::PayoutToEmail | Act::Return);
        (leaves && case == Case::Failed)
            .then_some(("accepted", "no list says that a credit which failed was never paid"))
    }

    fn tells_other_amounts(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        called(WEBHOOK_KEY, news)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        called("a key of somebody else", News::DepositSucceeded)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &[PASSWORD, WEBHOOK_KEY, "Basic"]
    }
}

fn called(key: &str, news: News) -> Option<Call> {
    let (kind, status) = match news {
        News::DepositApproved => ("PAYMENT_HANDLE_PAYABLE", "PAYABLE"),
        News::DepositSucceeded => ("PAYMENT_COMPLETED", "COMPLETED"),
        News::PayoutSucceeded => ("SA_CREDIT_COMPLETED", "COMPLETED"),
        News::PayoutFailed => ("SA_CREDIT_ERRORED", "ERROR"),
        News::Payin => return None,
    };
    let body = json!({"payload": record(status, 1050, "PAYMENT"), "eventType": kind,
        "attemptNumber": "1", "resourceId": ID, "eventDate": "2026-11-18T22:13:20Z", "links": [],
        "mode": "live", "eventName": kind});
    let body = body.to_string().into_bytes();
    let key = PKey::hmac(key.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let signature = STANDARD.encode(signer.sign_oneshot_to_vec(&body).unwrap());
    Some(Call::post("/webhooks/paysafe-ca", &[("signature", &signature)], body, Signed::Body))
}
