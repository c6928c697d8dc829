//! Adyen's side of the suite.

use crate::conformance::fixture::{Act, Call, Case, Fixture, News, Signed, common_answer};
use crate::stands::Stand;
use crate::stands::adyen::{
    API_KEY, AdyenDe, BALANCE_ACCOUNT, HMAC_KEY, MERCHANT_ACCOUNT, TRANSFERS_HMAC_KEY,
};
use crate::support::{
    attempt, brought, deposit, deposit_with, drive, eur, gbp, inquiry, now, payout, portable, psp,
    refund, response, to, token,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use psp_adapters::Psp;
use psp_contract::{
    HttpRequest, HttpResponse, InquiryBy, Instrument, NextAction, Operation, Outcome, Report,
    Status, Subject, Unknown,
};
use serde_json::{Value, json};

pub struct AdyenFixture {
    psp: Psp,
}

const ID: &str = "QFQTPCQ8HXSKGK82";
const FOREIGN_KEY: &str = "AA782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

impl AdyenFixture {
    pub fn new() -> Self {
        Self { psp: psp(AdyenDe.account("https://adyen.test")) }
    }

    fn amount(act: Act, case: Case) -> Value {
        let value = if case == Case::OtherAmount { 1051 } else { 1050 };
        let currency = if act == Act::PayoutToUkAccount { "GBP" } else { "EUR" };
        json!({"currency": currency, "value": value})
    }

    fn transfer(act: Act, case: Case) -> Option<Value> {
        let (status, reason) = match case {
            Case::Accepted => ("received", "pending"),
            Case::Pending if act.asks() => ("authorised", "approved"),
            Case::Succeeded | Case::OtherAmount if act.asks() => ("booked", "approved"),
            Case::OtherAmount => ("received", "pending"),
            Case::Failed => ("refused", "notEnoughBalance"),
            Case::CameBack => ("returned", "approved"),
            Case::Unlisted if act.asks() => ("dancing", "approved"),
            _ => return None,
        };
        Some(json!({"id": ID, "status": status, "reason": reason, "direction": "outgoing",
            "amount": Self::amount(act, case), "balanceAccount": {"id": BALANCE_ACCOUNT},
            "category": "bank", "reference": attempt(1).lower(), "type": "bankTransfer"}))
    }

    fn body(act: Act, case: Case) -> Option<Value> {
        let (ours, amount) = (attempt(1).lower(), Self::amount(act, case));
        let created = matches!(case, Case::Accepted | Case::OtherAmount);
        match act {
            Act::Deposit => created.then(|| {
                json!({"id": "PLE83C39B0A0DE0C1E", "url": "https://test.adyen.link/PLE83C39B0A0DE0C1E",
                    "status": "active", "reference": ours, "amount": amount,
                    "merchantAccount": MERCHANT_ACCOUNT, "expiresAt": "2026-11-28T09:16:22Z"})
            }),
            // The request is refused by what was brought, which is nothing about the payment.
            Act::DepositByToken | Act::Complete => {
                let result = match case {
                    Case::Accepted => "Received",
                    Case::Succeeded | Case::OtherAmount => "Authorised",
                    Case::Failed => "Refused",
                    Case::Unlisted => "PartiallyAuthorised",
                    _ => return None,
                };
                Some(json!({"pspReference": ID, "resultCode": result, "merchantReference": ours,
                    "refusalReasonCode": "2", "amount": amount,
                    "additionalData": {"cardSummary": "1111"}}))
            }
            Act::Return => created.then(|| {
                json!({"pspReference": ID, "paymentPspReference": ID, "status": "received",
                    "amount": amount, "reference": ours, "merchantAccount": MERCHANT_ACCOUNT})
            }),
            Act::AskPayoutByOurs if case == Case::NotFound => Some(json!({"data": []})),
            Act::AskPayoutByOurs => Some(json!({"data": [Self::transfer(act, case)?]})),
            _ => Self::transfer(act, case),
        }
    }
}

fn service_error(status: u16, code: &str) -> HttpResponse {
    let body = json!({"status": status, "errorCode": code, "message": "m", "errorType": "t"});
    response(status, body.to_string())
}

impl Fixture for AdyenFixture {
    fn psp(&self) -> &Psp {
        &self.psp
    }

    fn operation(&self, act: Act) -> Option<Operation> {
        let (money, ours) = (eur(1050), attempt(1));
        let ask = |by| inquiry(Subject::Payout, ours, money, by);
        Some(match act {
            Act::Deposit => deposit(ours, money),
            Act::DepositByToken => {
                let card = Instrument::CardToken("M5N7TQ4TG5PFWR50".to_owned());
                deposit_with(ours, money, Some(card))
            }
            Act::Complete => brought(ours, money, "X6XtfGC3!Y2pBmY3oS"),
            Act::PayoutByToken => payout(ours, money, token("M5N7TQ4TG5PFWR50")),
            Act::PayoutToIban => payout(ours, money, to(portable("iban").0)),
            Act::PayoutToUkAccount => payout(ours, gbp(1050), to(portable("uk_account").0)),
            Act::Return => refund(ours, money, ID),
            Act::AskPayout => ask(InquiryBy::PspReference(ID.to_owned())),
            Act::AskPayoutByOurs => ask(InquiryBy::OurReference),
            _ => return None,
        })
    }

    fn answer(&self, act: Act, case: Case, _: &str, request: &HttpRequest) -> Option<HttpResponse> {
        assert!(request.headers.contains(&("x-api-key", API_KEY.to_owned())));
        let fine = Self::body(act, Case::Accepted)?.to_string();
        if let Some(common) = common_answer(case, fine.as_bytes()) {
            return Some(common);
        }
        match case {
            Case::Refused | Case::Duplicate | Case::Unlisted if act == Act::Complete => {
                Self::body(act, case).map(|body| response(200, body.to_string()))
            }
            Case::Refused => Some(service_error(403, "901")),
            Case::Duplicate => Some(service_error(422, "704")),
            Case::Unlisted if !act.asks() && act != Act::DepositByToken => {
                Some(service_error(418, "999"))
            }
            Case::NotFound if act == Act::AskPayout => Some(service_error(404, "00_404")),
            _ => {
                let status = match act {
                    Act::Deposit | Act::Return => 201,
                    _ if act.asks() || matches!(act, Act::DepositByToken | Act::Complete) => 200,
                    _ => 202,
                };
                Self::body(act, case).map(|body| response(status, body.to_string()))
            }
        }
    }

    fn webhook(&self, news: News) -> Option<Call> {
        match news {
            News::DepositSucceeded => Some(authorisation(HMAC_KEY)),
            News::PayoutSucceeded => Some(transferred("booked", "approved")),
            News::PayoutFailed => Some(transferred("failed", "counterpartyAccountClosed")),
            News::DepositApproved | News::Payin => None,
        }
    }

    fn foreign_webhook(&self) -> Option<Call> {
        Some(authorisation(FOREIGN_KEY))
    }

    fn secrets(&self) -> &'static [&'static str] {
        &[API_KEY, HMAC_KEY, TRANSFERS_HMAC_KEY]
    }
}

