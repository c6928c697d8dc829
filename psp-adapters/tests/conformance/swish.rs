//! Swish's side of the suite: one fixture for links, one for pushed requests.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::stands::swish::{PAYEE, SERIAL, account};
use crate::support::{
    MERCHANT_RSA, attempt, deposit, drive, inquiry, now, payout, portable, psp, refund, response,
    to,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sha::sha512;
use openssl::sign::Verifier;
use psp_adapters::Psp;
use psp_contract::{
    Currency, HttpRequest, HttpResponse, InquiryBy, Money, NotSent, Operation, Outcome, Status,
    Subject, Unknown,
};
use serde_json::json;

pub struct SwishFixture {
    psp: Psp,
    pushes: bool,
}

const PATH: &str = "/webhooks/swish-se";
const PAYMENT: &str = "6D6CD7406ECE4542A80152D909EF9F6B";

impl SwishFixture {
    pub fn new(flow: &str) -> Self {
        Self { psp: psp(account("https://swish.test", flow)), pushes: flow == "push" }
    }

    /// An object as GET shows it: its amount is a number with two decimals, which serde_json would not write.
    fn object(act: Act, status: &str, amount: &str, code: Option<&str>) -> String {
        let ours = attempt(1).upper();
        let key = match act {
            Act::AskPayout | Act::AskPayoutByOurs => "payoutInstructionUUID",
            _ => "id",
        };
        let code = code.map_or("null".to_owned(), |code| format!("\"{code}\""));
        format!(
            r#"{{"{key}":"{ours}","paymentReference":"{PAYMENT}","payerAlias":"46701234567","payeeAlias":"{PAYEE}","amount":{amount},"currency":"SEK","status":"{status}","errorCode":{code}}}"#
        )
    }

    /// The deposit that is sent back.
    fn paid_deposit(number: u128) -> String {
        let paid = Self::object(Act::AskDeposit, "PAID", "10.50", None);
        paid.replace(&attempt(1).upper(), &attempt(number).upper())
    }

    fn body(act: Act, case: Case) -> Option<String> {
        let amount = if case == Case::OtherAmount { "10.51" } else { "10.50" };
        if act == Act::Cancel {
            let body = Self::object(act, "CANCELLED", amount, None);
            return (case == Case::Accepted).then_some(body);
        }
        let (status, code) = match case {
            Case::Pending => ("CREATED", None),
            Case::Succeeded | Case::OtherAmount => ("PAID", None),
            Case::Failed => ("ERROR", Some("RF07")),
            Case::Unlisted => ("DANCING", None),
            _ => return None,
        };
        act.asks().then(|| Self::object(act, status, amount, code))
    }
}

fn errors(status: u16, codes: &[&str]) -> HttpResponse {
    let list: Vec<_> =
        codes.iter().map(|code| json!({"errorCode": code, "errorMessage": "…"})).collect();
    response(status, json!(list).to_string())
}

fn created(token: Option<&str>) -> HttpResponse {
    let id = attempt(1).upper();
    let location = format!("https://swish.test/swish-cpcapi/api/v1/paymentrequests/{id}");
    let mut headers = vec![("location".to_owned(), location)];
    headers.extend(token.map(|token| ("paymentrequesttoken".to_owned(), token.to_owned())));
    HttpResponse { status: 201, headers, body: Vec::new() }
}

impl Fixture for SwishFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn money(&self) -> Money {
        Money::new(1050, Currency::SEK)
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (self.money(), attempt(1));
        let by_id = || InquiryBy::PspReference(ours.upper());
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutToPhone => payout(ours, money, to(portable("phone").0)),
            Act::Return => refund(ours, money, &attempt(2).upper()),
            Act::Cancel => Operation::CancelDeposit { attempt: ours, psp_reference: ours.upper() },
            Act::AskDeposit => inquiry(Subject::Deposit, ours, money, by_id()),
            Act::AskPayout => inquiry(Subject::Payout, ours, money, by_id()),
            Act::AskReturn => inquiry(Subject::Return, ours, money, by_id()),
            Act::AskDepositByOurs => {
                inquiry(Subject::Deposit, ours, money, InquiryBy::OurReference)
            }
            Act::AskPayoutByOurs => inquiry(Subject::Payout, ours, money, InquiryBy::OurReference),
            Act::AskReturnByOurs => inquiry(Subject::Return, ours, money, InquiryBy::OurReference),
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
        assert!(request.url.starts_with("https://swish.test/swish-cpcapi/api/v"));
        if step == "find_deposit" {
            return Some(response(200, Self::paid_deposit(2)));
        }
        let fine = Self::body(act, Case::Accepted).or_else(|| Self::body(act, Case::Succeeded));
        if let Some(common) = common_answer(case, fine.unwrap_or_default().as_bytes()) {
            return Some(common);
        }
        match case {
            Case::Accepted if !act.asks() && act != Act::Cancel => {
                let token = act == Act::Deposit && !self.pushes;
                Some(created(token.then_some("c28a4061470f4af48973bd2a4642b4fa")))
            }
            Case::Refused if act.asks() => Some(errors(401, &["RP01"])),
            Case::Refused => Some(errors(422, &["AM02", "RP02"])),
            Case::Unlisted if !act.asks() => Some(errors(422, &["AM02", "XX99"])),
            Case::Duplicate if !act.asks() => Some(errors(422, &["RP09"])),
            Case::NotFound if act.asks() => Some(errors(404, &["RP04"])),
            _ => Self::body(act, case).map(|body| response(200, body)),
        }
    }

    fn next_action(&self) -> &'static str {
        "app link"
    }

    fn tells_other_amounts(&self) -> bool {
        true
    }

    fn is_thin(&self) -> bool {
        true
    }

    fn webhook(&self, news: News) -> Option<Call> {
        let body = match news {
            News::DepositSucceeded => Self::object(Act::AskDeposit, "PAID", "10.50", None),
            News::PayoutSucceeded => Self::object(Act::AskPayout, "PAID", "10.50", None),
            News::PayoutFailed => Self::object(Act::AskPayout, "ERROR", "10.50", Some("RF07")),
            News::DepositApproved | News::Payin => return None,
        };
        Some(Call::post(PATH, &[], body.into_bytes(), Signed::Nothing))
    }

    fn foreign_webhook(&self) -> Option<Call> {
        None
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["PRIVATE KEY", "199001011234"]
    }
}

