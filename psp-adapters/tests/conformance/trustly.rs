//! Trustly's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::support::trustly_side::{call, error, notification, result};
use crate::support::{
    FOREIGN_RSA, Pair, TRUSTLY_RSA, attempt, deposit, drive, eur, gbp, inquiry, now, payout, psp,
    refund, response, token, trustly_account,
};
use psp_adapters::{Psp, Untold, WebhookEvent, WebhookKeys};
use psp_contract::{
    Destination, HttpRequest, HttpResponse, InquiryBy, Money, Operation, Outcome, Portable, Status,
    Subject, Unknown,
};
use serde_json::{Value, json};

pub struct TrustlyFixture {
    psp: Psp,
}

const ORDER: &str = "2190971587";
/// When the operations of this suite are sent, in Trustly's words.
const SENT: &str = "2026-11-18 11:06:40.000000+00";

/// A row of the ledger.
fn row(account: &str, amount: &str, reference: &str) -> Value {
    json!({"userid": "1", "datestamp": "2026-11-20 13:28:45.652299+01", "orderid": ORDER,
        "accountname": account, "messageid": reference, "transactiontype": "x",
        "currency": "EUR", "amount": amount, "gluepayid": "7"})
}

impl TrustlyFixture {
    pub fn new() -> Self {
        Self { psp: psp(trustly_account("https://trustly.test")) }
    }

    /// The data of a result.
    fn data(act: Act, case: Case) -> Option<Value> {
        let amount = if case == Case::OtherAmount { "10.51" } else { "10.50" };
        if act == Act::AskLedger {
            let out =
                |amount: &str, reference: &str| row("BANK_WITHDRAWAL_QUEUED", amount, reference);
            let ours = attempt(1).lower();
            return Some(match case {
                Case::NotFound => json!([out("-10.50", &attempt(2).lower())]),
                Case::Accepted | Case::OtherAmount => {
                    // A fee that looks like the payout is none.
                    let fee = row("TRANSACTION_FEE_BANK_WITHDRAWAL", "-10.50", &ours);
                    json!([out("-3.00", "other"), fee, out(&format!("-{amount}000"), &ours)])
                }
                _ => return None,
            });
        }
        if act.asks() {
            let state = match case {
                Case::Pending => "EXECUTING",
                Case::Succeeded | Case::OtherAmount => "CONFIRMED",
                Case::Failed => "FAILED",
                Case::CameBack => "RETURNED",
                Case::Unlisted => "DANCING",
                Case::NotFound => return Some(json!([])),
                _ => return None,
            };
            if act == Act::AskReturn && case == Case::OtherAmount {
                // A deposit's order lists all its refunds: another amount is another refund.
                return None;
            }
            return Some(
                json!([{"reference": "5000010000", "orderid": ORDER, "transferstate": state,
                "datestamp": SENT, "amount": amount, "accountid": "1234567890", "currency": "EUR"}]),
            );
        }
        match (act, case) {
            (Act::Deposit, Case::Accepted) => {
                Some(json!({"orderid": ORDER, "url": "https://checkout.trustly.com/x?s=1"}))
            }
            (_, Case::Accepted) => Some(json!({"orderid": ORDER, "result": "1"})),
            _ => None,
        }
    }
}