fn mac(key: &str, text: &[u8]) -> String {
    let key = PKey::hmac(&hex::decode(key).unwrap()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    STANDARD.encode(signer.sign_oneshot_to_vec(text).unwrap())
}

fn authorisation(key: &str) -> Call {
    notification(key, "AUTHORISATION", ID)
}

fn notification(key: &str, kind: &str, named: &str) -> Call {
    item(key, (kind, true), named, &json!({}))
}

fn item(key: &str, (kind, success): (&str, bool), named: &str, besides: &Value) -> Call {
    let ours = attempt(1).lower();
    let signed = format!("{named}::{MERCHANT_ACCOUNT}:{ours}:1050:EUR:{kind}:{success}");
    let mut item = json!({"amount": {"currency": "EUR", "value": 1050}, "eventCode": kind,
        "eventDate": "2026-11-20T01:00:00+01:00", "merchantAccountCode": MERCHANT_ACCOUNT,
        "merchantReference": ours, "paymentMethod": "visa", "pspReference": named, "reason": "",
        "success": success.to_string(), "additionalData": {
            "hmacSignature": mac(key, signed.as_bytes()),
            "tokenization.storedPaymentMethodId": "M5N7TQ4TG5PFWR50"}});
    if let (Value::Object(data), Value::Object(more)) = (&mut item["additionalData"], besides) {
        data.extend(more.clone());
    }
    let body = json!({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]});
    let body = body.to_string().into_bytes();
    Call::post("/webhooks/adyen-de", &[], body, Signed::Fields)
}