fn outcome(fixture: &SwishFixture, act: Act, answer: &HttpResponse) -> Outcome {
    let operation = fixture.operation(act).unwrap();
    let adapter = fixture.psp.adapter();
    crate::support::drive(adapter, &operation, now(), None, |_, _| Ok(answer.clone())).outcome
}

#[test]
fn only_a_request_that_only_we_can_hand_out_may_be_abandoned() {
    for (flow, alone) in [("link", true), ("push", false)] {
        let fixture = SwishFixture::new(flow);
        let deposit = fixture.psp.capabilities().deposit.clone().unwrap();
        assert_eq!(deposit.needs_our_answer, alone, "{flow}");
        let operation = fixture.operation(Act::Deposit).unwrap();
        let adapter = fixture.psp.adapter();
        let driven = crate::support::drive(adapter, &operation, now(), None, |_, _| {
            Ok(created(Some("c28a4061470f4af48973bd2a4642b4fa")))
        });
        let sent = String::from_utf8(driven.requests[0].1.body.clone()).unwrap();
        assert_eq!(sent.contains("payerAlias"), !alone, "{sent}");
        assert_eq!(sent.contains("46701234567"), !alone, "{sent}");
    }
}

/// Trap 7 of the PSPs' reference, checked by OpenSSL over the bytes that were sent.
#[test]
fn a_payout_is_signed_over_the_sent_bytes_hashed_twice() {
    let fixture = SwishFixture::new("link");
    let operation = fixture.operation(Act::PayoutToPhone).unwrap();
    let adapter = fixture.psp.adapter();
    let driven = crate::support::drive(adapter, &operation, now(), None, |_, _| Ok(created(None)));
    let sent = String::from_utf8(driven.requests[0].1.body.clone()).unwrap();
    let start = sent.find("\"payload\":").unwrap() + "\"payload\":".len();
    let end = sent.find(",\"signature\"").unwrap();
    let payload = &sent[start..end];
    let value: serde_json::Value = serde_json::from_str(payload).unwrap();
    assert_eq!(value["payeeSSN"], "199001011234");
    assert_eq!(value["signingCertificateSerialNumber"], SERIAL);
    assert_eq!(value["payoutInstructionUUID"], attempt(1).upper());
    let whole: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let signature = STANDARD.decode(whole["signature"].as_str().unwrap()).unwrap();
    let verify = |bytes: &[u8]| {
        let mut verifier = Verifier::new(MessageDigest::sha512(), &MERCHANT_RSA.key).unwrap();
        verifier.verify_oneshot(&signature, bytes).unwrap()
    };
    assert!(verify(&sha512(payload.as_bytes())));
    assert!(!verify(payload.as_bytes()), "hashed once is not Swish's signature");
    assert!(!verify(&sha512(payload.replace("10.50", "10.51").as_bytes())));
}

#[test]
fn what_the_banks_have_not_answered_is_unknown() {
    let fixture = SwishFixture::new("link");
    for code in ["DS24", "FF10"] {
        for act in [Act::Deposit, Act::PayoutToPhone] {
            let said = outcome(&fixture, act, &errors(422, &[code]));
            assert_eq!(said, Outcome::Unknown(Unknown::PspUndecided), "{act:?} {code}");
        }
        let body = SwishFixture::object(Act::AskPayout, "ERROR", "10.50", Some(code));
        let said = outcome(&fixture, Act::AskPayout, &response(200, body));
        assert_eq!(said, Outcome::Unknown(Unknown::PspUndecided), "{code}");
    }
    let debited = SwishFixture::object(Act::AskPayout, "DEBITED", "10.50", None);
    match outcome(&fixture, Act::AskPayout, &response(200, debited)) {
        Outcome::Reported(report) => assert_eq!(report.status, Status::Pending),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deposit_is_sent_back_by_its_own_payment_alone() {
    let fixture = SwishFixture::new("link");
    let back = fixture.operation(Act::Return).unwrap();
    let driven = drive(fixture.psp().adapter(), &back, now(), None, |_, _| {
        Ok(response(200, SwishFixture::paid_deposit(3)))
    });
    assert_eq!(driven.outcome, Outcome::NotSent(NotSent::PreparationFailed));
    assert_eq!(driven.requests.len(), 1, "nothing but the question was sent");
}

#[test]
fn a_used_id_may_have_been_accepted() {
    let fixture = SwishFixture::new("link");
    for answer in [errors(422, &["RP09"]), errors(422, &["AM02", "RP09"]), response(409, "")] {
        let said = outcome(&fixture, Act::PayoutToPhone, &answer);
        assert_eq!(said, Outcome::Unknown(Unknown::DuplicateReference), "{answer:?}");
    }
}