impl Fixture for TrustlyFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (eur(1050), attempt(1));
        let to = |portable, money: Money| {
            payout(ours, money, Destination { token: None, portable: Some(portable) })
        };
        let holder_name = "Erika Mustermann".to_owned();
        let by_order = InquiryBy::PspReference(ORDER.to_owned());
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::PayoutByToken => payout(ours, money, token("1234567890")),
            Act::PayoutToIban => {
                to(Portable::Iban { iban: "DE89370400440532013000".to_owned(), holder_name }, money)
            }
            Act::PayoutToUkAccount => {
                let (sort_code, account_number) = ("04-06-68".to_owned(), "00000871".to_owned());
                to(Portable::UkAccount { sort_code, account_number, holder_name }, gbp(1050))
            }
            Act::Return => refund(ours, money, ORDER),
            Act::AskPayout => inquiry(Subject::Payout, ours, money, by_order),
            Act::AskReturn => inquiry(Subject::Return, ours, money, by_order),
            Act::AskLedger => inquiry(Subject::Payout, ours, money, InquiryBy::Ledger),
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
        let sent = &request.body;
        let good = |data: &Value| result(sent, data).to_string().into_bytes();
        if step == "register_account" {
            let (_, _, data) = call(sent);
            assert_eq!(data["EndUserID"], "p-7f3a");
            let data = json!({"accountid": "7653385737", "clearinghouse": "GERMANY", "bank": "x", "descriptor": "***4057"});
            return Some(response(200, good(&data)));
        }
        let fine = Self::data(act, if act.asks() { Case::Succeeded } else { Case::Accepted })
            .or_else(|| Self::data(act, Case::Accepted))?;
        if let Some(common) = common_answer(case, &good(&fine)) {
            return Some(common);
        }
        match case {
            Case::Refused => Some(response(200, error(sent, 616).to_string())),
            Case::Unlisted if !act.asks() => Some(response(200, error(sent, 799).to_string())),
            Case::Duplicate => Some(response(200, error(sent, 637).to_string())),
            Case::Forged => {
                let mut forged = result(sent, &fine);
                forged["result"]["data"] =
                    json!({"orderid": "1", "url": "https://evil.test", "result": "1"});
                Some(response(200, forged.to_string()))
            }
            _ => Self::data(act, case).map(|data| response(200, good(&data))),
        }
    }

    fn webhook(&self, news: News) -> Option<Call> {
        called(&TRUSTLY_RSA, news)
    }

    fn foreign_webhook(&self) -> Option<Call> {
        called(&FOREIGN_RSA, News::DepositSucceeded)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["correct horse"]
    }
}

fn called(pair: &Pair, news: News) -> Option<Call> {
    let kind = match news {
        News::DepositSucceeded => "credit",
        News::PayoutSucceeded => "payoutconfirmation",
        News::PayoutFailed => "payoutfailed",
        News::DepositApproved | News::Payin => return None,
    };
    let data = json!({"amount": "10.50", "currency": "EUR", "messageid": attempt(1).lower(),
        "orderid": ORDER, "enduserid": "p-7f3a", "notificationid": "9876543456",
        "timestamp": "2026-11-20 14:42:04.675645+01", "attributes": {}});
    let body = notification(pair, kind, "258a2184-2842-b485-25ca-293525152425", &data);
    Some(Call::post("/webhooks/trustly-de", &[], body, Signed::Fields))
}

/// What comes of a question that is answered so.
fn told(question: &Operation, data: &Value) -> Outcome {
    let fixture = TrustlyFixture::new();
    let answer = |_: &'static str, request: &HttpRequest| {
        Ok(response(200, result(&request.body, data).to_string()))
    };
    drive(fixture.psp().adapter(), question, now(), None, answer).outcome
}

fn status(outcome: Outcome) -> Result<Status, Box<Outcome>> {
    match outcome {
        Outcome::Reported(report) => Ok(report.status),
        other => Err(Box::new(other)),
    }
}

/// The example of Trustly's page on AccountLedger: a deposit is two rows, the second of them its fee.
#[test]
fn a_deposit_is_found_in_the_ledger_beside_its_fee() {
    let (ours, money) = (attempt(1).lower(), eur(1050));
    let question = inquiry(Subject::Deposit, attempt(1), money, InquiryBy::Ledger);
    let paid = row("SUSPENSE_ACCOUNT_CLIENT_FUNDS_SWEDEN_ESSE", "10.5000000000", &ours);
    let fee = row("TRANSACTION_FEE_BANK_DEPOSIT", "-3.01", &ours);
    for rows in [json!([paid, fee]), json!([fee, paid]), json!([paid])] {
        assert_eq!(status(told(&question, &rows)), Ok(Status::Succeeded { money }), "{rows}");
    }
    assert_eq!(told(&question, &json!([fee])), Outcome::NotFound);
    // What took it back is no fee.
    let back = row("SUSPENSE_ACCOUNT_CLIENT_FUNDS_SWEDEN_ESSE", "-10.50", &ours);
    assert_eq!(told(&question, &json!([paid, fee, back])), Outcome::Unknown(Unknown::Mismatch));
}