fn transferred(status: &str, reason: &str) -> Call {
    told(&transfer_as(status, reason))
}

fn transfer_as(status: &str, reason: &str) -> Value {
    let mut data = AdyenFixture::transfer(Act::AskPayout, Case::Succeeded).unwrap();
    data["status"] = status.into();
    data["reason"] = reason.into();
    data["sequenceNumber"] = 3.into();
    data
}

fn told(data: &Value) -> Call {
    let body = json!({"data": data, "environment": "test",
        "timestamp": "2026-11-20T13:27:05+02:00", "type": "balancePlatform.transfer.updated"});
    let body = body.to_string().into_bytes();
    let signature = mac(TRANSFERS_HMAC_KEY, &body);
    Call::post("/webhooks/adyen-de", &[("hmacsignature", &signature)], body, Signed::Body)
}

/// A report's notification has a file's name where others have an id. Adyen sends what is refused again
/// before everything that waits behind it.
#[test]
fn a_report_is_heard_of_and_says_nothing_of_money() {
    let fixture = AdyenFixture::new();
    let hear = |kind: &str| {
        let call = notification(HMAC_KEY, kind, "settlement_detail_report_batch_1.csv");
        fixture.psp().adapter().verify_webhook(&call.raw(), &fixture.keys())
    };
    let events = hear("REPORT_AVAILABLE").unwrap().into_inner().events;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert!(event.report.is_none() && event.attempt.is_none(), "{event:?}");
    assert!(event.event_id.starts_with("settlement_detail_report_batch_1.csv:"), "{event:?}");
    assert!(hear("AUTHORISATION").is_err(), "money under no id of Adyen's");
}

/// What a standard webhook says of its deposit.
fn said(kind: &str, success: bool, besides: &Value) -> Option<Status> {
    let fixture = AdyenFixture::new();
    let call = item(HMAC_KEY, (kind, success), ID, besides);
    let heard = fixture.psp().adapter().verify_webhook(&call.raw(), &fixture.keys());
    let events = heard.unwrap().into_inner().events;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.attempt, Some(attempt(1)), "{kind}");
    event.report_for(Subject::Deposit).map(|report| report.status.clone())
}

/// What was authorised is captured by itself: who calls it off takes money away that was credited. A link
/// that nobody paid was never authorised.
#[test]
fn an_authorisation_that_is_called_off_is_money_taken_back() {
    let (money, nothing) = (eur(1050), json!({}));
    for kind in ["CANCELLATION", "TECHNICAL_CANCEL", "CANCEL_OR_REFUND", "EXPIRE", "CHARGEBACK"] {
        assert_eq!(said(kind, true, &nothing), Some(Status::Reversed { money }), "{kind}");
        assert_eq!(said(kind, false, &nothing), None, "{kind} that failed");
    }
    assert_eq!(said("OFFER_CLOSED", true, &nothing), Some(Status::Expired));
    // A dispute that was won has a word of its own, which no authorisation told late can be taken for.
    assert_eq!(said("CHARGEBACK_REVERSED", true, &nothing), Some(Status::Won { money }));
    assert_eq!(said("AUTHORISATION", true, &nothing), Some(Status::Succeeded { money }));
}

/// A link can be paid with another card; a stored card was asked for by its name.
#[test]
fn a_card_that_is_refused_on_a_link_does_not_end_it() {
    let on_link = json!({"paymentLinkId": "PLE83C39B0A0DE0C1E"});
    assert_eq!(said("AUTHORISATION", false, &on_link), Some(Status::Pending));
    let refused = said("AUTHORISATION", false, &json!({}));
    assert!(matches!(refused, Some(Status::Declined(_))), "{refused:?}");
    assert_eq!(said("AUTHORISATION", true, &on_link), Some(Status::Succeeded { money: eur(1050) }));
}

/// A transfer that was booked has left; whether it is back only a definite reason tells.
#[test]
fn a_booked_transfer_that_failed_is_back_only_where_its_reason_says_so() {
    let fixture = AdyenFixture::new();
    let operation = fixture.operation(Act::AskPayout).unwrap();
    for (reason, is_back) in [
        ("counterpartyAccountClosed", true),
        ("refusedByCounterpartyBank", true),
        ("counterpartyBankTimedOut", false),
        ("internalTimeout", false),
        ("unknown", false),
        ("somethingNew", false),
    ] {
        let mut data = transfer_as("failed", reason);
        data["events"] = json!([{"status": "received"}, {"status": "booked"}]);
        let asked = drive(fixture.psp().adapter(), &operation, now(), None, |_, _| {
            Ok(response(200, data.to_string()))
        });
        let back = Status::Returned { money: eur(1050) };
        let expected = match is_back {
            true => Outcome::Reported(Report::new(ID, back.clone())),
            false => Outcome::Unknown(Unknown::PspUndecided),
        };
        assert_eq!(asked.outcome, expected, "{reason}");
        let heard = fixture.psp().adapter().verify_webhook(&told(&data).raw(), &fixture.keys());
        let events = heard.unwrap().into_inner().events;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let said = event.report_for(Subject::Payout).map(|report| report.status.clone());
        assert_eq!((said == Some(back), event.hint_only), (is_back, !is_back), "{reason}");
    }
}

/// Where something is wanted of the payer the payment's id is told with what becomes of it.
#[test]
fn a_charge_that_wants_its_payer_needs_no_id_of_adyens() {
    let fixture = AdyenFixture::new();
    let operation = fixture.operation(Act::DepositByToken).unwrap();
    let outcome = |result: &str, method: &str| {
        let action = json!({"type": "redirect", "method": method, "url": "https://acs.test/x"});
        let body = json!({"resultCode": result, "action": action, "amount": {"currency": "EUR",
            "value": 1050}, "merchantReference": attempt(1).lower()});
        let answer = |_: &str, _: &HttpRequest| Ok(response(200, body.to_string()));
        drive(fixture.psp().adapter(), &operation, now(), None, answer).outcome
    };
    let Outcome::Reported(sent) = outcome("RedirectShopper", "GET") else { panic!("a page") };
    let page = matches!(
        sent.status,
        Status::Accepted { next_action: Some(NextAction::Redirect { .. }), .. }
    );
    assert!(page && sent.psp_reference.is_none(), "{sent:?}");
    for result in ["RedirectShopper", "IdentifyShopper", "ChallengeShopper"] {
        match outcome(result, "POST") {
            Outcome::Reported(Report { status: Status::Declined(why), psp_reference, .. }) => {
                assert_eq!((&*why.code, psp_reference), ("authentication_required", None));
            }
            other => panic!("{result}: {other:?}"),
        }
    }
    assert_eq!(outcome("Authorised", "GET"), Outcome::Unknown(Unknown::Unreadable));
}