/// All refunds of a deposit bear its order id: one that was sent before says nothing of this one.
#[test]
fn a_refund_is_not_proven_by_an_earlier_one() {
    let by_order = InquiryBy::PspReference(ORDER.to_owned());
    let question = inquiry(Subject::Return, attempt(1), eur(1050), by_order);
    let refund = |datestamp: &str, state: &str| {
        json!({"reference": "5000010000", "orderid": ORDER, "transferstate": state,
            "datestamp": datestamp, "amount": "10.50", "accountid": "1234567890", "currency": "EUR"})
    };
    let earlier = refund("2026-11-18 12:01:00.000000+01", "CONFIRMED");
    assert_eq!(told(&question, &json!([earlier])), Outcome::NotFound);
    let both = json!([earlier, refund(SENT, "EXECUTING")]);
    assert_eq!(status(told(&question, &both)), Ok(Status::Pending));
    // Another clock than ours may be a little behind.
    let money = eur(1050);
    let behind = refund("2026-11-18 11:06:36.000000+00", "CONFIRMED");
    assert_eq!(status(told(&question, &json!([behind]))), Ok(Status::Succeeded { money }));
    // If it is further behind, the row may as well be of the refund before this one.
    let doubtful = refund("2026-11-18 11:04:00.000000+00", "CONFIRMED");
    let undecided = Outcome::Unknown(Unknown::PspUndecided);
    assert_eq!(told(&question, &json!([doubtful])), undecided);
    let both = json!([doubtful, refund(SENT, "EXECUTING")]);
    assert_eq!(status(told(&question, &both)), Ok(Status::Pending));
    let undated = json!([refund("soon", "CONFIRMED")]);
    assert_eq!(told(&question, &undated), Outcome::Unknown(Unknown::Unreadable));
}

/// What comes of a credit with these fields, signed by Trustly or cut anew; it is answered as taken.
fn heard(data: &Value, signed: &Value) -> WebhookEvent {
    let fixture = TrustlyFixture::new();
    let uuid = "258a2184-2842-b485-25ca-293525152425";
    let mut body: Value =
        serde_json::from_slice(&notification(&TRUSTLY_RSA, "credit", uuid, signed)).unwrap();
    body["params"]["data"] = data.clone();
    let call = Call::post("/webhooks/trustly-de", &[], body.to_string().into(), Signed::Fields);
    let keys = WebhookKeys::default();
    let verified = fixture.psp().adapter().verify_webhook(&call.raw(), &keys).unwrap();
    let answer: Value = serde_json::from_slice(&fixture.psp().reply(&verified).body).unwrap();
    assert_eq!(
        (&answer["result"]["uuid"], &answer["result"]["data"]["status"]),
        (&json!(uuid), &json!("OK"))
    );
    verified.into_inner().events.remove(0)
}

/// Trustly announces that it may add fields. The signature does not say where they end.
#[test]
fn a_notification_with_a_new_field_is_taken_and_believed_in_nothing() {
    let known = json!({"amount": "10.50", "currency": "EUR", "messageid": attempt(1).lower(),
        "orderid": ORDER, "enduserid": "p-hello", "notificationid": "9876543456",
        "timestamp": "2026-11-20 14:42:04.675645+01"});
    let genuine = heard(&known, &known);
    assert!(!genuine.hint_only && genuine.untold.is_none());
    let mut new = known.clone();
    new["newfield"] = "1".into();
    let told = heard(&new, &new);
    assert!(told.hint_only && told.report.is_none() && told.if_deposit.is_none(), "{told:?}");
    assert_eq!((told.attempt, told.untold), (Some(attempt(1)), Some(Untold::Unread)));
    assert_ne!(told.event_id, genuine.event_id, "the same notification may come again, and known");
    // Cut anew, the genuine one has a field that nobody knows. It does not come in its place, and comes once.
    let mut copy = known.clone();
    copy["enduserid"] = "p-".into();
    copy["hello"] = "".into();
    let mut other = known.clone();
    other["enduserid"] = "p-".into();
    other["hell"] = "o".into();
    let [copy, other] = [copy, other].map(|data| heard(&data, &known));
    assert_ne!(copy.event_id, genuine.event_id);
    assert_eq!((&copy.event_id, copy.untold), (&other.event_id, Some(Untold::Unread)));
}
